internal import Quantization
public import Vocabulary

/// ONNX Runtime's static QDQ quantization: `TensorQuantOverrides` for the weights' initializers, and for
/// the inputs of their nodes with the policy's ranges.
///
/// Along which axis the output channels of a weight lie, and what its node's input is called, depends on
/// the node, which the Python looks up in the graph. Outputs of nodes, products of two activations and other
/// kinds of nodes stay as they are: the graph rounds what the policy's loss was measured with, biases to 32
/// bits besides.
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

  /// Inputs too.
  public static let takesActivations = true

  /// Integers of 4 or 8 bits by channel or tensor; inputs of 4, 8 or 16 bits in one static range.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind != .embedding && setting.family == .integer && [4, 8].contains(setting.bits)
        && setting.groupSize == nil && (setting.input.map { type(of: $0) != nil } ?? true)
  }

  /// The type of an input's codes, as ONNX Runtime calls it.
  private func type(of input: ActivationFormat) -> String? {
    guard input.granularity == .tensor, !input.isDynamic,
      case .integer(let bits, let scheme) = input.element, [4, 8, 16].contains(bits)
    else { return nil }
    switch scheme {
    case .asymmetric: return "QUInt\(bits)"
    case .symmetric: return "QInt\(bits)"
    case .symmetricUnsigned, .powerOfTwo: return nil
    }
  }

  /// The overrides of a layer's input, without its name in the graph.
  private func override(of layer: ExportRequest.Layer) -> Document? {
    guard let input = layer.setting.input, let type = type(of: input) else { return nil }
    var entries: [(String, Document)] = [
      ("quant_type", Document(type)), ("symmetric", Document(!type.hasPrefix("QU"))),
    ]
    if let range = layer.range, range.count == 2 {
      entries += [("rmin", Document(range[0])), ("rmax", Document(range[1]))]
    }
    return .object(entries)
  }

  /// `TensorQuantOverrides` without axes, `inputs` by the weight of their node, `per_channel` and the
  /// initializers that stay as they are.
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
    let inputs = request.quantized.compactMap { layer in
      override(of: layer).map { (layer.name, $0) }
    }
    var notes: [String] = []
    if inputs.count < request.quantized.count {
      notes.append(
        "quantize_static quantizes inputs too, to 8 bits from the calibration reader's samples, where the "
          + "policy leaves them alone: its loss is without that")
    }
    if request.quantized.contains(where: { $0.setting.input != nil && $0.range == nil }) {
      notes.append(
        "ranges that the policy does not hold are those of the calibration reader's samples")
    }
    return Recipe(
      text: Document.object([
        ("TensorQuantOverrides", .object(overrides)), ("inputs", .object(inputs)),
        ("per_channel", .strings(channels.map(\.name))),
        ("excluded", .strings(request.full.map(\.name))),
      ]).json,
      next: python(
        "json, numpy as np, onnx",
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
        kinds = sorted({uses[name].op_type for name in overrides})
        for name, override in policy["inputs"].items():
            override["quant_type"] = QuantType[override["quant_type"]]
            for end in ("rmin", "rmax"):
                if end in override:
                    override[end] = np.array(override[end], np.float32)
            tensor = next(i for i in uses[name].input if i != name)
            if overrides.setdefault(tensor, [override])[0]["quant_type"] != override["quant_type"]:
                raise SystemExit(f"{tensor} goes into layers that want it in different formats")
        opset = next(o.version for o in model.opset_import if not o.domain)
        # Before opset 21 only ONNX Runtime's own operators know codes of other widths than 8.
        own = opset < 21 and any(o["quant_type"].name[-1] != "8" for (o,) in overrides.values())
        quantize_static("MODEL.onnx", "OUT.onnx", calibration, quant_format=QuantFormat.QDQ,
            op_types_to_quantize=kinds, nodes_to_exclude=[uses[name].name for name in policy["excluded"]],
            extra_options={"TensorQuantOverrides": overrides, "MatMulConstBOnly": True,
                "OpTypesToExcludeOutputQuantization": kinds, "UseQDQContribOps": own})
        """),
      notes: notes)
  }

  /// The overrides by the initializer's exact name.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let channels = Set(try root["per_channel"]?.strings() ?? [])
    var inputs: [String: ActivationFormat] = [:]
    for (name, field) in try root["inputs"]?.entries() ?? [] {
      inputs[name] = try input(field)
    }
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
          }.with(input: inputs[name])))
    }
    for name in try root["excluded"]?.strings() ?? [] { rules.add(.exact(name), .untouched) }
    return rules
  }

  private func input(_ field: Field) throws -> ActivationFormat {
    let type = try field.required("quant_type").integerType()
    guard ActivationFormat.widths.contains(type.bits) else {
      throw field.mistake("is of \(type.bits) bits, which have no format here")
    }
    let isSymmetric = try field["symmetric"]?.boolean() ?? type.isSigned
    guard isSymmetric == type.isSigned else {
      throw field.mistake("has codes that have no format here")
    }
    return ActivationFormat(
      .integer(bits: type.bits, isSymmetric ? .symmetric : .asymmetric), .tensor)
  }
}
