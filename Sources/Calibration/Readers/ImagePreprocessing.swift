import Foundation
public import Images
import Vocabulary
import Yams

/// How a picture becomes numbers, as written beside the pictures in `preprocess.yaml`.
///
/// `(value · scale − mean) / std` per channel, value 0 ... 255, after scaling the shorter side to
/// `resize` and cutting out the middle square of `size`.
public struct ImagePreprocessing: Sendable, Equatable, Codable {
  /// The order of the colours.
  public enum Channels: String, Sendable, Codable, CaseIterable {
    /// Red first.
    case rgb
    /// Blue first.
    case bgr
  }

  /// The order of the axes.
  public enum Layout: String, Sendable, Codable, CaseIterable {
    /// Samples, channels, rows, columns.
    case nchw
    /// Samples, rows, columns, channels.
    case nhwc
  }

  /// How the square is cut out.
  public enum Crop: String, Sendable, Codable, CaseIterable {
    /// Out of the middle.
    case center
  }

  /// The format of the file.
  public static let schema = "bitbudget.images/1"
  /// The file's name.
  public static let fileName = "preprocess.yaml"

  /// Always ``schema``.
  public var schema: String
  /// Side of the square that the network sees.
  public var size: Int
  /// Shorter side before the square is cut out; `size` when left out.
  public var resize: Int?
  /// How the square is cut out; from the middle when left out.
  public var crop: Crop?
  /// The filter; bicubic when left out.
  public var interpolation: Interpolation?
  /// The order of the colours; red first when left out.
  public var channels: Channels?
  /// What every value is multiplied with first.
  public var scale: Double
  /// What is taken away, per channel in the order of `channels`.
  public var mean: [Double]
  /// What is divided by, per channel in the order of `channels`.
  public var std: [Double]
  /// The order of the axes; samples, channels, rows, columns when left out.
  public var layout: Layout?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case schema, size, resize, crop, interpolation, channels, scale, mean, std, layout
  }

  static let example = """
    schema: bitbudget.images/1
    size: 224
    resize: 256
    crop: center
    interpolation: bicubic
    channels: rgb
    scale: 0.00392156862745098
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
    layout: nchw
    """

  /// The description in a folder's `preprocess.yaml`.
  ///
  /// - Throws: `UserError` when it is missing or wrong.
  public init(folder: String) throws {
    let path = URL(fileURLWithPath: folder).appendingPathComponent(ImagePreprocessing.fileName).path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(
        .failed,
        "the images in '\(folder)' need a \(ImagePreprocessing.fileName) beside them that says what "
          + "the model was trained on, for example\n\n\(ImagePreprocessing.example)")
    }
    try self.init(yaml: String(decoding: data, as: UTF8.self), path: path)
  }

  /// The description in the text of a YAML file; `path` is for error messages.
  ///
  /// - Throws: `UserError` when it is wrong.
  public init(yaml: String, path: String) throws {
    func refusal(_ reason: String) -> UserError { UserError(.failed, "'\(path)' \(reason)") }
    guard let node = try? Yams.compose(yaml: yaml), let mapping = node.mapping else {
      throw refusal("is not a YAML list of settings")
    }
    let known = CodingKeys.allCases.map(\.rawValue)
    for key in mapping.keys.compactMap(\.string) where !known.contains(key) {
      let hint = nearest(to: key, in: known).map { ", did you mean '\($0)'?" } ?? ""
      throw refusal("has the unknown setting '\(key)'\(hint)")
    }
    do {
      self = try YAMLDecoder().decode(ImagePreprocessing.self, from: yaml)
    } catch DecodingError.keyNotFound(let key, _) {
      throw refusal("lacks the setting '\(key.stringValue)'")
    } catch let error as DecodingError {
      let key =
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
          .dataCorrupted(let context):
          context.codingPath.first?.stringValue
        default: nil as String?
        }
      throw refusal("has a wrong value for '\(key ?? "?")'")
    }
    guard schema == ImagePreprocessing.schema else {
      throw refusal("has the schema '\(schema)', and only '\(ImagePreprocessing.schema)' is known")
    }
    guard (1...8192).contains(size), (size...8192).contains(resize ?? size) else {
      throw refusal("must have 1 ≤ size ≤ resize ≤ 8192")
    }
    guard mean.count == 3, std.count == 3 else {
      throw refusal("must give mean and std for 3 channels")
    }
    guard scale.isFinite, scale > 0, mean.allSatisfy(\.isFinite),
      std.allSatisfy({ $0.isFinite && $0 > 0 })
    else { throw refusal("must give a positive scale, finite means and positive std") }
  }
}
