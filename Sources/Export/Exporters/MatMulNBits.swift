public import Vocabulary

/// ONNX Runtime's MatMulNBits: one pass of the quantizer for every setting.
///
/// The default quantizer knows one setting at a time and leaves alone what is converted already, so each
/// pass excludes all nodes that are not its own.
public struct MatMulNBits: Exporter {
  /// The name used on the command line.
  public static let id = "onnxruntime-matmulnbits"
  /// Who reads this.
  public static let summary = "passes of ONNX Runtime's MatMulNBitsQuantizer, weights only"
  /// The file's usual name.
  public static let fileName = "matmulnbits.json"
  /// Nodes of the graph.
  public static let naming = Naming.nodes

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 2, 4 or 8 bits in groups of 16 to 256, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    guard !setting.isFull else { return true }
    guard kind == .linear, setting.family == .integer, let size = setting.groupSize else {
      return false
    }
    return [2, 4, 8].contains(setting.bits) && [16, 32, 64, 128, 256].contains(size)
  }

  /// `passes` with their nodes, and the nodes that stay as they are.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let passes = request.bySetting.map { group -> Document in
      .object([
        ("bits", Document(group.setting.bits)),
        ("block_size", Document(group.setting.groupSize ?? 32)),
        ("is_symmetric", Document(group.setting.isSymmetric)),
        ("nodes", .strings(group.layers.map(\.name))),
      ])
    }
    return Recipe(
      text: Document.object([
        ("passes", Document(value: .list(passes))),
        ("excluded", .strings(request.full.map(\.name))),
      ]).json,
      next: python(
        "json, onnx",
        """
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
        model = onnx.load("MODEL.onnx")
        for p in json.load(open(\(request.pythonPath)))["passes"]:
            nodes = set(p.pop("nodes"))
            excluded = [n.name for n in model.graph.node if n.name not in nodes]
            q = MatMulNBitsQuantizer(model, nodes_to_exclude=excluded, **p)
            q.process()
            model = q.model.model
        onnx.save(model, "OUT.onnx", save_as_external_data=True)
        """),
      notes: [
        "only MatMul nodes with a constant weight are converted: a Gemm stays as it is, silently"
      ])
  }

  /// The passes' nodes by exact name.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.first)
    for pass in try root.required("passes").items() {
      let bits = try pass.required("bits").integer()
      let size = try pass.required("block_size").integer()
      let isSymmetric = try pass.required("is_symmetric").boolean()
      let setting = try pass.reading {
        try Setting.integer(bits: bits, .group(size), symmetric: isSymmetric)
      }
      for node in try pass.required("nodes").strings() {
        rules.add(.exact(node), .quantized(setting))
      }
    }
    for node in try root["excluded"]?.strings() ?? [] { rules.add(.exact(node), .untouched) }
    return rules
  }
}
