import ArgumentParser
import Foundation
import Synchronization
import Tuning
import Vocabulary

/// Where data and talk go.
enum Console {
  /// Data, to standard output.
  static func out(_ text: String) {
    FileHandle.standardOutput.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }

  /// Talk, to standard error.
  static func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// A value as JSON with sorted keys, to standard output.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    out(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}

/// Runs a command's body; an error becomes one sentence on standard error and an exit code.
func reportingErrors(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as UserError {
    Console.say("bitbudget: \(error.description)")
    throw ExitCode(error.kind.rawValue)
  } catch let error as ExitCode {
    throw error
  } catch {
    Console.say("bitbudget: \(error)")
    throw ExitCode(1)
  }
}

/// Tells progress with the time that is left, on one line of a terminal or a line each tenth elsewhere.
final class ProgressLine: Sendable {
  private struct State {
    var stage = ""
    var began = ContinuousClock.now
    var start = 0.0
    var shown = -1.0
    var shownAt = ContinuousClock.now
  }

  private let state = Mutex(State())
  private let terminal = isatty(2) == 1
  private let quiet: Bool

  init(quiet: Bool) { self.quiet = quiet }

  /// Receives progress from any thread.
  func show(_ progress: Tuning.Progress) {
    guard !quiet else { return }
    if let note = progress.note { return Console.say(note) }
    let text = state.withLock { state -> String? in
      let now = ContinuousClock.now
      if progress.stage != state.stage {
        state = State(stage: progress.stage, began: now, start: progress.fraction)
      }
      let step = terminal ? 0.001 : 0.1
      let due = progress.fraction - state.shown >= step || progress.fraction >= 1
      let idle = terminal ? now - state.shownAt >= .milliseconds(100) : true
      guard due, idle || progress.fraction >= 1, progress.fraction != state.shown else {
        return nil
      }
      state.shown = progress.fraction
      state.shownAt = now
      return line(state, now: now)
    }
    guard let text else { return }
    let ending = terminal && progress.fraction < 1 ? "" : "\n"
    FileHandle.standardError.write(Data(((terminal ? "\r\u{1b}[2K" : "") + text + ending).utf8))
  }

  private func line(_ state: State, now: ContinuousClock.Instant) -> String {
    let elapsed = now - state.began
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let gained = state.shown - state.start
    let percent = "\(Int(100 * state.shown)) %"
    guard state.shown < 1 else { return "\(state.stage): done in \(time(seconds))" }
    // The first moments say nothing about the rest.
    guard gained > 0.005, seconds > 1 else { return "\(state.stage): \(percent)" }
    return "\(state.stage): \(percent), \(time(seconds / gained * (1 - state.shown))) left"
  }

  private func time(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
