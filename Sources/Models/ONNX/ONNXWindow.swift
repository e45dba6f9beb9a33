internal import Vocabulary

/// The attributes that convolutions and poolings share, checked.
struct ONNXWindow {
  var kernel: [Int]
  var stride: [Int]
  var dilation: [Int]
  var padding: Convolution.Padding

  /// Reads the window of a node; a convolution's kernel is known from its weight.
  ///
  /// - Throws: `UserError` when an attribute has the wrong length or an impossible value.
  init(_ node: ONNXNode, kernel known: [Int]? = nil) throws {
    guard let kernel = known ?? node.ints("kernel_shape"), (1...3).contains(kernel.count),
      kernel.allSatisfy({ (1...65536).contains($0) })
    else { throw node.malformed("has no usable kernel_shape") }
    if let declared = node.ints("kernel_shape"), declared != kernel {
      throw node.malformed("has a weight of \(kernel) and a kernel_shape of \(declared)")
    }
    func steps(_ name: String) throws -> [Int] {
      let values = node.ints(name) ?? kernel.map { _ in 1 }
      guard values.count == kernel.count, values.allSatisfy({ (1...65536).contains($0) }) else {
        throw node.malformed("has the impossible \(name) \(values)")
      }
      return values
    }
    self.kernel = kernel
    stride = try steps("strides")
    dilation = try steps("dilations")
    let span = zip(kernel, dilation).map { ($0 - 1) * $1 + 1 }
    padding = try Self.padding(node, span: span)
  }

  private static func padding(_ node: ONNXNode, span: [Int]) throws -> Convolution.Padding {
    let axes = span.count
    switch node.string("auto_pad", default: "NOTSET") {
    case "SAME_UPPER": return .sameUpper
    case "SAME_LOWER": return .sameLower
    case "VALID":
      return .explicit(begin: span.map { _ in 0 }, end: span.map { _ in 0 })
    case "NOTSET", "":
      let pads = node.ints("pads") ?? [Int](repeating: 0, count: 2 * axes)
      // Far larger borders than the window are a broken file and would only eat memory.
      guard pads.count == 2 * axes,
        pads.indices.allSatisfy({ (0...max(1024, span[$0 % axes])).contains(pads[$0]) })
      else { throw node.malformed("has the impossible pads \(pads)") }
      return .explicit(begin: Array(pads[..<axes]), end: Array(pads[axes...]))
    case let other: throw node.unsupported("auto_pad = '\(other)'")
    }
  }
}
