/// The file formats that are decoded, told apart by their first bytes.
enum ImageFormat {
  case png
  case jpeg

  init?(_ file: UnsafeRawBufferPointer) {
    if file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if file.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else {
      return nil
    }
  }

  /// The size that the file claims to have, so that it can be refused before memory is taken for it;
  /// nil when the file is cut off.
  func size(in file: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
    func bigEndian(_ position: Int, bytes: Int) -> Int {
      ImageFormat.bigEndian(file, position, bytes: bytes)
    }
    switch self {
    case .png:
      // The first chunk is always IHDR.
      guard file.count >= 24, file[12..<16].elementsEqual("IHDR".utf8) else { return nil }
      return (bigEndian(16, bytes: 4), bigEndian(20, bytes: 4))
    case .jpeg:
      var position = 2
      while position + 9 <= file.count {
        guard file[position] == 0xFF else { return nil }
        let marker = file[position + 1]
        switch marker {
        case 0xFF:  // padding
          position += 1
        case 0x01, 0xD0...0xD8:  // no segment follows
          position += 2
        case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker):  // start of frame
          // libgd fills up what is missing of a picture with grey; only a complete one has an end mark
          // behind its frame header.
          let rest = file[(position + 9)...]
          guard zip(rest, rest.dropFirst()).contains(where: { $0 == 0xFF && $1 == 0xD9 }) else {
            return nil
          }
          return (bigEndian(position + 7, bytes: 2), bigEndian(position + 5, bytes: 2))
        default:
          position += 2 + bigEndian(position + 2, bytes: 2)
        }
      }
      return nil
    }
  }

  /// A PNG file without the chunks that do not change its pixels; nil when it is cut off.
  ///
  /// libpng complains on stderr about colour profiles that many files carry, and unpacks comments of
  /// any size.
  static func essentials(ofPNG file: UnsafeRawBufferPointer) -> [UInt8]? {
    let known = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].map { Array($0.utf8) }
    var result = Array(file.prefix(8))
    var position = 8
    while file.count - position >= 12 {
      let length = bigEndian(file, position, bytes: 4)
      guard length <= file.count - position - 12 else { return nil }
      let type = Array(file[(position + 4)..<(position + 8)])
      let end = position + 12 + length
      if known.contains(type) { result.append(contentsOf: file[position..<end]) }
      if type == known.last { return result }
      position = end
    }
    return nil
  }

  private static func bigEndian(
    _ file: UnsafeRawBufferPointer, _ position: Int, bytes: Int
  ) -> Int {
    (0..<bytes).reduce(0) { $0 << 8 | Int(file[position + $1]) }
  }
}
