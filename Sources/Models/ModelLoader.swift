internal import Archives
internal import Foundation
internal import Vocabulary

/// Models by path, whatever their kind.
public enum ModelLoader {
  private static let accepted =
    "a model is an .onnx file, a .gguf file or a Hugging Face directory (config.json, safetensors)"

  /// Builds the graph of an ONNX file, a GGUF file or a Hugging Face directory.
  ///
  /// GGUF is recognised by its first bytes, whatever the file's name.
  /// - Throws: `UserError` or `FileError` that says what is wrong: not there, of no known kind,
  ///   damaged or not supported.
  public static func load(_ path: String) throws -> Graph {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw UserError(.failed, "there is no model '\(path)'")
    }
    if isDirectory.boolValue {
      guard FileManager.default.fileExists(atPath: path + "/config.json") else {
        throw UserError(.failed, "the directory '\(path)' has no config.json; \(accepted)")
      }
      return try HuggingFaceModel.load(path)
    }
    let file = try MappedFile(path)
    if GGUFFile.recognises(file) { return try GGUFModel.load(path) }
    if SafetensorsFile.recognises(file) {
      throw UserError(
        .failed,
        "'\(path)' holds weights but no network: give the directory that has its config.json too")
    }
    if path.lowercased().hasSuffix(".onnx") { return try ONNXModel.load(path) }
    if path.lowercased().hasSuffix(".gguf") { return try GGUFModel.load(path) }  // says why not
    throw UserError(.failed, "'\(path)' is of no known kind; \(accepted)")
  }
}
