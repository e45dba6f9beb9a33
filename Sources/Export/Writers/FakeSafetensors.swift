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
        ) { write in try layer.roundTrippedAsStored().withUnsafeBytes { try write($0) } }
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

  /// Names of what is beside the weights: settings, tokenizer, folders of modules; no hidden files, and no
  /// weights of other kinds.
  private func rest(except left: Set<String>) -> [String] {
    let weights: Set<String> = [
      "safetensors", "bin", "h5", "onnx", "msgpack", "pt", "pth", "gguf", "ot",
    ]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.sorted().filter { name in
      !name.hasPrefix(".") && !left.contains(name)
        && !weights.contains(URL(fileURLWithPath: name).pathExtension.lowercased())
    }
  }

  /// Where a file is: links may point beside the directory, as in a cache.
  private func place(_ name: String) -> URL {
    URL(fileURLWithPath: "\(directory)/\(name)").resolvingSymlinksInPath()
  }

  /// Bytes of what ``copyTheRest(into:except:)`` copies.
  func sizeOfTheRest(except left: Set<String> = []) -> Int {
    func size(_ url: URL) -> Int {
      let values = try? url.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
      return values?.isRegularFile == true ? values?.fileSize ?? 0 : 0
    }
    return rest(except: left).reduce(0) { sum, name in
      let inside = FileManager.default.enumerator(at: place(name), includingPropertiesForKeys: nil)
      return sum + size(place(name))
        + (inside?.reduce(0) { $0 + (($1 as? URL).map(size) ?? 0) } ?? 0)
    }
  }

  /// Copies what is beside the weights.
  ///
  /// - Throws: `UserError` when a file cannot be copied.
  func copyTheRest(into folder: String, except left: Set<String> = []) throws {
    for name in rest(except: left) {
      do {
        try FileManager.default.copyItem(atPath: place(name).path, toPath: "\(folder)/\(name)")
      } catch {
        throw UserError(.failed, "'\(directory)/\(name)' cannot be copied")
      }
    }
  }
}
