public import Tensors
internal import Vocabulary

/// The first rows of a table, as many as there are positions; ids `[n, t]`, table
/// `[positions, width]` to `[t, width]`.
public struct PositionRows: Operation {
  /// Learned positions.
  public init() {}
  /// ids, table to the rows of positions `0 ..< t`.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let positions = try inputs.required(0).shape[1]
    let table = try inputs.required(1)
    guard positions <= table.shape[0] else {
      throw UserError(
        .failed,
        "the data has sequences of \(positions) tokens, but the model takes at most "
          + "\(table.shape[0])"
      )
    }
    return [try table.sliced(0, 0, positions)]
  }
}

/// One row of a table; table `[entries, width]` to `[width]`.
public struct TableRow: Operation {
  /// The row's index.
  public var row: Int
  /// Always the row `row`.
  public init(_ row: Int) { self.row = row }
  /// table to its row.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try call("aten::select.int", [.tensor(inputs.required(0)), .int(0), .int(row)])]
  }
}

/// The vector at the first position; x `[n, t, width]` to `[n, width]`.
public struct FirstPosition: Operation {
  /// What BERT calls the CLS token.
  public init() {}
  /// x to its first position.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try call("aten::select.int", [.tensor(inputs.required(0)), .int(1), .int(0)])]
  }
}

/// The mean over the positions of real tokens; x `[n, t, width]`, mask `[n, t]` of ones and zeros
/// to `[n, width]`.
public struct MeanPooling: Operation {
  /// A mean that padding does not enter.
  public init() {}
  /// x, mask to the mean; zero for a sample without any token.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let weights = try inputs.required(1).converted(to: .float32).unsqueezed(2)
    let sum = try (inputs.required(0) * weights).sum([1])
    let count = try call("aten::clamp", [.tensor(weights.sum([1])), .double(1e-9)])
    return [try sum / count]
  }
}
