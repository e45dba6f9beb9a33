internal import Foundation

/// What is read to tell how long something takes.
public enum TimingClock: String, Sendable, Codable {
  /// The processor's time of the calling thread: what one thread takes on a machine that does nothing
  /// else, also where others work beside it.
  case thread
  /// The clock on the wall, for work of several threads.
  case wall

  /// The clock for kernels of so many threads.
  public init(threads: Int) { self = threads == 1 ? .thread : .wall }

  /// Milliseconds since some moment.
  public func milliseconds() -> Double {
    var time = timespec()
    clock_gettime(self == .thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
  }
}

/// How long something takes, from several runs.
public struct Timing: Hashable, Sendable, Codable {
  /// The median of the runs, in milliseconds.
  public var milliseconds: Double
  /// The median absolute deviation from it, in milliseconds.
  public var spread: Double
  /// The runs.
  public var repetitions: Int
  /// Runs that lie farther than five deviations above the median: something else had the processor.
  public var outliers: Int

  /// The figures of some runs.
  public init(milliseconds: Double, spread: Double, repetitions: Int, outliers: Int) {
    self.milliseconds = milliseconds
    self.spread = spread
    self.repetitions = repetitions
    self.outliers = outliers
  }

  /// The figures of single runs in milliseconds, at least one.
  ///
  /// Median and median absolute deviation, `median |x − median x|`; of an even count the mean of the two
  /// in the middle. An outlier is above `median + 5 · max(deviation, 2 % of the median)`.
  public init(of runs: [Double]) {
    let middle = Self.median(runs)
    let deviation = Self.median(runs.map { abs($0 - middle) })
    let limit = middle + 5 * max(deviation, 0.02 * middle)
    self.init(
      milliseconds: middle, spread: deviation, repetitions: runs.count,
      outliers: runs.count { $0 > limit })
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { fatalError("a median of no values") }
    let half = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[half - 1] + sorted[half]) / 2
      : half < sorted.count ? sorted[half] : last
  }
}

/// When to stop repeating.
public struct TimingEffort: Sendable {
  /// Runs that are not counted.
  public var warmUps = 2
  /// The fewest runs that are counted.
  public var fewest = 7
  /// The most.
  public var most = 60
  /// The clock.
  public var clock = TimingClock.thread
  /// Milliseconds after which no run is begun, once there are the fewest.
  public var patience = 60.0

  /// The defaults: some tenths of a second a kernel at most.
  public init() {}
}

extension Timing {
  /// Times `body`, and calls `prepare` before each run without counting it.
  ///
  /// - Throws: What they throw.
  public static func measuring(
    _ effort: TimingEffort = TimingEffort(), preparing prepare: () throws -> Void = {},
    _ body: () throws -> Void
  ) rethrows -> Timing {
    let clock = effort.clock
    for _ in 0..<effort.warmUps {
      try prepare()
      try body()
    }
    let began = clock.milliseconds()
    var runs: [Double] = []
    while runs.count < max(1, effort.most) {
      if runs.count >= effort.fewest, clock.milliseconds() - began > effort.patience { break }
      try prepare()
      let start = clock.milliseconds()
      try body()
      runs.append(clock.milliseconds() - start)
    }
    return Timing(of: runs)
  }
}
