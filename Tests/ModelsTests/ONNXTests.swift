import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

/// Networks against what ONNX Runtime computes with the same files.
@Suite struct ONNXReferenceTests {
  @Test(arguments: [("model", "logits"), ("model-bn", "logits_bn")])
  func efficientNetAgrees(_ file: String, _ result: String) throws {
    let graph = try ONNXModel.load(Fixtures.path("efficientnet-lite0/\(file).onnx"))
    let reference = try NPZ.dictionary(Fixtures.path("references/efficientnet-lite0.npz"))
    let images = try #require(reference["input"])
    let expected = try #require(reference[result]).floats()
    let input = Tensor(images.floats(), shape: images.shape)
    let logits = try Executor(graph).run(["input": input])
    #expect(relativeDifference(try logits.floats(), expected) < 1e-4)
    #expect(graph.head == .classes)
    #expect(graph.layers.count == 50)
    #expect(graph.layers.filter { $0.layer.kind == .convolution }.count == 49)
    #expect(graph.layers.first?.layer.tensor == "stem.weight")
    #expect(graph.layers.first?.layer.shape == WeightShape(rows: 32, columns: 27))
    #expect(graph.layers.last?.layer.tensor == "fc.weight")
    #expect(!graph.nodes.contains { $0.name.hasSuffix(".norm") })
  }

  @Test func sentenceEmbeddingsAgree() throws {
    let graph = try ONNXModel.load(Fixtures.path("minilm-onnx/model.onnx"))
    let reference = try NPZ.dictionary(Fixtures.path("references/minilm-onnx.npz"))
    var inputs: [String: Tensor] = [:]
    for name in ["input_ids", "attention_mask"] {
      let array = try #require(reference[name])
      inputs[name] = Tensor(array.int64s(), shape: array.shape)
    }
    let expected = try #require(reference["embedding"]).floats()
    let embedding = try Executor(graph).run(inputs)
    #expect(relativeDifference(try embedding.floats(), expected) < 1e-4)
    #expect(graph.head == .vector)
    #expect(graph.layers.count == 37)
    let words = try #require(graph.layers.first).layer
    #expect(words.name == "words")
    #expect(words.tensor == "embeddings.word_embeddings.weight")
    #expect(words.shape == WeightShape(rows: 30522, columns: 384))
    let inner = try #require(graph.layers.first { $0.layer.name.hasSuffix("intermediate.matmul") })
    #expect(inner.layer.shape == WeightShape(rows: 1536, columns: 384))
  }
}

/// What becomes of weights, outputs and heads.
@Suite struct ONNXStructureTests {
  static let x = ONNXWriter.Value(name: "x", shape: [nil, 2])
  static let weight = TestTensor.floats([1, 2, 3, 4, 5, 6], [2, 3])

  static func classifier() -> ONNXWriter {
    var writer = ONNXWriter()
    writer.inputs = [x]
    writer.outputs = [.init(name: "y", shape: [nil, 3])]
    writer.constants = [("dense.weight", weight)]
    writer.nodes = [.init(type: "MatMul", inputs: ["x", "dense.weight"], outputs: ["y"])]
    return writer
  }

  static func load(_ writer: ONNXWriter) throws -> Graph {
    try ONNXModel.load(writer.bytes(), path: "test.onnx")
  }

  @Test func aMatMulIsALinearLayerWithItsWeightTransposed() throws {
    let graph = try Self.load(Self.classifier())
    let layer = try #require(graph.layers.first)
    #expect(layer.layer.name == "dense")
    #expect(layer.layer.tensor == "dense.weight")
    #expect(layer.layer.kind == .linear)
    #expect(layer.layer.shape == WeightShape(rows: 3, columns: 2))
    #expect(graph.parameters.map(\.storedBytes) == [24])
    let loaded = try Executor(graph).parameter(layer.weight)
    #expect(loaded.shape == [3, 2])
    #expect(try loaded.floats() == [1, 4, 2, 5, 3, 6])
    #expect(graph.head == .classes)
    #expect(graph.name == "test")
    #expect(graph.architecture == "onnx")
  }

  @Test func aFinalSoftmaxIsLeftOut() throws {
    var writer = Self.classifier()
    writer.nodes[0].outputs = ["scores"]
    writer.nodes.append(.init(type: "Softmax", inputs: ["scores"], outputs: ["y"]))
    let graph = try Self.load(writer)
    #expect(graph.head == .classes)
    let logits = try Executor(graph).run(["x": Tensor([1, 1] as [Float], shape: [1, 2])])
    #expect(try logits.floats() == [5, 7, 9])
  }

  @Test func aNormalisedOutputIsAVector() throws {
    var writer = Self.classifier()
    writer.nodes[0].outputs = ["scores"]
    writer.nodes.append(.init(type: "LpNormalization", inputs: ["scores"], outputs: ["y"]))
    #expect(try Self.load(writer).head == .vector)
  }

