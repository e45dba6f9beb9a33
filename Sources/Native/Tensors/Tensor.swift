internal import CTorch

/// An n-dimensional array of libtorch's, by reference: copies share storage.
///
/// A tensor is never changed in place by this package once it is visible to a second task, which is
/// what makes it `Sendable`; libtorch's reference counts are atomic.
public struct Tensor: @unchecked Sendable {
  /// Owns one `ct_tensor` (+1).
  final class Handle {
    let raw: OpaquePointer
    init(taking raw: OpaquePointer) { self.raw = raw }
    deinit { ct_free(raw) }
  }

  let handle: Handle
  var raw: OpaquePointer { handle.raw }

  init(taking raw: OpaquePointer) { handle = Handle(taking: raw) }

  /// The sizes of the axes.
  public var shape: [Int] { (0..<rank).map { Int(ct_size(raw, Int64($0))) } }
  /// The number of axes.
  public var rank: Int { Int(ct_rank(raw)) }
  /// The number of elements.
  public var count: Int { Int(ct_count(raw)) }
  /// The element type; nil for a type that this package does not name.
  public var dtype: DType? { DType(rawValue: ct_dtype(raw)) }
  /// Bytes of the elements.
  public var byteCount: Int { count * Int(ct_element_size(raw)) }
  /// Whether operations on it are recorded for gradients.
  public var requiresGradient: Bool { ct_requires_grad(raw) }

  /// A copy of `values` with a shape; the product of `shape` must be their number.
  public init(_ values: [Float], shape: [Int]) {
    self.init(copying: values, shape: shape, dtype: .float32)
  }

  /// A copy of `values` with a shape; the product of `shape` must be their number.
  public init(_ values: [Int64], shape: [Int]) {
    self.init(copying: values, shape: shape, dtype: .int64)
  }

  /// A copy of `values` with a shape; the product of `shape` must be their number.
  public init(_ values: [Double], shape: [Int]) {
    self.init(copying: values, shape: shape, dtype: .float64)
  }

  /// A scalar, shape `[]`.
  public init(_ value: Float) { self.init([value], shape: []) }

  private init<T>(copying values: [T], shape: [Int], dtype: DType) {
    guard shape.reduce(1, *) == values.count else {
      fatalError("\(values.count) values do not fill the shape \(shape)")
    }
    let storage = UnsafeMutablePointer<T>.allocate(capacity: max(1, values.count))
    storage.initialize(from: values, count: values.count)
    self.init(adopting: UnsafeMutableRawPointer(storage), shape: shape, dtype: dtype) {
      storage.deallocate()
    }
  }

  /// A tensor over foreign memory, nothing copied.
  ///
  /// - Parameters:
  ///   - memory: At least `product(shape) · dtype.size` bytes, alive until `owner` is released.
  ///   - shape: The sizes of the axes, row-major.
  ///   - dtype: The element type.
  ///   - owner: Kept alive as long as any tensor over the memory, e.g. a mapped file.
  public init(
    over memory: UnsafeMutableRawPointer, shape: [Int], dtype: DType,
    owner: any AnyObject & Sendable
  ) {
    self.init(adopting: memory, shape: shape, dtype: dtype) { _ = owner }
  }

  /// A zero-filled tensor that `fill` writes into before anybody else sees it.
  public static func filled(
    shape: [Int], with fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows -> Tensor {
    let count = shape.reduce(1, *)
    let storage = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count))
    storage.initialize(repeating: 0, count: max(1, count))
    do {
      try fill(UnsafeMutableBufferPointer(start: storage, count: count))
    } catch {
      storage.deallocate()
      throw error
    }
    return Tensor(adopting: UnsafeMutableRawPointer(storage), shape: shape, dtype: .float32) {
      storage.deallocate()
    }
  }

  /// Takes memory that `release` gives back once the last tensor over it is gone.
  private init(
    adopting memory: UnsafeMutableRawPointer, shape: [Int], dtype: DType,
    release: @escaping () -> Void
  ) {
    final class Release {
      let run: () -> Void
      init(_ run: @escaping () -> Void) { self.run = run }
    }
    let context = Unmanaged.passRetained(Release(release)).toOpaque()
    var error: UnsafeMutablePointer<CChar>?
    let sizes = shape.map(Int64.init)
    let raw = ct_from_blob(
      memory, sizes, Int64(sizes.count), dtype.rawValue,
      { context in
        guard let context else { return }
        Unmanaged<Release>.fromOpaque(context).takeRetainedValue().run()
      }, context, &error)
    guard let raw else {
      fatalError("\(TensorError(operation: "from_blob", taking: error))")
    }
    self.init(taking: raw)
  }

  /// The elements as singles, row-major.
  public func floats() throws -> [Float] {
    try converted(to: .float32).withBytes { Array($0.bindMemory(to: Float.self)) }
  }

  /// The elements as doubles, row-major.
  public func doubles() throws -> [Double] {
    try converted(to: .float64).withBytes { Array($0.bindMemory(to: Double.self)) }
  }

  /// The elements as 64-bit integers, row-major.
  public func integers() throws -> [Int] {
    try converted(to: .int64).withBytes { $0.bindMemory(to: Int64.self).map(Int.init) }
  }

  /// The only element, as a double.
  public func item() throws -> Double {
    var value = 0.0
    var error: UnsafeMutablePointer<CChar>?
    guard ct_item(raw, &value, &error) else {
      throw TensorError(operation: "item", taking: error)
    }
    return value
  }

  /// The bytes of the elements in row-major order; copies first when they are not laid out so.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    var tensor = self
    if !ct_is_cpu(raw) { tensor = try call("aten::cpu", self) }
    if !ct_is_contiguous(tensor.raw) { tensor = try call("aten::contiguous", tensor) }
    return try withExtendedLifetime(tensor) {
      try body(UnsafeRawBufferPointer(start: ct_data(tensor.raw), count: tensor.byteCount))
    }
  }

  /// The elements as singles in row-major order, without a copy when they are stored so.
  public func withFloats<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    try converted(to: .float32).withBytes { try body($0.bindMemory(to: Float.self)) }
  }
}
