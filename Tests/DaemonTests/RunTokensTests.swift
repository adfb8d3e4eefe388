import Core
import Foundation
import Glibc
import IPC
import Synchronization
import Testing

@testable import Daemon

/// By what a call in the name of a run is believed, and who waits in a tool.
@Suite struct RunTokensTests {
    private let run = RunID(ticket: TicketID("T-1"), number: 1)

    @Test func aTokenIsTheRunsAloneAndOutlivesTheDaemon() throws {
        let folder = try StateFolder()
        let place = RunFolder(path: folder.path + "/T-1.1")
        let token = try RunTokens.make(in: place)
        #expect(token.utf8.count == 64 && token.allSatisfy(\.isHexDigit))
        // Asked for again, as after a crash, it is the same.
        #expect(try RunTokens.make(in: place) == token)
        var status = stat()
        #expect(stat(place.file(RunTokens.file), &status) == 0 && status.st_mode & 0o777 == 0o600)
        let tokens = RunTokens { _ in place }
        #expect(tokens.hold(token, for: run))
        let others = ["", "x", String(token.dropLast()), token + "0", String(token.reversed())]
        for other in others { #expect(!tokens.hold(other, for: run), "\(other)") }
        let none = folder.path + "/none"
        let nobody = RunTokens { _ in RunFolder(path: none) }
        #expect(!nobody.hold(token, for: run) && !nobody.hold("", for: run))
    }

    @Test func aRunWaitsAsLongAsOneOfItsCallsDoes() {
        let told = Mutex<[Bool]>([])
        let waits = ToolWaits { _, isWaiting in told.withLock { $0.append(isWaiting) } }
        let (a, b) = (ToolWaits.Call.claim(run, key: "a"), ToolWaits.Call.question(run, key: "b"))
        let (one, two) = (ConnectionID(number: 1), ConnectionID(number: 2))
        #expect(waits.since(run) == nil)
        waits.begin(a, on: one)
        waits.begin(b, on: one)
        waits.begin(b, on: two)
        #expect(waits.calls(on: one) == [a] && waits.calls(on: two) == [b])
        waits.end(a)
        waits.end(a)
        #expect(waits.since(run) != nil)
        waits.end(b)
        #expect(waits.since(run) == nil)
        #expect(told.withLock { $0 } == [true, false])
    }
}
