import Costs
import Foundation
import TestSupport
import Testing
import Vocabulary

/// Rooflines, their files, kernel tables and imported latencies.
@Suite struct DeviceTests {
  static let text = """
    schemaVersion: 1
    name: toy
    summary: a toy
    peak: {fp32: 1e9, fp16: 2e9, int8: 4e9}
    weightOnly: fp16
    bandwidth: 1e8
    launch: 1e-5
    """

  private func toy(_ text: String = text) throws -> DeviceProfile {
    try DeviceProfile(parsing: text, file: "toy.yaml")
  }

  private func latency(
    _ device: any LatencyModel, _ work: LayerWork, _ weight: String, _ activation: String? = nil,
    bytes: Int = 0
  ) throws -> Double? {
    device.latency(
      of: LayerGeometry(name: "l", uses: [work]),
      in: try Precision(weight: weight, activation: activation), bytes: bytes
    ).milliseconds
  }

  @Test func theRooflineIsTheLongerOfArithmeticAndTraffic() throws {
    let device = try toy()
    let wide = LayerWork.product(rows: 1000, inputs: 100, outputs: 100)
    // 2 · 10⁷ operations at 10⁹; activations of 2 · 10⁵ singles, 40 kB of weights: 8.4 ms of traffic.
    let full = try latency(device, wide, "fp32", bytes: 40_000)
    #expect(abs((full ?? 0) - 20.01) < 1e-9)
    let integers = try latency(device, wide, "int8-channel", "int8-tensor", bytes: 10_000)
    #expect(abs((integers ?? 0) - 5.01) < 1e-9)
    // One row: the weights have to come, whatever the arithmetic.
    let narrow = LayerWork.product(rows: 1, inputs: 1000, outputs: 1000)
    let stored = try latency(device, narrow, "int4-g64", bytes: 562_500)
    #expect(abs((stored ?? 0) - (1e3 * (562_500 + 4000) / 1e8 + 0.01)) < 1e-9)
    #expect(try latency(device, .lookup(rows: 10, width: 100), "fp32") ?? 1 < 0.2)
    #expect(try latency(device, wide, "bf16") == nil)
    let why = device.latency(
      of: LayerGeometry(name: "l", uses: [wide]), in: try Precision(weight: "bf16"), bytes: 1)
    #expect(why == .none("toy has no kernel for bf16: that needs a peak for bf16 in its profile"))
  }

  @Test func bitsCountOnABitSerialDevice() throws {
    let device = try toy(
      """
      schemaVersion: 1
      name: bricks
      summary: bricks
      peak: {}
      bitSerial: {peak: 1e9, brick: 2, widest: 8}
      bandwidth: 1e12
      launch: 0
      """)
    let work = LayerWork.product(rows: 10, inputs: 100, outputs: 100)
    func time(_ weight: String, _ activation: String?) throws -> Double {
      try latency(device, work, weight, activation) ?? .nan
    }
    #expect(abs(try time("int2-channel-sym", "int2-tensor") - 0.1) < 1e-9)
    #expect(abs(try time("int8-channel", "int8-tensor") - 1.6) < 1e-9)
    #expect(abs(try time("int3-channel-sym", "int8-tensor") - 0.8) < 1e-9)
    #expect(try latency(device, work, "fp32") == nil)
  }

