public import Vocabulary

/// A file for a consumer, with what its user does next.
public struct Recipe: Hashable, Sendable {
  /// The file's text.
  public var text: String
  /// The command line or the Python that uses the file.
  public var next: String
  /// What the user has to know, a sentence each.
  public var notes: [String]

  /// A file with its use.
  public init(text: String, next: String, notes: [String] = []) {
    self.text = text
    self.next = next
    self.notes = notes
  }
}

/// What an exporter writes: layers under the consumer's names, in settings that it takes.
public struct ExportRequest: Sendable {
  /// A layer with its setting.
  public struct Layer: Hashable, Sendable {
    /// The consumer's name of it, which no other layer has.
    public var name: String
    /// What it computes.
    public var kind: LayerKind
    /// The setting of weight and input; the family is full where the weight is not quantized.
    public var setting: Setting
    /// The ends of the input's range, where it is calibrated: one pair, or one for each channel.
    public var range: [Double]?
  }

  /// The policy, for what is not about single layers.
  public var policy: Policy
  /// Every layer of the policy, in its order.
  public var layers: [Layer]
  /// Where the file goes.
  public var path: String

  /// The layers that are quantized.
  var quantized: [Layer] { layers.filter { !$0.setting.isFull } }

  /// The layers that are not.
  var full: [Layer] { layers.filter(\.setting.isFull) }

  /// Quantized layers by setting, in the order in which the settings come up.
  var bySetting: [(setting: Setting, layers: [Layer])] {
    var order: [Setting] = []
    var found: [Setting: [Layer]] = [:]
    for layer in quantized {
      if found[layer.setting] == nil { order.append(layer.setting) }
      found[layer.setting, default: []].append(layer)
    }
    return order.map { ($0, found[$0] ?? []) }
  }

  /// The setting that most quantized layers have; of equals the first by name.
  var commonest: Setting? {
    bySetting.min { ($1.layers.count, $0.setting.name) < ($0.layers.count, $1.setting.name) }?
      .setting
  }

  /// The file's path as a Python string.
  var pythonPath: String { quoted(path) }
}

extension Policy.LayerChoice {
  /// The formats of weight and input as one name.
  var format: String { activation == "none" ? weight : "\(weight)/\(activation)" }
}

/// Python that begins with imports, `json, torch` or `numpy as np`.
func python(_ modules: String, _ body: String) -> String { "import \(modules)\n\(body)" }

extension Exporter {
  /// The consumer's file for a policy, with its use.
  ///
  /// Every layer is named once, under the consumer's name, in exactly its format: the text is read back
  /// before it is handed out.
  ///
  /// - Parameters:
  ///   - policy: Any policy; layers may be in any order.
  ///   - path: Where the file will be, as the consumer's command names it.
  /// - Throws: `UserError` that names the first layer that cannot be written, why, and the nearest
  ///   format that can, with the number of such layers; or siblings that the consumer wants in one format.
  public func recipe(for policy: Policy, path: String) throws -> Recipe {
    var replaced: Set<String> = []
    let request = try request(for: policy, path: path, replaced: &replaced)
    let mixed = mixedSiblings(request.layers)
    if Self.needsOneFormatForSiblings, let first = mixed.first {
      throw refusal(ofMixed: first, of: request.layers, count: mixed.count)
    }
    var recipe = try write(request)
    try check(recipe.text, against: request)
    if !replaced.isEmpty {
      recipe.notes.insert(
        "\(id) stores \(replaced.sorted().joined(separator: ", ")): the same bytes and codes, rounded "
          + "its own way; measure with its formats to know what that changes", at: 0)
    }
    if let note = fusionNote(mixed, of: request.layers) { recipe.notes.append(note) }
    return recipe
  }

