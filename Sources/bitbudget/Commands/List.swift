import ArgumentParser
import Tuning
import Vocabulary

/// `bitbudget list`.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists what there is of a kind: \(Catalogue.kinds.joined(separator: ", ")).",
    discussion: "Example: bitbudget list estimators")

  @Argument(help: "One of: \(Catalogue.kinds.joined(separator: ", ")).")
  var kind: String

  @OptionGroup var talk: OutputOptions

  func run() throws {
    try reportingErrors {
      let entries = try Catalogue.entries(of: kind)
      if talk.json { return try Console.json(entries) }
      let width = entries.map(\.name.count).max() ?? 0
      for entry in entries {
        Console.out("\(entry.name.padding(to: width))  \(entry.summary)")
      }
    }
  }
}
