/// Output Fisher with the actual output change: `½ E[Σ (∂L/∂Y ⊙ ΔY)²]`.
///
/// `Y` is the layer's output `[positions, outputs]`, `ΔY` its change under the format's real rounding
/// error (`ΔW` applied to the layer's real input), and `∂L/∂Y` the gradient of the negative
/// log-likelihood of labels drawn from the network's own output, so that `E[(∂L/∂Y)²]` is the diagonal of
/// the Fisher information. The sum is over positions and outputs, divided by the sample's positions: a
/// second-order estimate of the KL divergence in nats per token (per sample for classes).
///
/// All formats of a layer are scored in one visit: the recording is made once per chunk of samples.
/// Errors of different outputs and positions are taken as uncorrelated; ``FisherChannel`` keeps those
/// between positions.
/// Cost: one forward and `draws` backward passes, and one product per layer and format.
///
/// Sources: the score of NVIDIA ModelOpt's `auto_quantize` (there with the gradient of the task loss and
/// without the ½); Fisher as expected Hessian: Martens, "New insights and perspectives on the natural
/// gradient method", JMLR 2020.
public struct FisherOutput: FisherEstimator {
  /// `fisher-output`.
  public static let id = "fisher-output"
  /// One clause.
  public static let summary = "output Fisher x actual output change, element by element"
  /// What is squared.
  public static let pooling = FisherPooling.elements

  /// The usual settings.
  public init() {}
}
