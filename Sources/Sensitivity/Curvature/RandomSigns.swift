internal import Tensors
internal import Vocabulary

/// Rademacher vectors: every entry +1 or −1, by a fair coin.
///
/// Of all probes with `E[z zᵀ] = I` these give trace estimates the least variance.
struct RandomSigns {
  private var generator: SplitMix64

  /// The stream of one probe of one sample.
  init(seed: UInt64, sample: Int, probe: Int) {
    generator = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: probe), job: sample)
  }

  /// The next entries, as a tensor.
  mutating func next(_ shape: [Int]) -> Tensor {
    Tensor.filled(shape: shape) { values in
      var start = 0
      while start < values.count {
        let bits = generator.next()
        for k in 0..<min(64, values.count - start) {
          values[start + k] = bits >> UInt64(k) & 1 == 0 ? 1 : -1
        }
        start += 64
      }
    }
  }
}

/// Estimates of several layers' traces, probe after probe, until they are good enough.
///
/// A rule on the standard error, with a least number of probes: the usual rule on the change of the
/// running mean stops by luck.
struct ProbeMeans {
  private var sums: [Double]
  private var squares = 0.0
  private var total = 0.0
  private(set) var probes = 0

  init(layers: Int) { sums = [Double](repeating: 0, count: layers) }

  /// Takes one probe's estimates.
  mutating func add(_ estimates: [Double]) {
    for (k, estimate) in estimates.enumerated() { sums[k] += estimate }
    let sum = estimates.reduce(0, +)
    total += sum
    squares += sum * sum
    probes += 1
  }

  /// The mean of each layer.
  var means: [Double] { sums.map { $0 / Double(max(1, probes)) } }

  /// The standard error of the whole network's trace, relative to it.
  var relativeError: Double {
    guard probes > 1, total != 0 else { return total == 0 && probes > 1 ? 0 : .infinity }
    let n = Double(probes)
    let variance = max(0, squares - total * total / n) / (n - 1)
    return (variance / n).squareRoot() / abs(total / n)
  }
}

/// How many probes a sample gets.
struct ProbeRule: Sendable {
  /// Never fewer.
  var least: Int
  /// Never more.
  var most: Int
  /// Enough when the standard error of the whole trace is this part of it.
  var tolerance: Double

  /// Means over as many probes as needed.
  ///
  /// - Parameter probe: One probe's estimates; told its number.
  func run(layers: Int, _ probe: (Int) throws -> [Double]) rethrows -> [Double] {
    var means = ProbeMeans(layers: layers)
    while means.probes < least || (means.probes < most && means.relativeError > tolerance) {
      means.add(try probe(means.probes))
    }
    return means.means
  }
}
