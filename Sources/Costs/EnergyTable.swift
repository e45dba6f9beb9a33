internal import Vocabulary

/// Picojoules of arithmetic and of memory traffic.
///
///     energy of a layer = MACs · (multiply + add) + bytes moved · (per byte)
///
/// in one technology. Integer products of other widths than the table's scale with the product of their
/// bits, floats with the square of theirs, as multiplier arrays do.
///
/// Source of the numbers: the comments of `SearchSpaces/energy.yaml`.
public struct EnergyTable: Hashable, Sendable {
  /// Picojoules of one multiply-accumulate on singles.
  public var fp32: Double
  /// Picojoules of one multiply-accumulate on halves.
  public var fp16: Double
  /// Picojoules of one multiply-accumulate on bytes.
  public var int8: Double
  /// Picojoules to bring a byte from main memory.
  public var memoryByte: Double
  /// Picojoules to bring a byte from on-chip memory.
  public var cacheByte: Double

  /// Reads the text of a table's file.
  ///
  /// - Throws: `UserError` with file, line and field when it is not such a file.
  public init(parsing text: String, file: String) throws {
    let root = try ProfileField(parsing: text, file: file)
    try root.allow(["schemaVersion", "macs", "bytes"])
    let version = try root.required("schemaVersion")
    guard version.text == "1" else {
      throw version.mistake("must be 1: no other version is understood")
    }
    let macs = try root.required("macs")
    try macs.allow(["fp32", "fp16", "int8"])
    let bytes = try root.required("bytes")
    try bytes.allow(["memory", "cache"])
    fp32 = try macs.required("fp32").positive()
    fp16 = try macs.required("fp16").positive()
    int8 = try macs.required("int8").positive()
    memoryByte = try bytes.required("memory").positive()
    cacheByte = try bytes.required("cache").positive()
  }

  /// Millijoules of one layer in one run of its network.
  ///
  /// Weights come from main memory once a use, activations from on-chip memory; weights that are only
  /// stored narrowly multiply as singles once unpacked.
  ///
  /// - Parameter bytes: Bytes of the stored weight.
  public func millijoules(of layer: LayerGeometry, in precision: Precision, bytes: Int) -> Double {
    let picojoules = layer.uses.reduce(0.0) { sum, work in
      let weightBytes: Double
      if case .lookup = work {
        weightBytes = Double(work.outputElements) * Double(precision.weightBits) / 8
      } else {
        weightBytes = Double(bytes)
      }
      let width = Double(precision.activationBits) / 8
      return sum + work.macs * mac(precision) + weightBytes * memoryByte
        + Double(work.inputElements + work.outputElements) * width * cacheByte
    }
    return picojoules * 1e-9
  }

  /// Picojoules of one multiply-accumulate.
  func mac(_ precision: Precision) -> Double {
    switch precision.arithmetic.first {
    case .int8, .int4:
      int8 * Double(precision.weightBits * precision.activationBits) / 64
    case .fp16, .bf16: fp16
    case .fp8: fp16 / 4
    case .fp32, nil: fp32
    }
  }
}
