internal import Tensors

/// Quantized weights within a number of bytes, the least recently used dropped first.
struct WeightCache {
  struct Key: Hashable {
    var layer: Int
    var group: Int
    var candidate: Int
  }

  private struct Entry {
    var tensor: Tensor
    var used: Int
  }

  private let limit: Int
  private var entries: [Key: Entry] = [:]
  private var bytes = 0
  private var clock = 0

  init(limit: Int) { self.limit = limit }

  subscript(key: Key) -> Tensor? {
    mutating get {
      guard let tensor = entries[key]?.tensor else { return nil }
      clock += 1
      entries[key]?.used = clock
      return tensor
    }
  }

  mutating func insert(_ tensor: Tensor, for key: Key) {
    clock += 1
    entries[key] = Entry(tensor: tensor, used: clock)
    bytes += tensor.byteCount
    while bytes > limit, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
      bytes -= oldest.value.tensor.byteCount
      entries[oldest.key] = nil
    }
  }
}
