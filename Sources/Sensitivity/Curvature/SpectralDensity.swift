public import Models
internal import Tensors
internal import Vocabulary

/// How a Hessian's eigenvalues are distributed: for looking at, not for planning from.
///
/// Stochastic Lanczos quadrature: a few directions of random signs, a few dozen products each. Nodes
/// estimate eigenvalues, weights the share of all eigenvalues near them; a long tail to the right says
/// that few directions carry the loss, so that traces (which take all as alike) misjudge errors.
/// Cost: a forward and a recorded backward pass, then `probes · steps` times about two backward passes.
///
/// Source: Ghorbani, Krishnan and Xiao, "An investigation into neural net optimization via Hessian
/// eigenvalue density", ICML 2019.
public struct SpectralDensity: Sendable {
  /// Eigenvalues of the probes' tridiagonal matrices, rising.
  public let nodes: [Double]
  /// The share of each; they add up to one.
  public let weights: [Double]

  /// Of the Hessian of the loss to the reference (``OutputLoss``) at one sample.
  ///
  /// - Parameters:
  ///   - inputs: The sample.
  ///   - executor: The network.
  ///   - layers: Indices of the graph's layers whose weights are taken together.
  ///   - steps: Products per probe.
  ///   - probes: Random directions.
  ///   - seed: Decides them.
  /// - Throws: `UserError` when a layer does not reach the output.
  public init(
    at sample: SampleChunk, of executor: Executor, layers: [Int], steps: Int = 30, probes: Int = 2,
    seed: UInt64
  ) throws {
    guard steps > 0, probes > 0, let inputs = sample.samples.first, !layers.isEmpty else {
      fatalError("a sample, layers, steps and probes expected, got \(steps) and \(probes)")
    }
    let network = try RecordedNetwork(executor, inputs: inputs, layers: layers.sorted())
    let first = try network.recordedGradient()
    let shapes = network.weights.map(\.shape)
    let counts = shapes.map { $0.reduce(1, *) }
    var pairs: [(node: Double, weight: Double)] = []
    for probe in 0..<probes {
      var signs = RandomSigns(seed: seed, sample: sample.first, probe: probe)
      let found = try recordingGradients(false) {
        try Lanczos.quadrature(from: signs.next([counts.reduce(0, +)]), steps: steps) { vector in
          var start = 0
          let parts = try zip(shapes, counts).map { shape, count in
            defer { start += count }
            return try vector.sliced(0, start, start + count).reshaped(shape)
          }
          let products = try differentiatingTwice {
            try gradients(of: first, with: network.weights, seeds: parts, keepGraph: true)
          }
          return try .concatenated(
            zip(products, counts).map { product, count in
              try product?.reshaped([count]) ?? .zeros([count])
            }, axis: 0)
        }
      }
      pairs += zip(found.nodes, found.weights).map { ($0, $1 / Double(probes)) }
    }
    pairs.sort { ($0.node, $0.weight) < ($1.node, $1.weight) }
    nodes = pairs.map(\.node)
    weights = pairs.map(\.weight)
  }

  /// The mean eigenvalue: the trace over the number of weights.
  public var mean: Double { zip(nodes, weights).reduce(0) { $0 + $1.0 * $1.1 } }

  /// The estimate of the largest eigenvalue.
  public var largest: Double { nodes.last ?? 0 }
}
