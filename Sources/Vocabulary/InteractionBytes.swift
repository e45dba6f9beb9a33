/// Measured interactions being written: a mark, then sizes, losses and terms, all little-endian.
package struct InteractionWriter {
  /// What was written.
  package private(set) var bytes: [UInt8]

  /// Starts with a mark of eight bytes: four letters, and the version as a 32-bit integer.
  package init(mark: [UInt8], capacity: Int) {
    bytes = mark
    bytes.reserveCapacity(mark.count + capacity)
  }

  /// Sizes as 32-bit integers.
  package mutating func append(sizes: [Int]) { for size in sizes { append(UInt32(size)) } }
  /// Losses as doubles.
  package mutating func append(losses: [Double]) { for loss in losses { append(loss.bitPattern) } }
  /// Terms as singles.
  package mutating func append(terms: [Float]) { for term in terms { append(term.bitPattern) } }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Measured interactions being read; no length in them is trusted.
///
/// Everything gives nil instead of reading beyond the end.
package struct InteractionReader {
  private let bytes: [UInt8]
  private var offset: Int

  /// Nil when the bytes do not start with the mark.
  package init?(_ bytes: [UInt8], mark: [UInt8]) {
    guard bytes.starts(with: mark) else { return nil }
    self.bytes = bytes
    offset = mark.count
  }

  /// Bytes that were not read.
  package var left: Int { bytes.count - offset }

  /// A size.
  package mutating func size() -> Int? {
    guard left >= 4 else { return nil }
    defer { offset += 4 }
    return (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  /// Sizes above zero.
  package mutating func counts(_ count: Int) -> [Int]? {
    guard count >= 0, count <= left / 4 else { return nil }
    var counts: [Int] = []
    for _ in 0..<count {
      guard let count = size(), count > 0 else { return nil }
      counts.append(count)
    }
    return counts
  }

  /// Losses, all finite.
  package mutating func losses(_ count: Int) -> [Double]? {
    guard count >= 0, count <= left / 8 else { return nil }
    let losses = bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Double(
          bitPattern: UInt64(
            littleEndian: raw.loadUnaligned(fromByteOffset: offset + 8 * $0, as: UInt64.self)))
      }
    }
    offset += 8 * count
    return losses.allSatisfy(\.isFinite) ? losses : nil
  }

  /// Terms, all finite.
  package mutating func terms(_ count: Int) -> [Float]? {
    guard count >= 0, count <= left / 4 else { return nil }
    let terms = bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: offset + 4 * $0, as: UInt32.self)))
      }
    }
    offset += 4 * count
    return terms.allSatisfy(\.isFinite) ? terms : nil
  }
}
