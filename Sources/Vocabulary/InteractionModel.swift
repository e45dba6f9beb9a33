/// A predicted loss of whole policies in which the groups' choices may interact.
///
/// `loss(x) = Σ_g single(g, x_g) + Σ_{g<h} cross(g, x_g, h, x_h)`, in the unit of the sensitivity
/// table that it belongs to. Groups and candidates are those of that table, in its order. Values are
/// raw: cross terms may be negative and the whole need not be positive semi-definite; clipping it
/// distorts the choice (systems.md, CLADO).
public protocol InteractionModel: Sendable {
  /// The number of candidates of every group.
  var candidateCounts: [Int] { get }

  /// What a group adds by itself.
  func single(_ group: Int, _ candidate: Int) -> Double

  /// What two different groups add together beyond what each adds by itself; symmetric.
  func cross(_ g: Int, _ a: Int, _ h: Int, _ b: Int) -> Double

  /// The predicted loss of a policy.
  ///
  /// - Parameter choices: Candidate index per group.
  func loss(of choices: [Int]) -> Double

  /// A policy whose loss is kept up to date while its groups change one by one.
  func evaluation(of choices: [Int]) -> any PolicyEvaluation
}

/// A policy under an ``InteractionModel``, with its loss.
public protocol PolicyEvaluation: Sendable {
  /// Candidate index per group.
  var choices: [Int] { get }
  /// The predicted loss of ``choices``.
  var loss: Double { get }

  /// How the loss would change if `group` took `candidate`.
  ///
  /// - Complexity: O(groups) of an explicit matrix, O(sketch) of ``InteractionModel``s made of sketches.
  func change(of group: Int, to candidate: Int) -> Double

  /// Lets `group` take `candidate`.
  mutating func set(_ group: Int, to candidate: Int)
}
