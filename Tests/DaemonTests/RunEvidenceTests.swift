import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite struct RunEvidenceTests {
    /// A run's folder and a worktree, removed at the end.
    private func withFolders(_ body: (RunEvidence) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "orch-evidence-\(UUID().uuidString)").path
        for name in ["run", "worktree/deep/er", "git/logs"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
        }
        defer { try? FileManager.default.removeItem(atPath: root) }
        try write("gitdir: \(root)/git\n", "\(root)/worktree/.git")
        try body(RunEvidence(folder: RunFolder(path: "\(root)/run"), worktree: "\(root)/worktree"))
    }

    private func write(_ text: String, _ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        try #require(Glibc.write(file, text, text.utf8.count) == text.utf8.count)
    }

    /// Change times come from a clock that moves every few milliseconds: one later than all there are.
    private func laterThan(_ moment: Int64) { while RunClock.now().milliseconds <= moment + 20 { usleep(1000) } }

    @Test func aFileThatChangesDeepInTheWorktreeIsSeen() throws {
        try withFolders { evidence in
            try write("a", "\(evidence.worktree)/deep/er/a.txt")
            let before = try #require(evidence.newestFile)
            laterThan(before)
            try write("b", "\(evidence.worktree)/deep/er/a.txt")
            let changed = try #require(evidence.newestFile)
            #expect(changed > before)
            // Also where its date is set back, and where it only goes.
            laterThan(changed)
            utimes("\(evidence.worktree)/deep/er/a.txt", [timeval(), timeval()])
            let dated = try #require(evidence.newestFile)
            #expect(dated > changed)
            laterThan(dated)
            unlink("\(evidence.worktree)/deep/er/a.txt")
            #expect(try #require(evidence.newestFile) > dated)
        }
    }

    @Test func aCommitIsSeenAndLooksLeaveNoTrace() throws {
        try withFolders { evidence in
            let before = try #require(evidence.newestFile)
            laterThan(before)
            #expect(evidence.newestFile == before)
            let git = URL(filePath: evidence.worktree).deletingLastPathComponent().appending(path: "git").path
            try write("commit", "\(git)/logs/HEAD")
            #expect(try #require(evidence.newestFile) > before)
        }
    }

    @Test func aWorktreeThatIsGoneSaysNothing() {
        let evidence = RunEvidence(folder: RunFolder(path: "/nonexistent"), worktree: "/nonexistent")
        #expect(evidence.newestFile == nil)
        #expect(evidence.output.bytes == 0 && evidence.output.at == nil)
    }

    @Test func outputIsTheBytesOfBothStreamsAndTheDateOfTheLast() throws {
        try withFolders { evidence in
            try write("", evidence.folder.file("stdout"))
            #expect(evidence.output.at == nil)
            try write("abc", evidence.folder.file("stdout"))
            try write("de", evidence.folder.file("stderr"))
            #expect(evidence.output.bytes == 5)
            let at = try #require(evidence.output.at)
            #expect(abs(at - RunClock.now().milliseconds) < 60_000)
        }
    }

    /// A shell stands for the runner: what it has started counts, living, dead or left behind by its parent.
    @Test func cpuTimeIsThatOfEverythingBelowTheRunner() throws {
        try withFolders { evidence in
            let gate = "\(evidence.worktree)/gate"
            try #require(mkfifo(gate, 0o600) == 0)
            let spin = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", "(\(spin)); sh -c '\(spin); read x < \(gate)'; :"]
            try process.run()
            defer {
                process.terminate()
                let open = open(gate, O_RDWR | O_NONBLOCK | O_CLOEXEC)
                _ = Glibc.write(open, "x\n", 2)
                process.waitUntilExit()
                close(open)
            }
            var status = cs_process()
            try #require(cs_process_status(process.processIdentifier, &status) == 0)
            let runner = "pid \(status.pid)\nstart \(status.start)\nboot x\n"
            try evidence.folder.write("runner", Array(runner.utf8))

            let deadline = ContinuousClock.now + .seconds(60)
            var cpu: Int64 = 0
            while cpu < 20_000, ContinuousClock.now < deadline {
                let next = RunEvidence.cpu(of: [evidence.folder])[evidence.folder] ?? 0
                #expect(next >= cpu)
                cpu = next
                usleep(1000)
            }
            #expect(cpu >= 20_000)
            // Another process with that number would be another one.
            try evidence.folder.write("runner", Array("pid \(status.pid)\nstart 1\nboot x\n".utf8))
            #expect(RunEvidence.cpu(of: [evidence.folder]) == [:])
        }
    }
}