  @Test(arguments: [
    ("bandwidth: 1e8\n", "", "line 1: it has no 'bandwidth'"),
    ("bandwidth: 1e8", "bandwidth: -3", "line 6: 'bandwidth' must not be negative, got -3"),
    ("bandwidth: 1e8", "bandwidth: 0", "line 6: 'bandwidth' must be above zero"),
    ("launch: 1e-5", "launch: soon", "line 7: 'launch' must be a number"),
    ("int8: 4e9", "int8: -4e9", "line 4: 'peak.int8' must not be negative"),
    ("int8: 4e9", "int9: 4e9", "line 4: 'peak.int9' is unknown; did you mean 'int8'?"),
    ("schemaVersion: 1", "schemaVersion: 2", "line 1: 'schemaVersion' must be 1"),
    ("weightOnly: fp16", "weightOnly: bf16", "line 5: 'weightOnly' must be an arithmetic"),
    ("name: toy", "nmae: toy", "line 2: 'nmae' is unknown; did you mean 'name'?"),
  ])
  func aWrongProfileIsRefusedWithItsPlace(_ old: String, _ new: String, _ expected: String) throws {
    let error = #expect(throws: UserError.self) { try toy(Self.text.replacing(old, with: new)) }
    #expect(error?.description.hasPrefix("'toy.yaml' ") == true)
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "none")")
  }

  @Test func theProfilesThatComeWithTheToolAreRight() throws {
    let folder = Fixtures.root.appendingPathComponent("SearchSpaces/devices")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files.count >= 10)
    let work = LayerWork.product(rows: 64, inputs: 512, outputs: 512)
    for file in files {
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      let device = try DeviceProfile(parsing: text, file: file)
      #expect(device.name + ".yaml" == file)
      #expect(text.contains("# Source"), "\(file) cites nothing")
      let integers = try latency(device, work, "int8-channel", "int8-tensor", bytes: 512 * 512)
      let wide = try latency(device, work, "fp32", bytes: 4 * 512 * 512)
      #expect((integers ?? wide ?? 0) > 0)
      if let integers, let wide { #expect(integers <= wide) }
    }
  }

  @Test func kernelTablesAddUpTheirRows() throws {
    let work = LayerWork.product(rows: 2, inputs: 4, outputs: 4)
    var layer = LayerGeometry(name: "l", uses: [work, work], isNonNegative: true)
    let geometry = GeometryTests.model([layer])
    var table = KernelTable(device: "here", processor: "p", threads: 1, libraries: [:])
    let precisions = try [
      Precision(weight: "fp32"), Precision(weight: "int4-g64"), Precision(weight: "bf16"),
      Precision(weight: "int8-channel", activation: "int8-tensor"),
      Precision(weight: "int8-channel", activation: "int8-token"),
    ]
    let keys = KernelTable.needed(geometry, precisions: ["l": precisions])
    #expect(keys.map(\.kernel) == [.fp32, .bf16, .int8])
    for (k, key) in keys.enumerated() {
      table.add(
        .init(
          key: key, milliseconds: Double(k + 1), spread: 0, repetitions: 5, outliers: 0,
          implementation: "i"))
    }
    #expect(table.missing(of: keys).isEmpty)
    layer.isNonNegative = false
    #expect(table.missing(of: [.init(work, .int8Offset)]).count == 1)
    let device = table.measured(for: geometry)
    func time(_ k: Int, _ device: MeasuredDevice) -> LayerLatency {
      device.latency(of: geometry.layers[0], in: precisions[k], bytes: 1)
    }
    // Two uses each; what is only stored narrowly is unpacked.
    #expect(time(0, device) == .milliseconds(2) && time(1, device) == .milliseconds(2))
    #expect(time(2, device) == .milliseconds(4) && time(3, device) == .milliseconds(6))
    #expect(time(4, device).milliseconds == nil)
    #expect(device.rest == nil)
    table.add(
      .init(
        model: "sha256:1", inputs: geometry.inputs, rest: 0.5, scale: ["fp32": 2, "int8": 3]))
    let scaled = table.measured(for: geometry)
    #expect(scaled.rest == 0.5)
    #expect(time(0, scaled) == .milliseconds(4) && time(3, scaled) == .milliseconds(18))
    // No whole run multiplied in bfloat16: the mean of the others.
    #expect(time(2, scaled) == .milliseconds(10))
    #expect(time(0, table.measured(for: geometry, isScaled: false)) == .milliseconds(2))
  }

  @Test func importedLatenciesAreReadAndRefused() throws {
    let layer = LayerGeometry(name: "a", uses: [])
    let precision = try Precision(weight: "int8-channel", activation: "int8-tensor")
    let csv = "layer,format,milliseconds\r\na,int8-channel/int8-tensor,0.25\r\n\r\n"
    let table = try ImportedLatencies(parsing: csv, file: "phones/pixel.csv")
    #expect(table.device == "pixel" && table.rest == nil)
    #expect(table.latency(of: layer, in: precision, bytes: 1) == .milliseconds(0.25))
    #expect(
      table.latency(of: layer, in: try Precision(weight: "fp32"), bytes: 1).milliseconds == nil)
    let json = """
      {"schema": "bitbudget.latency/1", "device": "d", "rest": 0.5, "rows": [
        {"layer": "a", "format": "int8-channel/int8-tensor", "milliseconds": 2}]}
      """
    let other = try ImportedLatencies(parsing: json, file: "d.json")
    #expect(other.device == "d" && other.rest == 0.5)
    #expect(other.latency(of: layer, in: precision, bytes: 1) == .milliseconds(2))
    for (text, expected) in [
      ("layer,ms\n", "line 1"), ("layer,format,milliseconds\na,fp32\n", "line 2"),
      ("layer,format,milliseconds\na,fp32,1\nb,fp32,-1\n", "line 3: 'milliseconds'"),
      ("layer,format,milliseconds\na,fp32,inf\n", "line 2: 'milliseconds'"),
      (json.replacing("\"milliseconds\": 2", with: "\"milliseconds\": -2"), "'rows[0]'"),
      (json.replacing("latency/1", with: "latency/9"), "latency/9"), ("{", "no"),
    ] {
      let error = #expect(throws: UserError.self) {
        try ImportedLatencies(parsing: text, file: "d.json")
      }
      #expect(error?.description.contains("'d.json'") == true)
      #expect(expected == "no" || error?.description.contains(expected) == true)
    }
  }
}
