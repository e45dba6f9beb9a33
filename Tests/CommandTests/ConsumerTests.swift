import Foundation
import TestSupport
import Testing

/// The real packages that are light enough for every test run, on what the built tool writes.
///
/// The checks are those of `Tests/Consumers`, of which `make test-consumers` runs the long ones and the
/// packages that need torch.
@Suite(.serialized) struct ConsumerTests {
  /// Runs a script of `Tests/Consumers` and returns what it says of each model, cell by cell.
  ///
  /// A script's last cell says whether every layer is what the policy says.
  private func rows(_ script: String, _ arguments: [String]) throws -> [[String]] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Fixtures.path("consumers/bin/python"))
    let path = Fixtures.root.appendingPathComponent("Tests/Consumers/\(script)").path
    process.arguments = ["-B", path] + arguments
    let run = try Tool.result(of: process)
    let rows = run.out.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(run.code == 0 && rows.allSatisfy { $0.last == "yes" }, "\(run.out)\n\(run.err)")
    return rows
  }

  private func written(for consumers: String...) throws -> [String] {
    let scratch = try Scratch()
    let arguments = ["--quick", Tool.executable.path, try Fixtures.path("."), scratch.url.path]
    return try rows("consumers.py", arguments + consumers).map {
      "\($0[2]) as \($0[0]) in \($0[1].prefix { $0 != " " })"
    }
  }

  @Test func everyLayerThatIsWrittenIsThereInTheRealPackage() throws {
    #expect(
      try written(for: "gguf", "llamacpp", "safetensors", "onnxruntime", "mlx") == [
        "small llama as gguf in gguf", "small llama, from a directory as gguf in gguf",
        "small llama as gguf in llama.cpp", "small llama, from a directory as gguf in llama.cpp",
        "MiniLM as safetensors-fake in safetensors",
        "EfficientNet-Lite0 as onnx-fake in onnxruntime", "MiniLM as onnx-fake in onnxruntime",
        "EfficientNet-Lite0 as onnxruntime-qdq in onnxruntime",
        "small llama as mlx in mlx_lm", "MiniLM as mlx in mlx.nn",
      ])
  }

  @Test(.enabled(if: LlamaCPP.compiled != nil, .init(stringLiteral: LlamaCPP.absence)))
  func llamaCPPQuantizesByTheFileOfExport() throws {
    #expect(
      try written(for: "llama-quantize") == [
        "small llama as llama.cpp in llama-cpp-python", "small llama as gguf in llama-cpp-python",
        "small llama, from a directory as gguf in llama-cpp-python",
      ])
  }

  @Test func recipesAreWhatTheRealPackagesMakeOfThem() throws {
    let scratch = try Scratch()
    let consumers = ["mlx", "onnxruntime-matmulnbits", "onnxruntime-qdq"]
    let rows = try rows("recipes.py", [Tool.executable.path, scratch.url.path] + consumers)
    #expect(rows.map { $0[0] } == consumers)
  }
}
