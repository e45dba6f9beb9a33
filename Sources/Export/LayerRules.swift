internal import Foundation
public import Vocabulary

/// What a consumer does to a layer.
public enum Treatment: Hashable, Sendable {
  /// Stores its weight in a setting.
  case quantized(Setting)
  /// Leaves the weight as the model has it.
  case untouched
}

/// What a consumer's file says about layers: patterns with treatments, and who wins.
public struct LayerRules: Sendable {
  /// Which layers a rule is about.
  public enum Pattern: Hashable, Sendable {
    /// The layer of this name.
    case exact(String)
    /// Names that a regular expression matches.
    case regex(String, Anchoring)
    /// Names that a shell pattern matches as a whole.
    case glob(String)
    /// Layers of a kind.
    case kind(LayerKind)
    /// Every layer.
    case any
  }

  /// What a regular expression has to match.
  public enum Anchoring: Sendable {
    /// Any part of the name.
    case search
    /// The name from its start.
    case start
    /// The whole name.
    case whole
  }

  /// A pattern with its treatment.
  public struct Rule: Sendable {
    /// Which layers.
    public var pattern: Pattern
    /// What happens to them.
    public var treatment: Treatment
  }

  /// Which of several rules that match a layer holds.
  public enum Precedence: Sendable {
    /// The first in the file.
    case first
    /// The last in the file.
    case last
    /// An exact name, then the first pattern.
    case exactThenFirst
    /// The first pattern, then an exact name.
    case patternThenExact
  }

  /// The rules in the file's order.
  public private(set) var rules: [Rule] = []
  /// What holds for layers that no rule matches; the first that matches.
  public var defaults: [Rule] = []
  /// Who wins.
  public let precedence: Precedence

  /// No rules yet.
  init(_ precedence: Precedence) { self.precedence = precedence }

  /// Adds a rule.
  mutating func add(_ pattern: Pattern, _ treatment: Treatment) {
    rules.append(Rule(pattern: pattern, treatment: treatment))
  }

  /// Adds a rule for layers that no other rule matches.
  mutating func addDefault(_ pattern: Pattern, _ treatment: Treatment) {
    defaults.append(Rule(pattern: pattern, treatment: treatment))
  }
}

/// Rules that are ready to be asked: names in a table, patterns compiled.
struct LayerMatcher {
  private let precedence: LayerRules.Precedence
  private let rules: [LayerRules.Rule]
  /// Indices of the rules with the name, first to last.
  private var exact: [String: [Int]] = [:]
  private var patterns: [(index: Int, matches: (String, LayerKind) -> Bool)] = []
  private var defaults: [(matches: (String, LayerKind) -> Bool, treatment: Treatment)] = []

  /// - Throws: `UserError` when a pattern is no regular expression.
  init(_ rules: LayerRules) throws {
    precedence = rules.precedence
    self.rules = rules.rules
    for (index, rule) in rules.rules.enumerated() {
      if let names = Self.names(of: rule.pattern) {
        for name in names { exact[name, default: []].append(index) }
      } else {
        patterns.append((index, try Self.test(rule.pattern)))
      }
    }
    defaults = try rules.defaults.map { (try Self.test($0.pattern), $0.treatment) }
  }

  /// What happens to a layer; nil when the rules do not say.
  func treatment(of name: String, kind: LayerKind) -> Treatment? {
    let named = exact[name] ?? []
    let matching = patterns.lazy.filter { $0.matches(name, kind) }.map(\.index)
    let index: Int?
    switch precedence {
    case .first:
      index = [named.first, matching.first { _ in true }].compactMap { $0 }.min()
    case .last: index = ([named.last].compactMap { $0 } + Array(matching)).max()
    case .exactThenFirst: index = named.first ?? matching.first { _ in true }
    case .patternThenExact: index = matching.first { _ in true } ?? named.first
    }
    if let index { return rules[index].treatment }
    return defaults.first { $0.matches(name, kind) }?.treatment
  }

  /// The names that a pattern stands for, where it is a spelt-out list of them.
  private static func names(of pattern: LayerRules.Pattern) -> [String]? {
    switch pattern {
    case .exact(let name): [name]
    case .regex(let text, let anchoring): literalNames(of: text, anchoring)
    case .glob(let text):
      text.contains { "*?[".contains($0) } ? globLiteral(text).map { [$0] } : [text]
    case .kind, .any: nil
    }
  }

