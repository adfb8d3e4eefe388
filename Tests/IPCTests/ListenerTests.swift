import Foundation
import IPC
import Testing

@Suite struct ListenerTests {
    private func serve(_ path: String) throws(RPCError) -> EventServer {
        try EventServer(
            path: path,
            lastSeq: 0,
            callbacks: .init(greeting: { ["protocol": 1] }, handler: { _, _, _ in }, history: { _, _ in .page([]) })
        )
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func theSocketIsForItsOwnerAlone() throws {
        let directory = TemporaryDirectory()
        let server = try serve(directory.path + "/a/b/orch.sock")
        #expect(try mode(directory.path + "/a") == 0o700)
        #expect(try mode(directory.path + "/a/b") == 0o700)
        #expect(try mode(server.path) == 0o600)
    }

    @Test func aSecondDaemonIsRefusedAndTheFirstGoesOn() throws {
        let directory = TemporaryDirectory()
        let server = try serve(directory.path + "/orch.sock")
        #expect {
            try serve(server.path)
        } throws: {
            ($0 as? RPCError)?.message == "another daemon is listening on \(server.path)"
                && ($0 as? RPCError)?.code == .refused
        }
        #expect(try Client.connect(path: server.path).hello.version == 1)
    }

    @Test func aSocketThatACrashLeftBehindIsReplaced() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/orch.sock"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
        #expect(failed == 0 && FileManager.default.fileExists(atPath: path))
        #expect {
            try Client.connect(path: path)
        } throws: {
            ($0 as? RPCError)?.code == .daemonNotRunning
        }
        let server = try serve(path)
        #expect(try Client.connect(path: server.path).hello.version == 1)
    }

    @Test func aFileInTheWayIsNotRemoved() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/orch.sock"
        try "precious".write(toFile: path, atomically: false, encoding: .utf8)
        #expect {
            try serve(path)
        } throws: {
            ($0 as? RPCError)?.message == "\(path) is in the way: it is not a socket"
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test func aPathThatIsTooLongIsNamedWithTheBound() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/" + String(repeating: "x", count: 120)
        #expect {
            try serve(path)
        } throws: {
            ($0 as? RPCError)?.message
                == "the socket path has \(path.utf8.count) bytes, 107 are possible: \(path)"
        }
        let longest = directory.path + "/" + String(repeating: "x", count: 106 - directory.path.utf8.count)
        #expect(longest.utf8.count == 107)
        let server = try serve(longest)
        #expect(try Client.connect(path: server.path).hello.version == 1)
    }

    @Test func onlyItsOwnSocketIsRemovedAtTheEnd() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/orch.sock"
        let server = try serve(path)
        try "precious".write(toFile: path + ".new", atomically: false, encoding: .utf8)
        #expect(rename(path + ".new", path) == 0)
        server.stop()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        unlink(path)
        try serve(path).stop()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
    }

    // MARK: Where it is

    private func refusal(_ path: String) -> String? {
        do {
            _ = try serve(path)
            return nil
        } catch { return error.message }
    }

    @Test func aDirectoryThatOthersMayWriteToIsRefusedUnlessItIsSticky() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/orch.sock"
        for mode: mode_t in [0o777, 0o770, 0o702] {
            chmod(directory.path, mode)
            #expect(
                refusal(path)
                    == "others may write to the socket's directory \(directory.path) (mode \(String(mode, radix: 8))), "
                    + "and put a socket of their own in the daemon's place"
            )
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        for mode: mode_t in [0o755, 0o711, 0o1777] {
            chmod(directory.path, mode)
            #expect(refusal(path) == nil)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give a directory away"))
    func aDirectoryOfSomebodyElsesIsRefused() throws {
        let directory = TemporaryDirectory()
        let theirs = directory.path + "/theirs"
        mkdir(theirs, 0o700)
        chown(theirs, 4711, 4711)
        let consequence =
            "belongs to another user (uid 4711), who could put a socket of their own in the daemon's place"
        #expect(refusal(theirs + "/orch.sock") == "the socket's directory \(theirs) \(consequence)")
        // Nor is a link of theirs that leads to a directory of ours.
        let (ours, link) = (directory.path + "/ours", directory.path + "/link")
        mkdir(ours, 0o700)
        symlink(ours, link)
        #expect(refusal(link + "/orch.sock") == nil)
        lchown(link, 4711, 4711)
        #expect(
            refusal(link + "/orch.sock") == "the link \(link), which leads to the socket's directory, \(consequence)"
        )
    }

    @Test func aLinkInTheSocketsPlaceIsNeitherFollowedNorRemoved() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/orch.sock"
        let other = try serve(directory.path + "/other.sock")
        for target in [other.path, directory.path + "/nothing", directory.path] {
            symlink(target, path)
            #expect(refusal(path) == "\(path) is in the way: it is a link")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == target)
            unlink(path)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["other.sock"])
    }
}
