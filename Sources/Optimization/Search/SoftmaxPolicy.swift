import Foundation
import Vocabulary

/// Independent softmax distributions, one per knob, with the gradients that REINFORCE needs.
package struct SoftmaxPolicy {
  /// `[knob][choice]`.
  private var logits: [[Double]]

  /// Uniform distributions over so many choices per knob.
  package init(choices: [Int]) { logits = choices.map { Array(repeating: 0.5, count: $0) } }

  /// `[knob][choice]`, each row adding up to one.
  package var probabilities: [[Double]] {
    logits.map { row in
      let top = row.max() ?? 0
      let raised = row.map { exp($0 - top) }
      let sum = raised.reduce(0, +)
      return raised.map { $0 / sum }
    }
  }

  /// The most likely choice per knob, the first of equals.
  package var mode: [Int] {
    logits.map { row in row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 } }
  }

  /// Entropy in nats of one distribution.
  package static func entropy(_ probabilities: [Double]) -> Double {
    probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
  }

  /// One point, each knob drawn from `probabilities`.
  static func draw(_ probabilities: [[Double]], using random: inout SplitMix64) -> [Int] {
    probabilities.map { row in
      var rest = random.uniform()
      for (choice, probability) in row.enumerated() {
        rest -= probability
        if rest < 0 { return choice }
      }
      return row.count - 1
    }
  }

  /// One step up the gradient of mean over actions of advantage · log p(action), minus
  /// `entropyWeight` · entropy, knob by knob.
  mutating func step(
    _ actions: [(choices: [Int], advantage: Double)], entropyWeight: Double, rate: Double
  ) {
    let probabilities = probabilities
    for k in logits.indices {
      let row = probabilities[k]
      let entropy = Self.entropy(row)
      for c in row.indices {
        var gradient = 0.0
        for action in actions {
          gradient += action.advantage * ((action.choices[k] == c ? 1 : 0) - row[c])
        }
        gradient /= Double(max(1, actions.count))
        if row[c] > 0 {
          gradient += entropyWeight * row[c] * (log(row[c]) + entropy)
        }
        logits[k][c] += rate * gradient
      }
    }
  }
}
