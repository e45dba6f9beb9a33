internal import CCrypto

/// SHA-256 of bytes that arrive in pieces (OpenSSL's).
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  /// An empty digest.
  public init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      fatalError("OpenSSL has no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes.
  public func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Adds the UTF-8 bytes of a string and a zero byte, so that lists of strings are unambiguous.
  public func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    withUnsafeBytes(of: UInt8(0)) { update($0) }
  }

  /// `sha256:` and 64 hexadecimal digits.
  public consuming func finished() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(context, &digest, nil)
    let digits = Array("0123456789abcdef")
    return "sha256:" + String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// The digest of whole files, in the order given.
  ///
  /// - Throws: `FileError` when one cannot be read.
  public static func digest(ofFiles paths: [String]) throws -> String {
    let sum = SHA256()
    for path in paths {
      let file = try MappedFile(path)
      withExtendedLifetime(file) { sum.update(file.bytes) }
    }
    return sum.finished()
  }
}
