/// Groups that one kernel can compute together, and what that costs.
///
/// Fusing is part of the choice: of `q`, `k` and `v` a policy may run all three alone, any two or all
/// three in one kernel. A kernel needs one format for all that it computes, and replaces the sum of
/// their costs by its own.
///
/// Source: the composite columns of Lee and Song, "Q-Palette: Fractional-bit quantizers toward optimal
/// bit allocation", 2025 (fusion-aware mixed-scheme quantization); here any set of groups.
public struct Fusion: Hashable, Codable, Sendable {
  /// Several groups in one kernel.
  public struct Kernel: Hashable, Codable, Sendable {
    /// Names of the groups, two or more of the fusion's members.
    public var groups: [String]
    /// The candidate that all of them must take, by its name.
    public var format: String
    /// Milliseconds, per sample; nil where the sum of the groups' own holds.
    public var latency: Double?
    /// Millijoules, per sample; nil where the sum of the groups' own holds.
    public var energy: Double?

    /// A kernel for `groups` in one format.
    public init(
      groups: [String], format: String, latency: Double? = nil, energy: Double? = nil
    ) {
      self.groups = groups
      self.format = format
      self.latency = latency
      self.energy = energy
    }
  }

  /// Names of the groups, which no other fusion has.
  public var members: [String]
  /// What can be computed together.
  public var kernels: [Kernel]

  /// The kernels there are for some of `members`.
  public init(members: [String], kernels: [Kernel]) {
    self.members = members
    self.kernels = kernels
  }
}

/// One way to run the members of a fusion: which kernels, and what they cost beside single ones.
struct Packing {
  /// The kernels that are used, which share no group.
  var kernels: [Fusion.Kernel] = []

  /// Every set of kernels that share no group and fit the candidates that the members take.
  ///
  /// The empty one comes first.
  /// - Parameter names: The candidate's name for every member.
  static func all(of fusion: Fusion, taking names: [String: String]) -> [Packing] {
    var packings = [Packing()]
    for kernel in fusion.kernels
    where kernel.groups.allSatisfy({ names[$0] == kernel.format }) {
      for packing in packings
      where packing.kernels.allSatisfy({ Set($0.groups).isDisjoint(with: kernel.groups) }) {
        packings.append(Packing(kernels: packing.kernels + [kernel]))
      }
    }
    return packings
  }
}
