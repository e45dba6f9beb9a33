/// How long a layer takes, or why nobody can say.
public enum LayerLatency: Hashable, Sendable {
  /// Milliseconds of all uses in one run of the network.
  case milliseconds(Double)
  /// There is no kernel; a clause that says what would be needed.
  case none(String)

  /// The milliseconds, where they are known.
  public var milliseconds: Double? {
    if case .milliseconds(let value) = self { value } else { nil }
  }
}

/// A device as far as planning sees it: how long each layer takes in each precision.
public protocol LatencyModel: Sendable {
  /// The device's name.
  var device: String { get }

  /// How long one layer takes in one run of the network.
  ///
  /// - Parameters:
  ///   - layer: What it computes.
  ///   - precision: In what numbers.
  ///   - bytes: Bytes of the stored weight.
  func latency(of layer: LayerGeometry, in precision: Precision, bytes: Int) -> LayerLatency

  /// Milliseconds of one run that no quantizable layer is to blame for; nil where they are unknown.
  var rest: Double? { get }
}

extension LatencyModel {
  /// Unknown.
  public var rest: Double? { nil }
}
