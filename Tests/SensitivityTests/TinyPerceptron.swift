import Foundation
import Models
import Tensors

/// A network of 50 weights, once as a graph and once in plain arithmetic in doubles: small enough that
/// its whole Hessian can be written down.
struct TinyPerceptron {
  static let inputs = 6
  static let hidden = 5
  static let outputs = 4

  let first = ToyNetworks.random([hidden, inputs], seed: 51, scale: 0.6)
  let second = ToyNetworks.random([outputs, hidden], seed: 52, scale: 0.8)

  /// `x` to class logits, with a hyperbolic tangent between.
  func graph() -> Graph {
    var b = GraphBuilder(name: "tiny perceptron (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, Self.inputs], dtype: .float32)
    let (first, second) = (first, second)
    let w1 = b.parameter("first.weight", shape: first.shape, storedBytes: 120) { first }
    let w2 = b.parameter("second.weight", shape: second.shape, storedBytes: 80) { second }
    let h = b.node("tanh", Unary.tanh, b.node("first", Linear(), x, w1, nil))
    let y = b.node("second", Linear(), h, w2, nil)
    return b.finished(output: y, head: .classes, files: [])
  }

  /// All weights, the first layer's in front.
  func weights() throws -> [Double] { try first.doubles() + second.doubles() }

  /// `KL(reference ‖ changed)` at a sample.
  func divergence(_ changed: [Double], from reference: [Double], at x: [Double]) -> Double {
    let p = logProbabilities(reference, x)
    let q = logProbabilities(changed, x)
    return zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
  }

  private func logProbabilities(_ w: [Double], _ x: [Double]) -> [Double] {
    let h = (0..<Self.hidden).map { j in
      tanh((0..<Self.inputs).reduce(0) { $0 + w[j * Self.inputs + $1] * x[$1] })
    }
    let start = Self.hidden * Self.inputs
    let z = (0..<Self.outputs).map { o in
      (0..<Self.hidden).reduce(0) { $0 + w[start + o * Self.hidden + $1] * h[$1] }
    }
    let sum = log(z.reduce(0) { $0 + exp($1) })
    return z.map { $0 - sum }
  }

  /// The Hessian of the divergence at the reference, by second differences of its values.
  func hessian(at x: [Double]) throws -> [[Double]] {
    let w = try weights()
    let step = 1e-3
    func value(_ i: Int, _ a: Double, _ j: Int, _ b: Double) -> Double {
      var changed = w
      changed[i] += a * step
      changed[j] += b * step
      return divergence(changed, from: w, at: x)
    }
    return w.indices.map { i in
      w.indices.map { j in
        (value(i, 1, j, 1) - value(i, 1, j, -1) - value(i, -1, j, 1) + value(i, -1, j, -1))
          / (4 * step * step)
      }
    }
  }
}
