import Tensors
import Vocabulary

/// The BERT encoder, with the pooling of a sentence-transformers directory where there is one.
///
/// Source: Devlin et al., "BERT", 2019; Reimers and Gurevych, "Sentence-BERT", 2019.
func huggingFace(bert directory: HuggingFaceDirectory) throws -> Graph {
  let configuration = try directory.json("config.json", as: BertConfiguration.self)
  let (files, tensors) = try directory.tensors()
  var network = Assembler(
    GraphBuilder(name: directory.name, architecture: "bert"), tensors: tensors)
  let ids = network.builder.input("input_ids", shape: [nil, nil], dtype: .int64)
  let mask = network.builder.input("attention_mask", shape: [nil, nil], dtype: .int64)
  // A model with a head on top keeps the encoder under a name of its own.
  let prefix = network.has("bert.embeddings.word_embeddings.weight") ? "bert." : ""
  let bert = try Bert(configuration, prefix: prefix)
  let states = try bert.assemble(into: &network, ids: ids, mask: mask)
  let output = try SentencePooling(of: directory).assemble(into: &network, states, mask: mask)
  return network.builder.finished(
    output: output, head: .vector, tokenizer: directory.tokenizer(),
    maximumLength: configuration.max_position_embeddings, files: files
  ) { parameter in
    parameter.name.hasSuffix("position_embeddings.weight")
      ? "the table of positions, used as a whole"
      : parameter.name.hasSuffix("token_type_embeddings.weight")
        ? "the table of token types, of which one row is used"
        : GraphBuilder.defaultSkipReason(parameter)
  }
}

/// What `config.json` says, in its own words.
private struct BertConfiguration: Decodable {
  var hidden_size: Int
  var intermediate_size: Int
  var num_hidden_layers: Int
  var num_attention_heads: Int
  var vocab_size: Int
  var max_position_embeddings: Int
  var type_vocab_size: Int
  var layer_norm_eps: Double?
  var hidden_act: String?
  var position_embedding_type: String?
  var is_decoder: Bool?
}

private struct Bert {
  let width: Int
  let heads: Int
  let innerWidth: Int
  let layers: Int
  let vocabulary: Int
  let positions: Int
  let types: Int
  let epsilon: Double
  let activation: Unary
  let prefix: String

  init(_ configuration: BertConfiguration, prefix: String) throws {
    self.prefix = prefix
    width = try checkedSize(configuration.hidden_size, "hidden_size")
    heads = try checkedSize(configuration.num_attention_heads, "num_attention_heads")
    innerWidth = try checkedSize(configuration.intermediate_size, "intermediate_size")
    layers = try checkedSize(configuration.num_hidden_layers, "num_hidden_layers")
    vocabulary = try checkedSize(configuration.vocab_size, "vocab_size")
    positions = try checkedSize(configuration.max_position_embeddings, "max_position_embeddings")
    types = try checkedSize(configuration.type_vocab_size, "type_vocab_size")
    epsilon = configuration.layer_norm_eps ?? 1e-12
    guard width % heads == 0 else {
      throw UserError(.failed, "the model's width \(width) is no multiple of its \(heads) heads")
    }
    guard epsilon.isFinite, epsilon >= 0 else {
      throw UserError(.failed, "the model's layer_norm_eps \(epsilon) is impossible")
    }
    guard configuration.position_embedding_type ?? "absolute" == "absolute",
      !(configuration.is_decoder ?? false)
    else {
      throw UserError(
        .failed, "of the bert models, only encoders with absolute positions are supported")
    }
    let functions: [String: Unary] = ["gelu": .gelu, "relu": .relu, "silu": .silu]
    let name = configuration.hidden_act ?? "gelu"
    guard let activation = functions[name] else {
      throw UserError(
        .failed,
        "the model's hidden_act '\(name.onOneLine)' is not supported; there are: "
          + functions.keys.sorted().joined(separator: ", "))
    }
    self.activation = activation
  }

  /// The last hidden states `[samples, positions, width]`.
  func assemble(into network: inout Assembler, ids: ValueID, mask: ValueID) throws -> ValueID {
    let place = "\(prefix)embeddings"
    let words = try network.embedding(
      "\(place).word_embeddings", ids, entries: vocabulary, width: width)
    let positionTable = try network.tensor(
      "\(place).position_embeddings.weight", [positions, width])
    let rows = network.builder.node(
      "\(place).position_embeddings", PositionRows(), ids, positionTable)
    let typeTable = try network.tensor("\(place).token_type_embeddings.weight", [types, width])
    let type = network.builder.node("\(place).token_type_embeddings", TableRow(0), typeTable)
    var x = network.builder.node("\(place).words_and_types", Binary.add, words, type)
    x = network.builder.node("\(place).sum", Binary.add, x, rows)
    x = try network.layerNorm("\(place).LayerNorm", x, width: width, epsilon: epsilon)
    for index in 0..<layers {
      let layer = "\(prefix)encoder.layer.\(index)"
      let mixed = try attention("\(layer).attention", x, mask: mask, &network)
      x = try residual("\(layer).attention.output", x, mixed, inputs: width, &network)
      let inner = try network.linear(
        "\(layer).intermediate.dense", x, inputs: width, outputs: innerWidth)
      let active = network.builder.node("\(layer).intermediate.activation", activation, inner)
      x = try residual("\(layer).output", x, active, inputs: innerWidth, &network)
    }
    return x
  }

  private func attention(
    _ name: String, _ x: ValueID, mask: ValueID, _ network: inout Assembler
  ) throws -> ValueID {
    func project(_ part: String) throws -> ValueID {
      let name = "\(name).self.\(part)"
      let flat = try network.linear(name, x, inputs: width, outputs: width)
      return network.builder.node("\(name).heads", SplitHeads(heads: heads), flat)
    }
    let (q, k, v) = (try project("query"), try project("key"), try project("value"))
    let scale = 1 / Double(width / heads).squareRoot()
    let mixed = network.builder.node(
      "\(name).self", Attention(scale: scale, causal: false), q, k, v, mask)
    return network.builder.node("\(name).self.merged", MergeHeads(), mixed)
  }

  private func residual(
    _ name: String, _ x: ValueID, _ change: ValueID, inputs: Int, _ network: inout Assembler
  ) throws -> ValueID {
    let projected = try network.linear("\(name).dense", change, inputs: inputs, outputs: width)
    let sum = network.builder.node("\(name).residual", Binary.add, projected, x)
    return try network.layerNorm("\(name).LayerNorm", sum, width: width, epsilon: epsilon)
  }
}
