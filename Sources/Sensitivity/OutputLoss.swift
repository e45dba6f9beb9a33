public import Models
public import Tensors
internal import Vocabulary

/// What a change of the output costs: the loss that everything here is measured in.
///
/// - Logits: `KL(reference ‖ changed)` of the softmax, in nats per token or per sample.
/// - Vectors: `½ ‖y − ŷ‖² / ‖y‖²`, which is `1 − cos` where the network normalises its output.
///
/// Both have the same shape near the reference, `½ Δyᵀ F Δy` with F the Fisher information (for vectors
/// that of a unit normal around `y / ‖y‖`), which is what ``FisherOutput`` estimates.
public struct OutputLoss: Sendable {
  /// What is asked about a changed output.
  public enum Question: Sendable, Codable {
    /// How far it is from the reference's.
    case distance
    /// Whether its most likely class or token is another one than the reference's: 0 or 1.
    ///
    /// The mean is at least what any accuracy can drop by, whatever the labels are, since an answer that
    /// does not change is as right as before.
    case changedAnswer
  }

  /// What the output means.
  public var head: OutputHead
  /// What is asked.
  public let question: Question

  /// The loss for a network whose output means `head`.
  public init(head: OutputHead) {
    self.head = head
    question = .distance
  }

  /// The answer to a question about a network whose output means `head`.
  ///
  /// - Throws: `UserError` when vectors are asked for answers, which they do not give.
  public init(head: OutputHead, asking question: Question) throws {
    guard question == .distance || head != .vector else {
      throw UserError(
        .usage, "the network's output is a vector, so it has no answers that change; bound its loss"
      )
    }
    self.head = head
    self.question = question
  }

  /// The unit of the loss.
  public var unit: String {
    if question == .changedAnswer { return "changed answers" }
    return switch head {
    case .tokens: "nats/token"
    case .classes: "nats/sample"
    case .vector: "normalised output error"
    }
  }

  /// The loss at every position, `[samples · positions]` in order; vectors have one position.
  ///
  /// - Throws: `UserError` when a loss is infinite or not a number.
  public func values(reference: Tensor, output: Tensor) throws -> [Double] {
    try recordingGradients(false) {
      guard question == .distance else { return try changes(reference, output) }
      guard head != .vector else { return try normalisedErrors(reference, output) }
      let p = try logProbabilities(reference)
      let q = try logProbabilities(output)
      let terms = try call("aten::exp", p) * (p - q)
      // Rounding can leave −1e-8 where the two agree; a divergence is never negative.
      return try finite(terms.sum([-1]).doubles()).map { max(0, $0) }
    }
  }

  /// The mean loss of every sample.
  public func perSample(reference: Tensor, output: Tensor) throws -> [Double] {
    let values = try values(reference: reference, output: output)
    let samples = output.shape[0]
    let positions = values.count / max(1, samples)
    return (0..<samples).map { k in
      values[k * positions..<(k + 1) * positions].reduce(0, +) / Double(max(1, positions))
    }
  }

  /// Log-probabilities of logits, `[rows, classes]`.
  public func logProbabilities(_ logits: Tensor) throws -> Tensor {
    try logits.reshaped([-1, logits.shape.last ?? 1]).logSoftmax(-1)
  }