  /// A table that is looked up and, turned round, gives the logits is one layer.
  @Test func tiedWeightsAreOneLayer() throws {
    var writer = ONNXWriter()
    writer.inputs = [.init(name: "input_ids", type: 7, shape: [nil, nil])]
    writer.outputs = [.init(name: "logits", shape: [nil, nil, 3])]
    writer.constants = [("table", .floats([1, 2, 3, 4, 5, 6], [3, 2]))]
    writer.nodes = [
      .init(type: "Gather", inputs: ["table", "input_ids"], outputs: ["rows"]),
      .init(type: "Identity", inputs: ["table"], outputs: ["same"]),
      .init(type: "Transpose", inputs: ["same"], outputs: ["turned"]),
      .init(type: "MatMul", inputs: ["rows", "turned"], outputs: ["logits"], name: "head"),
    ]
    let graph = try Self.load(writer)
    #expect(graph.head == .tokens)
    #expect(graph.layers.count == 1)
    #expect(graph.layers[0].uses.count == 2)
    #expect(graph.layers[0].layer.kind == .embedding)
    let logits = try Executor(graph).run(["input_ids": Tensor([1] as [Int64], shape: [1, 1])])
    #expect(try logits.floats() == [11, 25, 39])
  }

  /// A matrix that is used both ways is stored once and left alone.
  @Test func aMatrixUsedBothWaysIsNoLayer() throws {
    var writer = ONNXWriter()
    writer.inputs = [Self.x]
    writer.outputs = [.init(name: "y", shape: [nil, 2])]
    writer.constants = [("w", .floats([1, 2, 3, 4], [2, 2]))]
    writer.nodes = [
      .init(type: "MatMul", inputs: ["x", "w"], outputs: ["a"]),
      .init(type: "Gemm", inputs: ["a", "w"], outputs: ["y"], attributes: ["transB": .int(1)]),
    ]
    let graph = try Self.load(writer)
    #expect(graph.layers.isEmpty)
    #expect(graph.skipped.map(\.bytes) == [16])
    let y = try Executor(graph).run(["x": Tensor([1, 1] as [Float], shape: [1, 2])])
    #expect(try y.floats() == [16, 36])
  }

  @Test func equalNodeNamesGiveDifferentLayerNames() throws {
    var writer = Self.classifier()
    writer.constants.append(("second", .floats([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3])))
    writer.nodes = [
      .init(type: "MatMul", inputs: ["x", "dense.weight"], outputs: ["a"], name: "same"),
      .init(type: "MatMul", inputs: ["a", "second"], outputs: ["y"], name: "same"),
    ]
    #expect(try Self.load(writer).layers.map(\.layer.name) == ["same", "same.2"])
  }

  @Test(arguments: [false, true]) func batchNormalizationIsFolded(withBias: Bool) throws {
    var writer = ONNXWriter()
    writer.inputs = [.init(name: "x", shape: [nil, 1, nil, nil])]
    writer.outputs = [.init(name: "y", shape: [nil, 2, nil, nil])]
    writer.constants = [
      ("c.weight", .floats([3, 5], [2, 1, 1, 1])), ("c.bias", .floats([1, 2])),
      ("scale", .floats([2, 3])), ("shift", .floats([10, 20])), ("mean", .floats([1, -1])),
      ("variance", .floats([3, 8])),
    ]
    writer.nodes = [
      .init(
        type: "Conv", inputs: ["x", "c.weight"] + (withBias ? ["c.bias"] : []), outputs: ["a"],
        name: "c"),
      .init(
        type: "BatchNormalization", inputs: ["a", "scale", "shift", "mean", "variance"],
        outputs: ["y"], name: "norm", attributes: ["epsilon": .float(1)]),
    ]
    let graph = try Self.load(writer)
    #expect(graph.nodes.map(\.name) == ["c"])
    let layer = try #require(graph.layers.first)
    #expect(layer.layer.tensor == "c.weight")
    // The factors are 2 / √4 and 3 / √9.
    #expect(try Executor(graph).parameter(layer.weight).floats() == [3, 5])
    let y = try Executor(graph).run(["x": Tensor([1] as [Float], shape: [1, 1, 1, 1])])
    #expect(try y.floats() == (withBias ? [13, 28] : [12, 26]))
  }

