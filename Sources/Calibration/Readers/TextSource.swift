import Archives
import Foundation
import Tensors
import Vocabulary

/// The source for a text file, in the mode that the model asks for.
func textSource(path: String, _ specification: InputSpecification, length: Int?) throws
  -> any CalibrationSource
{
  guard var description = specification.tokenizer else {
    throw UserError(
      .failed,
      "the model brings no tokenizer, so '\(path)' cannot be used; give token ids as .npz or "
        + ".safetensors")
  }
  let inputs = try TokenInputs(specification)
  let texts = try Texts(path)
  let longest = min(length ?? 512, specification.maximumLength ?? .max, inputs.fixedLength ?? .max)
  switch specification.textMode {
  case .stream:
    let prefix = description.prefix
    description.prefix = []
    description.suffix = []
    return try StreamSource(
      texts, try makeTokenizer(description), prefix: prefix, length: longest, inputs)
  case .lines:
    let suffix = description.suffix.count
    guard longest > description.prefix.count + suffix else {
      throw UserError(.usage, "a length of \(longest) leaves no room for a token of text")
    }
    let padding = description.vocabulary.firstIndex(of: "[PAD]") ?? 0
    return LineSource(
      texts, try makeTokenizer(description), suffixCount: suffix, length: longest,
      padding: padding, inputs)
  }
}

/// The records of a text file: its lines, or the texts in its JSON lines.
private struct Texts {
  /// The most bytes that are read of one file.
  static let largest = 1 << 26

  let path: String
  var records: [String] = []
  var note: String?

  init(_ path: String) throws {
    self.path = path
    let file = try MappedFile(path)
    var bytes = file.bytes.prefix(Texts.largest)
    if bytes.count < file.count {
      // Cut after a whole line.
      if let end = bytes.lastIndex(of: 0x0A) { bytes = bytes.prefix(through: end) }
      note = "its first \(ByteCount(bytes.count)) of \(ByteCount(file.count))"
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    let isJSON = path.lowercased().hasSuffix(".jsonl")
    var number = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      guard isJSON else {
        records.append(String(decoding: line, as: UTF8.self))
        continue
      }
      if line.allSatisfy({ $0 <= 0x20 }) { continue }
      let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
      guard let text = object?["text"] as? String else {
        throw UserError(.failed, "line \(number) of '\(path)' is no JSON object with a \"text\"")
      }
      records.append(text)
    }
    guard records.contains(where: { !isBlank($0) }) else {
      throw UserError(.failed, "there is no text in '\(path)'")
    }
  }
}

private func isBlank(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
}

/// A text cut into pieces of equal length.
private struct StreamSource: CalibrationSource {
  private let tokens: [Int32]
  private let prefix: [Int]
  private let step: Int
  private let inputs: TokenInputs
  let note: String?

  var count: Int { tokens.count / step }
  var noun: (one: String, many: String) {
    let length = step + prefix.count
    return ("piece of \(length) tokens", "pieces of \(length) tokens")
  }

  init(
    _ texts: Texts, _ tokenizer: any Tokenizer, prefix: [Int], length: Int, _ inputs: TokenInputs
  ) throws {
    guard length > prefix.count + 1 else {
      throw UserError(
        .usage, "a sample of \(length) tokens says nothing; it needs at least 2 of text")
    }
    tokens = tokenizer.encode(texts.records.joined(separator: "\n")).map(Int32.init)
    self.prefix = prefix
    step = length - prefix.count
    self.inputs = inputs
    note = texts.note
    guard tokens.count >= step else {
      throw UserError(
        .failed,
        "the text in '\(texts.path)' has \(tokens.count) tokens and one sample needs \(step): give "
          + "more text or a shorter length")
    }
  }

  func sample(_ index: Int) throws -> CalibrationSample {
    let piece = tokens[(index * step)..<((index + 1) * step)]
    return try inputs.sample(prefix + piece.map(Int.init), padding: nil)
  }
}

/// Lines, each for itself.
private struct LineSource: CalibrationSource {
  private let lines: [String]
  private let tokenizer: any Tokenizer
  private let suffixCount: Int
  private let length: Int
  private let padding: Int
  private let inputs: TokenInputs
  let note: String?

  var count: Int { lines.count }
  var noun: (one: String, many: String) {
    ("text of at most \(length) tokens", "texts of at most \(length) tokens")
  }

  init(
    _ texts: Texts, _ tokenizer: any Tokenizer, suffixCount: Int, length: Int, padding: Int,
    _ inputs: TokenInputs
  ) {
    // A line that comes twice would otherwise land in both parts.
    var seen = Set<String>()
    lines = texts.records.filter { !isBlank($0) && seen.insert($0).inserted }
    self.tokenizer = tokenizer
    self.suffixCount = suffixCount
    self.length = length
    self.padding = padding
    self.inputs = inputs
    note = texts.note
  }

  func sample(_ index: Int) throws -> CalibrationSample {
    var ids = tokenizer.encode(lines[index])
    if ids.count > length {
      ids = Array(ids.prefix(length - suffixCount) + ids.suffix(suffixCount))
    }
    return try inputs.sample(ids, padding: padding)
  }
}
