import Export
import Testing

@Suite("Every exporter in the catalogue")
struct ExporterConformanceTests {
  @Test("Names are distinct and every exporter says who reads its file")
  func names() {
    let names = Exporters.all.map(\.id)
    #expect(Set(names).count == names.count)
    #expect(Exporters.all.allSatisfy { !$0.summary.isEmpty })
  }
}
