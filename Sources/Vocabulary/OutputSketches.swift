/// Short sketches of how every candidate alone changes the final output: an ``InteractionModel`` made
/// of one forward pass a candidate.
///
/// Let `v_g` be the change of a sample's output when group `g` takes its candidate, scaled so that
/// `½ ‖v_g‖²` is the loss to second order, and `s_g` its seeded projection with
/// `E ⟨s_g, s_h⟩ = ⟨v_g, v_h⟩`. With means over the samples,
///
///     single(g, a)      = mean ½ ‖v_ga‖²         exact: taken before the projection
///     cross(g, a, h, b) = mean ⟨s_ga, s_hb⟩      estimated: an error of about ‖v‖ ‖v'‖ / √dimension
///                                                 per sample, independent between samples
///     loss(x)           = Σ single + Σ cross = ½ mean ‖Σ_g s_g‖² + Σ_g (single − mean ½ ‖s_g‖²)
///
/// The second form is what ``evaluation(of:)`` keeps up to date. Where changes cancel, crosses are
/// negative. Memory: `4 · candidates · samples · dimension` bytes.
public struct OutputSketches: InteractionModel, Equatable {
  /// The number of candidates of every group.
  public let candidateCounts: [Int]
  /// The number of samples.
  public let samples: Int
  /// The numbers that a sketch of one sample has.
  public let dimension: Int
  /// `[row][sample]`, rows being candidates group after group.
  private let exact: [Double]
  /// `[row][sample · dimension]`.
  private let values: [Float]
  /// The first row of every group.
  private let firstRows: [Int]
  /// By row: the mean of the exact losses.
  private let singles: [Double]
  /// By row: what the exact loss has over the sketched one.
  private let corrections: [Double]

  /// Sketches of all candidates on some samples.
  ///
  /// - Parameters:
  ///   - candidateCounts: The number of candidates of every group.
  ///   - samples: The number of samples, at least one.
  ///   - dimension: The numbers of one sample's sketch, at least one.
  ///   - singles: `½ ‖v‖²`, `[group][candidate][sample]` one after another.
  ///   - sketches: `[group][candidate][sample][dimension]` one after another.
  public init(
    candidateCounts: [Int], samples: Int, dimension: Int, singles: [Double], sketches: [Float]
  ) {
    let rows = candidateCounts.reduce(0, +)
    guard samples > 0, dimension > 0, candidateCounts.allSatisfy({ $0 > 0 }) else {
      fatalError("sketches need samples, dimensions and candidates, got \(samples), \(dimension)")
    }
    guard singles.count == rows * samples, sketches.count == rows * samples * dimension else {
      fatalError(
        "\(rows) candidates on \(samples) samples, got \(singles.count) losses and "
          + "\(sketches.count) numbers of sketches")
    }
    self.candidateCounts = candidateCounts
    self.samples = samples
    self.dimension = dimension
    exact = singles
    values = sketches
    var firstRows: [Int] = []
    var next = 0
    for count in candidateCounts {
      firstRows.append(next)
      next += count
    }
    self.firstRows = firstRows
    let width = samples * dimension
    let means = (0..<rows).map { row in
      singles[row * samples..<(row + 1) * samples].reduce(0, +) / Double(samples)
    }
    self.singles = means
    corrections = (0..<rows).map { row in
      let square = sketches[row * width..<(row + 1) * width].reduce(0.0) {
        $0 + Double($1) * Double($1)
      }
      return means[row] - 0.5 * square / Double(samples)
    }
  }

  /// The losses by themselves, `[group][candidate][sample]`: ordinary scores of every candidate.
  public var scores: [[[Double]]] {
    candidateCounts.indices.map { group in
      (0..<candidateCounts[group]).map { candidate in
        let row = row(group, candidate)
        return Array(exact[row * samples..<(row + 1) * samples])
      }
    }
  }

  /// The mean loss of a candidate by itself, exact.
  public func single(_ group: Int, _ candidate: Int) -> Double { singles[row(group, candidate)] }

  /// The mean product of two candidates' sketches; zero within one group.
  ///
  /// - Complexity: O(samples · dimension).
  public func cross(_ g: Int, _ a: Int, _ h: Int, _ b: Int) -> Double {
    let (first, second) = (sketch(row(g, a)), sketch(row(h, b)))
    guard g != h else { return 0 }
    return values.withUnsafeBufferPointer { values in
      var sum = 0.0
      for k in 0..<first.count {
        sum += Double(values[first.lowerBound + k]) * Double(values[second.lowerBound + k])
      }
      return sum / Double(samples)
    }
  }

