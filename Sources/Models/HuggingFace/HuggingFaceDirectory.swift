import Archives
import Foundation
import Tensors
import Vocabulary

/// A model's directory and the files that may be in it.
struct HuggingFaceDirectory: Sendable {
  /// Where it is, as it was given.
  let path: String

  init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// The directory's own name, which is what the model is called.
  var name: String { URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent }

  /// Whether the directory has a file (or directory) of that name.
  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  /// The path of a file in the directory.
  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// A decoded JSON file.
  ///
  /// - Throws: `FileError` that names the missing or malformed setting.
  func json<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let file = try MappedFile(file(name))
    do {
      return try JSONDecoder().decode(type, from: Data(file.bytes))
    } catch let error as DecodingError {
      throw FileError(path: file.path, reason: clause(for: error))
    } catch {
      throw FileError(path: file.path, reason: "it is not JSON")
    }
  }

  /// The model's tensors with the files that hold them: `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` lists.
  func tensors() throws -> (files: [String], tensors: [StoredTensor]) {
    let index = "model.safetensors.index.json"
    guard !has("model.safetensors"), has(index) else {
      guard has("model.safetensors") else {
        throw UserError(
          .failed, "'\(path)' has no model.safetensors (other kinds of weight files are not read)")
      }
      let shard = try SafetensorsFile(file("model.safetensors"))
      return ([shard.file.path], shard.entries.map { stored($0, in: shard.file) })
    }
    struct Index: Decodable { var weight_map: [String: String] }
    let places = try json(index, as: Index.self).weight_map
    var files: [String] = []
    var tensors: [StoredTensor] = []
    for name in Set(places.values).sorted() {
      guard !name.contains("/") else {
        throw FileError(
          path: file(index), reason: "it lists '\(name.onOneLine)', which is not a file's name")
      }
      let shard = try SafetensorsFile(file(name))
      let listed = shard.entries.filter { places[$0.name] == name }
      files.append(shard.file.path)
      tensors += listed.map { stored($0, in: shard.file) }
    }
    guard tensors.count == places.count else {
      let found = Set(tensors.map(\.name))
      let missing = places.keys.sorted().first { !found.contains($0) } ?? ""
      throw FileError(
        path: file(index),
        reason: "it lists the tensor '\(missing.onOneLine)', which is not in its shard")
    }
    return (files, tensors)
  }

  private func stored(_ entry: SafetensorsFile.Entry, in file: MappedFile) -> StoredTensor {
    StoredTensor(name: entry.name, shape: entry.shape, bytes: entry.range.count) {
      try .stored(
        in: file, at: entry.range.lowerBound, shape: entry.shape, dtype: DType(entry.type))
    }
  }

  private func clause(for error: DecodingError) -> String {
    func name(_ keys: [any CodingKey]) -> String {
      keys.map(\.stringValue.onOneLine).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "it lacks '\(name(context.codingPath + [key]))'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "it is not JSON" : "its '\(name(context.codingPath))' is not what it should be"
    @unknown default: return "it cannot be read"
    }
  }
}

extension DType {
  /// The engine's word for a stored element type.
  fileprivate init(_ type: SafetensorsFile.ElementType) {
    self =
      switch type {
      case .float64: .float64
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .int64: .int64
      case .int32: .int32
      case .int16: .int16
      case .int8: .int8
      case .uint8: .uint8
      case .bool: .bool
      }
  }
}
