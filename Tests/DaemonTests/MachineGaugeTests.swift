import Core
import Foundation
import Testing

@testable import Daemon

@Suite final class MachineGaugeTests {
    private let proc: String

    init() throws {
        proc = NSTemporaryDirectory() + "/orch-gauge-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: proc + "/pressure", withIntermediateDirectories: true)
        try write("meminfo", "MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable:  409600 kB\n")
        try write("loadavg", "0.00 0.00 0.00 1/100 1\n")
    }

    deinit { try? FileManager.default.removeItem(atPath: proc) }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(proc)/\(name)", atomically: true, encoding: .utf8)
    }

    private func shortage(_ change: (inout Admission) -> Void) -> Shortage? {
        var admission = Admission()
        admission.memoryAvailable = nil
        admission.memoryPressure = nil
        admission.diskFree = nil
        change(&admission)
        return MachineGauge(admission, directory: proc, proc: proc).shortage()
    }

    @Test func `what is available counts, not what is free`() {
        #expect(shortage { $0.memoryAvailable = 400 << 20 } == nil)
        #expect(shortage { $0.memoryAvailable = 401 << 20 } == .memory(free: 400 << 20, wanted: 401 << 20))
    }

    @Test func `pressure is the share of the last ten seconds`() throws {
        try write("pressure/memory", "some avg10=61.20 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00\n")
        #expect(shortage { $0.memoryPressure = 62 } == nil)
        #expect(shortage { $0.memoryPressure = 61 } == .memoryPressure(61, limit: 61))
    }

    @Test func `without pressure the load says as much`() throws {
        #expect(shortage { $0.cpuPressure = 1 } == nil)
        let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
        try write("loadavg", "\(processors * 4) 0.00 0.00 1/100 1\n")
        #expect(shortage { $0.cpuPressure = 75 } == .cpuPressure(75, limit: 75))
        try write("pressure/cpu", "some avg10=3.00 avg60=0.00 avg300=0.00 total=1\n")
        #expect(shortage { $0.cpuPressure = 75 } == nil)
    }

    @Test func `room on the disk is that of the state directory`() throws {
        let disk = shortage { $0.diskFree = 1 << 50 }
        guard case .disk(let free, wanted: 1 << 50)? = disk else { throw Unexpected(disk) }
        #expect(free > 0)
    }

    @Test func `what cannot be read is held against nobody`() {
        let all = Admission()
        let gauge = MachineGauge(all, directory: "/nowhere", proc: "/nowhere")
        #expect(gauge.shortage() == nil)
    }

    @Test func `this machine can be read`() throws {
        var admission = Admission()
        admission.memoryAvailable = 1 << 50
        let found = MachineGauge(admission, directory: "/tmp").shortage()
        guard case .memory(let free, _)? = found else { throw Unexpected(found) }
        #expect(free > 1 << 20)
    }

    private struct Unexpected: Error { init(_ value: Shortage?) { print(value as Any) } }
}
