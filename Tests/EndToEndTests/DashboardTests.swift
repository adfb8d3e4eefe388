import Foundation
import Glibc
import IPC
import Testing

/// `orch tui` in a terminal, as users have it, on a daemon at work.
@Suite(
    "The dashboard, end to end",
    .ownThread,
    .serialized,
    .enabled(if: DashboardTerminal.tmux != nil, "tmux is not installed")
)
struct DashboardTests {
    @Test func fromAnEmptyBacklogToALandedTicketByKeysAlone() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            let gates = try (1...2).map { try world.gate("\($0)") }
            try world.agent("T-1", "read go < \"$WORLD/gates/$ORCH_ATTEMPT\"; echo done > done.txt; echo it is done")
            try DashboardTerminal.run(in: world) { terminal in
                try terminal.type("\(World.orch) tui")
                try terminal.wait(for: " live")
                try terminal.press("n")
                try terminal.wait(for: "New ticket")
                try terminal.write("Größe 日本 messen")
                try terminal.press("C-s")
                try terminal.wait(for: "running   T-1 Größe 日本 messen")
                _ = try gates[0].arrival()
                try terminal.press("s")
                try terminal.wait(for: "stopped   T-1")
                try world.wait(for: "T-1", "stopped")
                try terminal.press("c")
                try terminal.wait(for: "running   T-1")
                try gates[1].open()
                try terminal.wait(for: "approval  T-1")
                try world.wait(for: "T-1", "awaiting_approval")
                #expect(repository.file("done.txt") == nil)
                try terminal.press("c")
                try terminal.wait(for: "merged    T-1")
                try world.wait(forEvent: "ticket.tidied", "T-1")
                #expect(repository.file("done.txt") == "done\n")
                try terminal.press("q")
                try terminal.expectGivenBack(status: 0)
            }
        }
    }

    /// A ticket whose agent waits to be let through, and does its `work` then.
    private static func ticketAtWork(in world: World, _ work: String) throws -> (ScratchRepository, Gate.Visitor) {
        let repository = try world.repository()
        let gate = try world.gate("work")
        try world.agent("T-1", "read go < \"$WORLD/gates/work\"; \(work)")
        try world.enqueue(repository, ["title": "Do it"])
        return (repository, try gate.arrival())
    }

    @Test func whoLeavesLeavesTheAgentsAtWork() throws {
        try World.run { world in
            let (_, visitor) = try Self.ticketAtWork(in: world, "echo done > done.txt")
            try DashboardTerminal.run(in: world) { terminal in
                try terminal.type("\(World.orch) tui")
                try terminal.wait(for: "running   T-1")
                try terminal.press("q")
                try terminal.wait(for: "1 agent is working")
                try terminal.press("l")
                try terminal.expectGivenBack(status: 0)
                #expect(try world.ask("ticket.show", ["ticket": "T-1"])["ticket"]?["state"] == "running")
                visitor.letThrough()
                try world.waitUntilLanded(["T-1"])
            }
        }
    }

    @Test func aDaemonThatIsKilledIsSaidAndFoundAgain() throws {
        try World.run { world in
            let (_, visitor) = try Self.ticketAtWork(in: world, "echo done > done.txt")
            try DashboardTerminal.run(in: world) { terminal in
                try terminal.type("\(World.orch) tui")
                try terminal.wait(for: "running   T-1 Do it")
                try world.kill9()
                #expect(try terminal.wait(for: "daemon gone").contains("running   T-1 Do it"))
                try terminal.press("s")
                try terminal.wait(for: "not possible now: the daemon is not connected")
                try world.restart()
                try terminal.wait(for: "live")
                visitor.letThrough()
                try terminal.wait(for: "merged    T-1 Do it")
                try world.waitUntilLanded(["T-1"])
                try world.kill9()
                try terminal.wait(for: "daemon gone")
                // There is nothing to ask about agents of a daemon that is not there.
                try terminal.press("q")
                try terminal.expectGivenBack(status: 0)
                try world.restart()
            }
        }
    }

    @Test func aStormOfEventsAndSizesIsOutlasted() throws {
        try World.run(agents: 1) { world in
            let (repository, visitor) = try Self.ticketAtWork(in: world, ":")
            try DashboardTerminal.run(in: world) { terminal in
                try terminal.type("\(World.orch) tui")
                try terminal.wait(for: "running   T-1 Do it")
                let began = ContinuousClock.now
                let events = world.history.count
                let sizes = try terminal.resizeAgainAndAgain(to: 100, 24, times: 100)
                var tickets = 1
                while try sizes.end() == nil || tickets < 3000 {
                    let some = (0..<200).map { JSONValue.object(["title": .string("Ticket 日本 \(tickets + $0)")]) }
                    try world.ask("ticket.enqueue", ["repository": .string(repository.path), "tickets": .array(some)])
                    tickets += some.count
                }
                print("\(world.history.count - events) events in \(ContinuousClock.now - began)")
                let screen = try terminal.wait(for: "Tickets \(tickets) ")
                let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.count == 25 && lines[23].hasSuffix(" live"), "\(screen)")
                // It still does what it is asked.
                try terminal.press("G")
                try terminal.wait(for: "─ T-\(tickets) ─")
                kill(try terminal.program(), SIGTERM)
                try terminal.expectGivenBack(status: 143)
            }
            visitor.leave()
            try world.quit("halt")
        }
    }
}
