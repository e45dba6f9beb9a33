import Archives
import Foundation
import Quantization
import Vocabulary

/// A directory of packed weights that `mlx_lm` (and `mlx.nn`) loads.
///
/// Each quantized layer is `weight`, `scales` and `biases`; `config.json` gets `quantization` with an
/// entry for each of them. Everything else is stored in half precision, which is what MLX computes in.
struct MLXWriter: ModelWriter {
  static let id = "mlx"
  static let summary = "a directory of packed weights for mlx_lm and mlx.nn"

  func refusal(of layer: AppliedLayer) -> String? {
    if layer.isTransposed {
      return "MLX keeps rows of outputs, and this model's file has rows of inputs"
    }
    switch layer.format {
    case is MLXFormat, is MLXFloatFormat, is FloatFormat: return nil
    case let format as MicroscalingFormat where format == .mxfp8: return nil
    default: break
    }
    let bits = MLXFormat.widths.min {
      (abs($0 - layer.format.nominalBits), $1) < (abs($1 - layer.format.nominalBits), $0)
    }
    let width = min(8, max(2, bits ?? 4))
    let group = MLXFormat.groups.reversed().first { layer.layer.shape.columns % $0 == 0 }
    let nearest = group.map { $0 >= 64 ? "mlx\(width)-g64" : "mlx\(width)-g32" } ?? "fp16"
    return "MLX does not have it; the nearest that it can load is \(nearest)"
  }

  func size(of model: AppliedModel) throws -> Int? {
    let source = try HuggingFaceSource(model)
    let weights = try shards(source, model).reduce(0) {
      try $0 + SafetensorsWriter.size(of: $1.pieces)
    }
    return try weights + configuration(source, model).count
      + source.sizeOfTheRest(except: Self.left)
  }

  func write(_ model: AppliedModel, into folder: String) throws {
    let source = try HuggingFaceSource(model)
    for shard in try shards(source, model) {
      try SafetensorsWriter.write(shard.pieces, to: "\(folder)/\(shard.name)")
    }
    try source.copyTheRest(into: folder, except: Self.left)
    let file = try SequentialFile("\(folder)/config.json")
    try file.write(configuration(source, model))
    try file.finish()
  }

  /// What is written anew or not at all.
  private static let left: Set<String> = ["config.json", "model.safetensors.index.json"]

  /// The files of weights, of which nothing is read yet but names and sizes.
  private func shards(_ source: HuggingFaceSource, _ model: AppliedModel) throws
    -> [(name: String, pieces: [SafetensorsWriter.Piece])]
  {
    let layers = model.layersByTensor
    return try source.files.map { path in
      let file = try SafetensorsFile(path)
      let pieces = try file.entries.map { entry in
        try layers[entry.name].map { try piece($0, entry) } ?? halves(entry, of: file.file)
      }
      return (HuggingFaceSource.name(path), pieces)
    }
  }

  private func piece(
    _ layer: AppliedLayer, _ entry: SafetensorsFile.Entry
  ) throws -> SafetensorsWriter.Piece {
    let shape = layer.layer.shape
    let write = { (write: (UnsafeRawBufferPointer) throws -> Void) in
      try layer.packed().withUnsafeBytes { try write($0) }
    }
    guard let format = layer.format as? any PackedFormat else {
      let type = ["fp16": "F16", "bf16": "BF16"][layer.format.name] ?? "F32"
      let bytes = layer.format.bytes(of: shape)
      let tensor = SafetensorsWriter.Tensor(
        name: entry.name, type: type, shape: entry.shape, bytes: bytes)
      return .init(tensors: [tensor], write: write)
    }
    guard entry.name.hasSuffix(".weight") else {
      throw UserError(
        .failed, "the tensor '\(entry.name)' is not the weight of a module, which MLX asks for")
    }
    let module = entry.name.dropLast("weight".count)
    let tensors = format.parts(of: shape).map { part in
      let type =
        switch part.element {
        case .uint8: "U8"
        case .uint32: "U32"
        case .float16: "F16"
        case .float32: "F32"
        }
      return SafetensorsWriter.Tensor(
        name: module + part.name, type: type, shape: [part.rows, part.columns], bytes: part.bytes)
    }
    return .init(tensors: tensors, write: write)
  }

  /// A tensor that is left alone: fractions as halves.
  private func halves(
    _ entry: SafetensorsFile.Entry, of file: MappedFile
  ) throws -> SafetensorsWriter.Piece {
    let bytes = try file.slice(entry.range.lowerBound, entry.range.count)
    let count = entry.range.count / entry.type.size
    let value: (Int) -> Float
    switch entry.type {
    case .float32:
      value = { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
    case .bfloat16:
      value = { index in
        let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        return Float(bitPattern: UInt32(bits) << 16)
      }
    default: return entry.copied(from: file)
    }
    let tensor = SafetensorsWriter.Tensor(
      name: entry.name, type: "F16", shape: entry.shape, bytes: 2 * count)
    return .init(tensors: [tensor]) { write in
      let halves = (0..<count).map { Float16(value($0)).bitPattern.littleEndian }
      try withExtendedLifetime(file) { try halves.withUnsafeBytes { try write($0) } }
    }
  }

  private func configuration(_ source: HuggingFaceSource, _ model: AppliedModel) throws -> [UInt8] {
    let original = "\(source.directory)/config.json"
    guard let data = FileManager.default.contents(atPath: original),
      var configuration = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { throw UserError(.failed, "'\(original)' cannot be read") }
    // The general setting only decides what MLX looks at; every layer has an entry of its own.
    var quantization: [String: Any] = ["group_size": 32, "bits": 4, "mode": "affine"]
    for layer in model.layers where layer.format is any PackedFormat {
      let module = String(layer.layer.tensor.dropLast(".weight".count))
      switch layer.format {
      case let format as MLXFormat:
        quantization[module] = [
          "group_size": format.group, "bits": format.bits, "mode": "affine",
        ]
      case let format as MLXFloatFormat:
        quantization[module] = ["group_size": format.group, "bits": 4, "mode": format.mode]
      default: quantization[module] = ["group_size": 32, "bits": 8, "mode": "mxfp8"]
      }
    }
    configuration["quantization"] = quantization
    configuration["quantization_config"] = quantization
    configuration["torch_dtype"] = "float16"
    let text = try JSONSerialization.data(
      withJSONObject: configuration,
      options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
    return Array(text) + [UInt8(ascii: "\n")]
  }
}
