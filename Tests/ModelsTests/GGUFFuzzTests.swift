import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct GGUFFuzzTests {
  /// Two thousand damaged files either work or fail with a sentence.
  @Test func damagedFilesNeverCrash() throws {
    let original = Array(
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("smollm2/small-f16.gguf"))))
    var refused = 0
    try withScratchDirectory { directory in
      let url = URL(fileURLWithPath: "\(directory)/model.gguf")
      for job in 0..<2_000 {
        var generator = SplitMix64(seed: 7, job: job)
        try Data(mutated(original, header: 3_400, &generator)).write(to: url)
        do {
          let executor = Executor(try ModelLoader.load(url.path))
          for parameter in executor.graph.parameters { _ = try executor.parameter(parameter.value) }
          _ = try executor.run(["input_ids": Tensor([1, 2, 0] as [Int64], shape: [1, 3])])
        } catch let error where error is FileError || error is UserError {
          refused += 1
          #expect(!"\(error)".contains("\n"), "job \(job): \(error)")
        } catch {
          Issue.record("job \(job): \(error)")
        }
      }
    }
    #expect((500..<2_000).contains(refused))
  }
}

/// A damaged copy: mostly its first `header` bytes suffer.
func mutated(_ bytes: [UInt8], header: Int, _ generator: inout SplitMix64) -> [UInt8] {
  var bytes = bytes
  for _ in 0...Int(generator.next() % 3) {
    guard bytes.count > 16 else { break }
    let inHeader = generator.uniform() < 0.9
    let place = Int(generator.next() % UInt64(inHeader ? min(header, bytes.count) : bytes.count))
    switch generator.next() % 7 {
    case 0, 1: bytes[place] ^= 1 << UInt8(generator.next() % 8)
    case 2: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
    case 3:
      let nasty: [UInt64] = [
        0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, .max, 1 << 63,
        UInt64(bytes.count), UInt64(bytes.count - place), generator.next(),
      ]
      var value = nasty[Int(generator.next() % UInt64(nasty.count))]
      for index in place..<min(bytes.count, place + (generator.next() % 2 == 0 ? 4 : 8)) {
        bytes[index] = UInt8(truncatingIfNeeded: value)
        value >>= 8
      }
    case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(generator.next() % 12)))
    case 5: bytes.insert(contentsOf: (0..<generator.next() % 12).map(UInt8.init), at: place)
    default: if generator.uniform() < 0.3 { bytes.removeSubrange(place...) }
    }
  }
  return bytes
}
