/// Reads one `.npy` file: a magic number, a header that is a Python dictionary, and the elements.
///
/// Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", versions 1 to 3.
struct ArrayHeader {
  let path: String
  let name: String

  /// The array in `file`, brought into row-major order.
  func array(from file: [UInt8]) throws -> NPZArray {
    guard file.count >= 10, file.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else {
      throw failure("it is not a .npy file")
    }
    let isShort = file[6] == 1
    guard (1...3).contains(file[6]), isShort || file.count >= 12 else {
      throw failure("its version \(file[6]).\(file[7]) is not known")
    }
    let start = isShort ? 10 : 12
    let length = file[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= file.count - start else { throw failure("its header is cut off") }
    let fields = try dictionary(Array(file[start..<start + length]))
    guard case .text(let description)? = fields["descr"],
      case .truth(let isColumnMajor)? = fields["fortran_order"],
      case .tuple(let shape)? = fields["shape"]
    else { throw failure("its header lacks descr, fortran_order or shape") }
    let element = try element(description)
    var size = element.size
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw failure("its shape \(shape) is impossible") }
      size = product
    }
    guard size == file.count - start - length else {
      throw failure(
        "its shape \(shape) needs \(size) bytes, but there are \(file.count - start - length)")
    }
    let bytes = Array(file[(start + length)...])
    return NPZArray(
      shape: shape, element: element,
      bytes: isColumnMajor ? rowMajor(bytes, shape: shape, width: element.size) : bytes)
  }

  private func failure(_ reason: String) -> FileError {
    FileError(path: path, reason: "its array '\(name)' cannot be read: \(reason)")
  }

  private func element(_ description: String) throws -> NPZArray.Element {
    let order = description.first
    if let element = NPZArray.Element(rawValue: String(description.dropFirst())),
      order == "<" || (element.size == 1 && order == "|")
    {
      return element
    }
    throw failure("its element type '\(description)' is not supported")
  }

  /// The elements of a column-major array in row-major order.
  private func rowMajor(_ bytes: [UInt8], shape: [Int], width: Int) -> [UInt8] {
    guard shape.count > 1, !bytes.isEmpty else { return bytes }
    var strides: [Int] = []
    var stride = width
    for extent in shape {
      strides.append(stride)
      stride *= extent
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    while result.count < bytes.count {
      result.append(contentsOf: bytes[offset..<offset + width])
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }
}

extension ArrayHeader {
  /// A value of the header's dictionary.
  fileprivate enum Value {
    case text(String)
    case truth(Bool)
    case tuple([Int])
  }

  /// Reads the subset of Python's literals that the format allows.
  fileprivate func dictionary(_ text: [UInt8]) throws -> [String: Value] {
    var position = 0
    func skipBlanks() {
      while position < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[position]) {
        position += 1
      }
    }
    func accept(_ character: Unicode.Scalar) -> Bool {
      skipBlanks()
      guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }
    func damaged() -> FileError { failure("its header is damaged") }
    func string() throws -> String {
      let quote: Unicode.Scalar = accept("'") ? "'" : "\""
      guard quote == "'" || accept("\""),
        let end = text[position...].firstIndex(of: UInt8(ascii: quote))
      else { throw damaged() }
      defer { position = end + 1 }
      return String(decoding: text[position..<end], as: UTF8.self)
    }
    func word() -> String {
      skipBlanks()
      let start = position
      while position < text.count, text[position] > 0x20,
        !",:()[]{}'\"".utf8.contains(text[position])
      {
        position += 1
      }
      return String(decoding: text[start..<position], as: UTF8.self)
    }
    func value() throws -> Value {
      skipBlanks()
      guard position < text.count else { throw damaged() }
      if text[position] == UInt8(ascii: "'") || text[position] == UInt8(ascii: "\"") {
        return .text(try string())
      }
      guard accept("(") else {
        switch word() {
        case "True": return .truth(true)
        case "False": return .truth(false)
        default: throw failure("its header has a value that is not supported")
        }
      }
      var sizes: [Int] = []
      while !accept(")") {
        // Python 2 wrote long integers with an L.
        let digits = word()
        guard let size = Int(digits.hasSuffix("L") ? String(digits.dropLast()) : digits), size >= 0,
          sizes.count < 32
        else { throw damaged() }
        sizes.append(size)
        guard accept(",") || (position < text.count && text[position] == UInt8(ascii: ")")) else {
          throw damaged()
        }
      }
      return .tuple(sizes)
    }

    var fields: [String: Value] = [:]
    guard accept("{") else { throw damaged() }
    while !accept("}") {
      let key = try string()
      guard accept(":") else { throw damaged() }
      fields[key] = try value()
      guard accept(",") || (position < text.count && text[position] == UInt8(ascii: "}")) else {
        throw damaged()
      }
    }
    return fields
  }
}
