internal import Models
internal import Tensors

/// Random cotangents `s = Aᵀ r` of one sample's output, with `AᵀA = F` and `r` random signs.
///
///     logits:  s = (√p ⊙ r − (√p · r) p) / √positions, position by position
///     vectors: s = r / ‖y‖
///
/// As drawn labels, they have `E[s sᵀ] = F`. All of the output's Fisher information enters each of
/// them, and not one class per position, so estimates vary less.
struct FisherRoot {
  private let shape: [Int]
  private let root: Tensor?
  private let scale: Tensor

  /// At a sample's output.
  init(at output: Tensor, head: OutputHead) throws {
    shape = output.shape
    guard head != .vector else {
      scale = Tensor(Float(1 / max(try output.squaredNorm(), 1e-30).squareRoot()))
      root = nil
      return
    }
    let logits = try output.reshaped([-1, output.shape.last ?? 1])
    let p = try logits.softmax(-1)
    let rows = Double(max(1, logits.shape[0])).squareRoot()
    root = try call("aten::sqrt", p)
    scale = try p * (1 / rows)
  }

  /// `Aᵀ r` for the signs of one probe.
  func cotangent(_ signs: Tensor) throws -> Tensor {
    guard let root else { return try signs.reshaped(shape) * scale }
    let weighted = try root * signs.reshaped(root.shape)
    let rows = Double(max(1, root.shape[0])).squareRoot()
    let mean = try weighted.sum([1], keep: true)
    return try (weighted * (1 / rows) - scale * mean).reshaped(shape)
  }
}
