import IPC
import Testing

@Suite("What subscribers see, end to end", .ownThread)
struct ReplayTests {
    @Test func everySubscriberSeesEveryEventOnceWhereverItBegins() throws {
        try World.run(agents: 2) { world in
            let live = try world.newClient()
            let repository = try world.repository()
            for number in 1...4 {
                try world.agent("T-\(number)", "echo \(number) > \(number).txt")
                // Nobody holds a lock before the fourth.
                try world.enqueue(repository, number == 4 ? ["locks": ["4.txt"]] : [:])
                if number == 3 { try world.expectReplayMatchesSnapshot() }
            }
            try world.wait(forEvent: "run.ended", "T-1")
            let since = Int.random(in: 0..<world.picture.seq)
            let later = try world.newClient()
            try later.subscribe(since: since)
            try world.waitUntilLanded(["T-1", "T-2", "T-3", "T-4"])
            try world.ask("tick")

            #expect(try events(of: live, through: world.picture.seq) == world.history.suffix { $0 > live.hello.seq })
            #expect(
                try events(of: later, through: world.picture.seq) == world.history.suffix { $0 > since },
                "since \(since)"
            )
            #expect(world.history.compactMap(\.seq) == Array(1...world.picture.seq))
            try world.expectReplayMatchesSnapshot()
            // And in another daemon's life.
            try world.quit()
            try world.restart()
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func aReplayOfADaemonThatHasSeenNoTicketIsItsSnapshot() throws {
        try World.run { world in
            try world.expectReplayMatchesSnapshot()
            _ = try world.repository()
            try world.expectReplayMatchesSnapshot()
        }
    }

    private func events(of client: Client, through seq: Int) throws -> [IPC.Notification] {
        var events: [IPC.Notification] = []
        while events.last?.seq != seq {
            guard let line = try client.next(timeout: patience) else { throw Failure("no event \(seq)") }
            guard case .notification(let event) = line, event.params["patch"] != nil else { continue }
            events.append(event)
        }
        return events
    }
}

extension [IPC.Notification] {
    fileprivate func suffix(_ belongs: (Int) -> Bool) -> [IPC.Notification] { filter { belongs($0.seq ?? 0) } }
}
