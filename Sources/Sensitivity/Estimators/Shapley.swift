internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// A group's share of what the whole network loses: its Shapley value.
///
/// Groups are quantized one after another in a random order until all are, and each is charged with
/// what the loss rises by when its turn comes; the score is the mean over orders. For each format
/// there is one such game, in which all groups end in that format (or in their candidate nearest to
/// it in size, as in ``LowPrecisionPoints``). So the scores of a format add up to the loss of the
/// network that is all in it, sample by sample, and contain half of every interaction. Marginal
/// losses may be negative.
///
/// Every sample has orders of its own, each with its reverse: a mean over samples is one over as
/// many orders. The paper starts from four bits and not from full precision, and takes covariances
/// of marginal losses, which are squares of losses, for interactions; ``MeasuredPairs`` measures
/// those.
/// Cost: `formats · orders · groups / 2` forward passes per sample (layers before the changed one
/// are not run again). Memory: the network's weights in one format.
///
/// Reference: CoopQ (first called IMPQ), layerwise mixed precision as a cooperative game, 2025
/// (systems.md 14.6).
public struct Shapley: SensitivityEstimator {
  /// `shapley`.
  public static let id = "shapley"
  /// One clause.
  public static let summary =
    "share of the loss of the all-low network over random orders of groups (CoopQ); very slow"
  /// Data decides.
  public static let needsData = true
  /// One group's error may undo another's.
  public static let isSigned = true

  /// Orders for each sample, half of them reversals of the others.
  public var orders: Int

  /// One order and its reverse.
  public init() { orders = 2 }

  /// An even number of orders for each sample.
  public init(orders: Int) {
    guard orders > 0, orders.isMultiple(of: 2) else {
      fatalError("an even number of orders, got \(orders)")
    }
    self.orders = orders
  }

  /// One value per sample.
  ///
  /// - Throws: `UserError` when a group never ran, or a network's output becomes infinite.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.checkThatAllRan()
    var scores = task.groups.map { $0.formats.map { _ in [Double]() } }
    let points = LowPrecisionPoints(task).points
    for point in points {
      let joined = Collected<[ValueID: Tensor]>(count: task.groups.count)
      try Engine.parallel(task.groups.count, workers: task.workers) { g in
        let format = task.groups[g].formats[point.candidates[g]]
        joined[g] = try recordingGradients(false) {
          var weights: [ValueID: Tensor] = [:]
          for layer in task.groups[g].layers.map({ task.graph.layers[$0] }) {
            weights[layer.weight] = try task.executor.roundTrip(layer, format)
          }
          return weights
        }
      }
      let weights = joined.values
      let values = Collected<[Double]>(count: chunk.samples.count)
      try Engine.parallel(chunk.samples.count, workers: task.workers) { k in
        let orders = ShapleyValues.orders(
          players: task.groups.count, count: orders, seed: task.seed, job: chunk.first + k)
        values[k] = try recordingGradients(false) {
          let game = try QuantizationGame(task, weights, chunk.samples[k])
          return try ShapleyValues.means(of: orders, players: task.groups.count) {
            try game.losses(joining: $0)
          }
        }
        task.advanced(1 / Double(points.count * chunk.samples.count))
      }
      for (g, f) in point.scored { scores[g][f] = values.values.map { $0[g] } }
    }
    return scores
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    4 * task.workers
  }

  /// Half a pass for each group in each order of each format.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    Double(LowPrecisionPoints(task).points.count)
      * (2 + 0.5 * Double(orders * task.groups.count))
  }
}

/// Mean marginal losses of players that join one after another.
package enum ShapleyValues {
  /// Random orders and their reverses, in turn.
  ///
  /// Fisher and Yates' shuffle, written out so that no change of the standard library changes scores.
  package static func orders(players: Int, count: Int, seed: UInt64, job: Int) -> [[Int]] {
    var generator = SplitMix64(seed: seed, job: job)
    return (0..<(count + 1) / 2).flatMap { _ in
      var order = Array(0..<players)
      for k in stride(from: players - 1, to: 0, by: -1) {
        order.swapAt(k, Int(generator.uniform() * Double(k + 1)))
      }
      return [order, Array(order.reversed())]
    }
  }

  /// What each player adds, a mean over orders.
  ///
  /// - Parameter losses: Given an order, the loss after each of its players joined; zero before.
  package static func means(
    of orders: [[Int]], players: Int, losses: ([Int]) throws -> [Double]
  ) rethrows -> [Double] {
    var sums = [Double](repeating: 0, count: players)
    for order in orders {
      var before = 0.0
      for (player, loss) in zip(order, try losses(order)) {
        sums[player] += loss - before
        before = loss
      }
    }
    return sums.map { $0 / Double(max(1, orders.count)) }
  }
}

/// One sample's loss while groups are quantized one after another.
private struct QuantizationGame {
  private let executor: Executor
  private let loss: OutputLoss
  /// By group.
  private let weights: [[ValueID: Tensor]]
  private let reference: Tensor
  /// The node of each group's first use, in the order of the nodes.
  private let stops: [Int]
  /// By group: its place among the stops.
  private let places: [Int]
  /// The full-precision network before each stop.
  private let starts: [Execution]

  init(_ task: MeasurementTask, _ weights: [[ValueID: Tensor]], _ inputs: [String: Tensor]) throws {
    executor = task.executor
    loss = OutputLoss(head: task.graph.head)
    self.weights = weights
    let order = task.groupsByFirstUse()
    stops = order.map(\.node)
    var places = task.groups.map { _ in 0 }
    for (place, first) in order.enumerated() { places[first.group] = place }
    self.places = places
    var execution = try executor.start(inputs)
    var starts: [Execution] = []
    for stop in stops {
      try executor.advance(&execution, to: stop)
      starts.append(execution)
    }
    try executor.advance(&execution)
    reference = try executor.result(of: execution)
    self.starts = starts
  }

  /// The loss after each group of an order is quantized.
  ///
  /// Whatever comes before a group's first use is the same with and without it, and not run again.
  func losses(joining order: [Int]) throws -> [Double] {
    var starts = starts
    var applied: [ValueID: Tensor] = [:]
    return try order.map { group in
      applied.merge(weights[group]) { $1 }
      var execution = starts[places[group]]
      for place in stops.indices.dropFirst(places[group] + 1) {
        try executor.advance(&execution, to: stops[place], weights: applied)
        starts[place] = execution
      }
      try executor.advance(&execution, weights: applied)
      return try loss.perSample(reference: reference, output: executor.result(of: execution))[0]
    }
  }
}
