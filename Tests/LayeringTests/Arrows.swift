/// The arrows between targets, as DESIGN draws them: what each may import besides the standard
/// library and the system's modules.
enum Arrows {
  static let rooms = [
    "Sensitivity", "Costs", "Optimization", "Pareto", "Export", "Study", "Report",
  ]

  static let allowed: [String: Set<String>] = [
    // Native: each wrapper sees its own C module and nothing else.
    "Tensors": ["CTorch"],
    "MILP": ["CGLPK"],
    "BoostedTrees": ["CXGBoost"],
    "Kernels": ["COneDNN"],
    "GGML": ["CGGML"],
    "Images": ["CImages"],
    "Archives": ["CZlib", "CCrypto"],
    // The nouns, and what the rooms stand on.
    "Vocabulary": [],
    "Quantization": ["Vocabulary", "GGML", "Yams"],
    "Models": ["Vocabulary", "Tensors", "Archives", "SwiftProtobuf"],
    "Calibration": ["Vocabulary", "Tensors", "Images", "Archives", "Yams"],
    // Rooms: siblings, none imports another.
    "Sensitivity": ["Vocabulary", "Tensors", "Models", "Quantization"],
    "Costs": ["Vocabulary", "Quantization", "Yams"],
    "Optimization": ["Vocabulary", "MILP", "BoostedTrees"],
    "Pareto": ["Vocabulary"],
    "Export": ["Vocabulary", "Quantization", "Archives", "Yams"],
    "Study": ["Vocabulary", "GRDB"],
    "Report": ["Vocabulary"],
    // The hall and its doors.
    "Tuning": [
      "Vocabulary", "Tensors", "Archives", "Quantization", "Models", "Calibration", "Sensitivity",
      "Costs", "Kernels", "Optimization", "MILP", "Pareto", "Export", "Study", "Report",
    ],
    "bitbudget": [
      "Tuning", "Calibration", "Vocabulary", "Export", "Report", "ArgumentParser",
    ],
    "bitbudget-bench": [
      "Tuning", "Calibration", "Models", "Sensitivity", "Tensors", "Quantization", "Optimization",
      "Pareto", "Vocabulary", "ArgumentParser",
    ],
  ]

  /// Modules of the system: anybody but the nouns may use them.
  static let system: Set<String> = [
    "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
  ]

  /// What is wrong with the imports of a file of `target`, one sentence each.
  static func violations(of source: String, in target: String) -> [String] {
    guard let allowed = allowed[target] else { return ["no arrows are drawn for \(target)"] }
    return imports(of: source).compactMap { module in
      if module == "Swift" || allowed.contains(module) { return nil }
      if system.contains(module) {
        return target == "Vocabulary" ? "\(target) must not import \(module): it does no I/O" : nil
      }
      return "\(target) must not import \(module)"
    }
  }

  /// The modules that a source file imports, in its order.
  static func imports(of source: String) -> [String] {
    let statement =
      #/^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)\s+)?(\w+)/#
    return source.split(whereSeparator: \.isNewline).compactMap { line in
      if line.drop(while: \.isWhitespace).hasPrefix("//") { return nil }
      return line.firstMatch(of: statement).map { String($0.output.1) }
    }
  }

  /// The arrows of a package manifest between the targets of `Sources`.
  ///
  /// Those to other packages are named by constants there and are not among them.
  static func drawn(in manifest: String) -> [String: Set<String>] {
    let rooms = #/(?:room|native)\(\s*"(\w+)"(?:,\s*on:\s*\[([^\]]*)\])?/#
    let others = #/arget\(\s*name:\s*"([\w-]+)",\s*dependencies:\s*\[([^\]]*)\]/#
    let found =
      manifest.matches(of: rooms).map { ($0.output.1, $0.output.2 ?? "") }
      + manifest.matches(of: others).map { ($0.output.1, $0.output.2) }
    var arrows: [String: Set<String>] = [:]
    for (target, list) in found {
      arrows[String(target)] = Set(list.matches(of: #/"(\w+)"/#).map { String($0.output.1) })
    }
    arrows["TestSupport"] = nil
    return arrows
  }
}
