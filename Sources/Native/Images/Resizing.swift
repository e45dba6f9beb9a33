/// How pixels are weighted when a picture changes its size.
public enum Interpolation: String, Sendable, Codable, CaseIterable {
  /// Keys' cubic convolution with a = -1/2.
  case bicubic
  /// A triangle.
  case bilinear

  /// Half the filter's width, in source pixels at equal size.
  var radius: Double {
    switch self {
    case .bicubic: 2
    case .bilinear: 1
    }
  }

  /// The filter at a distance from its centre.
  ///
  /// Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP
  /// 29 (1981), equation 15.
  func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }
  }
}

extension RGBImage {
  /// The picture in another size.
  ///
  /// When it gets smaller the filter is widened by the ratio, so that every source pixel counts. Rows
  /// first, then columns, rounded to whole values after each: what training pipelines on Pillow see.
  /// libgd's own scaling does not widen and lies 3 to 8 levels of 255 off at ratios above 2.
  /// - Complexity: O(source pixels · filter width).
  public func resized(width: Int, height: Int, _ interpolation: Interpolation) -> RGBImage {
    guard width > 0, height > 0 else { fatalError("no picture is \(width) by \(height)") }
    let narrow = RGBImage.filtered(
      pixels, lines: self.height, lineStride: self.width * 3, pixelStride: 3,
      Kernel(from: self.width, to: width, interpolation), outputLineStride: width * 3,
      outputPixelStride: 3)
    let done = RGBImage.filtered(
      narrow, lines: width, lineStride: 3, pixelStride: width * 3,
      Kernel(from: self.height, to: height, interpolation), outputLineStride: 3,
      outputPixelStride: width * 3)
    return RGBImage(width: width, height: height, pixels: done)
  }

  /// The picture scaled so that its shorter side has `side` pixels; proportions are kept.
  public func resized(shorterSide side: Int, _ interpolation: Interpolation) -> RGBImage {
    let shorter = Double(min(width, height))
    func scaled(_ length: Int) -> Int {
      Int((Double(length) * Double(side) / shorter).rounded(.toNearestOrEven))
    }
    return resized(width: scaled(width), height: scaled(height), interpolation)
  }

  /// The square of `side` pixels in the middle; nil when the picture is smaller.
  public func centerSquare(_ side: Int) -> RGBImage? {
    guard side > 0, side <= width, side <= height else { return nil }
    let left = (width - side) / 2
    let top = (height - side) / 2
    var square: [UInt8] = []
    square.reserveCapacity(side * side * 3)
    for y in top..<top + side {
      square.append(contentsOf: pixels[((y * width + left) * 3)..<((y * width + left + side) * 3)])
    }
    return RGBImage(width: side, height: side, pixels: square)
  }

  /// Applies a kernel along every line; strides say whether lines are rows or columns.
  private static func filtered(
    _ source: [UInt8], lines: Int, lineStride: Int, pixelStride: Int, _ kernel: Kernel,
    outputLineStride: Int, outputPixelStride: Int
  ) -> [UInt8] {
    let count = lines * kernel.starts.count * 3
    return [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      source.withUnsafeBufferPointer { source in
        kernel.weights.withUnsafeBufferPointer { weights in
          for line in 0..<lines {
            for (k, first) in kernel.starts.enumerated() {
              var red: Float = 0.5
              var green: Float = 0.5
              var blue: Float = 0.5
              var position = line * lineStride + first * pixelStride
              for weight in weights[(k * kernel.width)..<(k * kernel.width + kernel.counts[k])] {
                red += weight * Float(source[position])
                green += weight * Float(source[position + 1])
                blue += weight * Float(source[position + 2])
                position += pixelStride
              }
              let target = line * outputLineStride + k * outputPixelStride
              output[target] = UInt8(max(0, min(255, red)))
              output[target + 1] = UInt8(max(0, min(255, green)))
              output[target + 2] = UInt8(max(0, min(255, blue)))
            }
          }
        }
      }
      initialized = count
    }
  }
}

/// For every output pixel of a line: the source pixels that it is made of, and their weights.
private struct Kernel {
  /// First source pixel.
  var starts: [Int] = []
  /// Number of source pixels.
  var counts: [Int] = []
  /// Room for weights per output pixel.
  var width: Int
  /// Weights, `width` per output pixel; those of a pixel add up to 1.
  var weights: [Float]

  init(from source: Int, to target: Int, _ interpolation: Interpolation) {
    let ratio = Double(source) / Double(target)
    let widening = max(1, ratio)
    let reach = interpolation.radius * widening
    width = Int(reach.rounded(.up)) * 2 + 1
    weights = [Float](repeating: 0, count: target * width)
    for k in 0..<target {
      let center = (Double(k) + 0.5) * ratio
      let start = max(0, Int(center - reach + 0.5))
      let end = min(source, Int(center + reach + 0.5))
      let raw = (start..<end).map {
        interpolation.weight((Double($0) - center + 0.5) / widening)
      }
      let sum = raw.reduce(0, +)
      for (n, weight) in raw.enumerated() { weights[k * width + n] = Float(weight / sum) }
      starts.append(start)
      counts.append(raw.count)
    }
  }
}
