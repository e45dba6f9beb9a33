import Foundation
import Vocabulary

/// A finished child process, with what it took.
struct Child {
  /// Its exit code; 128 and the signal's number when a signal ended it.
  var code: Int32
  /// Wall time from start to end.
  var seconds: Double
  /// The most memory that it held at once, in bytes.
  var peakBytes: Int

  /// Runs a program to its end.
  ///
  /// Standard error is ours, so that progress and complaints are seen. Linux counts what the parent
  /// held when the child was made as the child's: keep this process small until its children are done.
  ///
  /// - Parameters:
  ///   - program: The path of the executable.
  ///   - arguments: Without the program's own name.
  ///   - output: The file that standard output goes to.
  /// - Throws: `UserError` when the program cannot be started.
  static func run(_ program: String, _ arguments: [String], output: String) throws -> Child {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var environment =
      ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (words + environment).forEach { free($0) } }
    let clock = ContinuousClock()
    let began = clock.now
    var process = pid_t()
    let failure = posix_spawn(&process, program, &actions, nil, &words, &environment)
    guard failure == 0 else {
      throw UserError(
        .failed, "'\(program)' cannot be started: \(String(cString: strerror(failure)))")
    }
    var status: Int32 = 0
    var usage = rusage()
    while wait4(process, &status, 0, &usage) < 0 {
      guard errno == EINTR else { throw UserError(.failed, "'\(program)' was lost") }
    }
    let signal = status & 0x7f
    return Child(
      code: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
      seconds: (clock.now - began) / .seconds(1), peakBytes: Int(usage.ru_maxrss) * 1024)
  }
}
