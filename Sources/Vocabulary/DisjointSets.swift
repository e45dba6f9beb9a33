/// Which of some things were joined.
struct DisjointSets {
  private var parent: [Int]

  /// `count` things, each by itself.
  init(count: Int) { parent = Array(0..<count) }

  /// Makes one set of those that the members are in.
  mutating func join(_ members: [Int]) {
    let roots = members.map(root)
    guard let first = roots.min() else { return }
    for root in roots { parent[root] = first }
  }

  /// Each set rising, in the order of their first members.
  var sets: [[Int]] {
    var position: [Int: Int] = [:]
    var sets: [[Int]] = []
    for thing in parent.indices {
      let root = root(thing)
      if let p = position[root] {
        sets[p].append(thing)
      } else {
        position[root] = sets.count
        sets.append([thing])
      }
    }
    return sets
  }

  private func root(_ thing: Int) -> Int {
    var thing = thing
    while parent[thing] != thing { thing = parent[thing] }
    return thing
  }
}
