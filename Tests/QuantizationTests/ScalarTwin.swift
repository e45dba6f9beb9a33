import Quantization
import Vocabulary

/// The integer formats, one weight at a time and word for word as documented.
func scalarRoundTrip(_ weights: [Float], _ shape: WeightShape, _ format: IntegerFormat) -> [Float] {
  let length =
    switch format.granularity {
    case .group(let size): size
    case .channel: shape.columns
    case .tensor: shape.count
    }
  return stride(from: 0, to: weights.count, by: length).flatMap { start in
    scalarRoundTrip(of: weights[start..<start + length], format)
  }
}

private func scalarRoundTrip(of group: ArraySlice<Float>, _ format: IntegerFormat) -> [Float] {
  let codes = Float(1 << format.bits)
  let low = group.min() ?? 0
  let high = group.max() ?? 0
  let asymmetric = format.symmetry == .asymmetric
  let exactScale =
    asymmetric ? (high - low) / (codes - 1) : max(abs(low), abs(high)) / (codes / 2 - 1)
  let exactOffset = asymmetric ? low : 0
  let lowest = asymmetric ? 0 : -codes / 2
  let highest = asymmetric ? codes - 1 : codes / 2 - 1
  let scale = Float(Float16(exactScale))
  let offset = Float(Float16(exactOffset))
  return group.map { weight in
    if scale == 0 { return offset + 0 }
    let step = ((weight - offset) / scale).rounded(.toNearestOrEven)
    let value = min(max(step, lowest), highest) * scale
    return value + offset + 0  // + 0: a code has no sign of zero
  }
}

/// Bit patterns, so that NaN and -0 cannot hide.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// Numbers drawn from a bell of the given width (the sum of twelve uniform ones).
func bell(_ count: Int, width: Float, seed: UInt64) -> [Float] {
  var generator = SplitMix64(seed: seed)
  return (0..<count).map { _ in
    Float((0..<12).reduce(-6) { sum, _ in sum + generator.uniform() }) * width
  }
}
