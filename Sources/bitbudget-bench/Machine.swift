import Foundation

/// What a measurement ran on; nothing that tells whose machine it is.
struct Machine: Codable {
  /// The processor's model.
  var processor: String
  /// Cores that may be used.
  var cores: Int
  /// Bytes of memory.
  var memory: UInt64

  /// This machine.
  static var current: Machine {
    let information = ProcessInfo.processInfo
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    return Machine(
      processor: name ?? "unknown", cores: information.activeProcessorCount,
      memory: information.physicalMemory)
  }

  /// Processes that wanted a core in the last minute, on average; nil when the system does not say.
  static var load: Double? {
    var loads = [0.0]
    return getloadavg(&loads, 1) == 1 ? loads[0] : nil
  }
}