  /// A convolution whose result is also used elsewhere keeps its normalization.
  @Test func batchNormalizationStaysWhereTheResultIsShared() throws {
    var writer = ONNXWriter()
    writer.inputs = [.init(name: "x", shape: [nil, 1, nil, nil])]
    writer.outputs = [.init(name: "y", shape: [nil, 1, nil, nil])]
    writer.constants = [("w", .floats([2], [1, 1, 1, 1])), ("v", .floats([1]))]
    writer.nodes = [
      .init(type: "Conv", inputs: ["x", "w"], outputs: ["a"]),
      .init(
        type: "BatchNormalization", inputs: ["a", "v", "v", "v", "v"], outputs: ["b"],
        attributes: ["epsilon": .float(0)]),
      .init(type: "Add", inputs: ["a", "b"], outputs: ["y"]),
    ]
    let graph = try Self.load(writer)
    #expect(graph.nodes.count == 3)
    let y = try Executor(graph).run(["x": Tensor([3] as [Float], shape: [1, 1, 1, 1])])
    #expect(try y.floats() == [12])
  }

  @Test func halvesAndDoublesAreComputedInSingles() throws {
    for (type, bytes) in [
      (10, littleEndian([0x3c00, 0xc000] as [UInt16])),
      (16, littleEndian([0x3f80, 0xc000] as [UInt16])), (11, littleEndian([1, -2] as [Double])),
    ] {
      var writer = ONNXWriter()
      writer.inputs = [.init(name: "x", type: type, shape: [nil])]
      writer.outputs = [.init(name: "y", shape: [nil])]
      writer.constants = [("c", TestTensor(shape: [2], type: type, bytes: bytes))]
      writer.nodes = [.init(type: "Add", inputs: ["x", "c"], outputs: ["y"])]
      let graph = try Self.load(writer)
      #expect(graph.inputs[0].dtype == .float32)
      #expect(graph.skipped.map(\.bytes) == [bytes.count])
      let y = try Executor(graph).run(["x": Tensor([1, 1] as [Float], shape: [2])])
      #expect(y.dtype == .float32)
      #expect(try y.floats() == [2, -1])
    }
  }

  /// The typed fields of old exporters: packed or one by one, small types in 32 bits each.
  @Test func typedFieldsAreRead() throws {
    for (type, field, values) in [(6, 5, [7, -1]), (9, 5, [1, 0]), (10, 5, [0x3c00, 0x4000])] {
      for packed in [false, true] {
        var constant = WireMessage()
        constant.add(1, 2)
        constant.add(2, type)
        constant.add(8, "c")
        var all = WireMessage()
        for value in values {
          if packed {
            all.varint(UInt64(bitPattern: Int64(value)))
          } else {
            constant.add(UInt64(field), value)
          }
        }
        if packed { constant.add(UInt64(field), all) }
        var writer = ONNXWriter()
        writer.rawConstants = [constant]
        writer.inputs = [.init(name: "x", shape: [nil])]
        writer.outputs = [.init(name: "y", shape: [nil])]
        writer.nodes = [
          .init(type: "Cast", inputs: ["c"], outputs: ["d"], attributes: ["to": .int(1)]),
          .init(type: "Add", inputs: ["x", "d"], outputs: ["y"]),
        ]
        let y = try Executor(Self.load(writer)).run(["x": Tensor([0, 0] as [Float], shape: [2])])
        #expect(try y.floats() == (type == 10 ? [1, 2] : values.map(Float.init)))
      }
    }
  }

  @Test func infiniteScalarsAreAllowed() throws {
    var writer = ONNXWriter()
    writer.inputs = [.init(name: "x", shape: [nil])]
    writer.outputs = [.init(name: "y", shape: [nil])]
    writer.constants = [("mask", .bools([true, false])), ("never", .scalar(-.infinity))]
    writer.nodes = [.init(type: "Where", inputs: ["mask", "x", "never"], outputs: ["y"])]
    let y = try Executor(Self.load(writer)).run(["x": Tensor([1, 2] as [Float], shape: [2])])
    #expect(try y.floats() == [1, -.infinity])
  }

  @Test func weightsMayBeInAFileBesideTheModel() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = [UInt8](repeating: 0, count: 8) + Self.weight.bytes
    try Data(data).write(to: folder.appending(path: "weights.bin"))
    let path = folder.appending(path: "model.onnx").path
    func load(_ entries: [(String, String)]) throws -> Graph {
      try ONNXModel.load(ONNXMalformedTests.external(entries).bytes(), path: path)
    }
    let graph = try load([("location", "weights.bin"), ("offset", "8"), ("length", "24")])
    #expect(graph.files == [path, folder.appending(path: "weights.bin").path])
    #expect(try Executor(graph).parameter(graph.layers[0].weight).floats() == [1, 4, 2, 5, 3, 6])
    #expect(throws: FileError.self) { try load([("location", "weights.bin"), ("offset", "9")]) }
    #expect(throws: FileError.self) { try load([("location", "missing.bin")]) }
  }
}

