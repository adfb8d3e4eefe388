import Foundation
import Glibc
import IPC
import Testing

/// The unit in `packaging/`, obeyed by a small stand-in for systemd: what it is asked to signal, and when to start again.
@Suite("The service's unit, end to end", .ownThread)
struct ServiceTests {
    @Test func anAgentGoesOnWhileItsServiceIsRestarted() throws {
        let unit = try Unit()
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("go")
            try world.agent("T-1", "read go < \"$WORLD/gates/go\"; echo done > done.txt")
            try world.enqueue(repository, ["locks": ["done.txt"]])
            let waiting = try gate.arrival()
            let agent = try process(of: "T-1.1", world)

            // systemctl restart
            try unit.stop(world)
            #expect(try world.waitForEnd() == 0)
            #expect(agent.isAlive)
            try world.restart()

            // It crashes, which is a failure.
            try world.kill9()
            #expect(unit.startsAgain(afterCleanEnd: false))
            try world.restart()
            #expect(agent.isAlive)

            waiting.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(world.events("run.requested", "T-1").filter { $0.params["run"] == "T-1.1" }.count == 1)
            #expect(try repository.landed() == ["T-1"])

            // orch quit, which is not.
            #expect(try world.quit() == 0)
            #expect(!unit.startsAgain(afterCleanEnd: true))
        }
    }

    @Test func theUnitLeavesRunsToTheirOwnEnd() throws {
        let unit = try Unit()
        #expect(unit["ExecStart"] == "/usr/bin/orch daemon")
        // Not stopped as a whole when an agent runs out of memory, nor short of processes for a crowd.
        #expect(unit["OOMPolicy"] == "continue" && unit["TasksMax"] == "infinity")
        #expect(unit["Delegate"] == "yes")
    }
}

/// What `packaging/orch.service` says.
private struct Unit {
    private var settings: [String: String] = [:]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "packaging/orch.service"), encoding: .utf8)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            settings[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
    }

    subscript(key: String) -> String? { settings[key] }

    /// `systemctl stop`: SIGTERM to those that KillMode says (systemd.kill(5)).
    func stop(_ world: World) throws {
        let daemon = try #require(world.daemon)
        switch settings["KillMode"] {
        case "process": daemon.signal(SIGTERM)
        case "mixed":
            daemon.signal(SIGTERM)
            for pid in world.livingProcesses() where pid != daemon.pid { kill(pid, SIGKILL) }
        default: for pid in world.livingProcesses() { kill(pid, SIGTERM) }
        }
    }

    /// What Restart says of a main process that has ended.
    func startsAgain(afterCleanEnd isClean: Bool) -> Bool {
        switch settings["Restart"] {
        case "always": true
        case "on-failure": !isClean
        default: false
        }
    }
}
