/// Groups of a table that are chosen together, with their joint candidates.
struct ChoiceSet {
  /// The sums over the members.
  var group: GroupSensitivity
  /// Indices of the table's groups, rising.
  var members: [Int]
  /// `[candidate][member]`: the index among that member's own.
  var candidates: [[Int]]
  /// `[candidate]`: the sets of the table's groups that one kernel computes.
  var kernels: [[[Int]]]

  /// Tied groups, which take the candidates called `names` together.
  init(_ table: SensitivityTable, _ set: [Int], candidates names: [String]) {
    let tied = set.map { table.groups[$0] }
    members = set
    let indices = names.map { name in
      tied.map { $0.candidates.firstIndex { $0.name == name } ?? 0 }
    }
    candidates = indices
    kernels = names.map { _ in [] }
    group = GroupSensitivity(
      name: tied[0].name, layers: tied.flatMap(\.layers), weights: sum(tied.map(\.weights)),
      candidates: indices.map { index in
        Candidate(summing: zip(tied, index).map { $0.candidates[$1] })
      })
  }

  /// The sets of one fusion, with every combination of their candidates and every way to run it.
  ///
  /// - Parameter index: The index in the table of the group with a name.
  /// - Throws: `UserError` when there are more than 100 000 combinations.
  init(fusing sets: [ChoiceSet], by fusion: Fusion, _ index: [String: Int]) throws {
    let joined = sets.flatMap(\.members)
    let order = joined.indices.sorted { joined[$0] < joined[$1] }
    members = order.map { joined[$0] }
    let count = sets.reduce(1.0) { $0 * Double($1.candidates.count) }
    guard count <= 100_000 else {
      throw UserError(
        .failed,
        "the fusion of \(fusion.members.joined(separator: ", ")) has \(significant(count)) "
          + "combinations of formats, more than 100000; exclude some")
    }
    candidates = []
    kernels = []
    var joint: [Candidate] = []
    var choice = [Int](repeating: 0, count: sets.count)
    while true {
      let parts = zip(sets, choice).map { $0.group.candidates[$1] }
      let own = zip(sets, choice).flatMap { $0.candidates[$1] }
      // A set's members share one candidate, by its name.
      var names: [String: String] = [:]
      for (set, part) in zip(sets, parts) {
        for name in fusion.members where index[name].map(set.members.contains) ?? false {
          names[name] = part.name
        }
      }
      for packing in Packing.all(of: fusion, taking: names) {
        joint.append(
          Candidate(summing: parts, with: packing.kernels) { name in
            sets.firstIndex { index[name].map($0.members.contains) ?? false }
          })
        candidates.append(order.map { own[$0] })
        kernels.append(packing.kernels.map { $0.groups.compactMap { index[$0] } })
      }
      var k = 0
      while k < sets.count, choice[k] + 1 == sets[k].candidates.count {
        choice[k] = 0
        k += 1
      }
      guard k < sets.count else { break }
      choice[k] += 1
    }
    group = GroupSensitivity(
      name: sets[0].group.name, layers: sets.flatMap(\.group.layers),
      weights: sum(sets.map(\.group.weights)), candidates: joint)
  }
}

/// The sets that are left when those that a fusion joins became one.
struct FusedSets {
  /// In the order of their first members.
  private(set) var merged: [ChoiceSet] = []

  init(_ fusions: [Fusion], _ sets: [ChoiceSet], _ index: [String: Int]) throws {
    var owner: [Int: Int] = [:]
    for (s, set) in sets.enumerated() { for member in set.members { owner[member] = s } }
    var fusionOf: [Int: Int] = [:]
    var joined: [Int: [ChoiceSet]] = [:]
    for (f, fusion) in fusions.enumerated() {
      try Self.check(fusion, sets, owner, index)
      let mine = Set(fusion.members.compactMap { index[$0].flatMap { owner[$0] } }).sorted()
      for s in mine {
        guard fusionOf.updateValue(f, forKey: s) == nil else {
          throw UserError(
            .failed, "'\(sets[s].group.name)' is in two fusions of the table; it can be in one")
        }
      }
      if let first = mine.first { joined[first] = mine.map { sets[$0] } }
    }
    for (s, set) in sets.enumerated() {
      guard let f = fusionOf[s] else {
        merged.append(set)
        continue
      }
      guard let parts = joined[s] else { continue }
      merged.append(try ChoiceSet(fusing: parts, by: fusions[f], index))
    }
  }

