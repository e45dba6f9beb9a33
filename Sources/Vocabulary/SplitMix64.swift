/// A small, fast, seedable generator: the same seed gives the same numbers on every machine.
///
/// Reference: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator whose whole stream is decided by `seed`.
  public init(seed: UInt64) { state = seed }

  /// A stream for one job of many: `seed` and `job` decide it, whoever runs it and when.
  public init(seed: UInt64, job: Int) {
    var mixer = SplitMix64(seed: seed)
    state = mixer.next() ^ (UInt64(truncatingIfNeeded: job) &* 0xD134_2543_DE82_EF95)
    _ = next()
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number drawn uniformly from `[0, 1)`, with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