  private static func test(_ pattern: LayerRules.Pattern) throws -> (String, LayerKind) -> Bool {
    switch pattern {
    case .exact(let name): return { other, _ in other == name }
    case .any: return { _, _ in true }
    case .kind(let kind): return { _, other in other == kind }
    case .glob(let text): return { name, _ in fnmatch(text, name, FNM_NOESCAPE) == 0 }
    case .regex(let text, let anchoring):
      let source =
        switch anchoring {
        case .search: text
        case .start: "^(?:\(text))"
        case .whole: "^(?:\(text))$"
        }
      guard let expression = try? NSRegularExpression(pattern: source) else {
        throw UserError(.failed, "'\(text)' is not a regular expression")
      }
      return { name, _ in
        expression.firstMatch(in: name, range: NSRange(name.startIndex..., in: name)) != nil
      }
    }
  }
}

/// A name as a regular expression that matches it alone, once anchored.
func regexEscaped(_ name: String) -> String {
  escaped(name, "\\^$.|?*+()[]{}") { "\\\($0)" }
}

/// A name as a shell pattern that matches it alone, in the dialect that knows no backslash.
func globEscaped(_ name: String) -> String { escaped(name, "*?[") { "[\($0)]" } }

/// A name with some of its ASCII characters replaced.
private func escaped(_ name: String, _ special: String, _ replacement: (Unicode.Scalar) -> String)
  -> String
{
  let special = Array(special.utf8)
  guard name.utf8.contains(where: special.contains) else { return name }
  var result = ""
  for scalar in name.unicodeScalars {
    if scalar.isASCII, special.contains(UInt8(scalar.value)) {
      result += replacement(scalar)
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// The name that ``globEscaped(_:)`` made a pattern of; nil when the pattern is more than a name.
private func globLiteral(_ pattern: String) -> String? {
  var result = ""
  var rest = Substring(pattern)
  while let character = rest.popFirst() {
    switch character {
    case "[":
      guard let inner = rest.popFirst(), "*?[".contains(inner), rest.popFirst() == "]" else {
        return nil
      }
      result.append(inner)
    case "*", "?": return nil
    default: result.append(character)
    }
  }
  return result
}

/// The names that an anchored regular expression of escaped characters and alternatives stands for.
///
/// - Returns: nil when it is anything more than that.
private func literalNames(of pattern: String, _ anchoring: LayerRules.Anchoring) -> [String]? {
  var rest = pattern.unicodeScalars[...]
  if rest.first == "^" { rest.removeFirst() } else if anchoring == .search { return nil }
  if rest.last == "$", rest.dropLast().last != "\\" {
    rest.removeLast()
  } else if anchoring != .whole {
    return nil
  }
  /// What the names have in common so far, and the names where they have parted.
  var names = [String.UnicodeScalarView()]
  /// The alternatives of the open parenthesis, each as long as it has become.
  var alternatives: [String.UnicodeScalarView] = []
  while let scalar = rest.popFirst() {
    var literal = scalar
    switch scalar {
    case "\\":
      guard let escaped = rest.popFirst(), !escaped.properties.isAlphabetic,
        !("0"..."9").contains(escaped)
      else { return nil }
      literal = escaped
    case "(":
      guard alternatives.isEmpty else { return nil }
      if rest.first == "?" {
        guard rest.dropFirst().first == ":" else { return nil }
        rest.removeFirst(2)
      }
      alternatives = [.init()]
      continue
    case ")":
      guard !alternatives.isEmpty, alternatives.count * names.count <= 64 else { return nil }
      names = names.flatMap { name in
        alternatives.map { name + $0 }
      }
      alternatives = []
      continue
    case "|":
      guard !alternatives.isEmpty else { return nil }
      alternatives.append(.init())
      continue
    case ".", "*", "+", "?", "[", "]", "{", "}", "^", "$": return nil
    default: break
    }
    if !alternatives.isEmpty {
      alternatives[alternatives.count - 1].append(literal)
    } else {
      for index in names.indices { names[index].append(literal) }
    }
  }
  return alternatives.isEmpty ? names.map { String($0) } : nil
}
