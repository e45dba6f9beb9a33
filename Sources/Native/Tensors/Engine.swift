internal import CTorch
import Dispatch
import Synchronization

/// Process-wide settings of the engine.
public enum Engine {
  /// The version of libtorch.
  public static var version: String { String(cString: ct_version()) }

  /// Gives memory that the allocator holds back to the system, between phases that use sizes of their
  /// own: what one leaves behind is of no use to the next.
  public static func releaseFreeMemory() { ct_release_free_memory() }

  /// Runs `body` with `workers` threads inside matrix products, for work that cannot be shared out.
  ///
  /// Not to be nested, nor used beside ``parallel(_:workers:_:)``: the setting is the process's.
  public static func alone<R>(workers: Int, _ body: () throws -> R) rethrows -> R {
    ct_set_threads(1, Int32(workers))
    defer { ct_set_threads(1, 1) }
    return try body()
  }

  /// Runs `body` for `0 ..< jobs`, at most `workers` at a time, and waits.
  ///
  /// Jobs start in order; each runs on one thread from start to end, so thread-bound settings hold.
  /// - Throws: The error of the lowest-numbered job that failed; later jobs are not started.
  public static func parallel(
    _ jobs: Int, workers: Int, _ body: @escaping @Sendable (Int) throws -> Void
  ) throws {
    let state = Mutex<(next: Int, failure: (job: Int, error: any Error)?)>((0, nil))
    @Sendable func work(_: Int) {
      while let job = state.withLock({ state -> Int? in
        guard state.next < jobs, state.failure == nil else { return nil }
        state.next += 1
        return state.next - 1
      }) {
        do {
          try body(job)
        } catch {
          state.withLock { state in
            if state.failure.map({ job < $0.job }) ?? true { state.failure = (job, error) }
          }
        }
      }
    }
    if jobs == 1, workers > 1 {
      alone(workers: workers) { work(0) }
    } else if workers <= 1 {
      work(0)
    } else {
      DispatchQueue.concurrentPerform(iterations: min(workers, jobs), execute: work)
    }
    if let failure = state.withLock({ $0.failure }) { throw failure.error }
  }
}
