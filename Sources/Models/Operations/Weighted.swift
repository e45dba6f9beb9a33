public import Tensors
public import Vocabulary

/// `y = x Wᵀ + b`; x `[..., inputs]`, W `[outputs, inputs]`, b `[outputs]`.
public struct Linear: WeightedOperation {
  /// A linear layer.
  public init() {}
  /// Always linear.
  public var kind: LayerKind { .linear }
  /// x, W, b? to y.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try inputs.required(0).linear(inputs.required(1), inputs.optional(2))]
  }
}

/// Rows of a table by index; ids `[...]`, table `[entries, width]` to `[..., width]`.
public struct Embedding: WeightedOperation {
  /// An embedding.
  public init() {}
  /// Always embedding.
  public var kind: LayerKind { .embedding }
  /// ids, table to rows.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try call("aten::embedding", inputs.required(1), inputs.required(0))]
  }
}

/// A convolution over one, two or three axes; x `[n, c, ...]`, W `[o, c / groups, kernel...]`, b `[o]`.
public struct Convolution: WeightedOperation {
  /// How the border is filled with zeros.
  public enum Padding: Sendable, Equatable {
    /// Zeros before and after each axis.
    case explicit(begin: [Int], end: [Int])
    /// As many as give `ceil(size / stride)` results, the odd one after (TensorFlow's "SAME").
    case sameUpper
    /// The odd one before.
    case sameLower
  }

  /// Steps per axis.
  public var stride: [Int]
  /// Zeros at the border.
  public var padding: Padding
  /// Distance between kernel elements per axis.
  public var dilation: [Int]
  /// Channel groups; equal to the channels for a depthwise convolution.
  public var groups: Int

  /// A convolution with one entry per axis.
  public init(stride: [Int], padding: Padding, dilation: [Int], groups: Int) {
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Always convolution.
  public var kind: LayerKind { .convolution }

  /// x, W, b? to y.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let weight = try inputs.required(1)
    var x = try inputs.required(0)
    guard x.rank == weight.rank, x.rank == stride.count + 2 else {
      throw UserError(
        .failed, "a convolution of \(stride.count) axes was given \(x.shape) and \(weight.shape)")
    }
    let (begin, end) = padding.amounts(
      sizes: Array(x.shape.dropFirst(2)), kernel: Array(weight.shape.dropFirst(2)), stride: stride,
      dilation: dilation)
    var symmetric = begin
    if begin != end {
      x = try x.padded(begin: begin, end: end)
      symmetric = begin.map { _ in 0 }
    }
    return [
      try call(
        "aten::convolution",
        [
          .tensor(x), .tensor(weight), .optional(inputs.optional(2)), .ints(stride),
          .ints(symmetric), .ints(dilation), .bool(false), .ints(begin.map { _ in 0 }),
          .int(groups),
        ])
    ]
  }
}
