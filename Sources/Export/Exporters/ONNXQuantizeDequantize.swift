public import Vocabulary

/// ONNX Runtime's static QDQ quantization: `TensorQuantOverrides` for the weights' initializers.
///
/// Along which axis the output channels of a weight lie depends on the node that uses it, which the
/// Python looks up in the graph.
public struct ONNXQuantizeDequantize: Exporter {
  /// The name used on the command line.
  public static let id = "onnxruntime-qdq"
  /// Who reads this.
  public static let summary = "TensorQuantOverrides for ONNX Runtime's quantize_static"
  /// The file's usual name.
  public static let fileName = "overrides.json"
  /// Initializers of the graph.
  public static let naming = Naming.initializers

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 4 or 8 bits by channel or tensor.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind != .embedding && setting.family == .integer && [4, 8].contains(setting.bits)
        && setting.groupSize == nil
  }

  /// `TensorQuantOverrides` without axes, `per_channel` and the initializers that stay as they are.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let overrides = request.quantized.map { layer -> (String, Document) in
      (
        layer.name,
        [
          [
            "quant_type": Document(
              "Q\(layer.setting.isSymmetric ? "" : "U")Int\(layer.setting.bits)"),
            "symmetric": Document(layer.setting.isSymmetric),
          ]
        ]
      )
    }
    let channels = request.quantized.filter { $0.setting.granularity == .channel }
    return Recipe(
      text: Document.object([
        ("TensorQuantOverrides", .object(overrides)),
        ("per_channel", .strings(channels.map(\.name))),
        ("excluded", .strings(request.full.map(\.name))),
      ]).json,
      next: python(
        "json, onnx",
        """
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        model = onnx.load("MODEL.onnx")
        policy = json.load(open(\(request.pythonPath)))
        uses = {name: node for node in model.graph.node for name in node.input}
        rank = {t.name: len(t.dims) for t in model.graph.initializer}
        def axis(name):  # where a weight's output channels are
            node = uses[name]
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            return 0 if node.op_type.startswith("Conv") or transposed else rank[name] - 1
        overrides = policy["TensorQuantOverrides"]
        for name, (override,) in overrides.items():
            override["quant_type"] = QuantType[override["quant_type"]]
            if name in policy["per_channel"]:
                override["axis"] = axis(name)
        quantize_static("MODEL.onnx", "OUT.onnx", calibration, quant_format=QuantFormat.QDQ,
            nodes_to_exclude=[uses[name].name for name in policy["excluded"]],
            extra_options={"TensorQuantOverrides": overrides})
        """),
      notes: [
        "quantize_static quantizes activations too, to 8 bits from the calibration reader's samples; the "
          + "policy's loss is of the weights alone"
      ])
  }

  /// The overrides by the initializer's exact name.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let channels = Set(try root["per_channel"]?.strings() ?? [])
    var rules = LayerRules(.first)
    for (name, field) in try root.required("TensorQuantOverrides").entries() {
      let items = try field.items()
      guard items.count == 1 else { throw field.mistake("must be a list of one override") }
      let type = try items[0].required("quant_type").integerType()
      let isSymmetric = try items[0]["symmetric"]?.boolean() ?? type.isSigned
      let isByChannel = channels.contains(name) || items[0]["axis"] != nil
      rules.add(
        .exact(name),
        .quantized(
          try items[0].reading {
            try Setting.integer(
              bits: type.bits, isByChannel ? .channel : .tensor, symmetric: isSymmetric)
          }))
    }
    for name in try root["excluded"]?.strings() ?? [] { rules.add(.exact(name), .untouched) }
    return rules
  }
}
