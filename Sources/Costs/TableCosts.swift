public import Vocabulary

/// A table with every cost that a geometry and a device give.
public struct CostedTable: Sendable {
  /// The table, with the costs of the candidates that have them.
  public var table: SensitivityTable
  /// Names of the candidates that no kernel of the device computes, by the group's index.
  public var withoutKernel: [Int: [String]]
  /// Why, each reason once.
  public var reasons: [String]
}

extension SensitivityTable {
  /// The table with BOPs, energy, latency and resident bytes, as far as they can be told.
  ///
  /// `bops = MACs · bits of a weight · bits of an activation`, per sample. Latency is the device's time of
  /// the layers, per sample; its ``LatencyModel/rest`` goes into ``SensitivityTable/fixedCosts``.
  ///
  /// - Parameters:
  ///   - geometry: What the layers compute.
  ///   - layers: The layers with their shapes.
  ///   - latency: The device; nil leaves latencies as they are.
  ///   - energy: Picojoules; nil leaves energies as they are.
  ///   - memory: What is in memory beside the weights; nil leaves resident bytes as they are.
  /// - Throws: `UserError` when a layer is not in the geometry, or a group has no candidate with a kernel.
  public func costed(
    by geometry: ModelGeometry, layers: [Layer], latency: (any LatencyModel)? = nil,
    energy: EnergyTable? = nil, memory: ResidentMemory? = nil
  ) throws -> CostedTable {
    var costed = CostedTable(table: self, withoutKernel: [:], reasons: [])
    let geometries = Dictionary(geometry.layers.map { ($0.name, $0) }) { first, _ in first }
    let shapes = Dictionary(layers.map { ($0.name, $0.shape) }) { first, _ in first }
    let samples = Double(max(1, geometry.samples))
    for g in groups.indices {
      let members = try groups[g].layers.map { name in
        guard let layer = geometries[name] else {
          throw UserError(
            .failed, "the recorded run is of another model: it has no layer '\(name)'")
        }
        return layer
      }
      for c in groups[g].candidates.indices {
        var candidate = groups[g].candidates[c]
        let precision: Precision
        do {
          precision = try Precision(weight: candidate.format, activation: candidate.activation)
        } catch {
          // A format of somebody else's table: what it costs only the table can say.
          continue
        }
        let bytes = members.map { layer in
          Self.bytes(of: layer.name, in: candidate, shapes, alone: members.count == 1)
        }
        let macs = members.reduce(0) { $0 + $1.macs } / samples
        candidate.bops = macs * Double(precision.weightBits * precision.activationBits)
        if let energy {
          candidate.energy =
            zip(members, bytes).reduce(0) {
              $0 + energy.millijoules(of: $1.0, in: precision, bytes: $1.1)
            } / samples
        }
        if let latency {
          candidate.latency = 0
          for (layer, bytes) in zip(members, bytes) {
            switch latency.latency(of: layer, in: precision, bytes: bytes) {
            case .milliseconds(let time):
              candidate.latency = candidate.latency.map { $0 + time / samples }
            case .none(let reason):
              candidate.latency = nil
              if !costed.reasons.contains(reason) { costed.reasons.append(reason) }
            }
          }
          if candidate.latency == nil {
            costed.withoutKernel[g, default: []].append(candidate.name)
          }
        }
        if memory != nil { candidate.resident = Double(candidate.bytes) }
        costed.table.groups[g].candidates[c] = candidate
      }
      if let none = costed.withoutKernel[g], none.count == groups[g].candidates.count {
        throw UserError(
          .failed,
          "'\(groups[g].name)' has no candidate with a kernel: \(costed.reasons.last ?? "none")")
      }
    }
    var fixed = fixedCosts ?? [:]
    if let rest = latency?.rest { fixed[CostKind.latency.rawValue] = rest / samples }
    if let memory {
      fixed[CostKind.resident.rawValue] = Double(
        try memory.fixedBytes(geometry, fixedBytes: fixedBytes ?? 0))
    }
    costed.table.fixedCosts = fixed.isEmpty ? nil : fixed
    let kinds: [CostKind] =
      [.bytes, .bops] + (energy == nil ? [] : [.energy]) + (latency == nil ? [] : [.latency])
      + (memory == nil ? [] : [.resident])
    costed.table.costs += kinds.map(\.rawValue).filter { !costs.contains($0) }
    return costed
  }

  /// Bytes of one layer's weight in a candidate; the candidate's own where the layer is alone.
  private static func bytes(
    of layer: String, in candidate: Candidate, _ shapes: [String: WeightShape], alone: Bool
  ) -> Int {
    guard !alone, let shape = shapes[layer],
      let bytes = try? ByteCost.bytes(
        of: Layer(name: layer, tensor: layer, kind: .linear, shape: shape), in: candidate.format)
    else { return candidate.bytes }
    return bytes
  }
}
