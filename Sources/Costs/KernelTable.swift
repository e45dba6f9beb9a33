internal import Vocabulary

/// A kernel that is timed, as its rows name it.
public enum TimedKernel: String, Codable, Hashable, Sendable, CaseIterable {
  /// Singles; what is only stored narrowly is unpacked to them.
  case fp32
  /// bfloat16 factors.
  case bf16
  /// 8-bit codes whose zero is code 0.
  case int8
  /// 8-bit codes with a zero point.
  case int8Offset = "int8-offset"
  /// Rows picked from a table of singles.
  case lookup

  /// What it multiplies in: `fp32`, `bf16` or `int8`.
  public var arithmetic: String {
    switch self {
    case .bf16: "bf16"
    case .int8, .int8Offset: "int8"
    case .fp32, .lookup: "fp32"
    }
  }

  /// The kernel of one use of a layer; nil where the precision has none.
  ///
  /// - Parameter isNonNegative: Whether nothing negative goes in.
  public init?(of work: LayerWork, in precision: Precision, isNonNegative: Bool) {
    if case .lookup = work {
      guard precision.activation == nil else { return nil }
      self = .lookup
    } else if precision.arithmetic.contains(.int8) {
      guard precision.hasStaticCodes else { return nil }
      self = isNonNegative && precision.activation?.contains("-sym") == false ? .int8 : .int8Offset
    } else if precision.activation != nil {
      return nil
    } else {
      self = precision.arithmetic.contains(.bf16) ? .bf16 : .fp32
    }
  }
}

/// Times of real kernels on one device: one row for every shape and kernel, whatever layer it is in.
public struct KernelTable: Codable, Sendable, Equatable {
  /// The format of the file.
  public static let schema = "bitbudget.kernels/1"

  /// A shape and a kernel.
  public struct Key: Codable, Hashable, Sendable {
    /// What is computed.
    public var work: LayerWork
    /// By which kernel.
    public var kernel: TimedKernel

    /// A shape and a kernel.
    public init(_ work: LayerWork, _ kernel: TimedKernel) {
      self.work = work
      self.kernel = kernel
    }
  }

  /// One timed kernel.
  public struct Row: Codable, Hashable, Sendable {
    /// The shape and the kernel.
    public var key: Key
    /// The median of the runs.
    public var milliseconds: Double
    /// The median absolute deviation.
    public var spread: Double
    /// The runs.
    public var repetitions: Int
    /// Runs far above the median.
    public var outliers: Int
    /// The library's own name of what ran.
    public var implementation: String

    /// A timed kernel.
    public init(
      key: Key, milliseconds: Double, spread: Double, repetitions: Int, outliers: Int,
      implementation: String
    ) {
      self.key = key
      self.milliseconds = milliseconds
      self.spread = spread
      self.repetitions = repetitions
      self.outliers = outliers
      self.implementation = implementation
    }
  }

  /// Whole runs of a network, which tell what the rows leave out.
  public struct WholeRuns: Codable, Hashable, Sendable {
    /// Digest of the model's weights.
    public var model: String
    /// The inputs' shapes, by name.
    public var inputs: [String: [Int]]
    /// Milliseconds of one run outside the quantizable layers.
    public var rest: Double
    /// Time inside the layers over the sum of their rows, by arithmetic; that of a uniform policy.
    public var scale: [String: Double]

    /// What whole runs of a network tell.
    public init(model: String, inputs: [String: [Int]], rest: Double, scale: [String: Double]) {
      self.model = model
      self.inputs = inputs
      self.rest = rest
      self.scale = scale
    }
  }

  /// Always ``schema``.
  public var schema: String
  /// The device's name.
  public var device: String
  /// The processor in its maker's words.
  public var processor: String
  /// Threads of a kernel.
  public var threads: Int
  /// The libraries that computed, with their versions.
  public var libraries: [String: String]
  /// The rows, in the order in which they were timed.
  public private(set) var rows: [Row]
  /// Whole runs, one entry for every model and input shape.
  public private(set) var wholeRuns: [WholeRuns]