  /// The predicted loss of a policy.
  ///
  /// - Complexity: O(groups · samples · dimension).
  public func loss(of choices: [Int]) -> Double { evaluation(of: choices).loss }

  /// A policy with the sum of its sketches; a change of one group costs O(samples · dimension).
  public func evaluation(of choices: [Int]) -> any PolicyEvaluation {
    guard choices.count == candidateCounts.count else {
      fatalError("\(candidateCounts.count) groups, got \(choices.count) choices")
    }
    return SketchedPolicy(self, choices)
  }

  /// All terms at once, for optimizers that ask many times: `loss(x) = ½ xᵀ G x` of a one-hot `x`.
  ///
  /// Rows and columns are candidates, group after group. The diagonal is `2 · single`, entries of
  /// different groups are ``cross(_:_:_:_:)``, entries of different candidates of one group are zero.
  /// - Complexity: O(candidates² · samples · dimension / 2), about a second for 400 candidates of
  ///   128 samples.
  public func gram() -> [[Double]] {
    let rows = singles.count
    let width = samples * dimension
    var sums = [Double](repeating: 0, count: rows * rows)
    // A stretch of all sketches that stays in the cache while every pair of it is multiplied.
    let stretch = 1024
    values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: width, by: stretch) {
        let count = min(stretch, width - start)
        for r in 0..<rows {
          for q in 0..<r {
            sums[r * rows + q] += product(values, r * width + start, q * width + start, count)
          }
        }
      }
    }
    let groups = candidateCounts.enumerated().flatMap { [Int](repeating: $0, count: $1) }
    return (0..<rows).map { r in
      (0..<rows).map { q in
        if r == q { return 2 * singles[r] }
        if groups[r] == groups[q] { return 0 }
        return sums[max(r, q) * rows + min(r, q)] / Double(samples)
      }
    }
  }

  /// ``gram()`` as a model of its own.
  public func matrix() -> InteractionMatrix {
    let gram = gram()
    var starts = [0]
    for count in candidateCounts { starts.append(starts[starts.count - 1] + count) }
    return InteractionMatrix(
      singles: candidateCounts.indices.map { g in
        (0..<candidateCounts[g]).map { single(g, $0) }
      }
    ) { g, a, h, b in gram[starts[g] + a][starts[h] + b] }
  }

  /// Sketches of the same candidates on several samples after another.
  ///
  /// - Throws: `UserError` when they differ in candidates or dimensions, or when there are none.
  public static func joined(_ parts: [OutputSketches]) throws -> OutputSketches {
    guard let first = parts.first else {
      throw UserError(.failed, "there are no output sketches to join")
    }
    guard parts.count > 1 else { return first }
    guard
      parts.allSatisfy({
        $0.candidateCounts == first.candidateCounts && $0.dimension == first.dimension
      })
    else { throw UserError(.failed, "output sketches of different candidates or sizes") }
    var singles: [Double] = []
    var values: [Float] = []
    singles.reserveCapacity(parts.reduce(0) { $0 + $1.exact.count })
    values.reserveCapacity(parts.reduce(0) { $0 + $1.values.count })
    for row in first.singles.indices {
      for part in parts {
        singles += part.exact[row * part.samples..<(row + 1) * part.samples]
        values += part.values[part.sketch(row)]
      }
    }
    return OutputSketches(
      candidateCounts: first.candidateCounts, samples: parts.reduce(0) { $0 + $1.samples },
      dimension: first.dimension, singles: singles, sketches: values)
  }

  /// The first samples only.
  ///
  /// - Parameter count: At least one; more than there are leaves all.
  public func prefix(_ count: Int) -> OutputSketches {
    guard count > 0 else { fatalError("at least one sample, got \(count)") }
    guard count < samples else { return self }
    return OutputSketches(
      candidateCounts: candidateCounts, samples: count, dimension: dimension,
      singles: singles.indices.flatMap { exact[$0 * samples..<$0 * samples + count] },
      sketches: singles.indices.flatMap { row in
        values[sketch(row).lowerBound..<sketch(row).lowerBound + count * dimension]
      })
  }

  private func row(_ group: Int, _ candidate: Int) -> Int {
    guard candidateCounts.indices.contains(group), (0..<candidateCounts[group]).contains(candidate)
    else { fatalError("no candidate \(candidate) of group \(group)") }
    return firstRows[group] + candidate
  }

  private func sketch(_ row: Int) -> Range<Int> {
    row * samples * dimension..<(row + 1) * samples * dimension
  }

  /// `⟨a, b⟩` of two stretches; singles within a stretch are exact enough for a sketch.
  private func product(
    _ values: UnsafeBufferPointer<Float>, _ a: Int, _ b: Int, _ count: Int
  ) -> Double {
    var lanes = SIMD16<Float>()
    let whole = count - count % 16
    for k in stride(from: 0, to: whole, by: 16) {
      guard let base = values.baseAddress else { return 0 }
      let x = UnsafeRawPointer(base + a + k).loadUnaligned(as: SIMD16<Float>.self)
      let y = UnsafeRawPointer(base + b + k).loadUnaligned(as: SIMD16<Float>.self)
      lanes += x * y
    }
    var sum = Double(lanes.sum())
    for k in whole..<count { sum += Double(values[a + k]) * Double(values[b + k]) }
    return sum
  }

  /// A policy, the sum of its sketches, and its loss.
  private struct SketchedPolicy: PolicyEvaluation {
    private let model: OutputSketches
    private(set) var choices: [Int]
    private(set) var loss = 0.0
    /// In doubles, so that thousands of changes leave no trace.
    private var sum: [Double]

    init(_ model: OutputSketches, _ choices: [Int]) {
      self.model = model
      self.choices = choices
      sum = [Double](repeating: 0, count: model.samples * model.dimension)
      for (group, choice) in choices.enumerated() {
        let stored = model.sketch(model.row(group, choice))
        for k in sum.indices { sum[k] += Double(model.values[stored.lowerBound + k]) }
      }
      update()
    }

    func change(of group: Int, to candidate: Int) -> Double {
      let (old, new) = (model.row(group, choices[group]), model.row(group, candidate))
      guard old != new else { return 0 }
      let (from, to) = (model.sketch(old).lowerBound, model.sketch(new).lowerBound)
      let twice = model.values.withUnsafeBufferPointer { values in
        sum.withUnsafeBufferPointer { sum in
          var total = 0.0
          for k in 0..<sum.count {
            let difference = Double(values[to + k]) - Double(values[from + k])
            total += difference * (2 * sum[k] + difference)
          }
          return total
        }
      }
      return 0.5 * twice / Double(model.samples) + model.corrections[new] - model.corrections[old]
    }

    mutating func set(_ group: Int, to candidate: Int) {
      let (old, new) = (model.row(group, choices[group]), model.row(group, candidate))
      guard old != new else { return }
      let (from, to) = (model.sketch(old).lowerBound, model.sketch(new).lowerBound)
      for k in sum.indices {
        sum[k] += Double(model.values[to + k]) - Double(model.values[from + k])
      }
      choices[group] = candidate
      update()
    }

    private mutating func update() {
      let square = sum.reduce(0) { $0 + $1 * $1 }
      loss = choices.enumerated().reduce(0.5 * square / Double(model.samples)) {
        $0 + model.corrections[model.row($1.offset, $1.element)]
      }
    }
  }
}

