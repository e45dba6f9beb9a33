import ArgumentParser
import Export
import Foundation
import Tuning
import Vocabulary

/// `bitbudget export`.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a policy the way a quantizer reads it.",
    discussion: """
      Says on standard error what to run next. A policy that the consumer cannot take is refused with the \
      nearest format that it can, and nothing is written.
      Example: bitbudget export policy.json --to llama.cpp -o tensor_types.txt
      """)

  @Argument(help: "The policy's file.")
  var policy: String

  @Option(
    help: ArgumentHelp("Who reads it; see `bitbudget list exporters`.", valueName: "consumer"))
  var to: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write: a file, or a folder for the consumer's usual name (default: standard output).",
      valueName: "path"))
  var output: String?

  @Option(help: "Refuse the policy unless it was made for this model.")
  var model: String?

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    if talk.json, output == nil { throw ValidationError("--json tells what -o wrote: give a path") }
  }

  /// What was written, for `--json`.
  private struct Written: Encodable {
    var exporter: String
    var path: String
    var layers: Int
    var next: String
    var notes: [String]
  }

  func run() throws {
    try reportingErrors {
      let exporter = try Exporters.named(to)
      let policy = try PolicyFile.read(policy)
      if let model { try OpenedModel(model).require(policy) }
      let path = output.map { place($0, exporter.fileName) }
      let recipe = try exporter.recipe(for: policy, path: path ?? exporter.fileName)
      if let path { try AtomicFile.write(recipe.text, to: path) } else { Console.out(recipe.text) }
      if let path, talk.json {
        return try Console.json(
          Written(
            exporter: exporter.id, path: path, layers: policy.layers.count, next: recipe.next,
            notes: recipe.notes))
      }
      guard !talk.quiet else { return }
      for note in recipe.notes { Console.say("Note: \(note).") }
      Console.say("Next:\n\(recipe.next)")
    }
  }

  private func place(_ path: String, _ fileName: String) -> String {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard path.hasSuffix("/") || exists && isFolder.boolValue else { return path }
    return path.hasSuffix("/") ? path + fileName : "\(path)/\(fileName)"
  }
}
