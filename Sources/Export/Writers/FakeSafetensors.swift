import Archives
import Foundation
import Vocabulary

/// A Hugging Face directory whose weights are what they become in their formats, as 32-bit floats.
///
/// For any runtime that loads the directory: it shows the quality of a policy, not its size. Everything
/// else in the directory is copied.
struct FakeSafetensors: ModelWriter {
  static let id = "safetensors-fake"
  static let summary = "a Hugging Face directory of rounded 32-bit weights, for any runtime"

  func refusal(of layer: AppliedLayer) -> String? { nil }

  func write(_ model: AppliedModel, into folder: String) throws {
    let source = try HuggingFaceSource(model)
    let layers = model.layersByTensor
    for path in source.files {
      let file = try SafetensorsFile(path)
      let pieces = file.entries.map { entry -> SafetensorsWriter.Piece in
        guard let layer = layers[entry.name] else { return entry.copied(from: file.file) }
        let bytes = 4 * layer.layer.shape.count
        return .init(
          tensors: [.init(name: entry.name, type: "F32", shape: entry.shape, bytes: bytes)]
        ) { write in try layer.roundTripped().withUnsafeBytes { try write($0) } }
      }
      try SafetensorsWriter.write(pieces, to: "\(folder)/\(HuggingFaceSource.name(path))")
    }
    try source.copyTheRest(into: folder)
  }
}

extension AppliedModel {
  /// Layers by the name of their stored tensor.
  var layersByTensor: [String: AppliedLayer] {
    Dictionary(layers.map { ($0.layer.tensor, $0) }) { first, _ in first }
  }
}

/// The files of a Hugging Face directory.
struct HuggingFaceSource {
  let directory: String
  /// Those that hold weights.
  let files: [String]

  /// - Throws: `UserError` when the model is of another kind.
  init(_ model: AppliedModel) throws {
    guard case .huggingFace(let directory, let files) = model.source else {
      throw UserError(.failed, "only a Hugging Face directory can be written this way")
    }
    self.directory = directory
    self.files = files
  }

  /// A file's name without its folder.
  static func name(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

  /// Copies what is beside the weights: settings, tokenizer, folders of modules; no hidden files, and no
  /// weights of other kinds.
  ///
  /// - Throws: `UserError` when a file cannot be copied.
  func copyTheRest(into folder: String, except left: Set<String> = []) throws {
    let weights: Set<String> = [
      "safetensors", "bin", "h5", "onnx", "msgpack", "pt", "pth", "gguf", "ot",
    ]
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: directory)) ?? []
    for name in names.sorted() where !name.hasPrefix(".") && !left.contains(name) {
      guard !weights.contains(URL(fileURLWithPath: name).pathExtension.lowercased()) else {
        continue
      }
      do {
        // Links may point beside the directory, as in a cache: what they lead to is copied.
        let place = URL(fileURLWithPath: "\(directory)/\(name)").resolvingSymlinksInPath()
        try manager.copyItem(atPath: place.path, toPath: "\(folder)/\(name)")
      } catch {
        throw UserError(.failed, "'\(directory)/\(name)' cannot be copied")
      }
    }
  }
}