// MARK: As bytes

extension OutputSketches {
  /// "BBOS", then the version.
  private static let mark: [UInt8] = [0x42, 0x42, 0x4F, 0x53, 1, 0, 0, 0]

  /// Everything as bytes: a mark, the sizes as 32-bit integers, the exact losses as doubles, the
  /// sketches as singles, all little-endian.
  public var encoded: [UInt8] {
    var writer = InteractionWriter(
      mark: Self.mark,
      capacity: 12 + 4 * candidateCounts.count + 8 * exact.count + 4 * values.count)
    writer.append(sizes: [samples, dimension, candidateCounts.count] + candidateCounts)
    writer.append(losses: exact)
    writer.append(terms: values)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  ///
  /// No length in it is trusted.
  public init?(encoded bytes: [UInt8]) {
    guard var reader = InteractionReader(bytes, mark: Self.mark), let samples = reader.size(),
      let dimension = reader.size(), let groups = reader.size(), samples > 0, dimension > 0,
      let counts = reader.counts(groups)
    else { return nil }
    let (losses, tooManyLosses) = counts.reduce(0, +).multipliedReportingOverflow(by: samples)
    let (numbers, tooManyNumbers) = losses.multipliedReportingOverflow(by: dimension)
    let left = reader.left
    guard !tooManyLosses, !tooManyNumbers, losses <= left / 8, numbers <= left / 4,
      8 * losses + 4 * numbers == left, let singles = reader.losses(losses),
      let sketches = reader.terms(numbers)
    else { return nil }
    self.init(
      candidateCounts: counts, samples: samples, dimension: dimension, singles: singles,
      sketches: sketches)
  }
}
