public import Foundation

/// The libraries of llama.cpp and of its ggml, among the fixtures.
public enum LlamaCPP {
  /// The folder of llama.cpp's own libraries, which `make llama-cpp` compiles; nil without them.
  public static let compiled: URL? =
    packages(of: "llama-venv").map { $0.appendingPathComponent("llama_cpp/lib") }
    .first { FileManager.default.fileExists(atPath: $0.path) }

  /// Why a test that needs llama.cpp's own quantizing of whole models is skipped.
  public static let absence =
    "llama_model_quantize is in no wheel; it takes minutes to compile: make llama-cpp"

  /// The folder of ggml's library, out of a wheel, and where the formats look for it from then on.
  ///
  /// A test that rounds K-quants reads it first; it is nil where `make fixtures` was not run.
  public static let ggml: URL? = {
    let folder = packages(of: "consumers").first { folder in
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("libggml-base.so").path)
    }
    if let folder { setenv("BITBUDGET_GGML", folder.path, 0) }
    return folder
  }()

  private static func packages(of environment: String) -> [URL] {
    let lib = Fixtures.root.appendingPathComponent(".fixtures/\(environment)/lib")
    let pythons = (try? FileManager.default.contentsOfDirectory(atPath: lib.path)) ?? []
    return pythons.sorted().map { lib.appendingPathComponent("\($0)/site-packages") }
  }
}
