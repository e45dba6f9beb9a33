internal import Synchronization

/// Results of parallel jobs, kept by job and not by arrival.
final class Collected<Value: Sendable>: Sendable {
  private let slots: Mutex<[Value?]>

  init(count: Int) { slots = Mutex([Value?](repeating: nil, count: count)) }

  subscript(index: Int) -> Value? {
    get { slots.withLock { $0[index] } }
    set { slots.withLock { $0[index] = newValue } }
  }

  /// All results in the jobs' order.
  var values: [Value] { slots.withLock { $0.compactMap { $0 } } }
}
