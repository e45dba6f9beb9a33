internal import Archives
internal import Vocabulary

/// Models in GGUF files.
public enum GGUFModel {
  /// The architectures that can be read: one line and one file each.
  private static let architectures: [String: @Sendable (GGUFFile) throws -> Graph] = [
    "llama": gguf(llama:)
  ]

  /// Builds the graph of a GGUF file.
  ///
  /// Weights are read (and dequantized) when they are first needed. The graph's name says when they
  /// come from a quantized type: they lie on a grid then, on which an aligned format of as many
  /// bits looks lossless.
  /// - Throws: `FileError` or `UserError` when the file is damaged or holds something unsupported.
  public static func load(_ path: String) throws -> Graph { try load(GGUFFile(path)) }

  /// Builds the graph of an opened file.
  static func load(_ file: GGUFFile) throws -> Graph {
    let name = try file.string("general.architecture") ?? "(none)"
    guard let build = architectures[name] else {
      throw UserError(
        .failed,
        "'\(file.file.path)' is of the architecture '\(name)', which is not supported; there are: "
          + architectures.keys.sorted().joined(separator: ", "))
    }
    if let bad = file.entries.first(where: { !$0.type.isReadable }) { throw file.unreadable(bad) }
    return try build(file)
  }
}

extension GGUFFile {
  /// All tensors, to be read when needed.
  var storedTensors: [StoredTensor] {
    entries.map { entry in
      StoredTensor(name: entry.name, shape: entry.shape, bytes: entry.range.count) {
        try tensor(entry)
      }
    }
  }

  /// The model's name with what every report must say about its weights.
  func modelName() throws -> String {
    let path = file.path.split(separator: "/").last.map(String.init) ?? file.path
    var name = try string("general.name") ?? path
    // The note's first clause says what was done to the weights, the rest how it was checked.
    if let note = try string("bitbudget.note")?.split(separator: ";").first.map(String.init),
      !name.contains(note)
    {
      name += " (\(note))"
    }
    let stored = Set(entries.map(\.type))
    let quantized = GGUFTensorType.all.filter { $0.elements > 1 && stored.contains($0) }
    if !quantized.isEmpty {
      name += " (weights dequantized from \(quantized.map(\.name).joined(separator: ", ")))"
    }
    return name
  }
}
