/// A failure that the person at the keyboard can act on.
///
/// The description is one sentence that names the culprit and, where there is one, the way out.
public struct UserError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Who has to act, as the process's exit code.
  public enum Kind: Int32, Sendable {
    /// The work could not be done (bad file, unsupported model, no data): exit code 1.
    case failed = 1
    /// Nothing fits the budget: exit code 2.
    case infeasible = 2
    /// The command was wrong (unknown name, malformed budget): exit code 64.
    case usage = 64
  }

  /// Which exit code it ends with.
  public var kind: Kind
  /// One clear sentence.
  public var description: String

  /// A failure of `kind`, told in one sentence.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// An unknown name, with the nearest known one.
  ///
  /// - Parameters:
  ///   - name: What was asked for.
  ///   - noun: What it should have been, e.g. "estimator".
  ///   - known: All the names there are.
  public static func unknown(_ name: String, _ noun: String, known: [String]) -> UserError {
    let hint =
      nearest(to: name, in: known).map { "did you mean '\($0)'?" }
      ?? "there are: \(known.joined(separator: ", "))"
    return UserError(.usage, "unknown \(noun) '\(name)'; \(hint)")
  }
}

/// The known name with the smallest edit distance, if it is near enough to be a slip of the hand.
///
/// - Complexity: O(`name.count` · total length of `known`).
public func nearest(to name: String, in known: [String]) -> String? {
  let scored = known.map { (distance: editDistance(name.lowercased(), $0.lowercased()), name: $0) }
  guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance <= max(2, name.count / 2) ? best.name : nil
}

/// Levenshtein distance: insertions, deletions and substitutions cost one.
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a)
  let b = Array(b)
  var previous = Array(0...b.count)
  for i in a.indices {
    var current = [i + 1]
    for j in b.indices {
      let substitution = previous[j] + (a[i] == b[j] ? 0 : 1)
      current.append(min(substitution, previous[j + 1] + 1, current[j] + 1))
    }
    previous = current
  }
  return previous[b.count]
}
