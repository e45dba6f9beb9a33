import Vocabulary

/// A real model that `Results/` tells about, with the data it is measured and proven on.
struct StudiedModel: Sendable {
  /// The folder's name in `Results/`.
  var id: String
  /// Where `make fixtures` puts it.
  var path: String
  /// Options that give `measure` its data.
  var calibration: [String]
  /// Options that give `verify` and `frontier` other data.
  var heldOut: [String]
  /// What a reader must know about the data.
  var note: String

  /// The budgets, in bits per weight.
  static let budgets = [3, 4, 5]

  /// The models, quick ones first.
  static let all = [
    StudiedModel(
      id: "minilm", path: RealModels.miniLM,
      calibration: ["--data", RealModels.sentences, "--samples", "256", "--all"],
      heldOut: ["--data", RealModels.documents, "--all"],
      note: "Measured on sentences of Wikipedia articles, proven on the news documents of the Lee "
        + "corpus."),
    StudiedModel(
      id: "efficientnet-lite0", path: RealModels.efficientNet,
      calibration: ["--data", RealModels.photos, "--samples", "64", "--all"],
      heldOut: ["--data", RealModels.heldOutPhotos, "--all"],
      note: "Measured on photos of single things on white ground, proven on other such photos."),
    StudiedModel(
      id: "smollm2", path: RealModels.smolLM2,
      calibration: ["--data", RealModels.text, "--samples", "16", "--length", "512", "--all"],
      heldOut: ["--data", RealModels.heldOutText, "--samples", "24", "--length", "64", "--all"],
      note:
        "Measured on pieces of 512 tokens of Wikipedia articles, proven on pieces of 64 tokens "
        + "of other articles: few and short ones, so that all of it takes minutes on two cores."),
  ]

  /// The models that were asked for; all when none was.
  ///
  /// - Throws: `UserError` with the nearest known name.
  static func named(_ names: [String]) throws -> [StudiedModel] {
    if let stranger = names.first(where: { name in !all.contains { $0.id == name } }) {
      throw UserError.unknown(stranger, "model", known: all.map(\.id))
    }
    return names.isEmpty ? all : all.filter { names.contains($0.id) }
  }
}
