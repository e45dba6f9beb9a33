public import Tensors
public import Vocabulary

/// A value that flows through a graph: an input, a parameter or a node's result.
public struct ValueID: Hashable, Sendable, Comparable {
  /// Position in the graph's table of values.
  public var index: Int

  init(_ index: Int) { self.index = index }

  /// Earlier values come first.
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// Something that the caller feeds in, such as token ids.
public struct GraphInput: Sendable {
  /// The name that data is matched to.
  public var name: String
  /// Where it enters.
  public var value: ValueID
  /// Sizes of the axes where fixed, the first of which counts samples; nil for free axes.
  public var shape: [Int?]
  /// The element type.
  public var dtype: DType
}

/// A stored tensor.
public struct Parameter: Sendable {
  /// The stored tensor's name.
  public var name: String
  /// Where it enters the graph.
  public var value: ValueID
  /// Sizes of the axes.
  public var shape: [Int]
  /// Bytes that it takes in the model's file.
  public var storedBytes: Int
  /// Reads the tensor (as singles where it holds fractions); mapped files are not copied.
  public var load: @Sendable () throws -> Tensor
}

/// One step of the network.
public struct Node: Sendable {
  /// The module's or node's name in the model's own words.
  public var name: String
  /// What is computed.
  public var operation: any Operation
  /// Arguments; nil where an optional one is left out.
  public var inputs: [ValueID?]
  /// Results.
  public var outputs: [ValueID]
}

/// What the network's output means, and so what "loss" means.
public enum OutputHead: String, Sendable {
  /// Logits over tokens at every position, `[samples, positions, vocabulary]`: nats per token.
  case tokens
  /// Logits over classes, `[samples, classes]`: nats per sample.
  case classes
  /// A vector without a distribution, `[samples, ...]`: a normalised output error per sample.
  case vector
}

/// A network as typed nodes in an order in which they can be executed.
///
/// Front-ends build it; the executor, the estimators and everything else are written once, on it.
public struct Graph: Sendable {
  /// The model's name, with whatever every report must say about it.
  public var name: String
  /// Such as `llama`, `bert`, `onnx`.
  public var architecture: String
  /// What is fed in.
  public var inputs: [GraphInput]
  /// Stored tensors, in the model's order.
  public var parameters: [Parameter]
  /// The steps, each after those that it depends on.
  public var nodes: [Node]
  /// The result.
  public var output: ValueID
  /// What the result means.
  public var head: OutputHead
  /// The quantizable weights, in order of first use.
  public var layers: [GraphLayer]
  /// Tensors that stay as they are.
  public var skipped: [SkippedTensor]
  /// The model's own tokenizer, where it brings one.
  public var tokenizer: TokenizerDescription?
  /// The longest sequence that it takes, where it has positions.
  public var maximumLength: Int?
  /// Files that hold the weights, for the digest.
  public var files: [String]
  /// The number of values.
  public var valueCount: Int
}

/// A quantizable weight with the places where it is used.
public struct GraphLayer: Sendable {
  /// Names, kind and shape.
  public var layer: Layer
  /// The weight's value.
  public var weight: ValueID
  /// Indices of the nodes that use it, rising.
  public var uses: [Int]
}
