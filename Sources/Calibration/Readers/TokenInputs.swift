import Tensors
import Vocabulary

/// How token ids are spread over the inputs of a model for text.
struct TokenInputs: Sendable {
  /// What an input is for.
  private enum Role { case ids, mask, segments, positions }

  /// Names in use, by role.
  private static let names: [String: Role] = [
    "input_ids": .ids, "ids": .ids, "tokens": .ids, "attention_mask": .mask, "input_mask": .mask,
    "token_type_ids": .segments, "segment_ids": .segments, "position_ids": .positions,
  ]

  private let inputs: [(input: InputSpecification.Input, role: Role)]
  /// The sequence length, where the model fixes it.
  let fixedLength: Int?

  init(_ specification: InputSpecification) throws {
    var inputs: [(input: InputSpecification.Input, role: Role)] = []
    let isOnly = specification.inputs.count == 1
    for input in specification.inputs {
      guard let role = TokenInputs.names[input.name] ?? (isOnly ? .ids : nil) else {
        throw UserError(
          .failed,
          "text cannot fill the model's input '\(input.name)'; give its inputs as .npz or .safetensors"
        )
      }
      guard !input.dtype.isFloatingPoint || role == .mask, [0, 2].contains(input.shape.count) else {
        throw UserError(
          .failed, "the model's input '\(input.name)' does not take token ids, so text is of no use"
        )
      }
      inputs.append((input, role))
    }
    guard let ids = inputs.first(where: { $0.role == .ids }) else {
      throw UserError(.failed, "the model has no input for token ids, so text is of no use")
    }
    self.inputs = inputs
    fixedLength = ids.input.shape.count == 2 ? ids.input.shape[1] : nil
  }

  /// A sample of one sequence; a shorter one than the model's fixed length is filled up with `padding`.
  func sample(_ ids: [Int], padding: Int?) throws -> CalibrationSample {
    let length = fixedLength ?? ids.count
    let missing = length - ids.count
    guard missing == 0 || (missing > 0 && padding != nil && inputs.contains { $0.role == .mask })
    else {
      throw UserError(
        .failed, "the model takes exactly \(length) tokens at a time and a sample has \(ids.count)")
    }
    var values: [String: Tensor] = [:]
    for (input, role) in inputs {
      let row: [Int64] =
        switch role {
        case .ids: ids.map(Int64.init) + Array(repeating: Int64(padding ?? 0), count: missing)
        case .mask: Array(repeating: 1, count: ids.count) + Array(repeating: 0, count: missing)
        case .segments: Array(repeating: 0, count: length)
        case .positions: (0..<length).map(Int64.init)
        }
      values[input.name] = try Tensor(row, shape: [1, length]).converted(to: input.dtype)
    }
    return CalibrationSample(inputs: values)
  }
}
