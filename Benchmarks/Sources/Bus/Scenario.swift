import CBus
import Glibc

/// What one run measured.
struct Run {
    /// Processor time of the server for one delivery, in microseconds; for orch and C with the publisher in it.
    var cpu: Double
    /// Latency in microseconds.
    var p50: Double
    var p99: Double
    /// Deliveries a second.
    var speed: Double
    /// Mebibytes.
    var peak: Double
    /// How often a thread of the server ran while nothing happened, per second.
    var idle: Double

    static func median(_ runs: [Run]) -> Run {
        func middle(_ value: KeyPath<Run, Double>) -> Double {
            runs.map { $0[keyPath: value] }.sorted()[runs.count / 2]
        }
        return Run(
            cpu: middle(\.cpu),
            p50: middle(\.p50),
            p99: middle(\.p99),
            speed: middle(\.speed),
            peak: middle(\.peak),
            idle: middle(\.idle)
        )
    }
}

/// A load to put on each server.
struct Scenario {
    var name: String
    /// Events a second; 0: as fast as they are read.
    var rate: Int
    var events: Int
    var subscribers: Int
    var stalled = 0

    /// Runs it once, in processes of its own that are gone afterwards; nil when something failed.
    func run(_ server: Server) -> Run? {
        var template = Array("/tmp/bus-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (socket, file) = (directory + "/s", directory + "/m")
        var processes: [Child] = []
        defer {
            for process in processes.reversed() { process.end() }
            for name in [socket, file] { unlink(name) }
            rmdir(directory)
        }
        func start(_ role: Role, _ numbers: Int...) -> Child? {
            let child = Child("/proc/self/exe", [role.rawValue, socket, file, "\(events)"] + numbers.map { "\($0)" })
            if let child { processes.append(child) }
            return child
        }
        guard let shared = cbus_share(file) else { return nil }
        defer { munmap(shared, MemoryLayout<cbus_shared>.size) }

        let serving: Child?
        var isRedis = 0
        switch server {
        case .orch: serving = start(.serveOrch, rate)
        case .c: serving = start(.serveC, rate)
        case .redis(let program):
            isRedis = 1
            let options = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
            serving = Child(program, options + ["--loglevel", "warning", "--logfile", "/dev/null"])
            if let serving { processes.append(serving) }
        }
        guard let serving, wait(10, { cbus_is_up(socket) != 0 }) else { return nil }
        let publisher = isRedis == 1 ? start(.publishRedis, rate) : serving
        guard let publisher, let load = start(.load, subscribers, stalled, isRedis) else { return nil }
        guard wait(20, { shared.pointee.connected == UInt64(subscribers) && load.isRunning }) else { return nil }

        let cpu = cbus_cpu(serving.pid)
        let started = cbus_now()
        publisher.go()
        guard wait(120, { shared.pointee.finished != 0 }), shared.pointee.finished == 1 else { return nil }
        let nanoseconds = Double(cbus_now() - started)
        let spent = Double(cbus_cpu(serving.pid) - cpu)
        let deliveries = Double(shared.pointee.deliveries)
        let before = serving.switches()
        usleep(1_000_000)
        let idle = Double(serving.switches() - before)
        return Run(
            cpu: spent / deliveries / 1000,
            p50: cbus_percentile(shared, 0.5),
            p99: cbus_percentile(shared, 0.99),
            speed: deliveries / nanoseconds * 1e9,
            peak: Double(serving.peakKiB()) / 1024,
            idle: idle
        )
    }

    private func wait(_ seconds: Int, _ condition: () -> Bool) -> Bool {
        for _ in 0..<seconds * 500 {
            if condition() { return true }
            usleep(2000)
        }
        return false
    }
}

/// A process of a run.
final class Child {
    let pid: pid_t
    private let input: Int32

    init?(_ program: String, _ arguments: [String]) {
        var pointers = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var input: Int32 = -1
        pid = cbus_start(program, &pointers, &input)
        self.input = input
        if pid < 0 { return nil }
    }

    /// Lets a publisher begin.
    func go() {
        var byte: UInt8 = 0
        _ = write(input, &byte, 1)
    }

    /// Ends it, by the end of its input, or by a signal when it does not listen to that.
    func end() {
        close(input)
        for turn in 0..<2500 {
            if waitpid(pid, nil, WNOHANG) != 0 { return }
            if turn == 250 { kill(pid, SIGTERM) }
            usleep(2000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    var isRunning: Bool { kill(pid, 0) == 0 }

    func peakKiB() -> Int { number("VmHWM:", in: "/proc/\(pid)/status") }

    /// How often its threads have been switched to, all together.
    func switches() -> Int {
        guard let directory = opendir("/proc/\(pid)/task") else { return 0 }
        defer { closedir(directory) }
        var sum = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(cString: $0.assumingMemoryBound(to: CChar.self).baseAddress!)
            }
            guard Int(name) != nil else { continue }
            sum += number("voluntary_ctxt_switches:", in: "/proc/\(pid)/task/\(name)/status")
        }
        return sum
    }

    private func number(_ key: String, in file: String) -> Int {
        guard let stream = fopen(file, "r") else { return 0 }
        defer { fclose(stream) }
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, 512, stream) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return Int(text.dropFirst(key.count).drop { !$0.isNumber }.prefix { $0.isNumber }) ?? 0
        }
        return 0
    }
}
