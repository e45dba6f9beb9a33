public import Calibration
internal import Costs
internal import Models
public import Quantization
internal import Sensitivity
internal import Tensors
public import Vocabulary

/// What a whole pipeline costs and loses: one point of a ``PipelineSpace``.
public struct PipelineResult: Codable, Sendable, Hashable {
  /// One setting's index per knob.
  public var choices: [Int]
  /// Bytes of the whole model.
  public var bytes: Int
  /// Mean loss over the samples.
  public var loss: Double
}

extension OpenedModel {
  /// Evaluates every point of a pipeline space, in the order of its points.
  ///
  /// Ranges of inputs are calibrated on the calibration part of the data, whatever part is evaluated.
  /// Points that come to the same formats (a knob that no layer feels) are evaluated once.
  ///
  /// - Complexity: one forward pass per sample and distinct point.
  public func measurePipelines(
    _ space: PipelineSpace, data options: CalibrationOptions, part: CalibrationPart, workers: Int,
    progress: @escaping ProgressHandler
  ) throws -> [PipelineResult] {
    let layers = graph.layers.map(\.layer)
    let points = try space.points()
    let formats = try points.map { try space.formats($0, for: layers) }
    var index: [[String]: Int] = [:]
    var distinct: [[LayerFormat]] = []
    let places = formats.map { formats in
      let names = formats.map(\.name)
      if let place = index[names] { return place }
      index[names] = distinct.count
      distinct.append(formats)
      return distinct.count - 1
    }
    let ranges = try activationRanges(
      of: layers.indices.map { layer in
        MeasuredGroup(
          name: layers[layer].name, layers: [layer], candidates: distinct.map { $0[layer] })
      }, samples: data(options, part: .calibration).samples.map(\.inputs), workers: workers,
      progress: progress)
    let counter = ProgressCounter("evaluating pipelines", handler: progress)
    let evaluations = try PolicyEvaluator(
      executor: executor, workers: workers, ranges: ranges
    ).evaluate(
      distinct.map { $0.map { $0 as LayerFormat? } },
      on: data(options, part: part).samples.map(\.inputs), memory: 500_000_000,
      advanced: { counter.advance(by: $0) })
    counter.finish()
    return zip(points, places).map { point, place in
      PipelineResult(
        choices: point,
        bytes: zip(distinct[place], layers).reduce(fixedBytes) {
          $0 + $1.0.weight.bytes(of: $1.1.shape)
        },
        loss: SampleMean(evaluations[place].map(\.loss)).mean)
    }
  }
}
