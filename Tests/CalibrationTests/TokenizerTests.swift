import Calibration
import Foundation
import Models
import TestSupport
import Testing
import Vocabulary

/// Against what the `tokenizers` package made of the same text.
@Suite struct TokenizerTests {
  private struct Reference: Decodable {
    var text: String
    var ids: [Int]
    var parse_special: Bool
  }

  private func references(_ name: String) throws -> [Reference] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("references/\(name)")))
    return try JSONDecoder().decode([Reference].self, from: data).filter { !$0.parse_special }
  }

  private func check(_ tokenizer: any Tokenizer, _ name: String) throws {
    let references = try references(name)
    #expect(references.count > 350)
    for reference in references {
      let ids = tokenizer.encode(reference.text)
      #expect(ids == reference.ids, "\(reference.text.prefix(80).debugDescription)")
    }
  }

  @Test func wordPieceAgrees() throws {
    try check(try makeTokenizer(try Examples.minilm()), "tokenizer-wordpiece.json")
  }

  @Test func bytePairsAgree() throws {
    try check(try makeTokenizer(try Examples.smollm()), "tokenizer-bpe.json")
  }

  /// Words of any length and any characters: the same as joining the best pair again and again.
  @Test func bytePairsAreJoinedInOrderOfRank() throws {
    let letters = ["a", "b", "c"]
    for seed in 0..<50 as Range<UInt64> {
      var generator = SplitMix64(seed: seed)
      var vocabulary = letters
      var merges: [(String, String)] = []
      for _ in 0..<12 {
        let left = vocabulary[Int(generator.next() % UInt64(vocabulary.count))]
        let right = vocabulary[Int(generator.next() % UInt64(vocabulary.count))]
        guard !vocabulary.contains(left + right) else { continue }
        vocabulary.append(left + right)
        merges.append((left, right))
      }
      let description = TokenizerDescription(
        model: .byteLevelBPE(merges: merges.map { "\($0) \($1)" }, preTokenizer: .gpt2),
        vocabulary: vocabulary, normalizer: nil, prefix: [], suffix: [])
      let tokenizer = try makeTokenizer(description)
      for _ in 0..<20 {
        var word = (0..<40).map { _ in letters[Int(generator.next() % 3)] }
        let text = word.joined()
        for (left, right) in merges {
          var k = 0
          while k + 1 < word.count {
            if word[k] == left, word[k + 1] == right {
              word.replaceSubrange(k...(k + 1), with: [left + right])
            }
            k += 1
          }
        }
        #expect(tokenizer.encode(text).map { vocabulary[$0] } == word, "seed \(seed): \(text)")
      }
    }
  }

  /// Joining whole words must not be quadratic in their length.
  @Test func aWordOfManyLettersIsNoTrouble() throws {
    let tokenizer = try makeTokenizer(try Examples.smollm())
    let ids = tokenizer.encode(String(repeating: "ab", count: 200_000))
    #expect(ids.count > 1000 && ids.count < 400_000)
  }

  @Test func wordPieceFallsBackOnTheUnknownToken() throws {
    let description = TokenizerDescription(
      model: .wordPiece(unknown: "[UNK]", prefix: "##", maximumWordLength: 6),
      vocabulary: ["[UNK]", "un", "##able", "##a", "able", "!", "ünx", "ü"],
      normalizer: nil, prefix: [], suffix: [])
    let tokenizer = try makeTokenizer(description)
    #expect(tokenizer.encode("unable able unaa! unx") == [1, 2, 4, 1, 3, 3, 5, 0])
    // Seven characters are more than six; without a normaliser nothing is lowered or decomposed.
    #expect(tokenizer.encode("unablea ünx u\u{308}nx Un") == [0, 6, 0, 0])
  }

  @Test func contradictionsAreRefused() {
    let lacking = TokenizerDescription(
      model: .wordPiece(unknown: "[UNK]", prefix: "##", maximumWordLength: 100),
      vocabulary: ["a"], normalizer: nil, prefix: [], suffix: [])
    #expect(message { try makeTokenizer(lacking) }.contains("lacks its unknown token '[UNK]'"))
    let joining = TokenizerDescription(
      model: .byteLevelBPE(merges: ["a b"], preTokenizer: .gpt2), vocabulary: ["a", "b"],
      normalizer: nil, prefix: [], suffix: [])
    #expect(message { try makeTokenizer(joining) }.contains("merge 0 ('a b')"))
  }
}
