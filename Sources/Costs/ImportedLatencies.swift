internal import Foundation
internal import Vocabulary

/// Somebody else's measurements: milliseconds by layer and format.
///
/// As CSV with the header `layer,format,milliseconds`, or as JSON:
/// `{"schema": "bitbudget.latency/1", "device": "phone", "rest": 0.4, "rows": [{"layer": "conv1",
/// "format": "int8-channel/int8-tensor", "milliseconds": 0.21}]}`. Times are those of one run of the
/// network; `rest` is what they leave out.
public struct ImportedLatencies: LatencyModel {
  /// The format of the JSON file.
  public static let schema = "bitbudget.latency/1"

  /// The device's name; a CSV file's own name.
  public let device: String
  /// Time outside the layers, where the file tells it.
  public let rest: Double?
  private let times: [String: [String: Double]]

  private struct File: Decodable {
    struct Row: Decodable {
      var layer: String
      var format: String
      var milliseconds: Double
    }
    var schema: String
    var device: String
    var rest: Double?
    var rows: [Row]
  }

  /// Reads the text of a file.
  ///
  /// - Parameter file: What the text is called in errors, usually a path.
  /// - Throws: `UserError` naming the file, and the line or row of a mistake.
  public init(parsing text: String, file: String) throws {
    let rows: [(place: String, layer: String, format: String, time: Double?)]
    if text.drop(while: \.isWhitespace).hasPrefix("{") {
      let stored: File
      do {
        stored = try JSONDecoder().decode(File.self, from: Data(text.utf8))
      } catch {
        throw UserError(.failed, "'\(file)' is not a table of latencies (\(Self.schema))")
      }
      guard stored.schema == Self.schema else {
        throw UserError(.failed, "'\(file)' is a '\(stored.schema)' and not \(Self.schema)")
      }
      (device, rest) = (stored.device, stored.rest)
      rows = stored.rows.enumerated().map {
        ("'rows[\($0)]'", $1.layer, $1.format, $1.milliseconds)
      }
    } else {
      let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      guard lines.first?.trimmingCharacters(in: .whitespaces) == "layer,format,milliseconds" else {
        throw UserError(.failed, "'\(file)' line 1: it must be layer,format,milliseconds")
      }
      device = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
      rest = nil
      rows = try lines.enumerated().dropFirst().compactMap { index, line in
        if line.allSatisfy(\.isWhitespace) { return nil }
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        guard fields.count == 3 else {
          throw UserError(.failed, "'\(file)' line \(index + 1): it must have three fields")
        }
        return ("line \(index + 1)", fields[0], fields[1], Double(fields[2]))
      }
    }
    var times: [String: [String: Double]] = [:]
    for row in rows {
      guard let time = row.time, time.isFinite, time >= 0 else {
        throw UserError(
          .failed, "'\(file)' \(row.place): 'milliseconds' must be a number of at least 0")
      }
      times[row.layer, default: [:]][row.format] = time
    }
    if let rest, !(rest.isFinite && rest >= 0) {
      throw UserError(.failed, "'\(file)': 'rest' must be a number of at least 0")
    }
    self.times = times
  }

  /// The file's row.
  public func latency(of layer: LayerGeometry, in precision: Precision, bytes: Int) -> LayerLatency
  {
    guard let time = times[layer.name]?[precision.name] else {
      return .none("\(device) has no row for '\(layer.name)' in \(precision.name)")
    }
    return .milliseconds(time)
  }
}
