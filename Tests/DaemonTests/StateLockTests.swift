import Dispatch
import Foundation
import Glibc
import Testing

@testable import Daemon

/// Who may have the state directory.
@Suite struct StateLockTests {
    private let folder: StateFolder
    private var path: String { folder.database + ".lock" }
    /// Holds the lock, as a child does that has it from the daemon it was made by.
    private let holder: Int32

    init() throws {
        folder = try StateFolder()
        holder = open(folder.database + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(flock(holder, LOCK_EX | LOCK_NB) == 0)
    }

    private func write(_ pid: pid_t) { _ = "\(pid)\n".withCString { pwrite(holder, $0, strlen($0), 0) } }

    @Test func whatAKilledDaemonsChildHoldsForAMomentIsWaitedFor() throws {
        let daemon = try Process.run(URL(filePath: "/bin/true"), arguments: [])
        daemon.waitUntilExit()
        write(daemon.processIdentifier)
        let descriptor = holder
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(200)) { close(descriptor) }
        try StateLock(path: path).release()
    }

    @Test func aDaemonThatLivesIsNotWaitedFor() throws {
        defer { close(holder) }
        write(getpid())
        #expect(throws: StateLock.AlreadyRunning.self) { try StateLock(path: path) }
    }
}
