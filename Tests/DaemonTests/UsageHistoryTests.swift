import Core
import Foundation
import GRDB
import IPC
import Testing

@testable import Daemon

/// What agents use, as it is stored, summed up, told and read again.
@Suite struct UsageHistoryTests {
    private static let rules = Rules(digest: "d", policy: Policy())

    /// Works on as many tickets as there are agents.
    private func start(_ folder: StateFolder, _ ids: [String], budgets: Budgets = Budgets()) throws -> EngineAtWork {
        let running = try folder.engine(agents: ids.count, budgets: budgets)
        _ = try running.ask(
            .repositoryAsked(path: "/r", target: "main", tip: ObjectID("1"), trusted: ["d"])
        ).get()
        for id in ids {
            _ = try running.enqueue(id).get()
            let id = TicketID(id)
            _ = try running.ask(
                .worktreeReady(id, branch: "b", base: ObjectID("1"), head: ObjectID("1"), Self.rules)
            ).get()
        }
        return running
    }

    private func run(_ id: String, _ number: Int = 1) -> RunID { RunID(ticket: TicketID(id), number: number) }

    private func used(_ cost: Int, output: Int = 0) -> Usage {
        Usage(tokens: Tokens(output: output), cost: cost, estimated: cost / 10)
    }

    /// The picture that a client has which has heard everything.
    private func picture(_ lines: [PublishedLine]) throws -> JSONValue {
        var picture = JSONValue.object([:])
        for line in lines where line.seq != nil {
            let message = try JSONValue(parsing: line.bytes)
            MergePatch.apply(try #require(message["params"]?["patch"]), to: &picture)
        }
        return picture
    }

    @Test func everySumIsThatOfTheRunsOverARestartAndRepeats() throws {
        let folder = try StateFolder()
        var running = try start(folder, ["A", "B"])
        for (id, cost, output) in [
            ("A", 1_500_000, 10), ("B", 250_000, 5), ("A", 2_500_000, 20), ("A", 2_500_000, 20),
        ] {
            _ = try running.ask(.usageSeen(run(id), used(cost, output: output))).get()
        }
        #expect(running.said.events.filter { $0 == "run.used" }.count == 3)
        var told = running.said.lines
        // Killed, as far as the store is concerned; the next daemon is told all of it again, and more.
        try running.stop()
        running = try folder.engine(agents: 2)
        for (id, cost, output) in [("A", 2_500_000, 20), ("B", 300_000, 6)] {
            _ = try running.ask(.usageSeen(run(id), used(cost, output: output))).get()
        }
        #expect(running.said.events.filter { $0 == "run.used" }.count == 1)
        told += running.said.lines

        let view = try running.look()
        let total = Usage(tokens: Tokens(output: 26), cost: 2_800_000, estimated: 280_000)
        #expect(view.core.spent.today == total && view.core.spent.month == total)
        let store = running.store
        for key in Store.CostKey.allCases {
            let costs = try store.costs(by: key, since: nil)
            #expect(costs.reduce(Usage()) { $0 + $1.usage } == total && costs.reduce(0) { $0 + $1.runs } == 2, "\(key)")
        }
        let today = view.core.spent.day
        #expect(try store.costs(by: .ticket, since: nil).map(\.key) == ["A", "B"])
        #expect(try store.costs(by: .agent, since: nil).map(\.key) == ["agent-1", "agent-2"])
        #expect(try store.costs(by: .profile, since: nil).map(\.key) == ["p"])
        #expect(try store.costs(by: .day, since: today).map(\.key) == [today.description])
        #expect(try store.costs(by: .month, since: nil).map(\.key) == [String(today.description.prefix(7))])
        #expect(try store.costs(by: .day, since: today.next).isEmpty)
        #expect(try store.runs(of: TicketID("A")).map(\.usage) == [UsageRow(used(2_500_000, output: 20))])

        // What a client has put together from the patches is what a new one is given.
        let known = try picture(told)
        let snapshot = try view.snapshot(daemon: ["version": "test"], from: store)
        #expect(
            snapshot["picture"]?["daemon"] == known["daemon"] && snapshot["picture"]?["tickets"] == known["tickets"]
        )
        #expect(known["daemon"]?["spent_today"]?["cost_usd"] == 2.8)
        #expect(known["tickets"]?["A"]?["usage"]?["tokens"] == 20)
        let row: TicketRow = try #require(known["tickets"]?["A"]).decode()
        #expect(row.usage?.cost_usd == 2.5 && row.usage?.estimated == 0.25)
        try running.stop()
    }

