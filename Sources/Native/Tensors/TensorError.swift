internal import CTorch

/// What libtorch said when it refused.
public struct TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operator, such as `aten::matmul`.
  public var operation: String
  /// libtorch's own words, first line.
  public var message: String

  /// The operator and the reason.
  public var description: String { "\(operation): \(message)" }

  init(operation: String, message: String) {
    self.operation = operation
    self.message = message
  }

  /// Takes over an error string of the C side.
  init(operation: String, taking text: UnsafeMutablePointer<CChar>?) {
    let whole = text.map { String(cString: $0) } ?? "no reason given"
    ct_free_string(text)
    self.init(
      operation: operation,
      message: whole.split(separator: "\n").first.map(String.init) ?? whole)
  }
}
