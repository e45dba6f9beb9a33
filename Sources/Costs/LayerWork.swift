/// What one use of a layer computes, in the sizes that a kernel is made for.
public enum LayerWork: Codable, Hashable, Sendable {
  /// `rows` vectors of `inputs` numbers times a matrix of `outputs` rows.
  case product(rows: Int, inputs: Int, outputs: Int)
  /// A convolution.
  case convolution(ConvolutionWork)
  /// `rows` rows of `width` numbers picked from a table.
  case lookup(rows: Int, width: Int)

  /// Multiply-accumulates: `rows · inputs · outputs`; of a convolution the results times what each of
  /// them sums; none for a lookup.
  public var macs: Double {
    switch self {
    case .product(let rows, let inputs, let outputs):
      Double(rows) * Double(inputs) * Double(outputs)
    case .convolution(let work):
      Double(work.outputElements) * Double(work.channels / max(1, work.groups))
        * work.kernel.reduce(1) { $0 * Double($1) }
    case .lookup: 0
    }
  }

  /// Numbers that go in; of a lookup its indices.
  public var inputElements: Int {
    switch self {
    case .product(let rows, let inputs, _): rows * inputs
    case .convolution(let work): work.size.reduce(work.batch * work.channels, *)
    case .lookup(let rows, _): rows
    }
  }

  /// Numbers that come out.
  public var outputElements: Int {
    switch self {
    case .product(let rows, _, let outputs): rows * outputs
    case .convolution(let work): work.outputElements
    case .lookup(let rows, let width): rows * width
    }
  }

  /// The sizes in one line, such as `128x384 -> 1536` or `1x3x224x224 -> 32, 3x3/2`.
  public var text: String {
    switch self {
    case .product(let rows, let inputs, let outputs): "\(rows)x\(inputs) -> \(outputs)"
    case .convolution(let work): work.text
    case .lookup(let rows, let width): "\(rows) rows of \(width)"
    }
  }
}

/// The sizes of a convolution over one to three axes.
public struct ConvolutionWork: Codable, Hashable, Sendable {
  /// Samples.
  public var batch: Int
  /// Channels that go in.
  public var channels: Int
  /// Channels that come out.
  public var outputs: Int
  /// Channel groups; equal to the channels for a depthwise convolution.
  public var groups: Int
  /// Positions along every axis.
  public var size: [Int]
  /// Positions that one result sees.
  public var kernel: [Int]
  /// Positions from one result to the next.
  public var stride: [Int]
  /// Distance of the kernel's elements.
  public var dilation: [Int]
  /// Zeros before the first position.
  public var before: [Int]
  /// Zeros after the last.
  public var after: [Int]

  /// A convolution; one entry an axis.
  public init(
    batch: Int, channels: Int, outputs: Int, groups: Int, size: [Int], kernel: [Int],
    stride: [Int], dilation: [Int], before: [Int], after: [Int]
  ) {
    self.batch = batch
    self.channels = channels
    self.outputs = outputs
    self.groups = groups
    self.size = size
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.before = before
    self.after = after
  }

  /// Positions of the result: `⌊(size + zeros − (kernel − 1) · dilation − 1) / stride⌋ + 1`.
  public var results: [Int] {
    size.indices.map { k in
      (size[k] + before[k] + after[k] - (kernel[k] - 1) * dilation[k] - 1) / max(1, stride[k]) + 1
    }
  }

  var outputElements: Int { results.reduce(batch * outputs, *) }

  var text: String {
    func joined(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "x") }
    let grouped = groups == 1 ? "" : groups == channels ? " depthwise" : " in \(groups) groups"
    let steps = stride.allSatisfy { $0 == 1 } ? "" : "/\(joined(stride))"
    return "\(joined([batch, channels] + size)) -> \(outputs), \(joined(kernel))\(steps)\(grouped)"
  }
}
