internal import Foundation
internal import Vocabulary

/// WordPiece: within a word the longest known piece first.
///
/// Source: Wu et al., "Google's neural machine translation system", arXiv:1609.08144; the normaliser
/// and the splitting are those of Devlin et al., "BERT", NAACL 2019.
struct WordPieceTokenizer: Tokenizer {
  private let normalizer: TokenizerDescription.Normalizer?
  private let prefix: [Int]
  private let suffix: [Int]
  private let unknown: Int
  private let maximumWordLength: Int
  private let beginnings: PieceTree
  private let continuations: PieceTree

  init(
    _ description: TokenizerDescription, unknown: String, continuation: String,
    maximumWordLength: Int
  ) throws {
    guard
      let unknown = description.vocabulary.firstIndex(where: { $0.utf8.elementsEqual(unknown.utf8) }
      )
    else {
      throw UserError(.failed, "the tokenizer's vocabulary lacks its unknown token '\(unknown)'")
    }
    var beginnings = PieceTree()
    var continuations = PieceTree()
    for (id, token) in description.vocabulary.enumerated() where !token.isEmpty {
      beginnings.insert(token.utf8, id)
      if !continuation.isEmpty, token.utf8.starts(with: continuation.utf8) {
        continuations.insert(token.utf8.dropFirst(continuation.utf8.count), id)
      }
    }
    normalizer = description.normalizer
    prefix = description.prefix
    suffix = description.suffix
    self.unknown = unknown
    self.maximumWordLength = maximumWordLength
    self.beginnings = beginnings
    self.continuations = continuation.isEmpty ? beginnings : continuations
  }

  func encode(_ text: String) -> [Int] {
    var ids = prefix
    var word: [UInt8] = []
    var length = 0
    func finishWord() {
      if length > 0 { appendPieces(of: word, length: length, to: &ids) }
      word.removeAll(keepingCapacity: true)
      length = 0
    }
    for scalar in normalized(text) {
      let isAlone = scalar.isPunctuationOrSymbol
      if isAlone || scalar.isSpace { finishWord() }
      if !scalar.isSpace {
        word.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        length += 1
      }
      if isAlone { finishWord() }
    }
    finishWord()
    return ids + suffix
  }

  private func appendPieces(of word: [UInt8], length: Int, to ids: inout [Int]) {
    let before = ids.count
    var position = 0
    while position < word.count {
      let tree = position == 0 ? beginnings : continuations
      guard length <= maximumWordLength, let piece = tree.longest(in: word, from: position) else {
        // One piece that is not known makes the whole word unknown.
        ids.removeSubrange(before...)
        ids.append(unknown)
        return
      }
      ids.append(piece.id)
      position = piece.end
    }
  }

  private func normalized(_ text: String) -> [Unicode.Scalar] {
    guard let normalizer else { return Array(text.unicodeScalars) }
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    var isPlain = true
    for scalar in text.unicodeScalars {
      if normalizer.cleanText, scalar.isDropped { continue }
      if normalizer.separateChinese, scalar.isHan {
        scalars.append(contentsOf: [" ", scalar, " "])
      } else {
        scalars.append(normalizer.cleanText && scalar.isSpace ? " " : scalar)
      }
      // Nothing below U+00C0 has an accent to be taken off.
      isPlain = isPlain && scalar.value < 0xC0
    }
    if normalizer.stripAccents, !isPlain {
      var whole = String.UnicodeScalarView()
      whole.append(contentsOf: scalars)
      scalars = String(whole).decomposedStringWithCanonicalMapping.unicodeScalars.filter {
        $0.properties.generalCategory != .nonspacingMark
      }
    }
    guard normalizer.lowercase else { return scalars }
    var lowered: [Unicode.Scalar] = []
    lowered.reserveCapacity(scalars.count)
    for scalar in scalars {
      if scalar.isASCII {
        let isUpper = (0x41...0x5A).contains(scalar.value)
        lowered.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
      } else {
        lowered.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return lowered
  }
}

/// A prefix tree over the bytes of a vocabulary.
///
/// Bytes and not `String` keys: two tokens may be canonically equivalent and still be different.
private struct PieceTree {
  private var children: [UInt64: Int32] = [:]
  private var ids: [Int32] = [-1]

  mutating func insert(_ bytes: some Sequence<UInt8>, _ id: Int) {
    var node: Int32 = 0
    for byte in bytes {
      let key = UInt64(node) << 8 | UInt64(byte)
      if let child = children[key] {
        node = child
      } else {
        node = Int32(ids.count)
        children[key] = node
        ids.append(-1)
      }
    }
    if node != 0, ids[Int(node)] < 0 { ids[Int(node)] = Int32(id) }
  }

  /// The longest entry that `word` goes on with at `start`.
  func longest(in word: [UInt8], from start: Int) -> (id: Int, end: Int)? {
    var best: (id: Int, end: Int)?
    var node: Int32 = 0
    for position in start..<word.count {
      guard let child = children[UInt64(node) << 8 | UInt64(word[position])] else { break }
      node = child
      if ids[Int(node)] >= 0 { best = (Int(ids[Int(node)]), position + 1) }
    }
    return best
  }
}
