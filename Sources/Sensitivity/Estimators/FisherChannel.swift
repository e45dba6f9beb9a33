/// Output Fisher summed over positions before squaring: `½ E[Σ_channel (Σ_positions ∂L/∂Y ⊙ ΔY)²]`, the
/// default.
///
/// Like ``FisherOutput``, but the rounding error of one output channel is the same at all positions of a
/// sample, so its effects add up with their signs: `½ E[Σ_j (∂L/∂W_j · ΔW_j)²]`, the Fisher information
/// with one block per output channel. Where a network averages over positions (convolutions before
/// global pooling, mean-pooled encoders) the terms between positions are most of the effect.
/// Cost: as ``FisherOutput``. Its standard error is larger, since a channel gives one value per sample.
public struct FisherChannel: FisherEstimator {
  /// `fisher-channel`.
  public static let id = "fisher-channel"
  /// One clause.
  public static let summary =
    "output Fisher x actual output change, summed over positions per channel"
  /// What is squared.
  public static let pooling = FisherPooling.channels

  /// The usual settings.
  public init() {}
}
