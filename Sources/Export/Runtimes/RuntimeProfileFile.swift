internal import Archives
internal import Foundation
internal import Quantization
internal import Vocabulary

extension RuntimeProfile {
  /// Reads the text of a profile's file.
  ///
  /// - Parameter file: What the text is called in errors, usually a path.
  /// - Throws: `UserError` with file, line and field when it is not such a file.
  public init(parsing text: String, file: String) throws {
    let root = Field(try Document.yaml(text, file: file), file: file)
    try root.allow(["schemaVersion", "name", "summary", "formats", "fused"])
    let version = try root.required("schemaVersion")
    guard try version.integer() == Self.schemaVersion else {
      throw version.mistake("must be \(Self.schemaVersion): no other version is understood")
    }
    let formats = try root.required("formats")
    let rules = try formats.items().map { try Rule($0) }
    guard !rules.isEmpty else { throw formats.mistake("must hold a rule") }
    self.init(
      name: try root.required("name").string(), summary: try root.required("summary").string(),
      rules: rules, fused: try root["fused"]?.items().map { try FusedParts($0) } ?? [])
  }
}

extension RuntimeProfile.Rule {
  fileprivate init(_ field: Field) throws {
    try field.allow([
      "family", "codes", "bits", "symmetry", "scales", "inputs", "kinds", "columns", "rows",
    ])
    guard field["family"] != nil || field["codes"] != nil else {
      throw field.mistake("must have a 'family' or 'codes'")
    }
    family = try field["family"].map { try $0.word("family", Setting.Family.allCases) }
    codes = try field["codes"]?.strings()
    bits = try field["bits"]?.integers()
    isSymmetric = try field["symmetry"].map { field in
      switch try field.string() {
      case "sym": return true
      case "asym": return false
      default: throw field.mistake("must be sym or asym")
      }
    }
    scales = try field["scales"]?.items().map { try $0.granularity() }
    if let field = field["inputs"] {
      inputs = try field.items().map { item in
        let name = try item.string()
        guard name != ActivationFormat?.none.name else { return name }
        return try item.reading { try ActivationFormat.named(name).name }
      }
    }
    kinds = try field["kinds"]?.items().map { try $0.word("kind", LayerKind.allCases) }
    columns = try field["columns"]?.positive()
    rows = try field["rows"]?.positive()
  }
}

extension FusedParts {
  fileprivate init(_ field: Field) throws {
    try field.allow(["parts", "whole"])
    let parts = try field.required("parts")
    self.init(parts: try parts.strings(), whole: try field.required("whole").string())
    guard self.parts.count > 1 else { throw parts.mistake("must be two names or more") }
  }
}

extension Field {
  fileprivate func word<Word: RawRepresentable<String>>(_ noun: String, _ known: [Word]) throws
    -> Word
  {
    let text = try string()
    guard let word = known.first(where: { $0.rawValue == text }) else {
      throw mistake(
        "is the unknown \(noun) '\(text)'; there are: "
          + known.map(\.rawValue).joined(separator: ", "))
    }
    return word
  }

  fileprivate func positive() throws -> Int {
    let value = try integer()
    guard value > 0 else { throw mistake("must be positive, got \(value)") }
    return value
  }

  fileprivate func granularity() throws -> Setting.Granularity {
    let text = try string()
    switch text {
    case "channel": return .channel
    case "tensor": return .tensor
    case "unscaled": return .unscaled
    default:
      guard text.hasPrefix("g"), let size = Int(text.dropFirst()), size > 0 else {
        throw mistake("must be gN, channel, tensor or unscaled, got '\(text)'")
      }
      return .group(size)
    }
  }
}

/// The profiles that there are.
public enum RuntimeProfiles {
  /// Where they are in the tool's data.
  public static let folder = "SearchSpaces/runtimes"

  /// Every profile in a folder, by name.
  ///
  /// - Throws: `UserError` when the folder cannot be read, or one of them is wrong.
  public static func all(in folder: String = folder) throws -> [RuntimeProfile] {
    guard let place = ToolData.path(of: folder),
      let files = try? FileManager.default.contentsOfDirectory(atPath: place)
    else {
      throw UserError(
        .usage,
        "'\(folder)' with the runtime profiles is not here; set BITBUDGET_DATA to its folder's folder"
      )
    }
    return try files.filter { $0.hasSuffix(".yaml") }.sorted().map { try read("\(place)/\($0)") }
  }

  /// The profile of a name, or of a file that somebody brings.
  ///
  /// - Throws: `UserError` with the nearest known name when there is none.
  public static func named(_ name: String, in folder: String = folder) throws -> RuntimeProfile {
    if name.hasSuffix(".yaml") { return try read(name) }
    let profiles = try all(in: folder)
    guard let profile = profiles.first(where: { $0.name == name }) else {
      throw UserError.unknown(name, "runtime", known: profiles.map(\.name))
    }
    return profile
  }

  private static func read(_ path: String) throws -> RuntimeProfile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(.failed, "the runtime profile '\(path)' cannot be read")
    }
    return try RuntimeProfile(parsing: String(decoding: data, as: UTF8.self), file: path)
  }
}
