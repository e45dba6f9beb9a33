internal import CImages

/// A picture of 8-bit red, green and blue.
public struct RGBImage: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `height · width · 3` values, row by row, red first.
  public let pixels: [UInt8]

  /// The most pixels that a file may claim to have.
  public static let largestPixelCount = 1 << 27

  /// A picture of the given pixels; their number must be `width · height · 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    guard width > 0, height > 0, pixels.count == width * height * 3 else {
      fatalError("\(pixels.count) values do not make a picture of \(width) by \(height) pixels")
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Decodes a PNG or JPEG file, told apart by content; what is transparent is laid on white.
  ///
  /// Orientation tags and colour profiles are not looked at.
  /// - Throws: `ImageError` when it is neither, is damaged or has more than ``largestPixelCount``
  ///   pixels.
  public init(decoding file: UnsafeRawBufferPointer) throws {
    guard let format = ImageFormat(file) else {
      throw ImageError(reason: "it is neither a PNG nor a JPEG image")
    }
    guard let size = format.size(in: file) else {
      throw ImageError(reason: "it is damaged or cut off")
    }
    guard size.width > 0, size.height > 0,
      size.height <= RGBImage.largestPixelCount / size.width
    else {
      throw ImageError(reason: "it is too large (\(size.width) by \(size.height) pixels)")
    }
    _ = RGBImage.silence
    switch format {
    case .jpeg:
      self = try Picture(file, format).flattened()
    case .png:
      guard let essentials = ImageFormat.essentials(ofPNG: file) else {
        throw ImageError(reason: "it is cut off")
      }
      self = try essentials.withUnsafeBytes { try Picture($0, format).flattened() }
    }
  }

  private static let silence: Void = ci_silence()
}

/// A picture that cannot be read, and why.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One clause.
  public var reason: String

  /// A reason, as a clause.
  public init(reason: String) { self.reason = reason }

  /// The clause.
  public var description: String { reason }
}

/// libgd's picture, freed when it goes out of scope.
private struct Picture: ~Copyable {
  private let raw: gdImagePtr

  init(_ file: UnsafeRawBufferPointer, _ format: ImageFormat) throws {
    guard let count = Int32(exactly: file.count) else {
      throw ImageError(reason: "it is larger than 2 GiB")
    }
    // libgd takes a mutable pointer and only reads.
    let bytes = UnsafeMutableRawPointer(mutating: file.baseAddress)
    let raw =
      switch format {
      case .png: gdImageCreateFromPngPtr(count, bytes)
      // The last argument: what is damaged is refused.
      case .jpeg: gdImageCreateFromJpegPtrEx(count, bytes, 0)
      }
    guard let raw else { throw ImageError(reason: "it is damaged") }
    guard gdImagePaletteToTrueColor(raw) != 0 else {
      gdImageDestroy(raw)
      throw ImageError(reason: "there is no memory to decode it")
    }
    self.raw = raw
  }

  deinit { gdImageDestroy(raw) }

  /// Colours over white; libgd keeps 7 bits of alpha, 0 is opaque and 127 transparent.
  func flattened() -> RGBImage {
    let width = Int(raw.pointee.sx)
    let height = Int(raw.pointee.sy)
    let transparent = raw.pointee.transparent
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, count in
      for y in 0..<height {
        guard let row = raw.pointee.tpixels[y] else { continue }
        for x in 0..<width {
          let color = row[x]
          let alpha = color == transparent ? 127 : color >> 24 & 127
          for channel in 0..<3 {
            let value = color >> Int32(16 - 8 * channel) & 255
            let mixed = (value * (127 - alpha) + 255 * alpha + 63) / 127
            pixels[(y * width + x) * 3 + channel] = UInt8(truncatingIfNeeded: mixed)
          }
        }
      }
      count = width * height * 3
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}