  /// A table without rows.
  public init(device: String, processor: String, threads: Int, libraries: [String: String]) {
    schema = Self.schema
    self.device = device
    self.processor = processor
    self.threads = threads
    self.libraries = libraries
    rows = []
    wholeRuns = []
  }

  /// Adds a row, or puts it in the place of an older one.
  public mutating func add(_ row: Row) {
    if let k = rows.firstIndex(where: { $0.key == row.key }) {
      rows[k] = row
    } else {
      rows.append(row)
    }
  }

  /// Adds whole runs, or puts them in the place of older ones.
  public mutating func add(_ runs: WholeRuns) {
    wholeRuns.removeAll { $0.model == runs.model && $0.inputs == runs.inputs }
    wholeRuns.append(runs)
  }

  /// The kernels that a network's candidates need, each once, in the layers' order.
  ///
  /// - Parameter precisions: By layer.
  public static func needed(_ geometry: ModelGeometry, precisions: [String: [Precision]]) -> [Key] {
    var seen: Set<Key> = []
    return geometry.layers.flatMap { layer in
      (precisions[layer.name] ?? []).flatMap { precision in
        layer.uses.compactMap { work in
          TimedKernel(of: work, in: precision, isNonNegative: layer.isNonNegative)
            .map { Key(work, $0) }
        }
      }
    }.filter { seen.insert($0).inserted }
  }

  /// Those of `keys` that have no row yet.
  public func missing(of keys: [Key]) -> [Key] {
    let known = Set(rows.map(\.key))
    return keys.filter { !known.contains($0) }
  }

  /// The table as a device on which one network runs.
  ///
  /// - Parameter isScaled: Whether rows are scaled to whole runs, where there are any.
  public func measured(for geometry: ModelGeometry, isScaled: Bool = true) -> MeasuredDevice {
    MeasuredDevice(
      device: device,
      milliseconds: Dictionary(rows.map { ($0.key, $0.milliseconds) }) { _, last in last },
      runs: wholeRuns.first { $0.model == geometry.model.digest && $0.inputs == geometry.inputs },
      isScaled: isScaled)
  }
}

/// A device whose kernels were timed, for one network.
public struct MeasuredDevice: LatencyModel {
  /// The device's name.
  public let device: String
  let milliseconds: [KernelTable.Key: Double]
  let runs: KernelTable.WholeRuns?
  let isScaled: Bool

  /// Time outside the layers, where whole runs were timed.
  public var rest: Double? { runs?.rest }

  /// By what a kernel is slower in whole runs than alone; of arithmetic that no whole run had, as the others
  /// are in the mean.
  private func scale(_ kernel: TimedKernel) -> Double {
    guard isScaled, let scale = runs?.scale, !scale.isEmpty else { return 1 }
    return scale[kernel.arithmetic]
      ?? scale.keys.sorted().reduce(0) { $0 + (scale[$1] ?? 0) } / Double(scale.count)
  }

  /// The sum of the rows of the layer's uses, each scaled to whole runs.
  public func latency(of layer: LayerGeometry, in precision: Precision, bytes: Int) -> LayerLatency
  {
    var sum = 0.0
    for work in layer.uses {
      guard
        let kernel = TimedKernel(of: work, in: precision, isNonNegative: layer.isNonNegative)
      else {
        return .none(
          "\(device) has no kernel for \(precision.name): that needs symmetric weights of at most 8 bits with one "
            + "scale a row and activations as int8-tensor")
      }
      guard let time = milliseconds[KernelTable.Key(work, kernel)] else {
        return .none(
          "\(device) has no time for \(kernel.rawValue) of \(work.text); `bitbudget profile` measures it"
        )
      }
      sum += scale(kernel) * time
    }
    return .milliseconds(sum)
  }
}
