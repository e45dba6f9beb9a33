internal import COneDNN
internal import Synchronization

/// In what numbers a kernel multiplies; what goes in and comes out are singles in every case.
public enum KernelFormat: String, Hashable, Sendable, CaseIterable, Codable {
  /// Singles.
  case fp32
  /// Both factors rounded to bfloat16, sums in singles.
  case bf16
  /// Activations as 8-bit codes of one range, weights as 8-bit codes with a scale per output channel,
  /// sums in 32-bit integers.
  case int8

  var raw: conednn_format {
    switch self {
    case .fp32: CONEDNN_FP32
    case .bf16: CONEDNN_BF16
    case .int8: CONEDNN_INT8
    }
  }
}

/// How activations become 8-bit codes: `value = (code − zero) · scale`.
public struct ActivationCodes: Hashable, Sendable {
  /// The step.
  public var scale: Float
  /// The code of zero.
  public var zero: Int
  /// Whether codes are −128 … 127; otherwise 0 … 255.
  public var isSigned: Bool

  /// Codes by their step.
  public init(scale: Float, zero: Int = 0, isSigned: Bool = false) {
    self.scale = scale
    self.zero = zero
    self.isSigned = isSigned
  }

  /// Unsigned codes for the values of a range, which is widened to hold zero.
  ///
  /// `scale = (high − low) / 255`, `zero = round(−low / scale)`; values that are never negative have
  /// their zero at code 0, which kernels like best.
  public init(covering range: ClosedRange<Float>) {
    let (low, high) = (min(0, range.lowerBound), max(0, range.upperBound))
    let step = (high - low) / 255
    scale = step > 0 && step.isFinite ? step : 1
    zero = Int(min(255, max(0, (-low / scale).rounded(.toNearestOrEven))))
    isSigned = false
  }
}

/// Why a kernel cannot be made or run.
public struct KernelError: Error, CustomStringConvertible, Sendable {
  /// One clause.
  public let description: String
}

/// oneDNN's primitive for one layer, its weights packed.
///
/// Activations are row-major with the channels last, `[batch][size...][channels]`. Rounding activations
/// to bfloat16 or to codes is part of every run.
///
/// Source: oneDNN 2.x, its C interface.
public final class Kernel: Sendable {
  /// What it computes.
  public let shape: KernelShape
  /// In what numbers.
  public let format: KernelFormat
  /// oneDNN's name of the implementation, such as `brgconv:avx512_core_vnni`.
  public let implementation: String
  private let raw: Mutex<Raw>

  /// One thread at a time may be in the primitive: its scratch memory is its own.
  private struct Raw: @unchecked Sendable {
    var pointer: OpaquePointer
  }

  /// The version of the library.
  ///
  /// - Throws: `KernelError` when it is not there, with what would be needed.
  public static func libraryVersion() throws -> String {
    var error = conednn_error()
    let number = conednn_version(&error)
    guard number > 0 else {
      throw KernelError(description: "\(error.sentence); install Debian's libdnnl-dev")
    }
    return "\(number / 10_000).\(number / 100 % 100).\(number % 100)"
  }

  /// Packs weights for a shape.
  ///
  /// - Parameters:
  ///   - weights: `[outputs][channels / groups][kernel...]`, ``KernelShape/weights`` of them.
  ///   - bias: One number per output channel, or nil.
  ///   - weightScales: Of int8: the step of every output channel's weights, positive; codes are
  ///     `round(weight / step)` in −128 … 127.
  ///   - activation: Of int8: how activations become codes.
  ///   - clamp: The range that results are held in, as ReLU6 does; nil leaves them.
  ///   - threads: Threads of the kernel.
  /// - Throws: `KernelError` when oneDNN is not there or has no kernel for it.
  public init(
    _ shape: KernelShape, format: KernelFormat, weights: UnsafeBufferPointer<Float>,
    bias: [Float]? = nil, weightScales: [Float] = [], activation: ActivationCodes? = nil,
    clamp: ClosedRange<Float>? = nil, threads: Int = 1
  ) throws {
    if let mistake = shape.mistake { throw KernelError(description: "no kernel has \(mistake)") }
    guard weights.count == shape.weights, bias.map({ $0.count == shape.outputs }) ?? true else {
      fatalError("a kernel of \(shape) was given \(weights.count) weights")
    }
    guard format != .int8 || weightScales.count == shape.outputs else {
      fatalError("\(shape.outputs) channels were given \(weightScales.count) scales")
    }
    var options = conednn_options()
    let codes = activation ?? ActivationCodes(scale: 1)
    (options.input_scale, options.input_zero) = (codes.scale, Int32(codes.zero))
    options.input_is_signed = codes.isSigned ? 1 : 0
    if let clamp {
      (options.clamps, options.low, options.high) = (1, clamp.lowerBound, clamp.upperBound)
    }
    var raw = shape.raw
    var error = conednn_error()
    // A scale of zero is that of a channel without weights: any step gives its codes, zero.
    let steps = weightScales.map { $0 > 0 && $0.isFinite ? $0 : 1 }
    let made = steps.withUnsafeBufferPointer { steps in
      options.weight_scales = steps.baseAddress
      return (bias ?? [Float](repeating: 0, count: shape.outputs)).withUnsafeBufferPointer { bias in
        conednn_make(
          &raw, format.raw, weights.baseAddress, bias.baseAddress, &options, Int32(threads), &error)
      }
    }
    guard let made else { throw KernelError(description: error.sentence) }
    guard conednn_inputs(made) == shape.inputCount, conednn_outputs(made) == shape.outputCount
    else { fatalError("oneDNN sees other sizes in \(shape)") }
    self.shape = shape
    self.format = format
    implementation = String(cString: conednn_name(made))
    self.raw = Mutex(Raw(pointer: made))
  }

  deinit { raw.withLock { conednn_free($0.pointer) } }

  /// Computes the layer.
  ///
  /// - Parameters:
  ///   - input: ``KernelShape/inputCount`` singles.
  ///   - output: Room for ``KernelShape/outputCount``.
  /// - Throws: `KernelError` when oneDNN fails.
  public func run(_ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) throws {
    try raw.withLock { raw in
      var error = conednn_error()
      guard conednn_run(raw.pointer, input, output, &error) == 0 else {
        throw KernelError(description: error.sentence)
      }
    }
  }
}

extension conednn_error {
  /// The text that the C side wrote.
  fileprivate var sentence: String {
    withUnsafeBytes(of: text) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
