import Archives

/// Samples with what identifies them.
public struct CalibrationSet: Sendable {
  /// The samples, in the order of the data.
  public var samples: [CalibrationSample]
  /// A digest for each sample.
  public var digests: [String]
  /// `sha256:` and the digest of all of them: the same samples in the same order give the same one.
  public var digest: String
  /// What the samples are, as in `64 pieces of 512 tokens of wiki.txt`.
  public var description: String

  /// Samples with a description; computes the digests.
  ///
  /// - Throws: `TensorError`, see ``CalibrationSample/digest()``.
  public init(samples: [CalibrationSample], description: String) throws {
    self.samples = samples
    self.description = description
    digests = try samples.map { try $0.digest() }
    let sum = SHA256()
    for digest in digests { sum.update(digest) }
    digest = sum.finished()
  }

  /// How many samples of this set are in the other one, too.
  public func overlap(with other: CalibrationSet) -> Int {
    let known = Set(other.digests)
    return digests.count { known.contains($0) }
  }

  /// Whether a sample of this set is in the other one, too.
  public func overlaps(with other: CalibrationSet) -> Bool { overlap(with: other) > 0 }
}
