/// Finds the largest prefix that passes, with a guess but never more tests than plain bisection.
///
/// On a monotone oracle over prefixes of 0...length, of which 0 is known to pass, it takes at most
/// ⌈log2(length + 1)⌉ tests, and its answer has passed in any case.
package struct GuidedBisection {
  /// The longest prefix that has passed.
  package private(set) var low: Int
  /// The shortest longer prefix that has failed, or one more than the longest.
  package private(set) var high: Int
  /// The answers that may be left after the next test, so that the remaining tests tell them apart.
  private var half = 1

  /// A search for a prefix in `range`, whose lower end is known to pass.
  package init(_ range: ClosedRange<Int>) {
    low = range.lowerBound
    high = range.upperBound + 1
    while 2 * half < high - low { half *= 2 }
  }

  /// Whether the answer, ``low``, is known.
  package var isOver: Bool { high - low <= 1 }

  /// The prefix to test next, as near to `guess` as the bound on the tests allows.
  package func probe(guess: Int?) -> Int {
    let answers = high - low
    let from = max(low + 1, high - half)
    let to = min(high - 1, low + half)
    return min(max(guess ?? low + answers / 2, from), to)
  }

  /// Enters the outcome of a test that ``probe(guess:)`` proposed.
  package mutating func enter(_ probe: Int, passed: Bool) {
    if passed { low = max(low, probe) } else { high = min(high, probe) }
    half = max(1, half / 2)
  }
}
