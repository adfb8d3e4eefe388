import CSystem
import Foundation
import Glibc
import IPC
import Testing

@Suite("Copies of the store, end to end", .ownThread)
struct BackupTests {
    /// A copy made while tickets come in is as of one event, and a daemon on it knows exactly what was true then.
    @Test func aCopyMadeUnderLoadIsExactlyTheEventsUpToItsOwn() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("agent")
            try world.agent("T-1", "read go < \"$WORLD/gates/agent\"")
            try world.enqueue(repository, ["id": "T-1"])
            let visitor = try gate.arrival()
            for number in 1...50 { try send(world.client, repository, "before-\(number)") }
            let (file, said) = (world.folder + "/copy.db", world.folder + "/said")
            let output = open(said, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(output) }
            let backup = try Child(
                [World.orch, "backup", file, "--json"],
                environment: world.environment,
                output: output,
                error: output
            )
            // Tickets come in for as long as it is at work.
            var number = 0
            while try backup.end() == nil {
                number += 1
                try send(world.client, repository, "while-\(number)")
            }
            let text = try String(contentsOfFile: said, encoding: .utf8)
            #expect(try backup.wait().code == 0, "\(text)")
            let copy = try JSONValue(parsing: text)
            let seq = try #require(copy["seq"]?.intValue)
            try world.ask("tick")
            #expect(number > 0 && seq > 50 && seq <= world.picture.seq)
            #expect(copy["path"]?.stringValue == file && copy["bytes"]?.intValue == size(file))
            visitor.leave()

            // A name that is taken is nobody's to overwrite.
            let refused = try orch(["backup", file], world)
            #expect(refused.code == 1 && refused.error.contains("it exists, and is left as it is"), "\(refused)")
            #expect(size(file) == copy["bytes"]?.intValue)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: world.folder).filter { $0.contains("copy") } == [
                    "copy.db"
                ]
            )

            // Put back as the manual says, elsewhere.
            let other = world.folder + "/restored"
            mkdir(other, 0o700)
            try FileManager.default.copyItem(atPath: file, toPath: other + "/orch.db")
            var environment = world.environment
            environment["ORCH_STATE_DIR"] = other
            let daemon = try Child([World.orch, "daemon"], environment: environment, output: output, error: output)
            let reader = try connect(other + "/orch.sock", daemon)
            var picture = Picture()
            try reader.subscribe(since: 0)
            var events: [IPC.Notification] = []
            while picture.seq < seq {
                guard case .notification(let event)? = try reader.next(timeout: patience), event.seq != nil,
                    event.params["patch"] != nil
                else { continue }
                _ = try picture.apply(event)
                events.append(event)
            }
            #expect(events == Array(world.history.prefix(seq)))
            try reader.request("daemon.quit", ["onStop": "halt"], timeout: patience)
            try daemon.wait()
        }
    }

    @Test func aCopyIsMadeWithoutADaemonAndWhatIsDamagedIsNot() throws {
        try World.run { world in
            _ = try world.repository()
            let seq = world.picture.seq
            try world.quit()
            let made = try orch(["backup", "copy.db"], world)
            #expect(made.code == 0 && made.output.hasPrefix("copy.db  0 tickets, \(seq) events"), "\(made)")
            let nowhere = try orch(["backup", "no/such/copy.db"], world)
            #expect(nowhere.code == 1 && nowhere.error.contains("cannot write no/such/copy.db"), "\(nowhere)")

            let doctor = try orch(["doctor", "--json"], world)
            let checks = try JSONValue(parsing: doctor.output)["checks"]?.arrayValue ?? []
            let store = checks.first { $0["name"] == "store" }
            #expect(store?["message"]?.stringValue?.contains("whole: 0 tickets, \(seq) events") == true, "\(doctor)")

            // A page of events, which a daemon reads only when asked.
            let database = URL(fileURLWithPath: world.state + "/orch.db")
            var bytes = try Data(contentsOf: database)
            bytes.replaceSubrange(bytes.count - 4096..<bytes.count, with: Data(repeating: 0xAA, count: 4096))
            try bytes.write(to: database)
            let examined = try orch(["doctor"], world)
            #expect(examined.code == 1 && examined.output.contains("fail  store"), "\(examined)")
            #expect(examined.output.contains("orch backup"), "\(examined)")
            let refused = try orch(["backup", "damaged.db"], world)
            #expect(refused.code == 1, "\(refused)")
            #expect(access(world.folder + "/damaged.db", F_OK) != 0)
            #expect(try Data(contentsOf: database) == bytes)
        }
    }

    private func send(_ client: Client, _ repository: ScratchRepository, _ id: String) throws {
        try client.request(
            "ticket.enqueue",
            ["repository": .string(repository.path), "tickets": [["id": .string(id), "title": .string(id)]]],
            timeout: patience
        )
    }

    private func connect(_ socket: String, _ daemon: Child) throws -> Client {
        let deadline = ContinuousClock.now + patience
        while true {
            do { return try Client.connect(path: socket) } catch {
                guard try daemon.end() == nil, ContinuousClock.now < deadline else { throw error }
                usleep(3000)
            }
        }
    }

    private func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : -1
    }

    private func orch(_ arguments: [String], _ world: World) throws -> ProgramOutput {
        try EndToEndTests.run([World.orch] + arguments, environment: world.environment, directory: world.folder)
    }
}
