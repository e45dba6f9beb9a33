import Vocabulary

/// How the effects of ``ChoiceEffects``, and the values of trials, vary together before anything is seen.
///
/// Variances: `common` of a level that all knobs have, `slope` of a slope along their levels, `knob` and
/// `knobSlope` of a knob's own, `deviation` of a single choice, `pair` of a pair's weight, `noise` of a
/// value.
struct EffectCovariance {
  let common: Double
  let slope: Double
  let knob: Double
  let knobSlope: Double
  let deviation: Double
  let pair: Double
  let noise: Double

  init(_ beliefs: ChoiceEffects.Beliefs, spread: Double, knobs: Int) {
    func square(_ x: Double) -> Double { x * x }
    switch beliefs.form {
    case .logSum:
      common = square(3)
      slope = beliefs.usesPrior ? square(1) : square(8)
      knob = square(beliefs.knob)
      knobSlope = square(beliefs.knob)
      deviation = square(beliefs.deviation)
      pair = square(beliefs.pair)
      noise = square(beliefs.noise)
    case .sum:
      // A mean over the knobs: each knob's own effects are larger by the root of their number.
      let own = spread * Double(knobs).squareRoot()
      common = square(3 * spread)
      slope = square(4 * spread)
      knob = 0
      knobSlope = square(beliefs.knob * own)
      deviation = square(beliefs.deviation * own)
      pair = square(beliefs.pair * spread)
      noise = square(beliefs.noise * spread)
    }
  }

  /// Trials by trials, with the noise; the lower triangle, row-major.
  func matrix(_ rows: [ChoiceEffects.Row], points: [[Int]]) -> [Double] {
    let count = rows.count
    let means = rows.map { row in zip(row.shares, row.levels).reduce(0) { $0 + $1.0 * $1.1 } }
    var matrix = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      let (a, p) = (rows[i], points[i])
      for j in 0...i {
        let (b, q) = (rows[j], points[j])
        var sum = common + slope * means[i] * means[j]
        var product = 0.0
        var squares = 0.0
        for k in p.indices {
          let both = a.shares[k] * b.shares[k]
          sum += both * (knob + knobSlope * a.levels[k] * b.levels[k])
          if p[k] == q[k] { sum += both * deviation }
          let amplitude = a.amplitudes[k] * b.amplitudes[k]
          product += amplitude
          squares += amplitude * amplitude
        }
        matrix[i * count + j] = sum + pair * (product * product - squares) / 2
      }
      matrix[i * count + i] += noise
    }
    return matrix
  }

  /// The effects that the dual weights of the trials stand for.
  func moved(
    _ origin: [[Double]], by dual: [Double], rows: [ChoiceEffects.Row], points: [[Int]],
    levels: [[Double]]
  ) -> [[Double]] {
    let total = common * dual.reduce(0, +)
    let tilt =
      slope
      * zip(dual, rows).reduce(0) { sum, pair in
        sum + pair.0 * zip(pair.1.shares, pair.1.levels).reduce(0) { $0 + $1.0 * $1.1 }
      }
    return origin.indices.map { k in
      var level = 0.0
      var own = 0.0
      var single = [Double](repeating: 0, count: origin[k].count)
      for i in dual.indices {
        let weight = dual[i] * rows[i].shares[k]
        level += weight
        own += weight * rows[i].levels[k]
        single[points[i][k]] += weight
      }
      return origin[k].indices.map { choice in
        origin[k][choice] + total + knob * level + deviation * single[choice]
          + levels[k][choice] * (tilt + knobSlope * own)
      }
    }
  }

  /// The weights of the pairs; empty without pairs.
  func pairs(_ dual: [Double], rows: [ChoiceEffects.Row]) -> [Double] {
    guard pair > 0, let count = rows.first?.amplitudes.count else { return [] }
    var weights = [Double](repeating: 0, count: count * count)
    for (alpha, row) in zip(dual, rows) {
      for k in 0..<count {
        let scaled = pair * alpha * row.amplitudes[k]
        for h in k + 1..<max(count, k + 1) {
          weights[k * count + h] += scaled * row.amplitudes[h]
        }
      }
    }
    return weights
  }
}
