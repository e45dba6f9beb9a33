import Export
import Quantization
import Testing
import Vocabulary

/// What every consumer is held to; a new one is tested by being in the catalogue.
@Suite("Every exporter in the catalogue")
struct ExporterConformanceTests {
  @Test func namesAreDistinctAndEveryExporterSaysWhoReadsItsFile() throws {
    let names = Exporters.all.map(\.id)
    #expect(Set(names).count == names.count)
    for exporter in Exporters.all {
      #expect(try Exporters.named(exporter.id).id == exporter.id)
      #expect(!exporter.summary.isEmpty && !exporter.summary.contains("\n"))
      #expect(!exporter.fileName.isEmpty)
    }
    let error = #expect(throws: UserError.self) { try Exporters.named("llama.ccp") }
    #expect(error?.kind == .usage)
    #expect(error?.description == "unknown exporter 'llama.ccp'; did you mean 'llama.cpp'?")
  }

  @Test(arguments: Exporters.all.indices)
  func everyFormatThatIsTakenComesBack(index: Int) throws {
    let exporter = Exporters.all[index]
    var taken = 0
    for kind in LayerKind.allCases {
      let settings = Samples.settings.filter { exporter.accepts($0, for: kind) }
      guard !settings.isEmpty else { continue }
      taken += settings.filter { !$0.isFull }.count
      let policy = Samples.policy(exporter, kind: kind, formats: settings.map(\.name))
      let text = try exporter.text(for: policy)
      for (layer, found) in zip(policy.layers, try Samples.formats(text, exporter, policy)) {
        #expect(
          Samples.same(found, Samples.format(layer), exporter), "\(layer.weight) became \(found)")
      }
    }
    #expect(taken > 0)
  }

  @Test(arguments: Exporters.all.indices)
  func samePolicySameBytesAndAnyOrderSameMeaning(index: Int) throws {
    let exporter = Exporters.all[index]
    let policy = Samples.policy(exporter)
    let recipe = try exporter.recipe(for: policy, path: "a file")
    #expect(try exporter.recipe(for: policy, path: "a file") == recipe)
    #expect(recipe.text.hasSuffix("\n"))
    #expect(!recipe.next.isEmpty)
    var shuffled = policy
    var generator = SplitMix64(seed: 7)
    shuffled.layers.shuffle(using: &generator)
    let text = try exporter.text(for: shuffled)
    for (layer, found) in zip(policy.layers, try Samples.formats(text, exporter, policy)) {
      #expect(Samples.same(found, Samples.format(layer), exporter))
    }
  }

  @Test(arguments: Exporters.all.indices)
  func changingOneLayerChangesThatLayerAlone(index: Int) throws {
    let exporter = Exporters.all[index]
    let before = Samples.policy(exporter)
    for changed in before.layers.indices where before.layers[changed].kind == .linear {
      var after = before
      guard
        let other = Samples.settings.first(where: {
          exporter.accepts($0, for: .linear)
            && $0.input == nil
            && exporter.stored($0).name
              != exporter.stored(Samples.setting(before.layers[changed].weight)).name
            && !$0.isFull
        })
      else { continue }
      after.layers[changed].weight = other.name
      let text = try exporter.text(for: after)
      for (layer, found) in zip(after.layers, try Samples.formats(text, exporter, after)) {
        #expect(Samples.same(found, Samples.format(layer), exporter))
      }
    }
  }

  @Test(arguments: Exporters.all.indices)
  func namesAreNoPatterns(index: Int) throws {
    let exporter = Exporters.all[index]
    // GGUF has a fixed list of names and Core ML an alphabet: neither can carry these.
    guard !Samples.hasFixedNames(exporter) else { return }
    let names = [
      "a.b", "axb", "a.b.c", "xa.b", "a+(b)|c$", "a[0-9]", "a5", "a*", "ab?c", "abxc", "^a.b$",
      "a\\.b", "a{2}", "aa", "é.\"quoted\"", "re:a", "true", "1", "bits.x", "A.b", "a: b #c", "-:a",
    ]
    do {
      try expectReadBack(names, exporter)
    } catch let error as UserError where error.description.contains("cannot say that") {
      // A consumer may be unable to spell a name, but then it says so, and usual names work.
      try expectReadBack(["a.b", "axb", "a.b.c", "xa.b", "a5", "aa", "A.b", "true", "1"], exporter)
    }
  }

  private func expectReadBack(_ names: [String], _ exporter: any Exporter) throws {
    let formats = Samples.two(exporter)
    var policy = Samples.policy(exporter, kind: .linear, formats: names.map { _ in formats[0] })
    for (index, name) in names.enumerated() {
      policy.layers[index].name = name
      policy.layers[index].tensor = name + ".weight"
      policy.layers[index].weight = formats[index % 2]
    }
    let text = try exporter.text(for: policy)
    for (layer, found) in zip(policy.layers, try Samples.formats(text, exporter, policy)) {
      #expect(Samples.same(found, Samples.format(layer), exporter), "\(layer.name)")
    }
  }

  @Test(arguments: Exporters.all.indices)
  func whatIsNotTakenIsRefusedWithLayerFormatAndNearest(index: Int) throws {
    let exporter = Exporters.all[index]
    for kind in LayerKind.allCases {
      for setting in Samples.settings where !exporter.accepts(setting, for: kind) {
        let policy = Samples.policy(exporter, kind: kind, formats: [setting.name, setting.name])
        let error = #expect(throws: UserError.self) { try exporter.text(for: policy) }
        let sentence = error?.description ?? ""
        #expect(error?.kind == .failed)
        #expect(sentence.contains("'\(policy.layers[0].name)' in \(setting.name)"))
        #expect(sentence.contains("(and 1 more layer)"))
        guard let word = sentence.split(separator: " ").last,
          sentence.contains("the nearest format")
        else { continue }
        #expect(exporter.accepts(Samples.setting(String(word)), for: kind), "\(word)")
      }
    }
  }

  /// Layers with inputs of their own beside layers without, with and without their calibration.
  @Test(arguments: Exporters.all.indices)
  func inputsComeBackWithTheirWeights(index: Int) throws {
    let exporter = Exporters.all[index]
    let pairs = Samples.settings.filter {
      $0.input != nil && exporter.accepts($0, for: .linear) && exporter.stored($0) == $0
    }
    #expect(pairs.isEmpty != type(of: exporter).takesActivations)
    guard !pairs.isEmpty else { return }
    let plain = Samples.two(exporter)[0]
    var policy = Samples.policy(
      exporter, kind: .linear, formats: pairs.flatMap { [$0.name, plain, $0.name] })
    for layer in policy.layers.indices.filter({ $0 % 3 == 2 }) {
      policy.layers[layer].activationRange = [-1.5, 2]
      if let format = try? ActivationFormat.named(policy.layers[layer].activation),
        !format.isDynamic
      {
        policy.layers[layer].activation += "+entropy@8"
      }
    }
    let text = try exporter.text(for: policy)
    for (layer, found) in zip(policy.layers, try Samples.formats(text, exporter, policy)) {
      let wanted = Samples.setting(Samples.format(layer)).name
      #expect(Samples.same(found, wanted, exporter), "\(wanted) became \(found)")
    }
  }

  @Test(arguments: Exporters.all.indices)
  func unknownFormatsAndLayersThatAreThereTwiceAreRefused(index: Int) throws {
    let exporter = Exporters.all[index]
    var policy = Samples.policy(exporter)
    policy.layers[2].weight = "int4-g65x"
    let unknown = #expect(throws: UserError.self) { try exporter.text(for: policy) }
    #expect(unknown?.description.contains("unknown format 'int4-g65x'") == true)
    policy = Samples.policy(exporter)
    policy.layers[2].name = policy.layers[1].name
    policy.layers[2].tensor = policy.layers[1].tensor
    policy.layers[2].kind = policy.layers[1].kind
    policy.layers[2].weight = policy.layers[1].weight
    #expect(throws: UserError.self) { try exporter.text(for: policy) }
  }

  @Test(arguments: Exporters.all.indices)
  func tenThousandLayers(index: Int) throws {
    let exporter = Exporters.all[index]
    let formats = Samples.two(exporter)
    let policy = Samples.policy(
      exporter, kind: .linear, formats: (0..<10_000).map { formats[($0 / 3) % 2] })
    let found = try Samples.formats(try exporter.text(for: policy), exporter, policy)
    #expect(zip(found, policy.layers).allSatisfy { Samples.same($0, $1.weight, exporter) })
  }

  @Test(arguments: Exporters.all.indices)
  func textsThatAreNoSuchFileAreOneSentence(index: Int) throws {
    let exporter = Exporters.all[index]
    let good = Array(try exporter.text(for: Samples.policy(exporter)).utf8)
    var generator = SplitMix64(seed: UInt64(index) + 1)
    var texts = [
      "", "{", "[]", "null", "a\n\"b", "{\"a\": {\"b\": [1,", "- a\n b: ]", "\u{0}", "🎲=\n",
    ]
    for _ in 0..<200 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0..<128, using: &generator)
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + 9))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 9)], at: place)
        }
        if bytes.isEmpty { break }
      }
      texts.append(String(decoding: bytes, as: UTF8.self))
    }
    for text in texts {
      do {
        _ = try exporter.rules(in: text, file: "f")
      } catch let error as UserError {
        #expect(!error.description.isEmpty)
      }
    }
  }
}