    @Test func usageIsNoLessForAStoreThatCouldNotBeWrittenAtFirst() throws {
        let folder = try StateFolder()
        let running = try start(folder, ["A"])
        _ = try running.ask(.usageSeen(run("A"), used(1_000_000))).get()
        try running.limit(pages: 0)
        // More than fits into what is left of the last page.
        for cost in 2...400 { running.engine.submit(.usageSeen(run("A"), used(cost * 1_000_000))) }
        let deadline = ContinuousClock.now + .seconds(30)
        while running.said.troubles.isEmpty, ContinuousClock.now < deadline { sched_yield() }
        try #require(running.said.troubles.first??.isEmpty == false)
        // Who asks meanwhile is told what is durable.
        let durable = try running.look().core
        let stored = try running.store.costs(by: .ticket, since: nil).first?.usage
        #expect(durable.spent.today == stored && durable.tickets[TicketID("A")]?.usage == stored)
        try running.limit(pages: nil)
        let last = used(400_000_000)
        while try running.look().core.spent.today != last, ContinuousClock.now < deadline { sched_yield() }
        #expect(try running.store.costs(by: .ticket, since: nil).first?.usage == last)
        try running.stop()
    }

    @Test func aTicketsOwnBudgetIsToldAndStored() throws {
        let folder = try StateFolder()
        var budgets = Budgets()
        budgets.day.cost = 50_000_000
        var running = try start(folder, ["A"], budgets: budgets)
        _ = try running.ask(.budgetGiven(TicketID("A"), Allowance(cost: 10_500_000, tokens: 7))).get()
        let known = try picture(running.said.lines)
        #expect(known["tickets"]?["A"]?["budget"] == ["usd": 10.5, "tokens": 7])
        #expect(known["daemon"]?["budgets"] == ["day": ["usd": 50]])
        try running.stop()
        running = try folder.engine()
        #expect(try running.look().core.tickets[TicketID("A")]?.budget == Allowance(cost: 10_500_000, tokens: 7))
        // The budgets of this one are others: the picture says so.
        #expect(try picture(running.said.lines)["daemon"]?["budgets"] == nil)
        try running.stop()
    }

    @Test func eachRunOfAnAgentThatHasEndedIsARowOfItsOwn() throws {
        let folder = try StateFolder()
        let running = try start(folder, ["A"])
        _ = try running.ask(.usageSeen(run("A"), used(1_234_567, output: 12))).get()
        _ = try running.ask(.runEnded(run("A"), .exited(1), at: Timestamp.now())).get()
        let rows = try running.store.endedRuns(after: 0).map(UsageTable.row)
        let row = try #require(rows.first)
        #expect(rows.count == 1 && row.count == UsageTable.columns.count)
        let fields = Dictionary(zip(UsageTable.columns, row)) { first, _ in first }
        #expect(fields["ticket"] == "A" && fields["run"] == "1" && fields["profile"] == "p")
        #expect(fields["agent"] == "agent-1" && fields["outcome"] == "exit 1" && fields["output"] == "12")
        #expect(fields["cost_usd"] == "1.234567" && fields["estimated_usd"] == "0.123456")
        #expect(try running.store.endedRuns(after: Int(try #require(fields["seq"]))!).isEmpty)
        try running.stop()
    }
}
