internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// The whole second-order term: `½ ΔWᵢᵀ Hᵢᵢ ΔWᵢ` alone and `ΔWᵢᵀ Hᵢⱼ ΔWⱼ` between groups.
///
/// One product for each candidate, none for pairs. At the reference `H = Jᵀ F J` with `F = AᵀA`
/// (``Quadratic``), which gives two ways to the same numbers:
/// - outputs that are small enough to be kept: `vᵢ = A J ΔWᵢ` for each candidate, and the terms are
///   `⟨vᵢ, vⱼ⟩`;
/// - others: `H ΔWᵢ` for each candidate, one Hessian-vector product whose slice for layer `j` is
///   multiplied with `ΔWⱼ`.
///
/// It is what `output-delta` becomes for small changes; that one sees how the output really
/// changes, this one has no sketches. The matrix is a reconstruction of what
/// the paper calls inter-layer dependencies: it has no public code.
/// Cost: a forward and a recorded backward pass, then for each candidate about a forward pass with
/// small outputs and four with large ones. Memory: the weight changes of all candidates, when they
/// are below 3 GB or the outputs large.
///
/// Reference: Schaefer et al., "Augmenting Hessians with inter-layer dependencies for
/// mixed-precision post-training quantization", arXiv 2306.04879.
public struct Interlayer: InteractionEstimator {
  /// `interlayer`.
  public static let id = "interlayer"
  /// One clause.
  public static let summary =
    "second-order term of every candidate and between all of them: cross terms; slow"
  /// Data decides.
  public static let needsData = true

  /// Bytes that the changed outputs of one sample may take; Hessian-vector products beyond.
  public var outputBytes: Int

  /// 256 MB.
  public init() { outputBytes = 1 << 28 }

  /// Outputs are kept up to `outputBytes` for each sample.
  public init(outputBytes: Int) { self.outputBytes = outputBytes }

  /// Terms of every candidate and every pair.
  ///
  /// - Throws: `UserError` when a layer does not reach the output, the network has no second
  ///   derivatives, or the changes of all weights do not fit.
  public func interactions(of chunk: SampleChunk, in task: MeasurementTask) throws
    -> InteractionTerms
  {
    try task.checkThatAllRan()
    let counts = task.groups.map(\.formats.count)
    let pairs = InteractionTerms.allPairs(counts)
    let candidates = try CandidateChanges(task)
    let layers = task.measuredLayers
    let perSample = try task.perSample(chunk, weightCopies: 3) { _, inputs in
      let network = try RecordedNetwork(task.executor, inputs: inputs, layers: layers)
      let (bytes, isTooLarge) = (4 * network.output.count)
        .multipliedReportingOverflow(by: candidates.count)
      let gram =
        isTooLarge || bytes > outputBytes
        ? try hessianProducts(network, candidates) : try outputProducts(network, candidates)
      let rows = candidates.count
      let sample = (
        // Float noise of a form that is never negative.
        singles: (0..<rows).map { max(0, 0.5 * Double(gram[$0 * rows + $0])) },
        crosses: pairs.map { gram[$0.first * rows + $0.second] }
      )
      guard sample.singles.allSatisfy(\.isFinite), sample.crosses.allSatisfy(\.isFinite) else {
        throw UserError(.failed, "a second derivative is infinite or not a number")
      }
      return sample
    }
    return InteractionTerms(
      candidateCounts: counts, samples: chunk.samples.count, pairs: pairs,
      singles: (0..<candidates.count).flatMap { row in perSample.map { $0.singles[row] } },
      crosses: pairs.indices.flatMap { pair in perSample.map { $0.crosses[pair] } })
  }

