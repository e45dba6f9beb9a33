internal import Models
internal import Tensors
internal import Vocabulary

/// What the network is for: the negative log-likelihood of the data's own answers.
///
///     tokens:  mean over positions of −ln p(next token)
///     classes: −ln p(label), labels from the data's `labels`
///
/// Data without answers (classes without labels, sequences without token ids) is judged by the answers of
/// the stored network, and vectors, which answer nothing, by ``OutputLoss``.
struct TaskLoss: Sendable {
  /// What the output means.
  var head: OutputHead

  /// The name of the array that holds labels.
  static let labels = "labels"

  /// The loss of each sample of a batch.
  ///
  /// - Throws: `UserError` when a loss is infinite or not a number, or a label is no class.
  func perSample(of output: Tensor, _ batch: SweptOutput) throws -> [Double] {
    guard head != .vector else {
      return try OutputLoss(head: head).perSample(reference: batch.reference, output: output)
    }
    let samples = output.shape[0]
    let (logits, answers) = try answered(output, batch)
    let logP = try OutputLoss(head: head).logProbabilities(logits)
    let chosen = try call(
      "aten::gather", [.tensor(logP), .int(1), .tensor(answers.reshaped([-1, 1]))]
    ).doubles()
    guard chosen.allSatisfy(\.isFinite) else {
      throw UserError(.failed, "the network's output becomes infinite or not a number")
    }
    let positions = chosen.count / max(1, samples)
    return (0..<samples).map { k in
      -chosen[k * positions..<(k + 1) * positions].reduce(0, +) / Double(max(1, positions))
    }
  }

  /// Logits that have an answer, with it.
  private func answered(_ output: Tensor, _ batch: SweptOutput) throws -> (Tensor, Tensor) {
    if head == .tokens, let ids = batch.inputs["input_ids"], ids.rank == 2, ids.shape[1] > 1 {
      let length = ids.shape[1]
      return (try output.sliced(1, 0, length - 1), try ids.sliced(1, 1, length))
    }
    if head == .classes, let labels = batch.inputs[Self.labels] {
      let classes = output.shape.last ?? 1
      let values = try labels.integers()
      guard values.count == output.shape[0],
        values.allSatisfy({ (0..<classes).contains($0) })
      else {
        throw UserError(
          .failed,
          "the data's labels are not one of \(classes) classes for each sample")
      }
      return (output, labels)
    }
    let reference = batch.reference
    return (output, try reference.reshaped([-1, reference.shape.last ?? 1]).argmax(1))
  }
}
