import Core
import Foundation
import GRDB
import IPC
import Testing

@testable import Daemon

/// What has ended is in the store alone, and is found there by whoever asks.
@Suite struct SettledTicketsTests {
    /// `T-1` is at work, `T-2` and `T-3` were cancelled before they began.
    private func start(_ folder: StateFolder) throws -> EngineAtWork {
        let running = try folder.engine()
        try running.register()
        for id in ["T-1", "T-2", "T-3"] { _ = try running.enqueue(id).get() }
        for id in ["T-2", "T-3"] {
            _ = try running.ask(.commandGiven(.cancel(reason: "not \(id)"), TicketID(id))).get()
        }
        return running
    }

    private func change(_ folder: StateFolder, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test func theyLeaveTheMemoryAndNoPicture() throws {
        let folder = try StateFolder()
        let running = try start(folder)
        var picture = JSONValue.object([:])
        for line in running.said.lines where line.seq != nil {
            let message = try JSONValue(parsing: line.bytes)
            MergePatch.apply(try #require(message["params"]?["patch"]), to: &picture)
        }
        for view in [try running.look(), try restarted(running, folder)] {
            #expect(view.core.tickets.keys.map(\.text) == ["T-1"] && view.core.settled.count == 2)
            #expect(view.evidence.keys.map(\.text) == ["T-1"])
            let store = try Store(path: folder.database)
            defer { try? store.close() }
            let snapshot = try view.snapshot(daemon: [:], from: store)
            #expect(snapshot["picture"]?["tickets"] == picture["tickets"])
            let rows = try view.tickets(all: true, from: store)
            #expect(rows.map { $0["id"]?.stringValue } == ["T-1", "T-2", "T-3"])
            #expect(rows[2]["reason"]?.stringValue?.contains("not T-3") == true)
            #expect(try view.tickets(all: false, from: store).count == 1)
            let stored = try #require(try store.ticket(TicketID("T-2")))
            #expect(stored.ticket.isSettled && stored.evidence.hasSuffix("ticket.cancelled"))
        }
    }

    private func restarted(_ running: EngineAtWork, _ folder: StateFolder) throws -> Engine.View {
        try running.stop()
        let again = try folder.engine()
        let view = try again.look()
        try again.stop()
        return view
    }

    /// One that settles after a picture was taken is still what it was in that picture.
    @Test func anOldPictureHoldsWhatSettledSinceOnce() throws {
        let folder = try StateFolder()
        let running = try start(folder)
        let view = try running.look()
        _ = try running.ask(.commandGiven(.cancel(reason: ""), TicketID("T-1"))).get()
        _ = try running.enqueue("T-4").get()
        _ = try running.ask(.commandGiven(.cancel(reason: ""), TicketID("T-4"))).get()
        #expect(try running.look().core.settled.count == 3)
        let rows = try view.tickets(all: true, from: running.store)
        #expect(rows.map { $0["id"]?.stringValue } == ["T-1", "T-2", "T-3"])
        #expect(rows[0]["state"] == "running")
        try running.stop()
    }

    /// A start does not need what it says, and a daemon that did not start would help nobody: it holds no lock.
    @Test func oneThatCannotBeReadIsNamedByWhoAsksForIt() throws {
        let folder = try StateFolder()
        try start(folder).stop()
        try change(folder, "UPDATE tickets SET body = replace(body, '\"title\"', '\"tilte\"') WHERE id = 'T-2'")
        let running = try folder.engine()
        let sentence = "row \"T-2\" of its table tickets cannot be read"
        #expect(throws: Store.Unreadable.self) { try running.store.ticket(TicketID("T-2")) }
        #expect(throws: Store.Unreadable.self) { try running.look().tickets(all: true, from: running.store) }
        #expect(try running.store.ticket(TicketID("T-3")) != nil)
        try running.stop()
        var said = ""
        do {
            _ = try StoreCheck.look(at: StatePaths(environment: ["ORCH_STATE_DIR": folder.path], workingDirectory: "/"))
        } catch { said = "\(error)" }
        #expect(said.contains(sentence), "\(said)")
    }

    /// Unless it says that it is put away, it is read like any other, and keeps the daemon from starting.
    @Test func oneThatDoesNotSayThatItIsPutAwayIsReadAtTheStart() throws {
        for (body, problem) in [
            ("'{'", "row \"T-2\" of its table tickets cannot be read"),
            (
                "replace(body, '\"tidy\":\"done\"', '\"tidy\":\"gone\"')",
                "row \"T-2\" of its table tickets cannot be read"
            ),
            ("replace(body, '\"tidy\":\"done\"', '\"tidy\":\"pending\"')", nil),
            // Within a text it does not count.
            ("replace(replace(body, '\"done\"', '\"pending\"'), 'not T-2', '\\\"tidy\\\":\\\"done\\\"')", nil),
        ] {
            let folder = try StateFolder()
            try start(folder).stop()
            try change(folder, "UPDATE tickets SET body = \(body) WHERE id = 'T-2'")
            var said: String?
            do {
                let store = try Store(path: folder.database)
                defer { try? store.close() }
                let loaded = try store.load()
                #expect(loaded.state.tickets.map(\.id.text) == ["T-1", "T-2"] && loaded.state.settled.count == 1)
            } catch { said = "\(error)" }
            #expect(problem.map { said?.contains($0) ?? false } ?? (said == nil), "\(body): \(said ?? "")")
        }
    }
}
