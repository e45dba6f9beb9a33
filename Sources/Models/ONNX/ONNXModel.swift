internal import Archives
internal import SwiftProtobuf
internal import Vocabulary

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The front-end for `.onnx` files, operator sets 7 to 23.
///
/// - Weights: constants that are the weight of a Conv, a Gemm, a MatMul (on the right) or a Gather
///   (rows of a table) become layers; a linear weight is brought into the form `[outputs, inputs]`.
/// - Fractions of every width are computed in singles.
/// - A BatchNormalization right after a Conv is folded into it, as every deployment does.
/// - Of several outputs, the first counts. A Softmax that ends a classifier is left out, so that the
///   result is logits.
/// - To add an operator: one entry in a table of `ONNXTranslators`.
public enum ONNXModel {
  /// Reads a model; its weights are loaded when they are first needed.
  ///
  /// Weights outside the file are looked for in its folder and below.
  /// - Throws: `FileError` when the file cannot be read; `UserError` when it is no sound model, or uses
  ///   an operator that is not supported (all of those are named).
  public static func load(_ path: String) throws -> Graph {
    let file = try MappedFile(path)
    return try withExtendedLifetime(file) {
      try load(
        Data(bytesNoCopy: file.base, count: file.count, deallocator: .none), path: path)
    }
  }

  /// Reads a model out of memory; `path` is where it is taken to be.
  package static func load(_ bytes: [UInt8], path: String) throws -> Graph {
    try load(Data(bytes), path: path)
  }

  private static func load(_ data: Data, path: String) throws -> Graph {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    let model: Bitbudget_Onnx_ModelProto
    do {
      model = try Bitbudget_Onnx_ModelProto(serializedBytes: data, options: options)
    } catch {
      throw UserError(.failed, "'\(path)' is no ONNX model: its encoding is broken")
    }
    do {
      return try ONNXImporter.graph(of: model, path: path)
    } catch let error as UserError {
      throw UserError(error.kind, "'\(path)' cannot be used: \(error)")
    }
  }
}
