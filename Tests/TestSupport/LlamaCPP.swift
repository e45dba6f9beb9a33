public import Foundation

/// llama.cpp's libraries, which `make llama-cpp` compiles and which need not be there.
public enum LlamaCPP {
  /// The folder that they are in, and where the formats look for ggml from then on; nil without them.
  public static let libraries: URL? = {
    let lib = Fixtures.root.appendingPathComponent(".fixtures/llama-venv/lib")
    let pythons = (try? FileManager.default.contentsOfDirectory(atPath: lib.path)) ?? []
    let folder = pythons.sorted()
      .map { lib.appendingPathComponent("\($0)/site-packages/llama_cpp/lib") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
    if let folder { setenv("BITBUDGET_GGML", folder.path, 0) }
    return folder
  }()

  /// Why a test that needs them is skipped.
  public static let absence =
    "llama.cpp's library is not in .fixtures/llama-venv; it takes minutes to compile: make llama-cpp"
}