  /// A random cotangent `s` of the output with `E[s sᵀ] = F`, of the output's shape.
  ///
  /// Logits: `softmax(z) − onehot(y)` with `y` drawn from the softmax, position by position, the gradient
  /// of the sampled label's negative log-likelihood. Vectors: a standard normal over `‖y‖`.
  /// - Parameters:
  ///   - output: The reference's output, first axis samples.
  ///   - firstSample: Index of its first sample in the run.
  ///   - draw: Which of several draws.
  ///   - seed: Decides the draws, whatever the batch.
  public func cotangent(of output: Tensor, firstSample: Int, draw: Int, seed: UInt64) throws
    -> Tensor
  {
    let samples = output.shape[0]
    let classes = output.shape.last ?? 1
    let rows =
      head == .vector ? output.count / max(1, samples) : output.count / max(1, classes * samples)
    var uniforms: [Double] = []
    for sample in 0..<samples {
      var generator = SplitMix64(
        seed: seed &+ UInt64(truncatingIfNeeded: draw), job: firstSample + sample)
      for _ in 0..<rows { uniforms.append(generator.uniform()) }
    }
    guard head != .vector else { return try normal(uniforms, like: output) }
    let logits = try output.reshaped([-1, classes])
    // Blocks of rows, since several tables over a large vocabulary would be held at once.
    let block = max(1, 4_000_000 / classes)
    let result = Tensor.zeros([uniforms.count, classes])
    for start in stride(from: 0, to: uniforms.count, by: block) {
      let end = min(uniforms.count, start + block)
      let part = try sampledGradient(logits.sliced(0, start, end), Array(uniforms[start..<end]))
      _ = try call("aten::copy_", result.sliced(0, start, end), part)
    }
    return try result.reshaped(output.shape)
  }

  /// `softmax(z) − onehot(y)`, each row's `y` drawn by one uniform number.
  private func sampledGradient(_ logits: Tensor, _ uniforms: [Double]) throws -> Tensor {
    let classes = logits.shape[1]
    let p = try logits.softmax(-1)
    let cumulative = try call("aten::cumsum", [.tensor(p), .int(-1)])
    let u = try Tensor(uniforms, shape: [uniforms.count, 1]).converted(to: .float32)
    let total = try cumulative.sliced(1, classes - 1, classes)
    let label = try call(
      "aten::clamp",
      [
        .tensor(call("aten::searchsorted.Tensor", cumulative.contiguous(), u * total)), .int(0),
        .int(classes - 1),
      ])
    let minusOne = try call("aten::full_like", [.tensor(u), .int(-1)])
    return try call(
      "aten::scatter_add", [.tensor(p), .int(1), .tensor(label), .tensor(minusOne)])
  }

  private func normal(_ uniforms: [Double], like output: Tensor) throws -> Tensor {
    // The inverse of the normal distribution function: one uniform, one normal.
    let u = Tensor(uniforms.map { min(max($0, 1e-12), 1 - 1e-12) }, shape: output.shape)
    let z = try call("aten::erfinv", u * 2 + -1) * 2.0.squareRoot()
    return try z.converted(to: .float32) / norms(output)
  }

  private func normalisedErrors(_ reference: Tensor, _ output: Tensor) throws -> [Double] {
    let axes = Array(1..<reference.rank)
    let difference = try reference - output
    let squared = try (difference * difference).sum(axes).doubles()
    let scale = try (reference * reference).sum(axes).doubles()
    return try finite(zip(squared, scale).map { 0.5 * $0 / max($1, 1e-30) })
  }

  private func changes(_ reference: Tensor, _ output: Tensor) throws -> [Double] {
    func answers(_ logits: Tensor) throws -> Tensor {
      try call("aten::argmax", [.tensor(logits.reshaped([-1, logits.shape.last ?? 1])), .int(1)])
    }
    _ = try finite([output.sum().item()])
    let isOther = try call("aten::ne.Tensor", answers(reference), answers(output))
    return try isOther.converted(to: .float32).doubles()
  }

  /// Refuses losses that are none: a broken output must not pass for a harmless one.
  private func finite(_ losses: [Double]) throws -> [Double] {
    guard losses.allSatisfy(\.isFinite) else {
      throw UserError(.failed, "the network's output becomes infinite or not a number")
    }
    return losses
  }

  /// `‖y‖` of each sample, shaped to broadcast over the output.
  private func norms(_ output: Tensor) throws -> Tensor {
    try call("aten::sqrt", (output * output).sum(Array(1..<output.rank), keep: true))
  }
}
