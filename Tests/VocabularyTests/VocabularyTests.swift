import Testing
import Vocabulary

@Suite struct BudgetTests {
  @Test(arguments: [
    ("4.5bpw", CostKind.bpw, 4.5), ("90MB", .bytes, 90e6), ("1.5GiB", .bytes, 1.5 * 1_073_741_824),
    ("12ms", .latency, 12), ("0.02nats", .loss, 0.02), ("bytes=90MB", .bytes, 90e6),
    ("bops=4.2e9", .bops, 4.2e9), ("latency=12ms", .latency, 12), ("1024", .bytes, 1024),
  ])
  func reads(text: String, kind: CostKind, limit: Double) throws {
    #expect(try Budget(parsing: text) == Budget(kind, limit))
  }

  @Test(arguments: [
    "", "bpw", "-1bpw", "0MB", "4.5 parsecs", "x=1", "nanbpw", "infMB", "latency=9MB",
  ])
  func refuses(text: String) {
    let error = #expect(throws: UserError.self) { try Budget(parsing: text) }
    #expect(error?.kind == .usage)
  }

  @Test func sizesAreToldBothWays() {
    #expect(ByteCount(90_000_000).description == "90.0 MB (85.8 MiB)")
    #expect(ByteCount(999).description == "999 B")
    #expect(ByteCount(parsing: "1GiB") == ByteCount(1_073_741_824))
    #expect(ByteCount(parsing: "1 apple") == nil)
  }
}

@Suite struct NumberTextTests {
  @Test func fixedDecimals() {
    #expect(fixed(4.498, digits: 2) == "4.50")
    #expect(fixed(-0.04, digits: 1) == "0.0")
    #expect(fixed(-1.25, digits: 1) == "-1.3")
    #expect(fixed(12, digits: 0) == "12")
  }

  @Test func significantDigits() {
    #expect(significant(0.012345) == "0.0123")
    #expect(significant(123456) == "123456")
    #expect(significant(1.5e-7) == "1.50e-7")
    #expect(significant(0) == "0")
  }
}

@Suite struct SplitMixTests {
  /// The first numbers of the reference implementation for the seed 1234567.
  @Test func knownStream() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  @Test func jobsHaveStreamsOfTheirOwn() {
    var first = SplitMix64(seed: 1, job: 0)
    var second = SplitMix64(seed: 1, job: 1)
    var again = SplitMix64(seed: 1, job: 0)
    let a = (0..<8).map { _ in first.next() }
    #expect(a != (0..<8).map { _ in second.next() })
    #expect(a == (0..<8).map { _ in again.next() })
  }

  @Test func uniformNumbersFillTheUnitInterval() {
    var generator = SplitMix64(seed: 3)
    let values = (0..<10_000).map { _ in generator.uniform() }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(values.reduce(0, +) / 10_000 - 0.5) < 0.02)
  }
}

@Suite struct StatisticsTests {
  @Test func meanAndStandardError() {
    let mean = SampleMean([1, 2, 3, 4])
    #expect(mean.mean == 2.5)
    #expect(abs((mean.standardError ?? 0) - (5.0 / 3 / 4).squareRoot()) < 1e-15)
    #expect(SampleMean([7]).standardError == nil)
    // A large offset does not cancel the spread.
    #expect(abs((SampleMean([1e9 + 1, 1e9 + 2]).standardError ?? 0) - 0.5) < 1e-6)
  }

  @Test func bootstrapCoversTheMeanOfABell() {
    var generator = SplitMix64(seed: 9)
    let values = (0..<200).map { _ in (0..<12).reduce(-6.0) { sum, _ in sum + generator.uniform() }
    }
    let interval = Interval.bootstrap(values, seed: 1)
    let mean = SampleMean(values)
    #expect(interval.low < mean.mean && mean.mean < interval.high)
    // The normal interval is ±1.96 standard errors; the bootstrap's is close to it.
    let width = (interval.high - interval.low) / (2 * 1.96 * (mean.standardError ?? 1))
    #expect(width > 0.9 && width < 1.1)
    #expect(Interval.bootstrap(values, seed: 1) == interval)
  }

  @Test func percentilesInterpolate() {
    #expect(percentile([0, 10], 0.5) == 5)
    #expect(percentile([1, 2, 3], 1) == 3)
    #expect(percentile([], 0.5).isNaN)
  }
}

@Suite struct SuggestionTests {
  @Test func nearestName() {
    #expect(nearest(to: "fisher-ouput", in: ["exact-kl", "fisher-output"]) == "fisher-output")
    #expect(nearest(to: "zzz", in: ["exact-kl"]) == nil)
    #expect(UserError.unknown("int4g64", "format", known: ["int4-g64"]).kind == .usage)
  }
}