  private func request(for policy: Policy, path: String, replaced: inout Set<String>) throws
    -> ExportRequest
  {
    var settings: [String: Setting] = [:]
    var seen: [String: String] = [:]
    var layers: [ExportRequest.Layer] = []
    var refused: [(layer: Policy.LayerChoice, setting: Setting)] = []
    for layer in policy.layers {
      let setting = try settings[layer.format] ?? Setting.named(layer.format)
      settings[layer.format] = setting
      let name: String
      do {
        name = try Self.naming.name(
          of: layer.name, tensor: layer.tensor, kind: layer.kind,
          architecture: policy.model.architecture)
      } catch let error as UserError {
        throw UserError(error.kind, "\(id): \(error.description)")
      }
      if let other = seen.updateValue(layer.name, forKey: name) {
        throw UserError(.failed, "\(id) calls both '\(other)' and '\(layer.name)' '\(name)'")
      }
      if accepts(setting, for: layer.kind) {
        layers.append(
          .init(
            name: name, kind: layer.kind, setting: stored(setting), range: layer.activationRange))
        if stored(setting) != setting {
          replaced.insert("\(setting.name) as \(stored(setting).name)")
        }
      } else {
        refused.append((layer, setting))
      }
    }
    guard let first = refused.first else {
      return ExportRequest(policy: policy, layers: layers, path: path)
    }
    throw refusal(of: first.layer, first.setting, count: refused.count)
  }

  private func refusal(of layer: Policy.LayerChoice, _ setting: Setting, count: Int) -> UserError {
    let nearest = setting.nearest { accepts($0, for: layer.kind) && stored($0) == $0 }
    let way =
      nearest.map {
        "the nearest format that it takes for a layer of kind \(layer.kind.rawValue) is \($0.name)"
      }
      ?? "it takes no format that there is here"
    return UserError(
      .failed,
      "\(id) cannot take '\(layer.name)' in \(layer.format)\(others(count, "layer")); \(way)")
  }

  /// Holds a text to the request: every layer exactly as asked, none forgotten.
  private func check(_ text: String, against request: ExportRequest) throws {
    let matcher = try LayerMatcher(try rules(in: text, file: Self.fileName))
    for layer in request.layers {
      let found = matcher.treatment(of: layer.name, kind: layer.kind)
      guard let found, same(found, layer.setting) else {
        throw UserError(
          .failed,
          "\(id) cannot say that '\(layer.name)' is \(layer.setting.name): its file would be read as "
            + describe(found))
      }
    }
  }

  private func same(_ treatment: Treatment, _ setting: Setting) -> Bool {
    switch treatment {
    case .quantized(let found): found.name == setting.name
    case .untouched: setting.isFull && !Self.tellsFloatsApart
    }
  }

  private func describe(_ treatment: Treatment?) -> String {
    switch treatment {
    case .quantized(let setting): setting.name
    case .untouched: "unquantized"
    case nil: "nothing"
    }
  }

  /// Siblings of different formats that a runtime computes as one layer.
  private func mixedSiblings(_ layers: [ExportRequest.Layer]) -> [FusedLayers] {
    guard let fusing = Self.fusing else { return [] }
    return fusing.parts.fused(among: layers.map(\.name)).filter { set in
      let settings = Set(set.members.map { layers[$0].setting })
      // Plain floats are one format to a consumer that leaves them as they are.
      let full = Self.tellsFloatsApart ? 0 : max(0, settings.filter(\.isFull).count - 1)
      return settings.count - full > 1
    }
  }

  private func refusal(
    ofMixed set: FusedLayers, of layers: [ExportRequest.Layer], count: Int
  ) -> UserError {
    let members = set.members.map { "'\(layers[$0].name)' in \(layers[$0].setting.name)" }
    return UserError(
      .failed,
      "\(id) exports layers of one input in one format only, and not "
        + members.joined(separator: ", ") + others(count, "such set")
        + "; plan with `--runtime` (vllm or tensorrt-llm) or `--tie` them, so that they get one")
  }

  private func fusionNote(_ mixed: [FusedLayers], of layers: [ExportRequest.Layer]) -> String? {
    guard let fusing = Self.fusing, let first = mixed.first else { return nil }
    return
      "\(fusing.runtime) computes \(first.members.map { layers[$0].name }.joined(separator: ", ")) as "
      + "one layer and would not load their different formats\(others(mixed.count, "such set"))"
      + "; `bitbudget lint` tells all of it"
  }

  /// ` (and 2 more layers)` for three layers.
  private func others(_ count: Int, _ noun: String) -> String {
    switch count {
    case 1: ""
    case 2: " (and 1 more \(noun))"
    default: " (and \(count - 1) more \(noun)s)"
    }
  }
}
