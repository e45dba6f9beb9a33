internal import Vocabulary

/// Byte-level byte-pair encoding: in every word the adjacent pair with the lowest rank is joined until
/// none is left.
///
/// Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units",
/// ACL 2016; on bytes, Radford et al., "Language models are unsupervised multitask learners", 2019.
struct BytePairTokenizer: Tokenizer {
  /// Two neighbouring tokens.
  private struct Pair: Hashable {
    var left: Int32
    var right: Int32
  }

  /// What joining a pair gives, and how early it is done.
  private struct Merge {
    var rank: Int32
    var id: Int32
  }

  private let prefix: [Int]
  private let suffix: [Int]
  private let numbersStandAlone: Bool
  private let byteTokens: [Int32]
  private let merges: [Pair: Merge]

  init(
    _ description: TokenizerDescription, merges: [String],
    preTokenizer: TokenizerDescription.PreTokenizer
  ) throws {
    prefix = description.prefix
    suffix = description.suffix
    numbersStandAlone = preTokenizer == .smollm
    var ids: [[UInt8]: Int32] = [:]
    for (id, token) in description.vocabulary.enumerated() {
      guard let bytes = ByteAlphabet.bytes(of: token), ids[bytes] == nil else { continue }
      ids[bytes] = Int32(id)
    }
    // A byte without a token gives none: this is what the reference does, too.
    byteTokens = (0...255 as ClosedRange<UInt8>).map { ids[[$0]] ?? -1 }
    var table: [Pair: Merge] = [:]
    table.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      let parts = merge.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, let left = ByteAlphabet.bytes(of: parts[0]),
        let right = ByteAlphabet.bytes(of: parts[1]), let leftID = ids[left],
        let rightID = ids[right], let id = ids[left + right]
      else {
        throw UserError(
          .failed, "the tokenizer's merge \(rank) ('\(merge)') joins tokens that it does not have")
      }
      let pair = Pair(left: leftID, right: rightID)
      if table[pair] == nil { table[pair] = Merge(rank: Int32(rank), id: id) }
    }
    self.merges = table
  }

  func encode(_ text: String) -> [Int] {
    var ids = prefix
    // Words repeat, and most of the work is in the first time.
    var known: [[UInt8]: [Int32]] = [:]
    var text = text
    text.withUTF8 { bytes in
      let scanner = WordScanner(bytes, numbersStandAlone: numbersStandAlone)
      scanner.forEachWord { range in
        let word = Array(bytes[range])
        let pieces: [Int32]
        if let found = known[word] {
          pieces = found
        } else {
          pieces = joined(word)
          if word.count <= 64, known.count < 100_000 { known[word] = pieces }
        }
        for piece in pieces { ids.append(Int(piece)) }
      }
    }
    return ids + suffix
  }

  /// The tokens of one word.
  ///
  /// - Complexity: O(n log n) in the word's bytes: a heap of the pairs, a linked list of the tokens.
  private func joined(_ word: [UInt8]) -> [Int32] {
    var tokens: [Int32] = []
    for byte in word where byteTokens[Int(byte)] >= 0 { tokens.append(byteTokens[Int(byte)]) }
    guard tokens.count > 1 else { return tokens }
    let end = tokens.count
    var next = Array(1...end)
    var previous = Array(-1..<end - 1)
    var queue = PairQueue()

    func offer(_ left: Int) {
      guard left >= 0, next[left] < end,
        let merge = merges[Pair(left: tokens[left], right: tokens[next[left]])]
      else { return }
      queue.push(PairQueue.Entry(rank: merge.rank, position: Int32(left)))
    }
    for left in 0..<end - 1 { offer(left) }
    while let entry = queue.pop() {
      let left = Int(entry.position)
      // The pair may have changed since it was queued; a joined token is marked by -1.
      guard tokens[left] >= 0, next[left] < end else { continue }
      let right = next[left]
      guard let merge = merges[Pair(left: tokens[left], right: tokens[right])],
        merge.rank == entry.rank
      else { continue }
      tokens[left] = merge.id
      tokens[right] = -1
      next[left] = next[right]
      if next[left] < end { previous[next[left]] = left }
      offer(previous[left])
      offer(left)
    }
    return tokens.filter { $0 >= 0 }
  }
}

/// Pairs that could be joined, lowest rank first, leftmost first among equals: a binary heap.
private struct PairQueue {
  struct Entry {
    var rank: Int32
    var position: Int32

    func comes(before other: Entry) -> Bool {
      (rank, position) < (other.rank, other.position)
    }
  }

  private var entries: [Entry] = []

  mutating func push(_ entry: Entry) {
    entries.append(entry)
    var child = entries.count - 1
    while child > 0, entries[child].comes(before: entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Entry? {
    guard let first = entries.first else { return nil }
    let last = entries.removeLast()
    guard !entries.isEmpty else { return first }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if entries[child].comes(before: entries[least]) { least = child }
      }
      if least == parent { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}

/// GPT-2's way to write every byte as a printable character in vocabularies.
private enum ByteAlphabet {
  /// Printable Latin-1 characters stand for themselves, the other bytes follow from U+0100 on.
  private static let bytes: [UInt32: UInt8] = {
    var table: [UInt32: UInt8] = [:]
    var spare: UInt32 = 0x100
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: table[UInt32(byte)] = byte
      default:
        table[spare] = byte
        spare += 1
      }
    }
    return table
  }()

  /// The bytes that a token is made of; nil when it is written in other characters (special tokens).
  static func bytes(of token: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar.value] else { return nil }
      result.append(byte)
    }
    return result
  }
}
