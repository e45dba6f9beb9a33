/// The largest difference of two vectors, relative to the largest absolute value of `expected`.
public func relativeDifference(_ actual: [Float], _ expected: [Float]) -> Double {
  guard actual.count == expected.count else { return .infinity }
  var worst = 0.0
  var scale = 0.0
  for (a, e) in zip(actual, expected) {
    let difference = abs(Double(a) - Double(e))
    if difference.isNaN { return .infinity }
    worst = max(worst, difference)
    scale = max(scale, abs(Double(e)))
  }
  return worst / max(scale, 1e-30)
}