/// Files that are wrong end in one sentence that names the culprit.
@Suite struct ONNXMalformedTests {
  static func external(_ entries: [(String, String)]) -> ONNXWriter {
    var constant = WireMessage()
    for size in [2, 3] { constant.add(1, size) }
    constant.add(2, 1)
    constant.add(8, "dense.weight")
    for (key, value) in entries {
      var entry = WireMessage()
      entry.add(1, key)
      entry.add(2, value)
      constant.add(13, entry)
    }
    constant.add(14, 1)
    var writer = ONNXStructureTests.classifier()
    writer.constants = []
    writer.rawConstants = [constant]
    return writer
  }

  typealias Damage = @Sendable (inout ONNXWriter) -> Void

  static func constant(_ shape: [Int], type: Int = 1, bytes: Int) -> Damage {
    {
      $0.constants = [
        (
          "dense.weight",
          TestTensor(shape: shape, type: type, bytes: .init(repeating: 0, count: bytes))
        )
      ]
    }
  }

  static let cases: [(words: String, damage: Damage)] = [
    (
      "'Frobnicate' (node 'f'), 'vendor.Relu' (node 'b')",
      {
        $0.nodes[0].outputs = ["a"]
        $0.nodes.append(.init(type: "Frobnicate", inputs: ["a"], outputs: ["b"], name: "f"))
        $0.nodes.append(.init(type: "Frobnicate", inputs: ["a"], outputs: ["c"], name: "g"))
        $0.nodes.append(
          .init(type: "Relu", inputs: ["b"], outputs: ["d"], name: "b", domain: "vendor"))
        $0.nodes.append(.init(type: "Sum", inputs: ["b", "c", "d"], outputs: ["y"]))
      }
    ),
    ("operator set 6", { $0.opset = 6 }),
    ("operator set 99", { $0.opset = 99 }),
    ("which nothing before it computes", { $0.nodes[0].inputs[0] = "z" }),
    (
      "which nothing before it computes",
      {  // a cycle
        $0.nodes[0].outputs = ["a"]
        $0.nodes.append(.init(type: "Add", inputs: ["a", "c"], outputs: ["b"]))
        $0.nodes.append(.init(type: "Add", inputs: ["b", "b"], outputs: ["c"]))
        $0.nodes.append(.init(type: "Add", inputs: ["c", "b"], outputs: ["y"]))
      }
    ),
    ("which nothing before it computes", { $0.outputs[0].name = "other" }),
    ("no output", { $0.outputs = [] }),
    ("has no output", { $0.nodes[0].outputs = [] }),
    ("lacks its input 1", { $0.nodes[0].inputs = ["x"] }),
    (
      "two values have the name 'y'",
      {
        $0.nodes.append(.init(type: "Relu", inputs: ["x"], outputs: ["y"]))
      }
    ),
    ("two constants have the name 'dense.weight'", { $0.constants.append($0.constants[0]) }),
    ("impossible shape [-2, 3]", constant([-2, 3], bytes: 24)),
    ("impossible shape", constant([.max, .max], bytes: 24)),
    ("impossible shape", constant([1 << 39, 1 << 39], bytes: 24)),
    ("has 24 bytes and its shape needs 36", constant([3, 3], bytes: 24)),
    ("has 0 elements and its shape needs 6", constant([2, 3], bytes: 0)),
    ("axes", constant(.init(repeating: 1, count: 100), bytes: 4)),
    ("the element type 8", constant([2, 3], type: 8, bytes: 24)),
    ("the element type 0", constant([2, 3], type: 0, bytes: 24)),
    ("outside the model's folder", { $0 = external([("location", "../weights.bin")]) }),
    ("outside the model's folder", { $0 = external([("location", "/etc/passwd")]) }),
    ("outside the model's folder", { $0 = external([]) }),
    ("does not say so", { $0 = external([("location", "w"), ("length", "23")]) }),
    ("does not say so", { $0 = external([("location", "w"), ("offset", "-1")]) }),
    (
      "does not say so", { $0 = external([("location", "w"), ("offset", "99999999999999999999")]) }
    ),
  ]

  @Test(arguments: cases.indices) func isRefused(_ index: Int) throws {
    var writer = ONNXStructureTests.classifier()
    let (words, damage) = Self.cases[index]
    damage(&writer)
    let error = #expect(throws: UserError.self) { try ONNXStructureTests.load(writer) }
    let text = "\(try #require(error))"
    #expect(text.contains(words), "\(text)")
    #expect(text.hasPrefix("'test.onnx' cannot be used: "))
  }

  @Test func textIsNoModel() {
    #expect(throws: UserError.self) {
      try ONNXModel.load(Array("this is not a model".utf8), path: "test.onnx")
    }
    #expect(throws: UserError.self) { try ONNXModel.load([] as [UInt8], path: "test.onnx") }
  }
}
