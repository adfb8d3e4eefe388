import CMeasuring
import Foundation
import Glibc
import Measuring

/// A program on a terminal of its own, seen from the terminal's side: the bytes that come, and when.
final class Terminal {
    static let columns: Int32 = 200
    static let rows: Int32 = 50
    /// What is written in less time than this is one picture.
    private static let frameGap: Int64 = 3_000_000

    let name: String
    let descriptor: Int32
    let began: Int64
    private let child: Child
    private(set) var bytes = 0
    private(set) var frames = 0
    private(set) var lastRead: Int64 = 0
    /// What has come since the last key.
    private(set) var recent: [UInt8] = []

    init(_ name: String, _ arguments: [String], in directory: String, environment: [String: String]) throws {
        var buffer = [CChar](repeating: 0, count: 64)
        descriptor = cm_terminal(Self.columns, Self.rows, &buffer, buffer.count)
        guard descriptor >= 0 else { throw Trouble("no terminal: \(String(cString: strerror(errno)))") }
        self.name = name
        let slave = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        began = monotonic()
        child = try Child(arguments, in: directory, environment: environment, terminal: slave)
    }

    deinit {
        kill(child.pid, SIGKILL)
        try? child.wait(name)
        close(descriptor)
    }

    /// Takes what there is.
    func take() throws {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            throw Trouble("\(name) has ended; it wrote: \(String(decoding: recent.suffix(2000), as: UTF8.self))")
        }
        let now = monotonic()
        if now - lastRead > Self.frameGap { frames += 1 }
        lastRead = now
        bytes += count
        recent += buffer[..<count]
    }

    func type(_ key: Character) {
        recent.removeAll(keepingCapacity: true)
        let bytes = Array(key.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    /// Whether this has been drawn since the last key.
    func shows(_ mark: [UInt8]) -> Bool {
        recent.withUnsafeBytes { recent in
            mark.withUnsafeBytes { mark in
                var start = 0
                while start + mark.count <= recent.count {
                    if memcmp(recent.baseAddress! + start, mark.baseAddress!, mark.count) == 0 { return true }
                    start += 1
                }
                return false
            }
        }
    }

    // MARK: What the program costs

    /// What a process has used so far.
    struct Use {
        /// Nanoseconds.
        var cpu: Int64
        /// As /proc tells it: hundredths of a second.
        var ticks: Int
        /// How often it went to sleep.
        var wakeups: Int

        static func - (a: Use, b: Use) -> Use {
            Use(cpu: a.cpu - b.cpu, ticks: a.ticks - b.ticks, wakeups: a.wakeups - b.wakeups)
        }
    }

    var use: Use {
        var clock = clockid_t()
        var time = timespec()
        if clock_getcpuclockid(child.pid, &clock) == 0 { clock_gettime(clock, &time) }
        let stat = text("stat").split(separator: ")").last?.split(separator: " ") ?? []
        return Use(
            cpu: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec),
            // Fields 14 and 15; what follows the name begins with field 3.
            ticks: stat.count > 12 ? (Int(stat[11]) ?? 0) + (Int(stat[12]) ?? 0) : 0,
            wakeups: status("voluntary_ctxt_switches")
        )
    }

    /// A number in /proc/PID/status.
    func status(_ name: String) -> Int {
        let line = text("status").split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private func text(_ file: String) -> String {
        (try? String(contentsOfFile: "/proc/\(child.pid)/\(file)", encoding: .utf8)) ?? ""
    }
}
