import Vocabulary

/// Which samples are taken: a part of the data, and out of it as many as are wanted.
struct Selection {
  /// Rising positions.
  let indices: [Int]

  init(
    count: Int, samples: Int?, seed: UInt64, part: CalibrationPart, heldOutShare: Double,
    source: any CalibrationSource
  ) throws {
    guard samples ?? 1 > 0 else { throw UserError(.usage, "at least one sample is needed") }
    guard heldOutShare > 0, heldOutShare < 1 else {
      throw UserError(
        .usage, "the held-out share must lie between 0 and 1, and \(heldOutShare) does not")
    }
    var pool = Array(0..<count)
    if part != .all {
      guard count >= 2 else {
        throw UserError(
          .failed,
          "one \(source.noun.one) cannot be split into calibration and held-out data; give two files"
        )
      }
      // The split must not depend on the seed: another seed would bring held-out samples back.
      let order = Selection.shuffled(pool, seed: 0x6865_6C64_206F_7574)
      let heldOut = min(count - 1, max(1, Int((Double(count) * heldOutShare).rounded())))
      pool = Array(part == .heldOut ? order.prefix(heldOut) : order.dropFirst(heldOut)).sorted()
    }
    if let samples, samples < pool.count {
      pool = Selection.shuffled(pool, seed: seed).prefix(samples).sorted()
    }
    indices = pool
  }

  /// Fisher and Yates' shuffle, written out so that no change of the standard library moves the split.
  private static func shuffled(_ items: [Int], seed: UInt64) -> [Int] {
    var items = items
    var generator = SplitMix64(seed: seed)
    for last in items.indices.dropFirst().reversed() {
      let other = Int(generator.next().multipliedFullWidth(by: UInt64(last + 1)).high)
      items.swapAt(last, other)
    }
    return items
  }
}
