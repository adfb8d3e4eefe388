import Core
import Foundation
import Glibc
import IPC
import Testing

@testable import Daemon

/// The engine, where SQLite says that there is no room: a limit on the database's pages stands for the disk.
@Suite struct FullDiskTests {
    /// Long enough that it does not fit on the last page.
    private static let long = String(repeating: "long ", count: 4000)

    private func enqueue(_ running: EngineAtWork, _ id: String) throws -> Result<[Fact], Refusal> {
        let ticket = NewTicket(id: TicketID(id), title: id, profile: "p")
        return try running.ask(.enqueueAsked(RepositoryID("r1"), [ticket]), descriptions: [Self.long])
    }

    @Test func whileNothingCanBeStoredReadsSayWhatIsDurableAndCommandsSayWhy() throws {
        let folder = try StateFolder()
        let running = try folder.engine()
        try running.register()
        _ = try enqueue(running, "T-1").get()
        let before = try running.look()
        try running.limit(pages: 0)
        // Decided, and not storable: its answer is given up, not what it asked for.
        guard case .failure(let late) = try enqueue(running, "T-2") else { throw Failure("it was answered") }
        #expect(late.code == .unavailable && late.message.hasPrefix("not done yet: the disk that holds"))
        let during = try running.look()
        #expect(during.seq == before.seq)
        #expect(during.core.stored == before.core.stored)
        #expect(during.evidence == before.evidence)
        #expect(during.trouble?.contains("is full") == true)
        guard case .failure(let refused) = try enqueue(running, "T-3") else { throw Failure("it was taken") }
        #expect(refused.code == .unavailable && refused.message.hasPrefix("nothing has been changed: the disk"))
        // What happens by itself waits.
        running.engine.submit(.worktreeFailed(TicketID("T-1"), reason: "while full"))
        #expect(try running.look().core.tickets[TicketID("T-1")]?.state == before.core.tickets[TicketID("T-1")]?.state)
        #expect(!running.said.events.contains("disk.full"))

        try running.limit(pages: nil)
        try eventually("the rest to be stored") { running.said.events.contains("ticket.needs_human_review") }
        let after = try running.look()
        #expect(after.trouble == nil)
        #expect(after.core.tickets.keys.sorted() == [TicketID("T-1"), TicketID("T-2")])
        #expect(running.said.troubles.first??.contains("is full") == true)
        #expect(running.said.troubles.last == .some(nil))
        // Dense, and what is stored is what was said.
        let stored = try running.store.events(after: 0, limit: 1000)
        #expect(stored.map(\.seq) == (1...stored.count).map { $0 })
        #expect(stored.map(\.bytes) == running.said.lines.filter { $0.seq != nil }.map(\.bytes))
        try running.stop()
    }

    @Test func aDiskThatIsFullIsToldOnceAndNothingStartsUntilThereIsRoom() throws {
        let folder = try StateFolder()
        let running = try folder.engine(agents: 2)
        try running.register()
        try running.ask(.diskFilled)
        _ = try running.enqueue("T-1").get()
        let view = try running.look()
        #expect(view.core.isDiskFull)
        #expect(view.row(try #require(view.core.tickets[TicketID("T-1")]))["reason"] == "waits for room on the disk")
        let snapshot = try view.snapshot(daemon: ["version": "test"], from: running.store)
        #expect(snapshot["picture"]?["daemon"] == ["version": "test", "disk": "full"])
        // There is room here, and it looks by itself.
        try eventually("room") { running.said.events.contains("ticket.started") }
        #expect(running.said.events.filter { $0.hasPrefix("disk") } == ["disk.full", "disk.ok"])
        var picture = Picture()
        for line in running.said.lines where line.seq != nil {
            guard case .object(let object) = try JSONValue(parsing: line.bytes) else { throw Failure("no object") }
            let params = object["params"]?.objectValue ?? [:]
            _ = try picture.apply(IPC.Notification(line.topic, params))
            if line.topic == "disk.full" { #expect(picture.json["daemon"]?["disk"] == "full") }
        }
        #expect(picture.json["daemon"] == ["version": "test"])
        try running.stop()
    }

    @Test func theReserveIsGivenUpAndMadeAgain() throws {
        let folder = try StateFolder()
        let reserve = Reserve(directory: folder.path)
        try #require(reserve.take(), "there is no room in /tmp")
        let running = try folder.engine(reserve: reserve)
        try running.register()
        try running.limit(pages: 0)
        // The limit is none that giving up a file lifts: that it is given up is what is seen here.
        _ = try enqueue(running, "T-1")
        #expect(access(folder.path + "/reserve", F_OK) != 0)
        try running.limit(pages: nil)
        try eventually("room") { running.said.events.contains("disk.ok") }
        var status = stat()
        #expect(stat(folder.path + "/reserve", &status) == 0)
        #expect(status.st_size == Reserve.size && Int(status.st_blocks) * 512 >= Reserve.size)
        #expect(running.said.events.suffix(3).contains("disk.full"), "\(running.said.events)")
        try running.stop()
    }

    @Test func aDaemonThatEndsMeanwhileEnds() throws {
        let folder = try StateFolder()
        let running = try folder.engine()
        try running.register()
        try running.limit(pages: 0)
        _ = try enqueue(running, "T-1")
        try running.stop()
        let again = try folder.engine()
        #expect(try again.look().core.tickets.isEmpty)
        try again.stop()
    }

    private struct Failure: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }
}
