/// What makes two measurements the same one: equal keys resume, different keys live side by side.
public struct MeasurementKey: Codable, Hashable, Sendable {
  /// The estimator's name.
  public var estimator: String
  /// Digest of the calibration data.
  public var data: String
  /// The seed of everything random.
  public var seed: UInt64
  /// Everything else that changes a score, in one line: formats, sequence length, options.
  public var configuration: String

  /// An estimator on data, with its seed and options.
  public init(estimator: String, data: String, seed: UInt64, configuration: String) {
    self.estimator = estimator
    self.data = data
    self.seed = seed
    self.configuration = configuration
  }
}

/// One format that a group may take, with the bytes that the group takes in it.
public struct StudyCandidate: Codable, Hashable, Sendable {
  /// The format's name, such as `int4-g64` or `int8-channel/int8-tensor`.
  public var format: String
  /// Bytes of the group's weights in this format.
  public var bytes: Int

  /// A format and what it costs.
  public init(format: String, bytes: Int) {
    self.format = format
    self.bytes = bytes
  }
}

/// One measurement of a study: an estimator's scores of every candidate on every sample.
public struct Run: Hashable, Sendable {
  /// The run's number within its study.
  public internal(set) var id: Int64
  /// What was measured.
  public internal(set) var key: MeasurementKey
  /// The number of samples that it takes.
  public internal(set) var samples: Int
  /// The unit of the scores, such as `nats/token`.
  public internal(set) var unit: String
  /// Whether every candidate has a score on every sample.
  public internal(set) var isComplete: Bool
  /// What each group may take, `[group][candidate]`.
  public internal(set) var candidates: [[StudyCandidate]]
}

/// The scores of one candidate on the samples of one chunk.
public struct CandidateScores: Hashable, Sendable {
  /// Index of the group in the study's header.
  public var group: Int
  /// Index of the candidate in the run's candidates of that group.
  public var candidate: Int
  /// One score a sample, in the samples' order.
  public var values: [Double]

  /// Scores of one candidate.
  public init(group: Int, candidate: Int, values: [Double]) {
    self.group = group
    self.candidate = candidate
    self.values = values
  }
}
