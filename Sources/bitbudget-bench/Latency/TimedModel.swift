/// A model whose latencies are predicted, measured and traded.
struct TimedModel: Sendable {
  /// The page's name in `Results/latency`.
  var id: String
  /// Where it is.
  var path: String
  /// Options that give `measure` its data.
  var calibration: [String]
  /// Options that give held-out data.
  var heldOut: [String]
  /// Options that give the input of timed runs.
  var input: [String]
  /// What "within 1 % of the baseline" is as a ceiling of `search`.
  var ceiling: String
  /// What that means.
  var ceilingNote: String
  /// Options of the bisection's data.
  var search: [String]

  /// Every layer's candidates: what oneDNN has kernels for.
  static let formats = "fp32,bf16,int8-channel/int8-tensor"

  /// The models, quick ones first.
  static let all = [
    TimedModel(
      id: "efficientnet-lite0", path: RealModels.efficientNet,
      calibration: ["--data", RealModels.photos, "--samples", "64", "--all"],
      heldOut: ["--data", RealModels.heldOutPhotos, "--all"],
      input: ["--data", RealModels.photos], ceiling: "1%",
      ceilingNote: "at most 1 % of the answers (top-1) differ from those of singles",
      search: ["--data", RealModels.photos, "--heldout", RealModels.heldOutPhotos]),
    TimedModel(
      id: "minilm", path: RealModels.miniLM,
      calibration: ["--data", RealModels.sentences, "--samples", "64", "--all"],
      heldOut: ["--data", RealModels.documents, "--samples", "64", "--all"],
      input: ["--length", "128"], ceiling: "0.01nats",
      ceilingNote: "a mean of 1 − cos of at most 0.01 between its vectors and those of singles",
      search: [
        "--data", RealModels.sentences, "--heldout", RealModels.documents, "--samples", "64",
      ]),
    TimedModel(
      id: "smollm2", path: RealModels.smolLM2,
      calibration: ["--data", RealModels.text, "--samples", "8", "--length", "128", "--all"],
      heldOut: ["--data", RealModels.heldOutText, "--samples", "8", "--length", "128", "--all"],
      input: ["--length", "64"], ceiling: "1%",
      ceilingNote: "at most 1 % of the next tokens (top-1) differ from those of singles",
      search: [
        "--data", RealModels.text, "--heldout", RealModels.heldOutText, "--samples", "4",
        "--length", "64",
      ]),
  ]
}
