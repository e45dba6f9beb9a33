import Archives
import Foundation
import Vocabulary

/// An ONNX file whose weights are what they become in their formats: `model.onnx`.
///
/// For any runtime: it shows the quality of a policy, not its size. The file is the original byte for
/// byte but for the weights, which keep their place.
struct FakeONNX: ModelWriter {
  static let id = "onnx-fake"
  static let summary = "an ONNX file of rounded weights, for any runtime"

  func refusal(of layer: AppliedLayer) -> String? { nil }

  func write(_ model: AppliedModel, into folder: String) throws {
    guard case .onnx(let path) = model.source else {
      throw UserError(.failed, "only an ONNX file can be written this way")
    }
    let original = try MappedFile(path)
    let constants = try ONNXConstants(original)
    var files: [String?: MappedFile] = [nil: original]
    for layer in model.layers {
      guard let place = constants.places[layer.layer.tensor] else {
        throw refusal(layer, "its weight is stored in a way that cannot be written")
      }
      guard place.type == 1 else {
        throw refusal(layer, "its weight is not stored as 32-bit floats")
      }
      let file = try files[place.external] ?? external(place.external ?? "", besides: path)
      files[place.external] = file
      try rewrite(layer, at: place, in: file)
    }
    let folderOfModel = URL(fileURLWithPath: path).deletingLastPathComponent().path
    for (name, file) in files.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
      let target = "\(folder)/\(name ?? "model.onnx")"
      try? FileManager.default.createDirectory(
        at: URL(fileURLWithPath: target).deletingLastPathComponent(),
        withIntermediateDirectories: true)
      let output = try SequentialFile(target)
      try output.write(file.bytes)
      try output.finish()
    }
    // Files with nothing but tensors that are left alone.
    let names = Set(constants.places.values.compactMap(\.external)).subtracting(
      files.keys.compactMap { $0 })
    for name in names.sorted() {
      _ = try external(name, besides: path)
      try? FileManager.default.copyItem(
        atPath: "\(folderOfModel)/\(name)", toPath: "\(folder)/\(name)")
    }
  }

  /// Overwrites a weight in the file's private pages.
  private func rewrite(
    _ layer: AppliedLayer, at place: ONNXConstants.Place, in file: MappedFile
  ) throws {
    let shape = layer.layer.shape
    let bytes = try file.slice(place.range.lowerBound, place.range.count)
    guard bytes.count == 4 * shape.count, place.shape.reduce(1, *) == shape.count else {
      throw refusal(layer, "its weight has another size than the layer")
    }
    func stored(_ index: Int) -> UInt32 {
      bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
    }
    // A linear layer may be stored the other way round; a square weight tells only by its values.
    var isStraight = true
    var isTransposed = place.shape.count == 2
    try layer.read { weights in
      isStraight = weights.indices.allSatisfy { weights[$0].bitPattern == stored($0) }
      guard !isStraight, isTransposed else { return }
      isTransposed = (0..<shape.rows).allSatisfy { row in
        (0..<shape.columns).allSatisfy { column in
          weights[row * shape.columns + column].bitPattern == stored(column * shape.rows + row)
        }
      }
    }
    guard isStraight || isTransposed else {
      throw refusal(
        layer,
        "what is quantized is not the stored weight but one that a batch normalization has been "
          + "folded into; fold it in the ONNX file first")
    }
    let values = try layer.roundTripped()
    let target = file.base + place.range.lowerBound
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        let value = values[row * shape.columns + column].bitPattern
        let index = isStraight ? row * shape.columns + column : column * shape.rows + row
        target.storeBytes(of: value, toByteOffset: 4 * index, as: UInt32.self)
      }
    }
  }

  private func external(_ name: String, besides path: String) throws -> MappedFile {
    let steps = name.split(separator: "/", omittingEmptySubsequences: false)
    guard steps.allSatisfy({ !$0.isEmpty && $0 != ".." }), !name.contains("\0") else {
      throw UserError(.failed, "a constant is in the file '\(name)', outside the model's folder")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    return try MappedFile("\(folder)/\(name)")
  }

  private func refusal(_ layer: AppliedLayer, _ reason: String) -> UserError {
    UserError(.failed, "the layer '\(layer.layer.name)' cannot be written: \(reason)")
  }
}
