import Tensors
import Vocabulary

/// What a sentence-transformers directory does with the last hidden states.
struct SentencePooling {
  private enum Kind { case none, mean, first }
  private var kind = Kind.none
  private var normalised = false

  /// Reads `modules.json` and `1_Pooling/config.json`; without them nothing is pooled.
  ///
  /// - Throws: `UserError` for a kind of pooling or a module that is not supported.
  init(of directory: HuggingFaceDirectory) throws {
    struct Pooling: Decodable {
      var pooling_mode_cls_token: Bool?
      var pooling_mode_mean_tokens: Bool?
      var pooling_mode_max_tokens: Bool?
      var pooling_mode_mean_sqrt_len_tokens: Bool?
    }
    guard directory.has("1_Pooling/config.json") else { return }
    let pooling = try directory.json("1_Pooling/config.json", as: Pooling.self)
    let mean = pooling.pooling_mode_mean_tokens ?? false
    let first = pooling.pooling_mode_cls_token ?? false
    let other =
      pooling.pooling_mode_max_tokens ?? false
      || pooling.pooling_mode_mean_sqrt_len_tokens ?? false
    guard mean != first, !other else {
      throw UserError(
        .failed, "'\(directory.path)' pools neither by the mean nor by the first token alone")
    }
    kind = mean ? .mean : .first
    normalised = try SentencePooling.isNormalised(directory)
  }

  /// Whether the vectors become unit vectors: as `modules.json` says, or yes where there is none.
  private static func isNormalised(_ directory: HuggingFaceDirectory) throws -> Bool {
    struct Module: Decodable { var type: String }
    guard directory.has("modules.json") else { return true }
    let kinds = try directory.json("modules.json", as: [Module].self).map {
      $0.type.split(separator: ".").last.map(String.init) ?? $0.type
    }
    let known = ["Transformer", "Pooling", "Normalize"]
    if let unknown = kinds.first(where: { !known.contains($0) }) {
      throw UserError(
        .failed,
        "'\(directory.path)' has a module of type '\(unknown.onOneLine)', which is not supported")
    }
    return kinds.contains("Normalize")
  }

  /// The pooled vectors `[samples, width]`, or the states as they are.
  func assemble(into network: inout Assembler, _ states: ValueID, mask: ValueID) -> ValueID {
    var x = states
    switch kind {
    case .none: return states
    case .mean: x = network.builder.node("1_Pooling", MeanPooling(), states, mask)
    case .first: x = network.builder.node("1_Pooling", FirstPosition(), states)
    }
    return normalised ? network.builder.node("2_Normalize", L2Normalize(axis: -1), x) : x
  }
}
