import Archives
import Foundation
import TestSupport
import Testing
import Vocabulary

@Suite struct NPZTests {
  /// First values of what NumPy wrote, as NumPy prints them.
  @Test func readsWhatNumPyCompressed() throws {
    let arrays = try NPZ.read(try Fixtures.path("references/small-compressed.npz"))
    #expect(arrays.map(\.name) == ["single", "integers", "fortran"])
    #expect(arrays.map(\.array.shape) == [[3, 5], [2, 3, 4], [4, 6]])
    #expect(arrays.map(\.array.element) == [.float32, .int64, .float64])
    #expect(
      arrays[0].array.floats().prefix(3) == [
        1.1176220178604126, -1.3871248960494995, -0.4265716075897217,
      ])
    #expect(arrays[1].array.int64s().prefix(2) == [95_932_370_755, 956_734_377_758])
    #expect(arrays[1].array.int64s().last == -244_264_371_864)
    // Row-major, though the file is not: the second value is right of the first.
    #expect(arrays[2].array.floats().prefix(2) == [-0.15922500991447772, 0.5408455846858077])
  }

  /// `minilm.npz` is stored with the zip64 fields that NumPy always writes.
  @Test func readsStoredMembersByName() throws {
    let file = try NPZFile(try Fixtures.path("references/minilm.npz"))
    #expect(file.names.count == 24)
    let ids = try file.array("ids_0")
    #expect(ids.int64s().first == 101 && ids.int64s().last == 102)
    #expect(try file.array("embedding_0").shape == [384])
    #expect(message { try file.array("ids_99") }.contains("no array 'ids_99'"))
  }

  @Test func everyElementTypeIsRead() throws {
    let folder = try TemporaryFolder()
    let cases: [(String, [UInt8], [Float])] = [
      ("<f2", little(UInt16(0x3E00)) + little(UInt16(0xC000)), [1.5, -2]),
      ("<f4", little([1.5, -2]), [1.5, -2]),
      ("<f8", little(1.5.bitPattern) + little((-2.0).bitPattern), [1.5, -2]),
      ("|i1", [3, 0xFE], [3, -2]), ("<i2", little(Int16(3)) + little(Int16(-2)), [3, -2]),
      ("<i4", little(Int32(3)) + little(Int32(-2)), [3, -2]),
      ("<i8", little(Int64(3)) + little(Int64(-2)), [3, -2]), ("|u1", [3, 254], [3, 254]),
      ("|b1", [1, 0], [1, 0]),
    ]
    for (type, data, expected) in cases {
      let path = try folder.write("a.npz", zip([("x.npy", npy(type, shape: [2], data))]))
      let array = try #require(try NPZ.dictionary(path)["x"])
      #expect(array.floats() == expected, "\(type)")
      #expect(array.int64s() == expected.map { Int64($0) }, "\(type)")
      #expect(array.count == 2)
    }
  }

  /// Against indexing one element at a time.
  @Test func columnMajorArraysBecomeRowMajor() throws {
    let folder = try TemporaryFolder()
    let (a, b, c) = (3, 4, 5)
    var data = [UInt8](repeating: 0, count: a * b * c)
    for i in 0..<a {
      for j in 0..<b { for k in 0..<c { data[i + a * (j + b * k)] = UInt8(i * 20 + j * 5 + k) } }
    }
    let array = npy("|u1", shape: [a, b, c], columnMajor: true, data)
    let path = try folder.write("a.npz", zip([("x.npy", array)]))
    #expect(try NPZ.dictionary(path)["x"]?.bytes == (0..<60).map { UInt8($0) })
  }

  @Test func aScalarHasNoAxes() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.npz", zip([("x.npy", npy("<f4", shape: [], little([7])))]))
    let array = try #require(try NPZ.dictionary(path)["x"])
    #expect(array.shape.isEmpty && array.floats() == [7])
  }

  @Test func refusesWithAReason() throws {
    let folder = try TemporaryFolder()
    let good = npy("<f4", shape: [2], little([1, 2]))
    func reason(_ bytes: [UInt8]) throws -> String {
      let path = try folder.write("a.npz", bytes)
      return message { try NPZ.read(path) }
    }
    #expect(try reason([]).contains("is empty"))
    #expect(try reason(Array("no archive at all, just a little text".utf8)).contains("not a zip"))
    let big = npy(">f4", shape: [2], little([1, 2]))
    #expect(try reason(zip([("x.npy", big)])).contains("element type '>f4'"))
    let long = npy("<f4", shape: [3], little([1, 2]))
    #expect(try reason(zip([("x.npy", long)])).contains("needs 12 bytes, but there are 8"))
    let huge = npy("<f4", shape: [Int.max, 8], little([1, 2]))
    #expect(try reason(zip([("x.npy", huge)])).contains("is impossible"))
    #expect(try reason(zip([("x.npy", good), ("x.npy", good)])).contains("two members named"))
    var flipped = zip([("x.npy", good)])
    flipped[30 + 5 + good.count - 1] ^= 1
    #expect(try reason(flipped).contains("checksum"))
  }

  /// A member that claims to be far larger than deflate could ever make it.
  @Test func refusesABomb() throws {
    let folder = try TemporaryFolder()
    var bytes = zip([("x.npy", [UInt8](repeating: 0, count: 100))])
    let directory = 30 + 5 + 100
    bytes.replaceSubrange((directory + 10)..<(directory + 12), with: little(UInt16(8)))
    bytes.replaceSubrange((directory + 24)..<(directory + 28), with: little(UInt32(4_000_000_000)))
    let path = try folder.write("a.npz", bytes)
    #expect(message { try NPZ.read(path) }.contains("impossible size"))
  }

  /// Whatever the bytes, there is an answer or an error.
  @Test func survivesMutations() throws {
    let folder = try TemporaryFolder()
    let original = Array(
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("references/small-compressed.npz"))))
    let stored = zip([("x.npy", npy("<f4", shape: [2], little([1, 2])))])
    var refused = 0
    for seed in 0..<2000 as Range<UInt64> {
      var generator = SplitMix64(seed: seed)
      var bytes = seed % 2 == 0 ? original : stored
      for _ in 0..<(1 + Int(generator.next() % 4)) {
        let position = Int(generator.next() % UInt64(bytes.count))
        switch generator.next() % 4 {
        case 0: bytes[position] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes[position] ^= 1 << UInt8(generator.next() % 8)
        case 2: bytes[position] = 0xFF
        default: bytes = position > 0 ? Array(bytes[..<position]) : bytes
        }
      }
      let path = try folder.write("a.npz", bytes)
      do { _ = try NPZ.read(path) } catch is FileError { refused += 1 }
    }
    // Most mutations hit something that matters.
    #expect(refused > 1000 && refused < 2000)
  }
}
