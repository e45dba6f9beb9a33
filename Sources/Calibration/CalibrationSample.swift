import Archives
public import Tensors

/// What a model is fed with once: one text, one picture, one row of every array.
public struct CalibrationSample: Sendable {
  /// Values by the model's input names; the first axis of each has size 1.
  public var inputs: [String: Tensor]

  /// A sample of the given inputs.
  public init(inputs: [String: Tensor]) { self.inputs = inputs }

  /// `sha256:` and the digest of names, types, shapes and elements.
  ///
  /// - Throws: `TensorError` when an element type cannot be brought to memory.
  public func digest() throws -> String {
    let sum = SHA256()
    for (name, tensor) in inputs.sorted(by: { $0.key < $1.key }) {
      sum.update(name)
      sum.update("\(tensor.dtype.map { "\($0)" } ?? "?") \(tensor.shape)")
      try tensor.withBytes { sum.update($0) }
    }
    return sum.finished()
  }

  /// Whether samples have equal inputs, shapes and element types, so that they make one batch.
  public static func canStack(_ samples: [CalibrationSample]) -> Bool {
    guard let first = samples.first else { return false }
    return samples.allSatisfy { $0.layout == first.layout }
  }

  /// The samples as one batch: every input joined along its first axis.
  ///
  /// - Throws: `TensorError` when the samples do not fit, see ``canStack(_:)``.
  public static func stack(_ samples: [CalibrationSample]) throws -> [String: Tensor] {
    guard let first = samples.first else { return [:] }
    if samples.count == 1 { return first.inputs }
    var batch: [String: Tensor] = [:]
    for name in first.inputs.keys {
      let rows = samples.map { $0.inputs[name] }
      batch[name] = try call("aten::cat", [.tensors(rows), .int(0)])
    }
    return batch
  }

  /// Indices of samples that can be stacked, at most `size` together, in order of first appearance.
  public static func batches(of samples: [CalibrationSample], size: Int) -> [[Int]] {
    var batches: [[Int]] = []
    var open: [[String]: Int] = [:]
    for (index, sample) in samples.enumerated() {
      let layout = sample.layout
      if let batch = open[layout], batches[batch].count < size {
        batches[batch].append(index)
      } else {
        open[layout] = batches.count
        batches.append([index])
      }
    }
    return batches
  }

  /// Names, types and shapes, in the order of the names.
  private var layout: [String] {
    inputs.sorted { $0.key < $1.key }.map { name, tensor in
      "\(name) \(tensor.dtype.map { "\($0.rawValue)" } ?? "?") \(tensor.shape)"
    }
  }
}
