import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// A daemon whose socket is taken away from under it.
@Suite("The socket's place, end to end", .ownThread)
struct SocketPlaceTests {
    /// A daemon whose socket has directories of its own.
    private func run(_ body: (World) throws -> Void) throws {
        try World.run(starting: false) { world in
            world.environment["ORCH_SOCKET"] = world.folder + "/a/b/orch.sock"
            try world.start()
            _ = try world.repository()
            try body(world)
        }
    }

    private func orch(_ arguments: [String], _ world: World) throws -> ProgramOutput {
        try EndToEndTests.run(
            [World.orch] + arguments,
            environment: world.environment,
            directory: world.folder + "/repo"
        )
    }

    private func log(_ world: World) throws -> String { try String(contentsOfFile: world.log, encoding: .utf8) }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test func aSocketThatIsTakenAwayIsMadeAnew() throws {
        try run { world in
            let (socket, a) = (world.socket, world.folder + "/a")
            let ways: [(String, () -> Void)] = [
                ("removed", { unlink(socket) }),
                ("renamed", { rename(socket, socket + ".old") }),
                ("replaced by one that a dead daemon left", { self.leaveSocket(at: socket) }),
                (
                    "its directory removed",
                    {
                        // The daemon may be quicker than whoever cleans up.
                        while unlink(socket) != 0 || rmdir(a + "/b") != 0 { unlink(socket + ".old") }
                    }
                ),
                ("its directory renamed", { rename(a + "/b", a + "/c") }),
                ("the directory above renamed", { rename(a, world.folder + "/d") }),
            ]
            for (name, takeAway) in ways {
                let before = try log(world).split(separator: "\n").count
                takeAway()
                // At once, so to speak: the command waits for a daemon that lives.
                let status = try orch(["status"], world)
                #expect(status.code == 0, "\(name): \(status)")
                #expect(mode(socket) == 0o600 && mode(a + "/b") == 0o700, "\(name)")
                let lines = try log(world).split(separator: "\n").dropFirst(before)
                let said = "the socket \(socket) was removed or replaced; it has been made anew"
                #expect(lines.contains { $0.contains(said) }, "\(name): \(lines)")
                // Who was connected is connected still.
                try world.ask("tick")
            }
            #expect(try world.quit() == 0)
            #expect(access(socket, F_OK) != 0)
        }
    }

    /// A socket that nobody listens on, moved over what is at `path`.
    private func leaveSocket(at path: String) {
        TestListener(path + ".left").close()
        rename(path + ".left", path)
    }

    @Test func whatSomebodyPutsInItsPlaceIsLeftAloneAndSaid() throws {
        try run { world in
            let socket = world.socket
            let pid = try #require(world.daemon).pid
            let foreign = TestListener(socket + ".foreign")
            defer { foreign.close() }
            let ways = [
                ("\(socket) is in the way: it is not a socket", socket + ".file"),
                ("\(socket) is in the way: it is a link", socket + ".link"),
                ("another daemon is listening on \(socket)", socket + ".foreign"),
            ]
            try world.write(socket + ".file", "mine")
            symlink(socket + ".elsewhere", socket + ".link")
            for (why, other) in ways {
                #expect(rename(other, socket) == 0)
                var identity = stat()
                lstat(socket, &identity)
                let sentence = "nobody can connect to it: \(why)"
                try poll(for: sentence) { try log(world).contains(sentence) }
                // Whoever asks the other daemon is its client.
                if !why.hasPrefix("another") {
                    for command in why.hasSuffix("link") ? [["status"]] : [["run", "--title", "x"], ["init"]] {
                        let answer = try orch(command, world)
                        #expect(answer.code == 1, "\(command) \(answer)")
                        #expect(
                            answer.error.contains("a daemon is running (pid \(pid)), but it cannot be reached: "),
                            "\(command): \(answer.error)"
                        )
                    }
                }
                var now = stat()
                #expect(lstat(socket, &now) == 0 && now.st_ino == identity.st_ino, "\(why): it is theirs")
                #expect(rename(socket, other) == 0)
                try poll(for: "the socket to be back") { (try? Client.connect(path: socket)) != nil }
            }
            #expect(try String(contentsOfFile: socket + ".file", encoding: .utf8) == "mine")
        }
    }

    @Test func orchsOwnDirectoryForTheSocketIsMadeNarrow() throws {
        try World.run(starting: false) { world in
            let directory = world.folder + "/run/orch"
            for (path, mode): (String, mode_t) in [(world.folder + "/run", 0o755), (directory, 0o777)] {
                mkdir(path, mode)
                chmod(path, mode)
            }
            world.environment["ORCH_STATE_DIR"] = nil
            world.environment["XDG_RUNTIME_DIR"] = world.folder + "/run"
            let daemon = try Child([World.orch, "daemon"], environment: world.environment)
            try poll(for: "the daemon") { (try? Client.connect(path: directory + "/orch.sock")) != nil }
            #expect(mode(directory) == 0o700)
            #expect(mode(world.folder + "/run") == 0o755)
            daemon.signal(SIGTERM)
            #expect(try daemon.wait().code == 0)
        }
    }

    @Test func aDaemonThatListensElsewhereIsNamedWithItsSocket() throws {
        try run { world in
            let pid = try #require(world.daemon).pid
            for command in [["status"], ["run", "--title", "x"]] {
                let answer = try orch(command + ["--socket", world.folder + "/other.sock"], world)
                #expect(answer.code == 1)
                let sentence =
                    "the daemon (pid \(pid)) listens on another socket, \(world.socket), not on \(world.folder)/other.sock"
                #expect(answer.error.contains(sentence), "\(command): \(answer.error)")
                #expect(answer.error.contains("use --socket \(world.socket)"), "\(answer.error)")
            }
            // One that was killed is no daemon, whatever it has left.
            try world.kill9()
            let answer = try orch(["status"], world)
            #expect(answer.code == 3 && answer.error.contains("no daemon is listening on"), "\(answer)")
        }
    }

    @Test func whatElseHappensInItsDirectoryWakesNobody() throws {
        try run { world in
            try world.ask("tick")
            // Asleep again once it has answered.
            try poll(for: "the thread to sleep") { try world.socketThreadSleeps() }
            let before = try world.socketThread("voluntary_ctxt_switches")
            for number in 0..<100 {
                let name = "\(world.folder)/a/b/other\(number)"
                try world.write(name, "")
                rename(name, name + "x")
                unlink(name + "x")
            }
            #expect(try world.socketThread("voluntary_ctxt_switches") == before)
        }
    }
}

/// A socket that somebody else listens on, and never answers.
private final class TestListener {
    private let descriptor: Int32

    init(_ path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        listen(descriptor, 8)
    }

    func close() { _ = Glibc.close(descriptor) }
}
