internal import Calibration
internal import Models
internal import Vocabulary

/// Which data, and how much of it.
public struct CalibrationOptions: Sendable {
  /// A text file, a folder of images, an `.npz` or a `.safetensors` file.
  public var path: String
  /// The most samples to use; nil for all (text: a default).
  public var samples: Int?
  /// Tokens of a text sample.
  public var length: Int?
  /// Decides which samples are drawn.
  public var seed: UInt64

  /// Data with its limits.
  public init(path: String, samples: Int? = nil, length: Int? = nil, seed: UInt64) {
    self.path = path
    self.samples = samples
    self.length = length
    self.seed = seed
  }
}

extension OpenedModel {
  /// Samples of one part of the data.
  func data(_ options: CalibrationOptions, part: CalibrationPart) throws -> CalibrationSet {
    try CalibrationLoader.load(
      path: options.path, for: inputs, samples: options.samples ?? defaultSamples,
      length: options.length, seed: options.seed, part: part)
  }

  /// 32 sequences of 512 tokens, or 128 sentences, pictures or tensors.
  private var defaultSamples: Int { graph.head == .tokens ? 32 : 128 }
}
