internal import Vocabulary

/// A JSON table of modules with a few fields each, for consumers that are told what to do in Python.
///
/// `null` where a module stays as it is.
struct ModuleTable {
  /// The fields of a setting.
  var fields: (Setting) -> [(String, Document)]
  /// The setting of the fields.
  var setting: (Field) throws -> Setting

  func text(_ request: ExportRequest) -> String {
    Document.object(
      request.layers.map {
        ($0.name, $0.setting.isFull ? Document.null : .object(fields($0.setting)))
      }
    ).json
  }

  func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.first)
    for (name, field) in try root.entries() {
      rules.add(
        .exact(name),
        field.isNull ? .untouched : .quantized(try field.reading { try setting(field) }))
    }
    return rules
  }
}