  /// `⟨A J Δᵢ, A J Δⱼ⟩`, `[row · rows + row]`.
  private func outputProducts(_ network: RecordedNetwork, _ candidates: CandidateChanges) throws
    -> [Float]
  {
    let product = try recordingGradients(true) { try JacobianProducts(network) }
    return try recordingGradients(false) {
      let factor = try FisherFactor(at: network.output.detached(), head: network.head)
      let rows = try (0..<candidates.count).map {
        try factor.weighted(product(candidates[$0]))
      }
      guard !rows.isEmpty else { return [] }
      let changes = try Tensor.concatenated(rows, axis: 0)
      return try changes.matmul(changes.transposed(0, 1)).contiguous().floats()
    }
  }

  /// `Δⱼ · (H Δᵢ)ⱼ` for `j ≥ i`, `[row · rows + row]`.
  private func hessianProducts(_ network: RecordedNetwork, _ candidates: CandidateChanges) throws
    -> [Float]
  {
    let first = try network.recordedGradient()
    return try recordingGradients(false) {
      guard candidates.areKept else {
        throw UserError(
          .failed,
          "\(Self.id) would keep \(ByteCount(candidates.bytes)) of weight changes for a network "
            + "with outputs this large; name fewer formats, or use \(OutputDelta.id)")
      }
      let rows = candidates.count
      var gram = [Float](repeating: 0, count: rows * rows)
      for i in 0..<rows {
        let change = try candidates[i]
        let positions = change.keys.sorted()
        let products = try differentiatingTwice {
          try gradients(
            of: positions.map { first[$0] }, with: network.weights,
            seeds: positions.compactMap { change[$0] }, keepGraph: true)
        }
        for j in i..<rows where i == j || candidates.group[j] != candidates.group[i] {
          var sum = 0.0
          for (position, other) in try candidates[j].sorted(by: { $0.key < $1.key }) {
            guard let product = products[position] else { continue }
            sum += try call("aten::dot", product.reshaped([-1]), other.reshaped([-1])).item()
          }
          gram[i * rows + j] = Float(sum)
        }
      }
      return gram
    }
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    2 * task.workers
  }

  /// One pass for each candidate, four where outputs are large.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    let candidates = Double(task.groups.reduce(0) { $0 + $1.formats.count })
    return 4 + candidates * (task.graph.head == .tokens ? 4 : 1)
  }
}

/// `Q(W) − W` of every candidate, by position in the task's measured layers.
private struct CandidateChanges: Sendable {
  /// The group of every row.
  let group: [Int]
  /// What keeping all of them takes.
  let bytes: Int
  private let task: MeasurementTask
  private let candidate: [Int]
  private let positions: [Int: Int]
  private let kept: [[Int: Tensor]]

  init(_ task: MeasurementTask) throws {
    self.task = task
    group = task.groups.enumerated().flatMap { [Int](repeating: $0, count: $1.formats.count) }
    candidate = task.groups.flatMap { Array($0.formats.indices) }
    let layers = task.measuredLayers
    positions = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
    bytes = task.groups.reduce(0) { sum, group in
      sum
        + group.layers.reduce(0) { $0 + 4 * task.graph.layers[$1].layer.shape.count }
        * group.formats.count
    }
    guard bytes <= task.memory else {
      kept = []
      return
    }
    let made = Collected<[Int: Tensor]>(count: group.count)
    let (group, candidate, positions) = (group, candidate, positions)
    try Engine.parallel(group.count, workers: task.workers) { row in
      made[row] = try Self.change(task, group[row], candidate[row], positions)
    }
    kept = made.values
  }

  var count: Int { group.count }
  var areKept: Bool { kept.count == group.count }

  subscript(row: Int) -> [Int: Tensor] {
    get throws {
      try areKept ? kept[row] : Self.change(task, group[row], candidate[row], positions)
    }
  }

  private static func change(
    _ task: MeasurementTask, _ group: Int, _ candidate: Int, _ positions: [Int: Int]
  ) throws -> [Int: Tensor] {
    let format = task.groups[group].formats[candidate]
    var changes: [Int: Tensor] = [:]
    for layer in task.groups[group].layers {
      guard let position = positions[layer] else { continue }
      changes[position] = try recordingGradients(false) { try task.weightChange(layer, format) }
    }
    return changes
  }
}
