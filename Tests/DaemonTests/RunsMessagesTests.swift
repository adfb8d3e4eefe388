import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// Messages reach a run's program as whole lines, each once.
// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsMessagesTests {
    private static let echo = "while IFS= read -r line; do echo \"got $line\"; done; echo end"

    @Test func messagesArriveInOrderAndThenTheEnd() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", Self.echo], input: .messages)
            try world.supervisor.send("before it starts", number: 0, to: command.id)
            world.supervisor.start(command)
            for number in 1...500 { try world.supervisor.send("message \(number)", number: number, to: command.id) }
            try world.supervisor.endMessages(to: command.id)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(0))
            let text = try world.text(command)
            #expect(text == "got before it starts\n" + numberedLines(1...500, after: "got message ") + "end\n")
            #expect(world.supervisor.messagesTaken(by: command.id) == 501)
            #expect(throws: RunFailure("cannot send a message to run T-1.1: it has ended")) {
                try world.supervisor.send("late", number: 501, to: command.id)
            }
        }
    }

    @Test func noCrashOfADaemonLosesOrRepeatsAMessage() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", Self.echo], input: .messages)
            world.supervisor.start(command)
            for number in 0..<10 {
                let line = "message \(number)"
                if number % 2 == 0 {
                    // One daemon dies in the middle of its line.
                    let inbox = world.folder(command).file("inbox.jsonl")
                    if let file = FileHandle(forWritingAtPath: inbox) {
                        try file.seekToEnd()
                        try file.write(contentsOf: Data(line.utf8.prefix(5)))
                        try file.close()
                    }
                    world.folder(command).wakeRunner()
                }
                try world.takeOver()
                world.supervisor.start(command)
                try world.supervisor.send(line, number: number, to: command.id)
                // And another one before it knew that it had succeeded.
                try world.takeOver()
                world.supervisor.start(command)
                try world.supervisor.send(line, number: number, to: command.id)
            }
            try world.supervisor.endMessages(to: command.id)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(0))
            let text = try world.text(command)
            #expect(text == numberedLines(0...9, after: "got message ") + "end\n")
        }
    }

    @Test func aMessageLargerThanAnyPipeArrivesWhole() async throws {
        try await RunWorld.run { world in
            let line = String(repeating: "0123456789", count: 100_000)
            let command = world.command(["/bin/cat"], input: .messages)
            world.supervisor.start(command)
            try world.supervisor.send(line, number: 0, to: command.id)
            try world.supervisor.endMessages(to: command.id)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(0))
            let text = try world.text(command)
            #expect(text == line + "\n")
        }
    }

    @Test func aProgramThatDoesNotReadHoldsNothingUp() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "echo ready; exec sleep 1000"], input: .messages)
            try await world.startUntilOutput(command)
            let line = String(repeating: "x", count: 300_000)
            try world.supervisor.send(line, number: 0, to: command.id)
            try world.supervisor.send("second", number: 1, to: command.id)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
            // What was not handed on whole is known not to have been.
            #expect(world.supervisor.messagesTaken(by: command.id) == 0)
        }
    }

    @Test func aProgramThatClosesItsInputGoesOn() async throws {
        try await RunWorld.run { world in
            let script = "exec <&-; echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 7"
            let command = world.command(["/bin/sh", "-c", script], input: .messages)
            try await world.startUntilOutput(command)
            try world.supervisor.send("nobody reads this", number: 0, to: command.id)
            #expect(FileManager.default.createFile(atPath: world.root + "/go", contents: nil))
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(7))
            #expect(world.supervisor.messagesTaken(by: command.id) == 0)
        }
    }

    @Test func aMessageIsOneLineAndInItsPlace() async throws {
        try await RunWorld.run { world in
            let run = world.command([]).id
            #expect(throws: RunFailure.self) { try world.supervisor.send("two\nlines", number: 0, to: run) }
            #expect(throws: RunFailure.self) { try world.supervisor.send("third", number: 2, to: run) }
            try world.supervisor.send("first", number: 0, to: run)
            let inbox = world.folder(world.command([])).read("inbox.jsonl")
            #expect(inbox == Array("first\n".utf8))
        }
    }
}
