public import Vocabulary

/// ONNX Runtime's MatMulNBits: one pass of the quantizer for every setting.
///
/// The default quantizer knows one setting at a time and leaves alone what is converted already, so each
/// pass excludes all nodes that are not its own. It converts MatMul nodes only and passes over the others
/// in silence: a Gemm becomes a MatMul and an Add first.
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
        from onnx import helper, numpy_helper
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
        model = onnx.load("MODEL.onnx")
        graph, passes = model.graph, json.load(open(\(request.pythonPath)))["passes"]
        weights = {t.name: t for t in graph.initializer}
        wanted = {name for p in passes for name in p["nodes"]}
        for i, node in reversed(list(enumerate(graph.node))):  # a Gemm would stay as it is, silently
            if node.op_type != "Gemm" or node.name not in wanted:
                continue
            a = {x.name: helper.get_attribute_value(x) for x in node.attribute}
            if a.get("transA", 0) or a.get("alpha", 1) != 1 or a.get("beta", 1) != 1:
                raise SystemExit(f"{node.name} is a Gemm that is more than a product and a sum")
            (x, w, *bias), out = node.input, node.output[0]
            if a.get("transB", 0):
                turned = numpy_helper.to_array(weights[w]).T.copy()
                w += "_transposed"
                graph.initializer.append(numpy_helper.from_array(turned, w))
            graph.node.remove(node)
            if bias:
                graph.node.insert(i, helper.make_node("Add", [out + "_product", *bias], [out]))
            product = out + "_product" if bias else out
            graph.node.insert(i, helper.make_node("MatMul", [x, w], [product], name=node.name))
        used = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
        for tensor in [t for t in graph.initializer if t.name not in used]:  # what a Gemm had turned
            graph.initializer.remove(tensor)
        for p in passes:
            nodes = set(p.pop("nodes"))
            excluded = [n.name for n in model.graph.node if n.name not in nodes]
            q = MatMulNBitsQuantizer(model, nodes_to_exclude=excluded, **p)
            q.process()
            model = q.model.model
        onnx.save(model, "OUT.onnx", save_as_external_data=True)
        """))
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
