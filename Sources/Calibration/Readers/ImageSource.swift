import Archives
import Foundation
public import Images
public import Tensors
import Vocabulary

/// The pictures in a folder and the folders in it, in the order of their paths.
struct ImageSource: CalibrationSource {
  private let paths: [String]
  private let preprocessing: ImagePreprocessing
  private let input: InputSpecification.Input
  let noun = (one: "image", many: "images")

  var count: Int { paths.count }

  init(folder: String, _ specification: InputSpecification) throws {
    guard specification.inputs.count == 1, let input = specification.inputs.first,
      input.dtype.isFloatingPoint, input.shape.isEmpty || input.shape.count == 4
    else {
      throw UserError(
        .failed,
        "'\(folder)' is a folder of images, and the model does not take one image as its only input"
      )
    }
    // Without resolving, a link to a folder would have nothing in it.
    let root = URL(fileURLWithPath: folder).resolvingSymlinksInPath()
    let known = ["png", "jpg", "jpeg"]
    paths = (FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? [])
      .filter { path in
        known.contains(URL(fileURLWithPath: path).pathExtension.lowercased())
          && !path.split(separator: "/").contains { $0.hasPrefix(".") }
      }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .map { root.appendingPathComponent($0).path }
    guard !paths.isEmpty else {
      throw UserError(.failed, "there is no PNG or JPEG image in '\(folder)'")
    }
    preprocessing = try ImagePreprocessing(folder: folder)
    self.input = input
    let shape = preprocessing.shape
    guard zip(input.shape, shape).dropFirst().allSatisfy({ $0 == nil || $0 == $1 }) else {
      let wanted = input.shape.map { $0.map(String.init) ?? "any" }
      throw UserError(
        .failed,
        "\(ImagePreprocessing.fileName) in '\(folder)' makes inputs of shape \(shape), and the model "
          + "takes [\(wanted.joined(separator: ", "))]")
    }
  }

  func sample(_ index: Int) throws -> CalibrationSample {
    let path = paths[index]
    do {
      let file = try MappedFile(path)
      let image = try withExtendedLifetime(file) { try RGBImage(decoding: file.bytes) }
      let tensor = try preprocessing.tensor(from: image).converted(to: input.dtype)
      return CalibrationSample(inputs: [input.name: tensor])
    } catch let error as ImageError {
      throw UserError(.failed, "the image '\(path)' cannot be used: \(error)")
    }
  }
}

extension ImagePreprocessing {
  /// The shape of a picture's tensor.
  var shape: [Int] { layout == .nhwc ? [1, size, size, 3] : [1, 3, size, size] }

  /// A picture as the network sees it.
  ///
  /// - Throws: `ImageError` when the picture's sides differ so much that scaling it is out of the
  ///   question.
  public func tensor(from image: RGBImage) throws -> Tensor {
    let side = resize ?? size
    guard max(image.width, image.height) * side / min(image.width, image.height) <= 1 << 16 else {
      throw ImageError(
        reason: "it is \(image.width) by \(image.height) pixels, too thin to be scaled")
    }
    let scaled = image.resized(shorterSide: side, interpolation ?? .bicubic)
    guard let square = scaled.centerSquare(size) else {
      fatalError("\(scaled.width) by \(scaled.height) pixels do not hold a square of \(size)")
    }
    let order = channels == .bgr ? [2, 1, 0] : [0, 1, 2]
    let area = size * size
    return Tensor.filled(shape: shape) { values in
      for channel in 0..<3 {
        let lookup = (0..<256).map { Float((Double($0) * scale - mean[channel]) / std[channel]) }
        for pixel in 0..<area {
          let target = layout == .nhwc ? pixel * 3 + channel : channel * area + pixel
          values[target] = lookup[Int(square.pixels[pixel * 3 + order[channel]])]
        }
      }
    }
  }
}
