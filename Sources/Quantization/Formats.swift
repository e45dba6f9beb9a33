public import Vocabulary

/// The catalogue of number formats.
public enum Formats {
  /// Every format: integers by width, granularity and symmetry, then floats, then those of consumers.
  public static let all: [any NumberFormat] =
    IntegerFormat.widths.flatMap { bits in
      IntegerFormat.granularities.flatMap { granularity in
        IntegerFormat.Symmetry.allCases.map { IntegerFormat(bits: bits, granularity, $0) }
      }
    } + FloatFormat.allCases + Float8Format.all + NormalFloatFormat.all
    + MicroscalingFormat.allCases
    + GGUFFormat.allCases + GGMLFormat.allCases + MLXFormat.all + MLXFloatFormat.allCases
    + ClippedFormat.all

  /// The candidates of a measurement that does not name its own.
  public static let standard = [
    "int2-g64", "int3-g64", "int4-g64", "int5-g64", "int6-g64", "int8-g64",
  ]

  private static let byName: [String: any NumberFormat] = {
    var found: [String: any NumberFormat] = [:]
    for format in all {
      found[format.name] = format
      if let integers = format as? IntegerFormat { found[integers.explicitName] = format }
      if let clipped = format as? ClippedFormat { found[clipped.explicitName] = format }
    }
    return found
  }()

  /// The format of a name; `int4-g64-asym` is another name of `int4-g64`.
  ///
  /// - Throws: `UserError` of kind usage, with the nearest name, when there is none.
  public static func named(_ name: String) throws -> any NumberFormat {
    guard let format = byName[name] else {
      throw UserError.unknown(name, "format", known: all.map(\.name))
    }
    return format
  }

  /// What a weight gets when the whole model is to have the format `name`: that format, or where it
  /// refuses the shape the one that stands in for it (`int4-channel` for `int4-g64`).
  ///
  /// - Returns: nil when no stand-in takes the shape either.
  /// - Throws: `UserError` when there is no such format.
  public static func format(_ name: String, for shape: WeightShape) throws -> (any NumberFormat)? {
    var format: (any NumberFormat)? = try named(name)
    while let refused = format, refused.refusal(of: shape) != nil { format = refused.fallback }
    return format
  }

  /// The formats that a weight of this shape may take, of those named, stand-ins included.
  ///
  /// In the order of `names`, each format once; empty when the shape is refused by all.
  /// - Throws: `UserError` when a name is unknown.
  public static func candidates(for shape: WeightShape, from names: [String]) throws
    -> [any NumberFormat]
  {
    var seen: Set<String> = []
    return try names.compactMap { try format($0, for: shape) }
      .filter { seen.insert($0.name).inserted }
  }
}