  private static func check(
    _ fusion: Fusion, _ sets: [ChoiceSet], _ owner: [Int: Int], _ index: [String: Int]
  ) throws {
    for name in fusion.members + fusion.kernels.flatMap(\.groups) where index[name] == nil {
      throw UserError(.failed, "the table fuses '\(name)', which is none of its groups")
    }
    for kernel in fusion.kernels {
      guard Set(kernel.groups).count == kernel.groups.count, kernel.groups.count > 1,
        kernel.groups.allSatisfy(fusion.members.contains)
      else {
        throw UserError(
          .failed,
          "a kernel of the table fuses \(kernel.groups.joined(separator: ", ")), which are not two or "
            + "more members of its fusion")
      }
      // Of tied groups only the whole set has one cost.
      for name in kernel.groups {
        let tied = index[name].flatMap { owner[$0] }.map { sets[$0] }
        let others = tied.map { $0.members.filter { m in m != index[name] } } ?? []
        let fused = kernel.groups.compactMap { index[$0] }
        guard others.allSatisfy(fused.contains) else {
          throw UserError(
            .failed, "'\(name)' is tied to groups that its kernel does not compute")
        }
      }
      for (cost, what) in [(kernel.latency, "latency"), (kernel.energy, "energy")] {
        if let cost, !(cost.isFinite && cost >= 0) {
          throw UserError(
            .failed,
            "the \(what) of the kernel for \(kernel.groups.joined(separator: ", ")) is \(cost)")
        }
      }
    }
  }
}

extension Candidate {
  /// The candidate that stands for `parts` taken together.
  ///
  /// - Parameters:
  ///   - kernels: What computes some of the parts together, in place of their own costs.
  ///   - part: The index of the part that a group with this name is in.
  fileprivate init(
    summing parts: [Candidate], with kernels: [Fusion.Kernel] = [],
    part: (String) -> Int? = { _ in nil }
  ) {
    let errors = sum(parts.map { $0.standardError.map { $0 * $0 } })
    let raw =
      parts.contains { $0.rawLoss != nil }
      ? parts.reduce(0) { $0 + ($1.rawLoss ?? $1.loss) } : nil
    let formats = Set(parts.map(\.format))
    let activations = Set(parts.map(\.activation))
    func fused(_ own: (Candidate) -> Double?, _ together: (Fusion.Kernel) -> Double?) -> Double? {
      // A part is left out where a kernel says what its groups cost.
      let replacing = kernels.filter { together($0) != nil }
      let replaced = replacing.flatMap(\.groups).compactMap(part)
      let alone = parts.indices.filter { !replaced.contains($0) }
      return sum(alone.map { own(parts[$0]) } + replacing.map(together))
    }
    self.init(
      format: formats.count == 1 ? parts[0].format : parts.map(\.name).joined(separator: " + "),
      activation: formats.count == 1 && activations.count == 1 ? parts[0].activation : nil,
      loss: parts.reduce(0) { $0 + $1.loss },
      standardError: parts.count == 1 ? parts[0].standardError : errors?.squareRoot(),
      rawLoss: raw, bytes: parts.reduce(0) { $0 + $1.bytes }, bops: sum(parts.map(\.bops)),
      latency: fused(\.latency, \.latency), resident: sum(parts.map(\.resident)),
      energy: fused(\.energy, \.energy), codeBits: sum(parts.map(\.codeBits)))
  }
}

/// The sum, when every part is known.
func sum<Number: AdditiveArithmetic>(_ parts: [Number?]) -> Number? {
  parts.reduce(.zero as Number?) { total, part in
    total.flatMap { total in part.map { total + $0 } }
  }
}
