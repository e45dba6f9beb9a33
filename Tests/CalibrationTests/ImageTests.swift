import Archives
import Calibration
import Foundation
import Images
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct ImageTests {
  /// The pipeline against Pillow's: decode, scale by bicubic interpolation, crop, normalise.
  ///
  /// Tolerance: one level of 255 in single values (rounding at halves), 0.01 levels on average.
  @Test func picturesAreWhatPillowMakesOfThem() throws {
    let names = try JSONDecoder().decode(
      [String].self,
      from: Data(
        contentsOf: URL(fileURLWithPath: Fixtures.path("references/efficientnet-lite0-photos.json"))
      ))
    let expected = try #require(
      try NPZ.dictionary(Fixtures.path("references/efficientnet-lite0.npz"))["input"]
    ).floats()
    let folder = try Fixtures.path("photos")
    let preprocessing = try ImagePreprocessing(folder: folder)
    let count = 3 * 224 * 224
    #expect(expected.count == names.count * count && names.count == 8)
    for (k, name) in names.enumerated() {
      let file = try MappedFile("\(folder)/\(name)")
      let image = try RGBImage(decoding: file.bytes)
      let actual = try preprocessing.tensor(from: image).floats()
      var sum = 0.0
      var worst = 0.0
      for (a, e) in zip(actual, expected[(k * count)..<((k + 1) * count)]) {
        let levels = abs(Double(a - e)) * 128
        sum += levels
        worst = max(worst, levels)
      }
      #expect(
        worst < 1.01 && sum / Double(count) < 0.01, "\(name): \(worst), \(sum / Double(count))")
    }
  }

  /// Scaling by a kernel that is written to be read, in doubles and two dimensions at once.
  @Test(arguments: Interpolation.allCases, [(5, 4), (13, 9), (30, 41), (12, 10)])
  func scalingIsAWeightedMean(interpolation: Interpolation, size: (Int, Int)) {
    let (width, height) = (12, 10)
    var generator = SplitMix64(seed: 1)
    // Values from 64 to 191: no overshoot is cut off.
    let pixels = (0..<width * height * 3).map { _ in UInt8(64 + generator.next() % 128) }
    let image = RGBImage(width: width, height: height, pixels: pixels)
    let scaled = image.resized(width: size.0, height: size.1, interpolation)
    func filter(_ x: Double) -> Double {
      let x = abs(x)
      switch interpolation {
      case .bilinear: return max(0, 1 - x)
      case .bicubic:
        return x < 1
          ? 1.5 * x * x * x - 2.5 * x * x + 1
          : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0
      }
    }
    func weights(_ k: Int, _ source: Int, _ target: Int) -> [Double] {
      let ratio = Double(source) / Double(target)
      let all = (0..<source).map {
        filter((Double($0) + 0.5 - (Double(k) + 0.5) * ratio) / max(1, ratio))
      }
      return all.map { $0 / all.reduce(0, +) }
    }
    for y in 0..<size.1 {
      for x in 0..<size.0 {
        for channel in 0..<3 {
          var sum = 0.0
          for (v, b) in weights(y, height, size.1).enumerated() {
            for (u, a) in weights(x, width, size.0).enumerated() {
              sum += a * b * Double(pixels[(v * width + u) * 3 + channel])
            }
          }
          let actual = Double(scaled.pixels[(y * size.0 + x) * 3 + channel])
          // Half a level for the rounding at the end, and up to one for that between the passes.
          #expect(abs(actual - max(0, min(255, sum))) < 1.5)
        }
      }
    }
  }

  @Test func aFlatPictureStaysFlatAndEqualSizeChangesNothing() {
    let flat = RGBImage(width: 7, height: 3, pixels: [UInt8](repeating: 201, count: 63))
    #expect(flat.resized(width: 31, height: 2, .bicubic).pixels.allSatisfy { $0 == 201 })
    let ramp = RGBImage(width: 4, height: 2, pixels: (0..<24).map { UInt8($0 * 10) })
    #expect(ramp.resized(width: 4, height: 2, .bicubic) == ramp)
    #expect(ramp.resized(shorterSide: 4, .bilinear).width == 8)
    let square = ramp.centerSquare(2)
    #expect(square?.pixels == Array(ramp.pixels[3..<9] + ramp.pixels[15..<21]))
    #expect(ramp.centerSquare(3) == nil)
  }

  /// A PNG of 3 by 1 pixels written by hand: red, half transparent black, transparent.
  private static let small: [UInt8] = {
    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(type.utf8) + data
      return little(UInt32(data.count).byteSwapped) + body + little(checksum(body).byteSwapped)
    }
    let row: [UInt8] = [0, 255, 0, 0, 255, 0, 0, 0, 128, 9, 9, 9, 0]
    // One stored block in zlib's frame.
    let adler = row.reduce((UInt32(1), UInt32(0))) { ($0.0 + UInt32($1), $0.1 + $0.0 + UInt32($1)) }
    let length = little(UInt16(row.count)) + little(~UInt16(row.count))
    let sum = little((adler.1 << 16 | adler.0).byteSwapped)
    let size = little(UInt32(3).byteSwapped) + little(UInt32(1).byteSwapped)
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", size + [8, 6, 0, 0, 0])
      + chunk("IDAT", [0x78, 0x01, 0x01] + length + row + sum) + chunk("IEND", [])
  }()

  @Test func whatIsTransparentIsLaidOnWhite() throws {
    let image = try ImageTests.small.withUnsafeBytes { try RGBImage(decoding: $0) }
    #expect(image.width == 3 && image.height == 1)
    #expect(Array(image.pixels[0..<3]) == [255, 0, 0])
    #expect(image.pixels[3..<6].allSatisfy { (126...129).contains($0) })
    #expect(Array(image.pixels[6..<9]) == [255, 255, 255])
  }

  @Test func everyTruncationAndManyMutationsAreSurvived() throws {
    func isRefused(_ bytes: [UInt8]) -> Bool {
      do {
        _ = try bytes.withUnsafeBytes { try RGBImage(decoding: $0) }
        return false
      } catch { return error is ImageError }
    }
    for end in 0..<ImageTests.small.count {
      #expect(isRefused(Array(ImageTests.small[..<end])))
    }
    var huge = ImageTests.small
    huge.replaceSubrange(16..<18, with: [0x40, 0])
    #expect(isRefused(huge))
    let photo = Array(
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("photos/excited.png"))))
    var refused = 0
    for seed in 0..<200 as Range<UInt64> {
      var generator = SplitMix64(seed: seed)
      var bytes = photo
      bytes[Int(generator.next() % UInt64(bytes.count))] ^= 1 << UInt8(generator.next() % 8)
      refused += isRefused(bytes) ? 1 : 0
    }
    #expect(refused > 150)
  }

  @Test func channelsLayoutAndScaleAreObeyed() throws {
    let yaml = """
      schema: bitbudget.images/1
      size: 1
      channels: bgr
      scale: 0.5
      mean: [1, 2, 3]
      std: [1, 2, 4]
      layout: nhwc
      """
    let preprocessing = try ImagePreprocessing(yaml: yaml, path: "p.yaml")
    let image = RGBImage(width: 1, height: 1, pixels: [10, 20, 30])
    let tensor = try preprocessing.tensor(from: image)
    #expect(tensor.shape == [1, 1, 1, 3])
    #expect(try tensor.floats() == [14, 4, 0.5])
  }

  @Test func wrongSettingsAreNamed() {
    let good = """
      schema: bitbudget.images/1
      size: 8
      scale: 1
      mean: [0, 0, 0]
      std: [1, 1, 1]
      """
    func reason(_ yaml: String) -> String {
      message { try ImagePreprocessing(yaml: yaml, path: "p.yaml") }
    }
    #expect(reason(good).isEmpty)
    #expect(reason(good + "\nintrepolation: bilinear").contains("did you mean 'interpolation'"))
    #expect(reason(good + "\ninterpolation: nearest").contains("wrong value for 'interpolation'"))
    #expect(
      reason(good.replacingOccurrences(of: "scale: 1", with: "")).contains(
        "lacks the setting 'scale'"))
    #expect(reason(good.replacingOccurrences(of: "size: 8", with: "size: x")).contains("'size'"))
    #expect(reason(good.replacingOccurrences(of: "size: 8", with: "size: 0")).contains("size"))
    #expect(reason(good.replacingOccurrences(of: "images/1", with: "images/2")).contains("schema"))
    #expect(reason(good.replacingOccurrences(of: "[1, 1, 1]", with: "[1]")).contains("3 channels"))
    #expect(reason("{ [").contains("is not a YAML list of settings"))
  }
}
