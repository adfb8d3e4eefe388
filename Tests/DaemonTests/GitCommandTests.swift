import Glibc
import Testing

@testable import Daemon

@Suite struct GitCommandTests {
    private func shell(_ script: String) -> ShellCommand {
        ShellCommand(["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"])
    }

    @Test func bothStreamsAndTheExitCodeComeBack() throws {
        let output = try shell("echo out; echo err >&2; exit 3").run()
        #expect(output.line == "out")
        #expect(Git.text(output.standardError) == "err\n")
        #expect(output.exitCode == 3)
    }

    @Test func aMegabyteGoesThroughBothWays() throws {
        var command = ShellCommand(["/bin/cat"], environment: [])
        command.input = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try command.run().standardOutput == command.input)
    }

    @Test func aChildThatDoesNotReadItsInputNeitherHangsNorKills() throws {
        for _ in 0..<20 {
            var command = ShellCommand(["/bin/true"], environment: [])
            command.input = [UInt8](repeating: 65, count: 1 << 20)
            #expect(try command.run().exitCode == 0)
        }
    }

    @Test func theTimeLimitEndsTheChildAndItsChildren() throws {
        var command = shell("sleep 1000 & sleep 1000")
        command.timeout = .milliseconds(100)
        let start = ContinuousClock.now
        let output = try command.run()
        #expect(output.timedOut && output.signal == SIGKILL)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func aGrandchildThatKeepsThePipesOpenIsNotWaitedForAndEnds() throws {
        let output = try shell("sleep 1000 & echo $!").run()
        let pid = try #require(pid_t(output.line))
        // It is killed before we return; init (or whoever reaps) may take a moment to bury it.
        let deadline = ContinuousClock.now + .seconds(30)
        var state: Character? = "?"
        while let status = GitFiles.line("/proc/\(pid)/stat"), ContinuousClock.now < deadline {
            state = status.split(separator: ")").last?.dropFirst().first
            if state == "Z" { break }
            usleep(1000)
        }
        #expect(state == "Z" || GitFiles.line("/proc/\(pid)/stat") == nil)
    }

    @Test func outputBeyondTheLimitIsCutAndMarked() throws {
        var command = shell("while :; do echo 0123456789; done")
        command.outputLimit = 1000
        let output = try command.run()
        #expect(output.isTruncated && output.standardOutput.count == 1000)
    }

    @Test func anInheritedDescriptorIsTheChildsThird() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        var command = shell("echo through >&3")
        command.inherited = [ends[1]]
        _ = try command.run()
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(ends[0], &buffer, 64)
        close(ends[0])
        #expect(Git.text(buffer.prefix(max(0, count))) == "through\n")
    }

    @Test func aProgramThatIsNotThereIsOneClearError() {
        #expect(throws: ShellCommand.StartFailure.self) {
            try ShellCommand(["/nowhere/program"], environment: []).run()
        }
    }

    @Test func theChildHasNoTerminalAndOnlyTheEnvironmentGiven() throws {
        let output = try ShellCommand(["/usr/bin/env"], environment: ["ONLY=this"]).run()
        #expect(output.lines == ["ONLY=this"])
    }

    @Test func manyThreadsAtOnceEachGetTheirOwnAnswer() async throws {
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let command = ShellCommand(
                        ["/bin/sh", "-c", "echo \(number); exit \(number % 7)"],
                        environment: []
                    )
                    guard let output = try? command.run() else { return false }
                    return output.line == "\(number)" && output.exitCode == Int32(number % 7)
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
