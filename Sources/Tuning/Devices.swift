internal import Archives
internal import Costs
internal import Export
internal import Foundation
internal import Kernels
internal import Tensors
internal import Vocabulary

/// The devices that latencies are told for.
public enum Devices {
  /// Where the profiles are in the tool's data.
  public static let folder = "SearchSpaces/devices"
  /// The name of the machine that this runs on.
  public static let here = "here"

  /// Every device with one clause, this machine first.
  ///
  /// - Throws: `UserError` when the folder cannot be read, or a profile is wrong.
  public static func entries() throws -> [Catalogue.Entry] {
    [.init(name: here, summary: "this machine, its kernels timed (\(processor))")]
      + (try profiles().map { .init(name: $0.name, summary: $0.summary) })
  }

  /// Every profile, by name.
  static func profiles() throws -> [DeviceProfile] {
    guard let place = ToolData.path(of: folder),
      let files = try? FileManager.default.contentsOfDirectory(atPath: place)
    else {
      throw UserError(
        .usage,
        "'\(folder)' with the device profiles is not here; set BITBUDGET_DATA to its folder's folder"
      )
    }
    return try files.filter { $0.hasSuffix(".yaml") }.sorted().map {
      try profile(at: "\(place)/\($0)")
    }
  }

  private static func text(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(.failed, "the device '\(path)' cannot be read")
    }
    return String(decoding: data, as: UTF8.self)
  }

  private static func profile(at path: String) throws -> DeviceProfile {
    try DeviceProfile(parsing: text(path), file: path)
  }

  /// The device of a name or a file, for one network.
  ///
  /// - Parameters:
  ///   - name: ``here``, a profile's name, a profile's file (`.yaml`), or somebody's measurements
  ///     (`.json`, `.csv`).
  ///   - geometry: The network.
  ///   - precisions: What may be chosen, by layer: kernels of this machine that were not timed yet are.
  ///   - threads: Threads of a kernel of this machine.
  /// - Throws: `UserError` that says what there is and what would be needed.
  static func named(
    _ name: String, for geometry: ModelGeometry, precisions: [String: [Precision]], threads: Int,
    progress: @escaping ProgressHandler
  ) throws -> any LatencyModel {
    if name == here {
      return try KernelCache(threads: threads)
        .filled(for: geometry, precisions: precisions, progress: progress).table
        .measured(for: geometry)
    }
    if name.hasSuffix(".yaml") { return try profile(at: name) }
    if name.hasSuffix(".csv") || name.hasSuffix(".json") {
      let text = try text(name)
      if let table = try? JSONDecoder().decode(KernelTable.self, from: Data(text.utf8)),
        table.schema == KernelTable.schema
      {
        return table.measured(for: geometry)
      }
      return try ImportedLatencies(parsing: text, file: name)
    }
    let known = try profiles()
    guard let profile = known.first(where: { $0.name == name }) else {
      let error = UserError.unknown(name, "device", known: [here] + known.map(\.name))
      throw UserError(
        .usage,
        "\(error.description); another device needs a profile (.yaml, like those in \(folder)) or a table of "
          + "its latencies (.csv or .json)")
    }
    return profile
  }

  /// The processor in its maker's words.
  static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":", maxSplits: 1).last.map(String.init)
    return name?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
  }
}

/// The timed kernels of this machine, in a file that all models share.
struct KernelCache {
  /// The kernels.
  private(set) var table: KernelTable
  /// Kernels that were timed by the last ``filled(for:precisions:progress:)``.
  private(set) var timed = 0
  private let path: String

  /// The file's table; an empty one where there is none, or it is of another processor.
  ///
  /// The folder is `BITBUDGET_DEVICES`, or `bitbudget/devices` in the user's cache. No library is loaded:
  /// what was timed is planned from at once.
  init(threads: Int) {
    path = "\(Self.folder)/here-\(threads).json"
    let processor = Devices.processor
    if let data = FileManager.default.contents(atPath: path),
      let stored = try? JSONDecoder().decode(KernelTable.self, from: data),
      stored.schema == KernelTable.schema, stored.processor == processor, stored.threads == threads
    {
      table = stored
    } else {
      table = KernelTable(
        device: Devices.here, processor: processor, threads: threads, libraries: [:])
    }
  }

  /// The libraries that kernels are timed with.
  ///
  /// - Throws: `UserError` when oneDNN is not there.
  private static func libraries() throws -> [String: String] {
    do {
      return ["oneDNN": try Kernel.libraryVersion(), "libtorch": Engine.version]
    } catch let error as KernelError {
      throw UserError(.failed, "kernels cannot be timed: \(error.description)")
    }
  }

  private static var folder: String {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["BITBUDGET_DEVICES"] { return folder }
    let cache =
      environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? ".")/.cache"
    return "\(cache)/bitbudget/devices"
  }

  /// The table with every kernel that a network's candidates need.
  ///
  /// - Throws: `UserError` when a kernel cannot be timed, or the file not be written.
  func filled(
    for geometry: ModelGeometry, precisions: [String: [Precision]],
    progress: @escaping ProgressHandler
  ) throws -> KernelCache {
    var cache = self
    let needed = KernelTable.needed(geometry, precisions: precisions)
    guard !table.missing(of: needed).isEmpty else { return cache }
    let libraries = try Self.libraries()
    if table.libraries != libraries {
      // Times of other libraries' kernels are of no use beside those of these.
      cache.table = KernelTable(
        device: Devices.here, processor: table.processor, threads: table.threads,
        libraries: libraries)
    }
    let missing = cache.table.missing(of: needed)
    let counter = ProgressCounter("timing kernels", handler: progress)
    let timer = KernelTimer(threads: table.threads)
    for key in missing {
      cache.table.add(try timer.row(key))
      cache.timed += 1
      counter.advance(by: 1 / Double(missing.count))
    }
    counter.finish()
    try cache.write()
    return cache
  }

  /// The table with the whole runs of a network.
  mutating func add(_ runs: KernelTable.WholeRuns) throws {
    table.add(runs)
    try write()
  }

  private func write() throws {
    try? FileManager.default.createDirectory(
      atPath: Self.folder, withIntermediateDirectories: true)
    try AtomicFile.write(Tool.json(table), to: path)
  }
}
