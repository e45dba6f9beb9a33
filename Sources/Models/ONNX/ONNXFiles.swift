internal import Archives
internal import Vocabulary

/// The files beside the model that hold its large tensors.
struct ONNXFiles {
  /// Ends with a slash, or is empty.
  private let folder: String
  private var opened: [String: MappedFile] = [:]

  /// The files of a model at `path`.
  init(besides path: String) {
    folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  /// Paths of the files that were used, sorted.
  var paths: [String] { opened.values.map(\.path).sorted() }

  /// The bytes that an entry of the file points to.
  ///
  /// - Throws: `UserError` when it points out of the model's folder or to another number of bytes;
  ///   `FileError` when the file cannot be read or ends before.
  mutating func source(
    _ entries: [Bitbudget_Onnx_StringStringEntryProto], bytes: Int, _ label: String
  ) throws -> ONNXSource {
    let values = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    let location = values["location"] ?? ""
    let steps = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.contains("\0"),
      steps.allSatisfy({ !$0.isEmpty && $0 != ".." })
    else {
      throw UserError(.failed, "\(label) is in the file '\(location)', outside the model's folder")
    }
    guard let offset = Int(values["offset"] ?? "0"), offset >= 0,
      let length = Int(values["length"] ?? "\(bytes)"), length == bytes
    else {
      throw UserError(
        .failed,
        "\(label) needs \(bytes) bytes, and its place in '\(location)' does not say so")
    }
    let file = try opened[location] ?? MappedFile(folder + location)
    opened[location] = file
    _ = try file.slice(offset, length)
    return .external(file, offset: offset, length: length)
  }
}
