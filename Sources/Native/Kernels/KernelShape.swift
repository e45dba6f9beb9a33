internal import COneDNN

/// What one kernel computes: a matrix product, or a convolution over one to three axes.
public struct KernelShape: Hashable, Sendable {
  /// Samples; of a matrix product its rows.
  public var batch: Int
  /// Channels that go in.
  public var channels: Int
  /// Channels that come out.
  public var outputs: Int
  /// Channel groups; equal to the channels for a depthwise convolution.
  public var groups = 1
  /// The axes of a convolution; none for a matrix product.
  public var axes: [Axis] = []

  /// One axis of a convolution.
  public struct Axis: Hashable, Sendable {
    /// Positions that go in.
    public var size: Int
    /// Positions that one result sees.
    public var kernel: Int
    /// Positions from one result to the next.
    public var stride: Int
    /// Distance of the kernel's elements.
    public var dilation: Int
    /// Zeros before the first position.
    public var before: Int
    /// Zeros after the last.
    public var after: Int

    /// An axis of a convolution.
    public init(size: Int, kernel: Int, stride: Int, dilation: Int, before: Int, after: Int) {
      self.size = size
      self.kernel = kernel
      self.stride = stride
      self.dilation = dilation
      self.before = before
      self.after = after
    }

    /// Positions that come out.
    var results: Int {
      (size + before + after - (kernel - 1) * dilation - 1) / stride + 1
    }
  }

  /// `rows` vectors of `inputs` numbers times a matrix.
  public init(rows: Int, inputs: Int, outputs: Int) {
    batch = rows
    channels = inputs
    self.outputs = outputs
  }

  /// A convolution.
  public init(batch: Int, channels: Int, outputs: Int, groups: Int, axes: [Axis]) {
    self.batch = batch
    self.channels = channels
    self.outputs = outputs
    self.groups = groups
    self.axes = axes
  }

  /// The number of weights.
  public var weights: Int {
    axes.reduce(outputs * (channels / max(1, groups))) { $0 * $1.kernel }
  }
  /// The sizes of the result, channels last.
  public var resultSizes: [Int] { [batch] + axes.map(\.results) + [outputs] }
  /// The number of elements that go in.
  public var inputCount: Int { axes.reduce(batch * channels) { $0 * $1.size } }
  /// The number of elements that come out.
  public var outputCount: Int { resultSizes.reduce(1, *) }

  /// Why no kernel can have this shape; nil when it may be asked for.
  var mistake: String? {
    let positive =
      [batch, channels, outputs, groups]
      + axes.flatMap { [$0.size, $0.kernel, $0.stride, $0.dilation, $0.results] }
    guard axes.count <= 3 else { return "a convolution over \(axes.count) axes" }
    guard positive.allSatisfy({ $0 > 0 }), axes.allSatisfy({ $0.before >= 0 && $0.after >= 0 })
    else { return "a size that is not positive" }
    return channels % groups == 0 && outputs % groups == 0
      ? nil : "channels that its groups do not divide"
  }

  /// As the C side takes it.
  var raw: conednn_shape {
    var shape = conednn_shape()
    shape.axes = Int32(axes.count)
    (shape.batch, shape.channels) = (Int64(batch), Int64(channels))
    (shape.outputs, shape.groups) = (Int64(outputs), Int64(groups))
    func three(_ path: KeyPath<Axis, Int>) -> (Int64, Int64, Int64) {
      let values = axes.map { Int64($0[keyPath: path]) } + [0, 0, 0]
      return (values[0], values[1], values[2])
    }
    shape.size = three(\.size)
    shape.kernel = three(\.kernel)
    shape.stride = three(\.stride)
    shape.dilation = three(\.dilation)
    shape.before = three(\.before)
    shape.after = three(\.after)
    return shape
  }
}
