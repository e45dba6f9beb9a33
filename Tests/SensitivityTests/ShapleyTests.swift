import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Shapley values against their axioms and against sums over all coalitions.
@Suite struct ShapleyTests {
  private func task(_ graph: Graph, _ formats: [String], seed: UInt64 = 5) throws
    -> MeasurementTask
  {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: seed, workers: 2)
  }

  /// Losses of every coalition in candidate `format`, by its bits, `[coalition][sample]`.
  private func coalitions(
    _ task: MeasurementTask, _ samples: [[String: Tensor]], _ format: Int
  ) throws -> [[Double]] {
    let groups = task.groups
    let policies = (0..<1 << groups.count).map { coalition in
      groups.enumerated().map { g, group -> (any NumberFormat)? in
        coalition >> g & 1 == 1 ? group.formats[format] : nil
      }
    }
    return try PolicyEvaluator(executor: task.executor, workers: 1).evaluate(
      policies, on: samples, memory: 1 << 30
    ).map { $0.map(\.loss) }
  }

  private func permutations(_ count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    return permutations(count - 1).flatMap { order in
      (0..<count).map { place in
        var longer = order
        longer.insert(count - 1, at: place)
        return longer
      }
    }
  }

  /// Singles 1.0, 1.1 and 1.3, interactions ab +2, ac −0.5, bc 0 (systems.md 14.5 and 14.6).
  @Test func valuesOfAKnownGame() {
    let values = ShapleyValues.means(of: permutations(3), players: 3) { order in
      let joined = order.indices.map { Set(order[...$0]) }
      return joined.map { set in
        set.reduce(0) { $0 + [1.0, 1.1, 1.3][$1] } + (set.isSuperset(of: [0, 1]) ? 2 : 0)
          - (set.isSuperset(of: [0, 2]) ? 0.5 : 0)
      }
    }
    for (value, expected) in zip(values, [1.75, 2.1, 1.05]) {
      #expect(abs(value - expected) < 1e-12)
    }
    #expect(abs(values.reduce(0, +) - 4.9) < 1e-12)
  }

  @Test func ordersArePermutationsWithTheirReversesAndAllAreDrawn() {
    var seen: [[Int]: Int] = [:]
    for job in 0..<2400 {
      let orders = ShapleyValues.orders(players: 4, count: 2, seed: 9, job: job)
      #expect(orders.count == 2)
      #expect(orders[0] == orders[1].reversed())
      #expect(orders[0].sorted() == [0, 1, 2, 3])
      seen[orders[0], default: 0] += 1
    }
    #expect(seen.count == 24)
    // A hundred each: ten is the standard deviation.
    #expect(seen.values.allSatisfy { (50...150).contains($0) })
    #expect(
      ShapleyValues.orders(players: 6, count: 4, seed: 1, job: 2)
        == ShapleyValues.orders(players: 6, count: 4, seed: 1, job: 2))
    #expect(ShapleyValues.orders(players: 6, count: 4, seed: 1, job: 2).count == 4)
  }

  /// An order of two groups and its reverse are all there are.
  @Test func valuesOfTwoGroupsAreExact() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, ["int2-channel", "int4-channel"])
      guard task.groups.count == 2 else { continue }
      let scores = try Shapley().scores(of: SampleChunk(first: 0, samples: samples), in: task)
      for f in 0..<2 {
        let v = try coalitions(task, samples, f)
        for k in samples.indices {
          let expected = [
            0.5 * (v[1][k] + v[3][k] - v[2][k]), 0.5 * (v[2][k] + v[3][k] - v[1][k]),
          ]
          for g in 0..<2 {
            #expect(abs(scores[g][f][k] - expected[g]) <= 1e-4 * v[3][k] + 1e-6)
          }
        }
      }
    }
  }

  /// Efficiency: shares of a format add up to the loss of the network that is all in it.
  @Test func valuesAddUpToTheLossOfAll() throws {
    var networks = ToyNetworks.all()
    networks.append((InteractionToys.duplicated(head: .classes), InteractionToys.samples))
    for (graph, samples) in networks {
      let task = try task(graph, ["int2-channel", "int3-channel"])
      let scores = try Shapley().scores(of: SampleChunk(first: 3, samples: samples), in: task)
      for f in 0..<2 {
        let all = try coalitions(task, samples, f)[(1 << task.groups.count) - 1]
        for k in samples.indices {
          let sum = scores.reduce(0) { $0 + $1[f][k] }
          #expect(abs(sum - all[k]) <= 1e-4 * all[k] + 1e-6)
        }
      }
    }
  }

  /// Many orders against the sum over all of them; layers with equal weights get equal shares.
  @Test func valuesConvergeToThoseOfAllOrders() throws {
    let samples = Array(InteractionToys.samples.prefix(2))
    let graph = InteractionToys.duplicated([50, 50, 51, 52], head: .classes)
    let task = try task(graph, ["int2-channel"])
    let v = try coalitions(task, samples, 0)
    let found = try (0..<40).map { seed in
      try Shapley(orders: 4).scores(
        of: SampleChunk(first: 0, samples: samples),
        in: self.task(graph, ["int2-channel"], seed: seed))
    }
    for k in samples.indices {
      let expected = ShapleyValues.means(of: permutations(4), players: 4) { order in
        var coalition = 0
        return order.map {
          coalition |= 1 << $0
          return v[coalition][k]
        }
      }
      #expect(abs(expected[0] - expected[1]) <= 1e-4 * v[15][k])
      for g in 0..<4 {
        let mean = SampleMean(found.map { $0[g][0][k] })
        let error = mean.standardError ?? .infinity
        #expect(abs(mean.mean - expected[g]) <= 4 * error + 1e-4 * v[15][k])
        #expect(error < 0.05 * v[15][k])
      }
    }
  }

  @Test func theSeedDecidesTheOrders() throws {
    let graph = InteractionToys.duplicated([50, 51, 52, 53], head: .classes)
    let chunk = SampleChunk(first: 0, samples: InteractionToys.samples)
    let first = try Shapley().scores(of: chunk, in: task(graph, ["int2-channel"], seed: 1))
    #expect(try Shapley().scores(of: chunk, in: task(graph, ["int2-channel"], seed: 1)) == first)
    #expect(try Shapley().scores(of: chunk, in: task(graph, ["int2-channel"], seed: 2)) != first)
  }
}
