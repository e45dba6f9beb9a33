/// The operators that the engine uses by name; everything else is reached through ``call(_:_:named:)``.
///
/// Every one throws `TensorError` when shapes or types do not fit. Broadcasting is NumPy's.
extension Tensor {
  /// Elementwise sum.
  public static func + (a: Tensor, b: Tensor) throws -> Tensor {
    try call("aten::add.Tensor", a, b)
  }
  /// Elementwise difference.
  public static func - (a: Tensor, b: Tensor) throws -> Tensor {
    try call("aten::sub.Tensor", a, b)
  }
  /// Elementwise product.
  public static func * (a: Tensor, b: Tensor) throws -> Tensor {
    try call("aten::mul.Tensor", a, b)
  }
  /// Elementwise quotient.
  public static func / (a: Tensor, b: Tensor) throws -> Tensor {
    try call("aten::div.Tensor", a, b)
  }
  /// Product with a number.
  public static func * (a: Tensor, b: Double) throws -> Tensor {
    try call("aten::mul.Scalar", [.tensor(a), .double(b)])
  }
  /// Sum with a number.
  public static func + (a: Tensor, b: Double) throws -> Tensor {
    try call("aten::add.Scalar", [.tensor(a), .double(b)])
  }

  /// Matrix product over the last two axes, the leading ones broadcast.
  public func matmul(_ other: Tensor) throws -> Tensor { try call("aten::matmul", self, other) }
  /// `self · weightᵀ + bias`; weight `[outputs, inputs]`.
  public func linear(_ weight: Tensor, _ bias: Tensor? = nil) throws -> Tensor {
    try call("aten::linear", [.tensor(self), .tensor(weight), .optional(bias)])
  }
  /// The same elements in another shape; one size may be -1.
  public func reshaped(_ shape: [Int]) throws -> Tensor {
    try call("aten::reshape", [.tensor(self), .ints(shape)])
  }
  /// The axes in another order.
  public func permuted(_ axes: [Int]) throws -> Tensor {
    try call("aten::permute", [.tensor(self), .ints(axes)])
  }
  /// Two axes exchanged.
  public func transposed(_ a: Int, _ b: Int) throws -> Tensor {
    try call("aten::transpose.int", [.tensor(self), .int(a), .int(b)])
  }
  /// An axis of size one put in.
  public func unsqueezed(_ axis: Int) throws -> Tensor {
    try call("aten::unsqueeze", [.tensor(self), .int(axis)])
  }
  /// `start ..< end` of an axis.
  public func sliced(_ axis: Int, _ start: Int, _ end: Int, step: Int = 1) throws -> Tensor {
    try call(
      "aten::slice.Tensor", [.tensor(self), .int(axis), .int(start), .int(end), .int(step)])
  }
  /// Row-major storage; itself when it is so already.
  public func contiguous() throws -> Tensor { try call("aten::contiguous", self) }
  /// Elements converted; itself when they are of that type already.
  public func converted(to dtype: DType) throws -> Tensor {
    self.dtype == dtype ? self : try call("aten::to.dtype", [.tensor(self), .dtype(dtype)])
  }
  /// The same values, outside any gradient recording.
  public func detached() throws -> Tensor { try call("aten::detach", self) }

  /// Softmax over an axis.
  public func softmax(_ axis: Int) throws -> Tensor {
    try call("aten::softmax.int", [.tensor(self), .int(axis)])
  }
  /// Logarithm of the softmax over an axis.
  public func logSoftmax(_ axis: Int) throws -> Tensor {
    try call("aten::log_softmax.int", [.tensor(self), .int(axis)])
  }
  /// Sum of all elements, shape `[]`.
  public func sum() throws -> Tensor { try call("aten::sum", self) }
  /// Sum over some axes.
  public func sum(_ axes: [Int], keep: Bool = false) throws -> Tensor {
    try call("aten::sum.dim_IntList", [.tensor(self), .ints(axes), .bool(keep)])
  }
  /// Mean over some axes.
  public func mean(_ axes: [Int], keep: Bool = false) throws -> Tensor {
    try call("aten::mean.dim", [.tensor(self), .ints(axes), .bool(keep)])
  }
  /// Sum of squares of all elements, accumulated in double.
  public func squaredNorm() throws -> Double {
    let flat = try reshaped([-1])
    return try call("aten::dot", flat, flat).item()
  }
  /// Largest elements' index along an axis.
  public func argmax(_ axis: Int) throws -> Tensor {
    try call("aten::argmax", [.tensor(self), .int(axis)])
  }

  /// Tensors put one after another along an axis.
  public static func concatenated(_ tensors: [Tensor], axis: Int) throws -> Tensor {
    try call("aten::cat", [.tensors(tensors), .int(axis)])
  }
  /// `0 ..< count` as 64-bit integers.
  public static func range(_ count: Int) -> Tensor {
    Tensor((0..<Int64(count)).map { $0 }, shape: [count])
  }
  /// Zeros.
  public static func zeros(_ shape: [Int]) -> Tensor { .filled(shape: shape) { _ in } }
}
