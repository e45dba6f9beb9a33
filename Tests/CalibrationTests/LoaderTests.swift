import Calibration
import Foundation
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct LoaderTests {
  /// Bytes as tokens, `a` to `z` and blank, with a start token.
  private func alphabet(prefix: [Int] = []) -> TokenizerDescription {
    TokenizerDescription(
      model: .byteLevelBPE(merges: [], preTokenizer: .gpt2),
      vocabulary: (0..<26).map { String(UnicodeScalar(UInt8(97 + $0))) } + ["\u{120}", "<start>"],
      normalizer: nil, prefix: prefix, suffix: [])
  }

  private func words() -> TokenizerDescription {
    TokenizerDescription(
      model: .wordPiece(unknown: "[UNK]", prefix: "##", maximumWordLength: 100),
      vocabulary: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "one", "two", "three", "four"],
      normalizer: nil, prefix: [2], suffix: [3])
  }

  private func specification(
    _ names: [String] = ["input_ids"], shape: [Int?] = [nil, nil], dtype: DType = .int64,
    tokenizer: TokenizerDescription? = nil, maximumLength: Int? = nil,
    mode: InputSpecification.TextMode = .stream
  ) -> InputSpecification {
    InputSpecification(
      inputs: names.map { .init(name: $0, shape: shape, dtype: dtype) }, tokenizer: tokenizer,
      maximumLength: maximumLength, textMode: mode)
  }

  private func ids(_ set: CalibrationSet, _ name: String = "input_ids") throws -> [[Int]] {
    try set.samples.map { try $0.inputs[name]?.integers() ?? [] }
  }

  @Test func aStreamIsCutIntoPieces() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.txt", "abcdefghijkl")
    let wanted = specification(["input_ids", "attention_mask"], tokenizer: alphabet(prefix: [27]))
    let set = try CalibrationLoader.load(path: path, for: wanted, length: 5, seed: 1)
    #expect(try ids(set) == [[27, 0, 1, 2, 3], [27, 4, 5, 6, 7], [27, 8, 9, 10, 11]])
    #expect(try ids(set, "attention_mask") == Array(repeating: [1, 1, 1, 1, 1], count: 3))
    #expect(set.samples[0].inputs["input_ids"]?.shape == [1, 5])
    #expect(set.description == "3 pieces of 5 tokens of a.txt")
    let capped = specification(tokenizer: alphabet(), maximumLength: 6)
    #expect(try CalibrationLoader.load(path: path, for: capped, seed: 1).samples.count == 2)
  }

  @Test func linesKeepTheirEndToken() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.txt", "one two\n\n  \nthree four one two\r\none two\n")
    let wanted = specification(
      ["input_ids", "token_type_ids", "attention_mask"], tokenizer: words(), maximumLength: 5,
      mode: .lines)
    let set = try CalibrationLoader.load(path: path, for: wanted, seed: 1)
    // The third line repeats the first and is dropped.
    #expect(try ids(set) == [[2, 4, 5, 3], [2, 6, 7, 4, 3]])
    #expect(try ids(set, "token_type_ids") == [[0, 0, 0, 0], [0, 0, 0, 0, 0]])
    #expect(!CalibrationSample.canStack(set.samples))
    #expect(
      CalibrationSample.batches(of: set.samples + set.samples, size: 8) == [[0, 2], [1, 3]])
  }

  @Test func aFixedLengthIsPadded() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\\ntwo\", \"n\": 1}\n")
    let wanted = specification(
      ["input_ids", "attention_mask"], shape: [1, 6], dtype: .int32, tokenizer: words(),
      mode: .lines)
    let set = try CalibrationLoader.load(path: path, for: wanted, seed: 1)
    #expect(try ids(set) == [[2, 4, 3, 0, 0, 0], [2, 5, 5, 3, 0, 0]])
    #expect(try ids(set, "attention_mask") == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0]])
    #expect(set.samples[0].inputs["input_ids"]?.dtype == .int32)
    let batch = try CalibrationSample.stack(set.samples)
    #expect(batch["input_ids"]?.shape == [2, 6])
    #expect(try batch["input_ids"]?.integers() == [2, 4, 3, 0, 0, 0, 2, 5, 5, 3, 0, 0])
  }

  /// Every seed and number of samples: held-out data never come into calibration, and nothing is lost.
  @Test func partsAreDisjoint() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "a.npz", zip([("x.npy", npy("<f4", shape: [50, 1], little((0..<50).map { Float($0) })))]))
    let wanted = specification(["x"], shape: [nil, 1], dtype: .float32)
    func values(_ seed: UInt64, _ part: CalibrationPart, _ samples: Int?, _ share: Double) throws
      -> [Int]
    {
      let set = try CalibrationLoader.load(
        path: path, for: wanted, samples: samples, seed: seed, part: part, heldOutShare: share)
      return try set.samples.map { Int(try $0.inputs["x"]?.item() ?? -1) }
    }
    for share in [0.1, 0.2, 0.5] {
      let heldOut = try values(1, .heldOut, nil, share)
      let calibration = try values(1, .calibration, nil, share)
      #expect(heldOut.count == Int(50 * share))
      #expect((heldOut + calibration).sorted() == Array(0..<50))
      for seed in 1...20 as ClosedRange<UInt64> {
        let some = try values(seed, .calibration, 7, share)
        #expect(some.count == 7 && some == some.sorted() && Set(some).isDisjoint(with: heldOut))
        #expect(Set(try values(seed, .heldOut, 3, share)).isSubset(of: heldOut))
      }
    }
    #expect(try values(1, .calibration, 7, 0.2) != values(2, .calibration, 7, 0.2))
    #expect(try values(3, .all, nil, 0.2) == Array(0..<50))
  }

  @Test func digestsFollowTheContentOnly() throws {
    let folder = try TemporaryFolder()
    let text = "one two\nthree\nfour four\ntwo\nthree four\none one one\n"
    let path = try folder.write("a.txt", text)
    let copy = try folder.write("b.txt", text)
    let wanted = specification(tokenizer: words(), mode: .lines)
    func load(_ path: String, _ seed: UInt64 = 1, _ part: CalibrationPart = .all) throws
      -> CalibrationSet
    {
      try CalibrationLoader.load(path: path, for: wanted, samples: 3, seed: seed, part: part)
    }
    let set = try load(path)
    #expect(try load(copy).digest == set.digest && set.digest.hasPrefix("sha256:"))
    #expect(try load(path, 2).digest != set.digest)
    #expect(set.overlap(with: try load(copy)) == 3)
    #expect(!(try load(path, 1, .calibration).overlaps(with: try load(copy, 5, .heldOut))))
    #expect(set.digests.count == 3 && Set(set.digests).count == 3)
  }

  @Test func arraysAreMatchedByName() throws {
    let folder = try TemporaryFolder()
    let two = try folder.write(
      "two.npz",
      zip([
        ("a.npy", npy("<f8", shape: [2, 3], (0..<6).flatMap { little(Double($0).bitPattern) })),
        ("b.npy", npy("|u1", shape: [2, 1], [7, 8])),
        ("labels.npy", npy("<U1", shape: [2], [65, 0, 0, 0, 66, 0, 0, 0])),
      ]))
    let both = specification(["b", "a"], shape: [nil, nil], dtype: .float32)
    let set = try CalibrationLoader.load(path: two, for: both, seed: 1)
    #expect(set.samples.count == 2)
    #expect(try set.samples[1].inputs["a"]?.floats() == [3, 4, 5])
    #expect(try set.samples[1].inputs["b"]?.floats() == [8])
    let wrong = specification(["c"], shape: [nil, nil], dtype: .float32)
    let reason = message { try CalibrationLoader.load(path: two, for: wrong, seed: 1) }
    #expect(
      reason.contains("no array 'c'") && reason.contains("'a', 'b'") && reason.contains("takes 'c'")
    )
    let one = try folder.write("one.npz", zip([("arr_0.npy", npy("|u1", shape: [2, 1], [7, 8]))]))
    let single = try CalibrationLoader.load(path: one, for: wrong, seed: 1)
    #expect(try single.samples.map { try $0.inputs["c"]?.floats() } == [[7], [8]])
    let narrow = specification(["c"], shape: [nil, 4], dtype: .float32)
    #expect(
      message { try CalibrationLoader.load(path: one, for: narrow, seed: 1) }
        .contains("has the shape [2, 1], and the model's input 'c' takes [samples, 4]"))
    let fractions = specification(["a"], shape: [nil, 3], dtype: .int64)
    #expect(
      message { try CalibrationLoader.load(path: two, for: fractions, seed: 1) }
        .contains("holds fractions"))
  }

  /// Right answers come along with the model's inputs, and count in the digest.
  @Test func labelsComeAlong() throws {
    let folder = try TemporaryFolder()
    func file(_ name: String, _ labels: [UInt8], shape: [Int]) throws -> String {
      try folder.write(
        name,
        zip([
          ("arr_0.npy", npy("|u1", shape: [2, 1], [7, 8])),
          ("labels.npy", npy("|u1", shape: shape, labels)),
        ]))
    }
    let one = specification(["c"], shape: [nil, nil], dtype: .float32)
    let set = try CalibrationLoader.load(
      path: file("a.npz", [3, 5], shape: [2]), for: one, seed: 1)
    #expect(try set.samples.map { try $0.inputs["c"]?.floats() } == [[7], [8]])
    #expect(try set.samples.map { try $0.inputs["labels"]?.integers() } == [[3], [5]])
    let other = try CalibrationLoader.load(
      path: file("b.npz", [3, 6], shape: [2]), for: one, seed: 1)
    #expect(set.digest != other.digest)
    let wrong = try file("c.npz", [3, 5, 6], shape: [3])
    #expect(
      message { try CalibrationLoader.load(path: wrong, for: one, seed: 1) }
        .contains("one a sample"))
  }

  @Test func safetensorsAreReadLikeNPZ() throws {
    let folder = try TemporaryFolder()
    // The odd header length puts the tensors on odd addresses.
    let header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}"
    for padding in 0..<4 {
      let text = header + String(repeating: " ", count: padding)
      let path = try folder.write(
        "a.safetensors", little(UInt64(text.utf8.count)) + Array(text.utf8) + little([1, 2, 3, 4]))
      let wanted = specification(["x"], shape: [nil, 2], dtype: .float32)
      let set = try CalibrationLoader.load(path: path, for: wanted, seed: 1)
      #expect(try set.samples.map { try $0.inputs["x"]?.floats() } == [[1, 2], [3, 4]])
    }
  }

  @Test func imagesOfAFolderAreRead() throws {
    let wanted = specification(["image"], shape: [nil, 3, 224, 224], dtype: .float32)
    let folder = try Fixtures.path("photos")
    func load(_ part: CalibrationPart) throws -> CalibrationSet {
      try CalibrationLoader.load(path: folder, for: wanted, samples: 4, seed: 1, part: part)
    }
    let set = try load(.calibration)
    #expect(
      set.samples.map { $0.inputs["image"]?.shape } == Array(repeating: [1, 3, 224, 224], count: 4))
    #expect(set.description == "4 images of photos (calibration part)")
    #expect(try load(.calibration).digest == set.digest)
    #expect(!set.overlaps(with: try load(.heldOut)))
    let small = specification(["image"], shape: [nil, 3, 64, 64], dtype: .float32)
    #expect(
      message { try CalibrationLoader.load(path: folder, for: small, seed: 1) }
        .contains("makes inputs of shape [1, 3, 224, 224], and the model takes [any, 3, 64, 64]"))
  }

  @Test func errorsSayWhatToDo() throws {
    let folder = try TemporaryFolder()
    func reason(_ path: String, _ wanted: InputSpecification, length: Int? = nil) -> String {
      message { try CalibrationLoader.load(path: path, for: wanted, length: length, seed: 1) }
    }
    let text = specification(tokenizer: alphabet())
    let short = try folder.write("short.txt", "abcdefg")
    #expect(reason(short, text, length: 8).contains("has 7 tokens and one sample needs 8"))
    #expect(reason(short, specification()).contains("brings no tokenizer"))
    #expect(reason(try folder.write("blank.txt", " \n \n"), text).contains("there is no text in"))
    #expect(reason(try folder.write("empty.txt", ""), text).contains("is empty"))
    #expect(
      reason(try folder.write("a.jsonl", "{\"text\": \"a\"}\n{}"), text).contains("line 2 of"))
    #expect(reason(folder.path + "/none.txt", text).contains("there is no file or folder"))
    #expect(reason(try folder.write("a.csv", "1,2"), text).contains("is no data that can be read"))
    #expect(
      reason(short, specification(["input_ids", "pixels"], tokenizer: alphabet()))
        .contains("cannot fill the model's input 'pixels'"))
    let picture = specification(["image"], shape: [nil, 3, 8, 8], dtype: .float32)
    let images = folder.path + "/images"
    try folder.write("images/notes.md", "nothing")
    #expect(reason(images, picture).contains("there is no PNG or JPEG image in"))
    try folder.write("images/a.png", [0x89, 0x50])
    #expect(reason(images, picture).contains("scale: 0.0039"))
    let settings =
      "schema: bitbudget.images/1\nsize: 8\nscale: 1\nmean: [0, 0, 0]\nstd: [1, 1, 1]\n"
    try folder.write("images/preprocess.yaml", settings)
    #expect(reason(images, picture).contains("a.png' cannot be used: it is neither"))
    #expect(reason(images, text).contains("does not take one image"))
    // Every refusal is for the user, not a crash of ours.
    #expect(throws: UserError.self) {
      try CalibrationLoader.load(path: folder.path + "/empty.txt", for: text, seed: 1)
    }
  }
}
