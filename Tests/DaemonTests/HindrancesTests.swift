import IPC
import Testing

@testable import Core
@testable import Daemon

/// Events of a log, a second apart where they do not say otherwise, and what the tickets in it waited for.
@Suite struct HindrancesTests {
    private struct Log {
        var hindrances: Hindrances
        var histories: [TicketID: TicketHistory] = [:]
        private(set) var seq = 0
        let known: [TicketID: Ticket]

        init(from seconds: Int = 0, grants: [Grant] = [], standstill: Standstill? = nil, known: [Ticket] = []) {
            let time = Instant(milliseconds: Int64(seconds) * 1000)
            hindrances = Hindrances(from: 1, at: time, grants: grants, standstill: standstill)
            self.known = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0) })
        }

        /// Tickets are in the patch as `state`, locks as `+pattern` and `-pattern`, by the fence that is in `fences`.
        mutating func tell(
            _ second: Double,
            _ name: String,
            _ ticket: String? = nil,
            state: String? = nil,
            locks: [String]? = nil,
            takes: [Int: String] = [:],
            releases: [Int] = [],
            _ more: JSONObject = [:]
        ) {
            seq += 1
            var params: JSONObject = [
                "time": .string(Timestamp.text(Instant(milliseconds: Int64(second * 1000)))),
                "repository": "r1",
            ]
            params["ticket"] = ticket.map(JSONValue.string)
            for (key, value) in more { params[key] = value }
            var changed = JSONObject()
            for (fence, pattern) in takes.sorted(by: { $0.key < $1.key }) {
                var row: JSONObject = ["pattern": .string(pattern), "repository": "r1"]
                if let ticket { row["ticket"] = .string(ticket) } else { row["person"] = "alice" }
                changed["\(fence)"] = .object(row)
            }
            for fence in releases { changed["\(fence)"] = .null }
            var row: JSONObject = ["repository": "r1"]
            row["state"] = state.map(JSONValue.string)
            row["locks"] = locks.map { JSONValue($0) }
            if let on = more["depends_on"] { row["depends_on"] = on }
            let rows: JSONObject = ticket.map { [$0: .object(row)] } ?? [:]
            params["patch"] = ["locks": .object(changed), "tickets": .object(rows)]
            hindrances.take(seq, name, .object(params)) { known[$0] }
            guard let id = ticket.map({ TicketID($0) }) else { return }
            histories[id, default: TicketHistory()].take(name, .object(params), ticket: id)
        }

        mutating func file(_ second: Double, _ ticket: String, _ locks: [String], after others: [String] = []) {
            tell(second, "ticket.enqueued", ticket, state: "queued", locks: locks, ["depends_on": JSONValue(others)])
        }

        mutating func start(_ second: Double, _ ticket: String, _ takes: [Int: String], since: Double? = nil) {
            var more = JSONObject()
            more["short_since"] = since.map { .string(Timestamp.text(Instant(milliseconds: Int64($0 * 1000)))) }
            tell(second, "ticket.started", ticket, state: "running", takes: takes, more)
        }

        mutating func land(_ second: Double, _ ticket: String, _ releases: [Int]) {
            tell(second, "ticket.merged", ticket, state: "merged", releases: releases)
        }

        /// In seconds, those of nothing left out; as of the event `end`, or the last.
        func waits(_ ticket: String, by end: Int? = nil) -> [Wait: Double] {
            let stays = histories[TicketID(ticket)]!.stays
            return hindrances.split(stays, of: TicketID(ticket), in: RepositoryID("r1"), through: end ?? seq)
                .mapValues { Double($0) / 1000 }.filter { $0.value != 0 }
        }
    }

    @Test func whatOthersHeldIsTheLocksAndTheRestTheAgents() {
        var log = Log()
        log.file(0, "A", ["src/**"])
        log.start(0, "A", [1: "src/**"])
        log.file(1, "B", ["src/b"])
        log.file(2, "C", ["docs"])
        log.land(5, "A", [1])
        // Somebody else had the agent.
        log.start(7, "B", [2: "src/b"])
        log.start(9, "C", [3: "docs"])
        #expect(log.waits("A") == [:])
        #expect(log.waits("B") == [.lock: 4, .agent: 2])
        #expect(log.waits("C") == [.agent: 7])
    }

    @Test func whoWaitsBehindAWiderLockWaitsForLocks() {
        var log = Log()
        log.start(0, "A", [1: "src/a"])
        log.file(1, "WIDE", ["src/**"])
        log.file(2, "C", ["src/c"])
        log.land(5, "A", [1])
        // No agent for a second.
        log.start(6, "WIDE", [2: "src/**"])
        log.land(8, "WIDE", [2])
        log.start(8, "C", [3: "src/c"])
        #expect(log.waits("WIDE") == [.lock: 4, .agent: 1])
        #expect(log.waits("C") == [.lock: 5, .agent: 1])
    }

    /// One that still waits for another to land keeps nobody from what it asks for.
    @Test func whoDependsOnAnotherReservesNothing() {
        var log = Log()
        log.start(0, "A", [1: "src/a"])
        log.file(1, "WIDE", ["src/**"], after: ["A"])
        log.file(2, "C", ["src/c"])
        log.land(5, "A", [1])
        log.start(5, "WIDE", [2: "src/**"])
        log.land(8, "WIDE", [2])
        log.start(8, "C", [3: "src/c"])
        #expect(log.waits("C") == [.agent: 3, .lock: 3])
    }

    @Test func halfOfAWaitMayBeAHalt() {
        var log = Log()
        log.start(0, "A", [1: "src/**"])
        log.file(0, "B", ["src/b"])
        log.tell(2, "daemon.halted")
        log.tell(6, "daemon.resumed")
        log.land(8, "A", [1])
        log.tell(9, "daemon.halted")
        log.start(10, "B", [2: "src/b"])
        #expect(log.waits("B") == [.lock: 4, .halt: 5, .agent: 1])
    }

    @Test func theMachineIsWhatStartsWaitedForAndAFullDisk() {
        var log = Log()
        log.file(0, "A", [])
        log.file(0, "B", [])
        log.start(3, "A", [:], since: 1)
        log.tell(4, "disk.full")
        log.tell(5, "disk.ok")
        log.tell(6, "disk.full")
        // It has not been told that there is room again.
        log.tell(8, "daemon.started")
        log.start(9, "B", [:])
        #expect(log.waits("A") == [.agent: 1, .machine: 2])
        #expect(log.waits("B") == [.agent: 4, .machine: 5])
    }

    @Test func whatIsToldAfterATicketsEndSaysNothingOfIt() {
        var log = Log()
        log.file(0, "A", [])
        log.file(1, "B", [])
        log.tell(4, "ticket.cancelled", "A", state: "cancelled")
        let before = log.waits("A")
        let end = log.seq
        log.start(6, "B", [:], since: 0)
        #expect(before == [.agent: 4] && log.waits("A", by: end) == before)
        #expect(log.waits("B") == [.machine: 5])
    }

    @Test func peopleHoldLocksToo() {
        var log = Log()
        log.tell(0, "lock.taken", takes: [1: "src/**"])
        log.file(1, "B", ["src/b"])
        log.tell(3, "lock.taken", takes: [2: "src/**"], releases: [1])
        log.tell(5, "lock.released", releases: [2], ["pattern": "src/**", "person": "alice"])
        log.start(6, "B", [3: "src/b"])
        #expect(log.waits("B") == [.lock: 4, .agent: 1])
    }

    /// Of what was so before its first event it is told by what is so now, or by its end.
    @Test func whatWasSoBeforeTheFirstEventCounts() throws {
        let now = Instant(milliseconds: 1000)
        var core = Orchestrator(limits: .init(agents: 1, verificationSlots: 1))
        let tip = ObjectID("3333333333333333333333333333333333333333")
        _ = core.handle(.repositoryAsked(path: "/r", target: "main", tip: tip, trusted: []), at: now)
        let draft = NewTicket(id: TicketID("A"), title: "A", locks: [.at("a/**")], profile: "script")
        _ = core.handle(.enqueueAsked(RepositoryID("r1"), [draft]), at: now)
        let tickets = Array(core.tickets.values)
        let person = Grant.Person(name: "alice", reason: "by hand", expires: nil)
        func grant(_ fence: Int, _ pattern: String, at time: Instant) -> Grant {
            Grant(fence: fence, pattern: .at(pattern), repository: RepositoryID("r1"), person: person, since: time)
        }
        let later = Instant(milliseconds: 15_000)
        var log = Log(from: 10, grants: [grant(7, "p", at: now), grant(9, "q", at: later)], known: tickets)
        log.file(10, "B", ["a/b"])
        log.file(10, "D", ["p"])
        log.file(10, "E", ["q"])
        log.file(10, "F", ["x"])
        log.tell(11, "daemon.resumed")
        log.land(13, "A", [1])
        log.tell(14, "lock.released", releases: [2], ["pattern": "x", "person": "bob"])
        log.tell(15, "lock.taken", takes: [9: "q"])
        for id in ["B", "D", "E", "F"] { log.tell(16, "ticket.cancelled", id, state: "cancelled") }
        #expect(log.waits("B") == [.halt: 1, .lock: 2, .agent: 3])
        #expect(log.waits("D") == [.halt: 1, .lock: 5])
        #expect(log.waits("E") == [.halt: 1, .lock: 1, .agent: 4])
        #expect(log.waits("F") == [.halt: 1, .lock: 3, .agent: 2])
    }

    @Test func theHaltThatIsOnNowIsKnown() {
        let standstill = Standstill(since: Instant(milliseconds: 1000), reason: "")
        var log = Log(from: 10, standstill: standstill)
        log.file(10, "B", [])
        log.tell(12, "ticket.cancelled", "B", state: "cancelled")
        #expect(log.waits("B") == [.halt: 2])
    }

    @Test func aClockThatWentBackLosesNoMoreThanItsOwnTime() {
        var log = Log()
        log.start(100, "A", [1: "src/**"])
        log.file(100, "B", ["src/b"])
        log.tell(50, "daemon.halted")
        log.tell(60, "daemon.resumed")
        log.land(70, "A", [1])
        log.start(110, "B", [2: "src/b"])
        #expect(log.waits("B").values.reduce(0, +) == 10)
    }
}
