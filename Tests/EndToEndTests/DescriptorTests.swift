import Foundation
import Glibc
import IPC
import Testing

/// The daemon at its limit of descriptors.
@Suite("Descriptors, end to end", .ownThread)
struct DescriptorTests {
    private func limit(_ world: World) throws -> (soft: Int, hard: Int) {
        let limits = try String(contentsOfFile: "/proc/\(try #require(world.daemon).pid)/limits", encoding: .utf8)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let fields = line.split(whereSeparator: \.isWhitespace)
        return (try #require(Int(fields[3])), try #require(Int(fields[4])))
    }

    /// The number of the next descriptor the daemon would get.
    private func nextDescriptor(_ world: World) throws -> Int {
        let path = "/proc/\(try #require(world.daemon).pid)/fd"
        let open = Set(try FileManager.default.contentsOfDirectory(atPath: path).compactMap { Int($0) })
        return (0...).first { !open.contains($0) } ?? 0
    }

    /// A ticket's agent runs, and it lands.
    private func land(_ id: String, _ repository: ScratchRepository, _ world: World) throws {
        try world.agent(id, "ulimit -Sn > \"$WORLD/limit\"; echo a > \(id).txt")
        try world.enqueue(repository, ["id": .string(id)])
        try world.waitUntilLanded([id])
    }

    @Test func aCrowdLeavesRoomForTheWork() throws {
        try World.run(starting: false) { world in
            world.wrapper = ["/bin/sh", "-c", "ulimit -Sn 200; ulimit -Hn 512; exec \"$0\" \"$@\""]
            try world.start()
            #expect(try limit(world) == (512, 512))
            let repository = try world.repository()
            var crowd: [RawClient] = []
            while crowd.count < 600 {
                let client = try RawClient(world.socket)
                let first = try JSONValue(parsing: client.line())
                guard first["method"] == "hello" else {
                    #expect(first["method"] == "goodbye" && first["params"]?["reason"] == "too many connections")
                    break
                }
                crowd.append(client)
            }
            #expect(crowd.count > 200 && crowd.count < 300, "\(crowd.count)")
            let refused = try run([World.orch, "status"], environment: world.environment)
            #expect(refused.code == 3 && refused.error.contains("too many connections"), "\(refused)")
            // The work has what it needs, and an agent the limit that the daemon was started with.
            try land("T-1", repository, world)
            #expect(try String(contentsOfFile: world.folder + "/limit", encoding: .utf8) == "200\n")
            try crowd[100].send(#"{"jsonrpc":"2.0","id":1,"method":"tick"}"# + "\n")
            _ = try crowd[100].answer()
            crowd.removeLast()
            try poll(for: "room for one more") {
                try run([World.orch, "status"], environment: world.environment).code == 0
            }
        }
    }

    @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "there is no prlimit"))
    func withoutAnyDescriptorItServesThoseWhoAreThereAndDoesNotSpin() throws {
        try World.run { world in
            let repository = try world.repository()
            let daemon = try #require(world.daemon)
            func setLimit(_ soft: Int) throws {
                let arguments = ["/usr/bin/prlimit", "--pid", "\(daemon.pid)", "--nofile=\(soft):"]
                #expect(try run(arguments, environment: [:]).code == 0)
            }
            let before = try limit(world).soft
            // Those that are open stay, and there are no others, once what it is at has ended.
            try poll(for: "a client to be turned away") {
                try setLimit(try nextDescriptor(world))
                let late = try RawClient(world.socket)
                return try JSONValue(parsing: late.line())["params"]?["reason"] == "too many connections"
            }
            // Not even the one in reserve: who comes waits.
            try setLimit(3)
            let waiting = try (0..<20).map { _ in try RawClient(world.socket) }
            try world.ask("tick")
            // One that spins never sleeps.
            try poll(for: "the thread to sleep", within: .seconds(20)) { try world.socketThreadSleeps() }
            try world.ask("tick")
            try setLimit(before)
            for client in waiting {
                let first = try JSONValue(parsing: client.line())
                #expect(first["method"] == "hello" || first["params"]?["reason"] == "too many connections")
            }
            try land("T-1", repository, world)
        }
    }
}
