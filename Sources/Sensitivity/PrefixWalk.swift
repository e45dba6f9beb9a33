/// The order in which policies are run, and where each goes on.
struct PrefixWalk {
  /// One policy's run.
  struct Step: Sendable {
    /// The node at which it parts from the policy before.
    var start: Int
    /// Nodes at which later policies part from it, rising.
    var stops: [Int]
  }

  /// Indices of the policies, neighbours sharing as much as they can.
  var order: [Int]
  /// In that order.
  var steps: [Step]

  /// Sorts policies by their choices in the order of first use.
  init(_ policies: [[Int]], order groups: [(group: Int, node: Int)], end: Int) {
    let keys = policies.map { policy in groups.map { policy[$0.group] } }
    let order = policies.indices.sorted { a, b in
      keys[a] == keys[b] ? a < b : keys[a].lexicographicallyPrecedes(keys[b])
    }
    var partings: [Int] = []
    for (place, policy) in order.enumerated() {
      guard place > 0 else {
        partings.append(0)
        continue
      }
      let before = keys[order[place - 1]]
      let first = before.indices.first { before[$0] != keys[policy][$0] }
      partings.append(first.map { groups[$0].node } ?? end)
    }
    self.order = order
    steps = order.indices.map { place in
      // Where a later policy parts from this one: the earliest parting on the way to it.
      var stops: [Int] = []
      var earliest = Int.max
      for parting in partings[(place + 1)...] where parting < earliest {
        if parting == 0 { break }
        earliest = parting
        stops.append(parting)
      }
      return Step(start: partings[place], stops: stops.reversed())
    }
  }
}
