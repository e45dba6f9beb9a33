internal import Vocabulary

/// Models in Hugging Face directories: `config.json`, safetensors and, where there is one,
/// `tokenizer.json`.
public enum HuggingFaceModel {
  /// The architectures that can be read, by `model_type`: one line and one file each.
  private static let architectures: [String: @Sendable (HuggingFaceDirectory) throws -> Graph] = [
    "bert": huggingFace(bert:),
    "llama": huggingFace(llama:),
  ]

  /// Builds the graph of a directory.
  ///
  /// Singles stay in the mapped files; halves become singles when a tensor is first needed.
  /// - Throws: `FileError` or `UserError` when a file is missing or damaged, or the architecture or
  ///   one of its settings is not supported.
  public static func load(_ directory: String) throws -> Graph {
    let directory = HuggingFaceDirectory(directory)
    struct Kind: Decodable { var model_type: String? }
    let name = try directory.json("config.json", as: Kind.self).model_type ?? "(none)"
    guard let build = architectures[name] else {
      throw UserError(
        .failed,
        "'\(directory.path)' is of the model_type '\(name.onOneLine)', which is not supported; "
          + "there are: "
          + architectures.keys.sorted().joined(separator: ", "))
    }
    return try build(directory)
  }
}
