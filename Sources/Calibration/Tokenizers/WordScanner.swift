/// Cuts UTF-8 into the words that byte-level pair encoding works on.
///
/// The words are the matches of GPT-2's pattern, whose alternatives are, first match wins:
/// a contraction (`'s 't 're 've 'm 'll 'd`); letters, numbers, or other characters, each run with at
/// most one space before it; white space that is followed by none of these; other white space.
///
/// Source: Radford et al., "Language models are unsupervised multitask learners", 2019, released code.
struct WordScanner {
  /// What runs are made of.
  enum Kind { case letter, number, space, other, end }

  private let text: UnsafeBufferPointer<UInt8>
  /// Every number character is a word and a border that no other word looks across.
  private let numbersStandAlone: Bool

  init(_ text: UnsafeBufferPointer<UInt8>, numbersStandAlone: Bool) {
    self.text = text
    self.numbersStandAlone = numbersStandAlone
  }

  /// Calls `body` with the byte range of every word, in order; together they cover the text.
  func forEachWord(_ body: (Range<Int>) -> Void) {
    var start = 0
    while start < text.count {
      let end = wordEnd(from: start)
      body(start..<end)
      start = end
    }
  }

  private func wordEnd(from start: Int) -> Int {
    let first = character(at: start)
    if numbersStandAlone, first.kind == .number { return first.end }
    if let end = contractionEnd(from: start) { return end }
    guard first.kind == .space else { return runEnd(of: first.kind, from: first.end) }
    let next = character(at: first.end)
    if text[start] == 0x20, next.kind != .space, !isBorder(next.kind) {
      return runEnd(of: next.kind, from: next.end)
    }
    // White space up to the last of its run, which belongs to what follows.
    var end = first.end
    var last = start
    var following = next
    while following.kind == .space {
      last = end
      end = following.end
      following = character(at: end)
    }
    return isBorder(following.kind) || last == start ? end : last
  }

  private func isBorder(_ kind: Kind) -> Bool {
    kind == .end || (kind == .number && numbersStandAlone)
  }

  private func runEnd(of kind: Kind, from start: Int) -> Int {
    var end = start
    while true {
      let next = character(at: end)
      guard next.kind == kind else { return end }
      end = next.end
    }
  }

  private func contractionEnd(from start: Int) -> Int? {
    guard text[start] == UInt8(ascii: "'"), start + 1 < text.count else { return nil }
    switch text[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < text.count && text[start + 2] == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < text.count && text[start + 2] == UInt8(ascii: "l") ? start + 3 : nil
    default: return nil
    }
  }

  /// The kind of the character at `position` and where the next one starts.
  private func character(at position: Int) -> (kind: Kind, end: Int) {
    guard position < text.count else { return (.end, position) }
    let lead = text[position]
    if lead < 0x80 { return (WordScanner.kinds[Int(lead)], position + 1) }
    // The text is a String's storage, so its UTF-8 is valid.
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    var value = UInt32(lead) & (0xFF >> (UInt32(length) + 1))
    for k in 1..<length { value = value << 6 | UInt32(text[position + k] & 0x3F) }
    let kind = Unicode.Scalar(value).map(WordScanner.kind) ?? .other
    return (kind, position + length)
  }

  private static func kind(_ scalar: Unicode.Scalar) -> Kind {
    scalar.isLetter ? .letter : scalar.isNumber ? .number : scalar.isSpace ? .space : .other
  }

  private static let kinds = (0..<128 as Range<UInt8>).map { kind(Unicode.Scalar($0)) }
}
