internal import Synchronization

/// How far a piece of work has come.
public struct Progress: Sendable {
  /// What is done, such as "measuring fisher-output".
  public var stage: String
  /// From zero to one.
  public var fraction: Double
  /// Something to be said once, on a line of its own, in place of how far it is.
  public var note: String?

  /// Something to be said once.
  static func note(_ text: String) -> Progress { Progress(stage: "", fraction: 0, note: text) }
}

/// Receives progress; called from any thread, often.
public typealias ProgressHandler = @Sendable (Progress) -> Void

/// Adds up shares of work that come from several threads.
final class ProgressCounter: Sendable {
  private let stage: String
  private let handler: ProgressHandler
  private let done: Mutex<Double>

  /// - Parameters:
  ///   - stage: What is done.
  ///   - start: What was done before, of one.
  ///   - handler: Is told.
  init(_ stage: String, start: Double = 0, handler: @escaping ProgressHandler) {
    self.stage = stage
    self.handler = handler
    done = Mutex(start)
    handler(Progress(stage: stage, fraction: start))
  }

  /// Says that all is done, whatever rounding left of the sum.
  func finish() { handler(Progress(stage: stage, fraction: 1)) }

  func advance(by share: Double) {
    let fraction = done.withLock { done in
      done = min(0.999, done + share)
      return done
    }
    handler(Progress(stage: stage, fraction: fraction))
  }
}
