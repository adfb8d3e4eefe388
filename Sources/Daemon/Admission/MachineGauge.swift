import Core
import Glibc

/// Reads how the machine is doing, when a ticket could start. Takes some ten microseconds, and keeps nothing open.
struct MachineGauge: Sendable {
    let admission: Admission
    /// On the disk that is looked at.
    let directory: String
    /// Where the kernel tells of itself.
    var proc = "/proc"

    init(_ admission: Admission, directory: String, proc: String = "/proc") {
        (self.admission, self.directory, self.proc) = (admission, directory, proc)
    }

    /// The first thing there is too little of. What cannot be read is not held against anybody.
    func shortage() -> Shortage? {
        if let wanted = admission.memoryAvailable, let free = availableMemory(), free < wanted {
            return .memory(free: free, wanted: wanted)
        }
        if let wanted = admission.diskFree, let free = FullDisk.free(at: directory), free < wanted {
            return .disk(free: free, wanted: wanted)
        }
        if let limit = admission.memoryPressure, let percent = pressure("memory"), percent >= limit {
            return .memoryPressure(percent, limit: limit)
        }
        if let limit = admission.cpuPressure, let percent = pressure("cpu") ?? load(), percent >= limit {
            return .cpuPressure(percent, limit: limit)
        }
        return nil
    }

    /// What programs can be given without swapping, as the kernel estimates it.
    private func availableMemory() -> Int? {
        guard let content = text(of: proc + "/meminfo") else { return nil }
        for line in content.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
        }
        return nil
    }

    /// The share of the last ten seconds, in percent, in which something waited: `some avg10=12.34 …`. Nil where the kernel
    /// does not account for it.
    private func pressure(_ resource: String) -> Int? {
        guard let content = text(of: "\(proc)/pressure/\(resource)"), content.hasPrefix("some avg10=") else {
            return nil
        }
        let number = content.dropFirst("some avg10=".count).prefix { $0 != " " }
        return Double(number).map { Int($0) }
    }

    /// The same from the load of the last minute: of so many that would run, as many as there are processors do.
    private func load() -> Int? {
        guard let first = text(of: proc + "/loadavg")?.split(separator: " ").first, let load = Double(first) else {
            return nil
        }
        let processors = Double(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return load <= processors ? 0 : Int(100 * (1 - processors / load))
    }

    private func text(of path: String) -> String? {
        guard case .bytes(let bytes) = FileBytes.read(path, regularOnly: true) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
