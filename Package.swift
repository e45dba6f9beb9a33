// swift-tools-version: 6.1
import Foundation
import PackageDescription

// The map of the house: every arrow between rooms is on this page, floors from the ground up.
// `Tests/LayeringTests` holds the sources to it.

/// `LIBTORCH=/path` takes any libtorch from 1.13 up (a CUDA or MPS build too) in place of Debian's.
let libtorch = ProcessInfo.processInfo.environment["LIBTORCH"]
let torchHeaders =
  libtorch.map { ["\($0)/include", "\($0)/include/torch/csrc/api/include"] }
  ?? ["/usr/include/torch/csrc/api/include"]
let torchLibraries =
  libtorch.map { ["-L\($0)/lib", "-Xlinker", "-rpath", "-Xlinker", "\($0)/lib"] } ?? []

let swift6: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func room(_ name: String, on dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swift6)
}

func native(
  _ name: String, on dependencies: [Target.Dependency] = [], linker: [LinkerSetting] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/Native/\(name)", swiftSettings: swift6,
    linkerSettings: linker)
}

func tests(_ name: String, on dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: swift6)
}

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "BitBudget",
  products: [
    .executable(name: "bitbudget", targets: ["bitbudget"]),
    .library(name: "BitBudget", targets: ["Tuning"]),
    .library(name: "TorchEngine", type: .dynamic, targets: ["TorchEngine"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Native: the only place that sees C or C++.
    // libtorch is loaded when it is first called: `plan` and `inspect` need no tensor.
    .target(name: "CTorch", path: "Sources/Native/CTorch"),
    .target(
      name: "TorchEngine", path: "Sources/Native/TorchEngine",
      cxxSettings: [
        .unsafeFlags(torchHeaders.flatMap { ["-I", $0] } + ["-std=c++17", "-w"])
      ],
      linkerSettings: [
        .unsafeFlags(torchLibraries), .linkedLibrary("torch"), .linkedLibrary("torch_cpu"),
        .linkedLibrary("c10"), .linkedLibrary("stdc++"),
      ]),
    native("Tensors", on: ["CTorch"]),
    .target(
      name: "CGLPK", path: "Sources/Native/CGLPK", linkerSettings: [.linkedLibrary("glpk")]),
    native("MILP", on: ["CGLPK"]),
    // XGBoost too is loaded when it is first called.
    .target(name: "CXGBoost", path: "Sources/Native/CXGBoost"),
    native("BoostedTrees", on: ["CXGBoost"]),
    // And oneDNN, whose kernels `profile` times.
    .target(name: "COneDNN", path: "Sources/Native/COneDNN"),
    native("Kernels", on: ["COneDNN"]),
    // And ggml, which rounds K-quants and need not be there.
    .target(name: "CGGML", path: "Sources/Native/CGGML"),
    native("GGML", on: ["CGGML"]),
    .target(
      name: "CImages", path: "Sources/Native/CImages", linkerSettings: [.linkedLibrary("gd")]),
    native("Images", on: ["CImages"]),
    .systemLibrary(name: "CZlib", path: "Sources/Native/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/Native/CCrypto", providers: [.apt(["libssl-dev"])]),
    native("Archives", on: ["CZlib", "CCrypto"]),

    // The nouns, and what the rooms stand on.
    room("Vocabulary"),
    room("Quantization", on: ["Vocabulary", "GGML", yams]),
    .target(
      name: "Models", dependencies: ["Vocabulary", "Tensors", "Archives", protobuf],
      exclude: ["ONNX/onnx.proto"], swiftSettings: swift6),
    room("Calibration", on: ["Vocabulary", "Tensors", "Images", "Archives", yams]),

    // Rooms: siblings, none imports another.
    room("Sensitivity", on: ["Vocabulary", "Tensors", "Models", "Quantization"]),
    room("Costs", on: ["Vocabulary", "Quantization", yams]),
    room("Optimization", on: ["Vocabulary", "MILP", "BoostedTrees"]),
    room("Pareto", on: ["Vocabulary"]),
    room("Export", on: ["Vocabulary", "Quantization", "Archives", yams]),
    room("Study", on: ["Vocabulary", grdb]),
    room("Report", on: ["Vocabulary"]),

    // The hall and its doors.
    room(
      "Tuning",
      on: [
        "Vocabulary", "Tensors", "Archives", "Quantization", "Models", "Calibration", "Sensitivity",
        "Costs", "Kernels", "Optimization", "MILP", "Pareto", "Export", "Study", "Report",
      ]),
    .executableTarget(
      name: "bitbudget",
      dependencies: ["Tuning", "Calibration", "Vocabulary", "Export", "Report", argumentParser],
      swiftSettings: swift6),
    .executableTarget(
      name: "bitbudget-bench",
      dependencies: [
        "Tuning", "Calibration", "Models", "Sensitivity", "Tensors", "Quantization", "Optimization",
        "Pareto", "Vocabulary", argumentParser,
      ],
      swiftSettings: swift6),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Vocabulary", "Tensors"], path: "Tests/TestSupport",
      swiftSettings: swift6),
    tests("TensorsTests", on: ["Tensors"]),
    tests("MILPTests", on: ["MILP", "Vocabulary"]),
    tests("BoostedTreesTests", on: ["BoostedTrees"]),
    tests("CostsTests", on: ["Vocabulary", "Quantization", "Costs", "Kernels"]),
    tests("VocabularyTests", on: ["Vocabulary"]),
    tests("QuantizationTests", on: ["Vocabulary", "Quantization", "Costs", "Archives", yams]),
    tests("ModelsTests", on: ["Vocabulary", "Tensors", "Models", "Archives", "Quantization"]),
    tests(
      "CalibrationTests",
      on: ["Vocabulary", "Tensors", "Calibration", "Models", "Archives", "Images"]),
    tests(
      "SensitivityTests",
      on: ["Vocabulary", "Tensors", "Models", "Quantization", "Sensitivity"]),
    tests(
      "OptimizationTests", on: ["Vocabulary", "Optimization", "Pareto", "Costs", "Quantization"]),
    tests("StudyTests", on: ["Vocabulary", "Study", "Report", "Export"]),
    tests("ExportTests", on: ["Vocabulary", "Quantization", "Archives", "Export"]),
    tests("TuningTests", on: ["Vocabulary", "Tuning"]),
    tests("CommandTests", on: ["Vocabulary"]),
    tests("LayeringTests", on: []),
  ],
  cxxLanguageStandard: .cxx17
)
