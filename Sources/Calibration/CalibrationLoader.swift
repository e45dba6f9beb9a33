import Archives
import Foundation
import Synchronization
import Tensors
import Vocabulary

/// Which of the data are taken.
public enum CalibrationPart: String, Sendable, CaseIterable {
  /// What the model is measured and tuned on.
  case calibration
  /// What the result is judged on: never in ``calibration``.
  case heldOut
  /// Everything.
  case all
}

/// Reads data that a model can be fed with.
public enum CalibrationLoader {
  /// Samples out of a file or folder, told apart by name.
  ///
  /// - `.txt`, `.text`, `.jsonl` (records with a `text`): text, for models with a tokenizer.
  /// - a folder of PNG and JPEG files with a `preprocess.yaml`: images.
  /// - `.npz`, `.safetensors`: arrays by input name, first axis samples. A model with one input takes
  ///   the only array of a file whatever its name.
  ///
  /// The two parts are decided by the position in the data alone; `seed` and `samples` choose within a
  /// part. So no choice of them brings a held-out sample into calibration.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - specification: What the model wants.
  ///   - samples: The most that are taken; nil takes all.
  ///   - length: Tokens per sample (at most, for encoders); nil means 512. Capped by the model's own
  ///     limit.
  ///   - seed: Chooses the samples when there are more.
  ///   - part: Which part of the data.
  ///   - heldOutShare: The share of the data in the held-out part, above 0 and below 1.
  /// - Throws: `UserError` with a sentence that names the file and what is wrong.
  public static func load(
    path: String, for specification: InputSpecification, samples: Int? = nil, length: Int? = nil,
    seed: UInt64, part: CalibrationPart = .all, heldOutShare: Double = 0.2
  ) throws -> CalibrationSet {
    do {
      let source = try source(path: path, for: specification, length: length)
      let chosen = try Selection(
        count: source.count, samples: samples, seed: seed, part: part, heldOutShare: heldOutShare,
        source: source
      ).indices
      return try CalibrationSet(
        samples: try read(chosen, of: source),
        description: description(of: source, path: path, count: chosen.count, part: part))
    } catch let error as FileError {
      throw UserError(.failed, error.description)
    }
  }

  private static func source(
    path: String, for specification: InputSpecification, length: Int?
  ) throws -> any CalibrationSource {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw UserError(.failed, "there is no file or folder '\(path)'")
    }
    if isFolder.boolValue { return try ImageSource(folder: path, specification) }
    switch URL(fileURLWithPath: path).pathExtension.lowercased() {
    case "txt", "text", "jsonl":
      return try textSource(path: path, specification, length: length)
    case "npz":
      return try TensorSource(NPZFile(path), path: path, specification)
    case "safetensors":
      return try TensorSource(SafetensorsFile(path), path: path, specification)
    default:
      throw UserError(
        .failed,
        "'\(path)' is no data that can be read: give a text (.txt, .jsonl), a folder of images with a "
          + "\(ImagePreprocessing.fileName), or arrays (.npz, .safetensors)")
    }
  }

  private static func read(_ chosen: [Int], of source: any CalibrationSource) throws
    -> [CalibrationSample]
  {
    let samples = Mutex([CalibrationSample?](repeating: nil, count: chosen.count))
    try Engine.parallel(chosen.count, workers: ProcessInfo.processInfo.activeProcessorCount) {
      job in
      let sample = try source.sample(chosen[job])
      samples.withLock { $0[job] = sample }
    }
    return samples.withLock { $0.compactMap(\.self) }
  }

  private static func description(
    of source: any CalibrationSource, path: String, count: Int, part: CalibrationPart
  ) -> String {
    let name = URL(fileURLWithPath: path).lastPathComponent
    let scope =
      switch part {
      case .all: ""
      case .calibration: " (calibration part)"
      case .heldOut: " (held-out part)"
      }
    let note = source.note.map { "; \($0)" } ?? ""
    return "\(count) \(count == 1 ? source.noun.one : source.noun.many) of \(name)\(scope)\(note)"
  }
}

/// Data as a row of samples that are made when they are wanted.
protocol CalibrationSource: Sendable {
  /// The number of samples.
  var count: Int { get }
  /// What a sample is called.
  var noun: (one: String, many: String) { get }
  /// Something that a report has to say about the data.
  var note: String? { get }
  /// The sample at a position below ``count``.
  func sample(_ index: Int) throws -> CalibrationSample
}

extension CalibrationSource {
  var note: String? { nil }
}
