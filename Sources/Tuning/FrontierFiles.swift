internal import Export
internal import Report
public import Vocabulary

/// A frontier as files.
public enum FrontierFiles {
  /// Writes `frontier.json`, `frontier.csv` and `frontier.svg`; returns their paths.
  public static func write(_ frontier: Frontier, to directory: String) throws -> [String] {
    let base = directory + "/frontier"
    try FrontierFile.write(frontier, to: base + ".json")
    try AtomicFile.write(FrontierCSV.render(frontier), to: base + ".csv")
    try AtomicFile.write(FrontierSVG.render(frontier), to: base + ".svg")
    return [".json", ".csv", ".svg"].map { base + $0 }
  }
}
