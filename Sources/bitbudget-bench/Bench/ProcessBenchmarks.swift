extension Benchmark {
  /// `inspect` of each model.
  static let inspect = Benchmark(name: "inspect") { session in
    let models = [
      ("MiniLM", RealModels.miniLM), ("EfficientNet-Lite0", RealModels.efficientNet),
      ("SmolLM2-135M", RealModels.smolLM2),
    ]
    return try models.map { name, path in
      try session.row(
        "inspect", "inspect \(name)", ["inspect", path, "--quiet"], target: 0.3, times: 5)
    }
  }

  /// `measure` of a vision model.
  static let efficientNet = Benchmark(name: "efficientnet-measure") { session in
    [
      try session.row(
        "efficientnet-measure", "measure EfficientNet-Lite0 on 64 photos",
        ["measure", RealModels.efficientNet, "--data", RealModels.photos, "--samples", "64"]
          + ["--all", "--output", session.path("efficientnet")],
        target: 120)
    ]
  }

  /// `auto` of an encoder, from nothing to the proven policy.
  static let miniLM = Benchmark(name: "minilm-auto") { session in
    [
      try session.row(
        "minilm-auto", "auto MiniLM at 4 bpw, 256 sentences",
        ["auto", RealModels.miniLM, "--data", RealModels.sentences, "--samples", "256"]
          + ["--budget", "4bpw", "--output", session.path("minilm")],
        target: 120)
    ]
  }

  /// `measure` of a language model: time and memory.
  static let smolLM2 = Benchmark(name: "smollm2-measure") { session in
    let study = session.path("smollm2")
    let time = try session.row(
      "smollm2-measure", "measure SmolLM2-135M x 6 formats on 32 x 512 tokens",
      ["measure", RealModels.smolLM2, "--data", RealModels.text, "--samples", "32"]
        + ["--length", "512", "--estimator", "fisher-output", "--formats"]
        + ["int2-g64,int3-g64,int4-g64,int5-g64,int6-g64,int8-g64", "--all", "--output", study],
      target: 600)
    session.keep(smolLM2Study: study)
    return [
      time,
      BenchRow(
        "smollm2-measure", "the same: resident memory", Double(time.peakBytes ?? 0), .bytes,
        target: 3e9),
    ]
  }

  /// `plan` of a language model from its study.
  static let plan = Benchmark(name: "plan") { session in
    let study = try session.smolLM2Study()
    return [
      try session.row(
        "plan", "plan SmolLM2-135M at 4 bpw",
        ["plan", study, "--budget", "4bpw", "--quiet", "--output", session.path("policy.json")],
        target: 0.2, times: 5),
      try session.row(
        "plan", "plan SmolLM2-135M at 4 bpw and 1 ms on an H100",
        ["plan", study, "--budget", "4bpw", "--budget", "1ms", "--device", "h100", "--quiet"]
          + ["--output", session.path("policy.json")],
        target: 0.5, times: 5),
    ]
  }
}
