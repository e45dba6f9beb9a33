import Vocabulary

/// The order of NSGA-II: by front, and within a front the lonelier first.
///
/// Source: Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
/// NSGA-II", IEEE Transactions on Evolutionary Computation 6 (2002).
enum NonDominatedSorting {
  /// Point indices, the best first: by front, then the lonelier, then the earlier.
  ///
  /// - Parameter points: Finite objectives, every one better when smaller.
  static func order(_ points: [[Double]]) throws -> [Int] {
    try dominationFronts(points).flatMap { front in
      let distances = try crowdingDistances(front.map { points[$0] })
      return front.indices.sorted { a, b in
        distances[a] != distances[b] ? distances[a] > distances[b] : a < b
      }.map { front[$0] }
    }
  }
}

extension SearchProblem {
  /// The objectives of a trial for ranking: what is not a finite number is the worst there is.
  func ranked(_ trial: Trial) -> [Double] {
    values(of: trial).map { $0.isFinite ? $0 : .greatestFiniteMagnitude / 4 }
  }
}
