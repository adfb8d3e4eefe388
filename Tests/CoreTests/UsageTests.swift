import Testing

@testable import Core

/// What agents use is counted once, on the day it is reported, whatever is said again.
@Suite struct UsageTests {
    private static let noon = UTCDay("2026-11-30")!.start + .seconds(12 * 3600)

    private static func used(_ cost: Int, tokens: Int = 0, unpriced: Int = 0) -> Usage {
        Usage(tokens: Tokens(input: tokens), cost: cost, unpriced: unpriced)
    }

    /// A ticket whose agent works, at noon.
    private func working(_ id: TicketID = "T-1", budgets: Budgets = Budgets()) -> (Story, RunID) {
        var story = Story(budgets: budgets)
        story.now = Self.noon
        story.enqueue(.new(id))
        story.prepare(id)
        return (story, story[id].currentRun!)
    }

    @Test func aReportTakesThePlaceOfTheOneBefore() {
        var (story, run) = working()
        let first = Usage(tokens: Tokens(input: 10, output: 5, cacheRead: 100, cacheWrite: 7), cost: 30, estimated: 10)
        story.hear(.usageSeen(run, first), says: [.runUsed(run, first)])
        story.hear(.usageSeen(run, first), says: [])
        // It may even go down: an agent says later that it was less.
        for usage in [Self.used(50, tokens: 9), Self.used(40, tokens: 8, unpriced: 3)] {
            story.hear(.usageSeen(run, usage), says: [.runUsed(run, usage)])
            #expect(story["T-1"].usage == usage)
            #expect(story.core.spent == Spent([UTCDay(Self.noon): usage], on: UTCDay(Self.noon)))
        }
    }

    @Test func theFactHoldsTheDifferenceAndBothSums() throws {
        var (story, run) = working()
        story.hear(.usageSeen(run, Self.used(30)))
        let fact = try #require(story.hear(.usageSeen(run, Self.used(50))).facts.first)
        let day = UTCDay(Self.noon)
        #expect(
            fact.changes.usage
                == [UsageRecord(run: run, day: day, profile: "script", usage: Self.used(20))]
        )
        #expect(fact.changes.spent?.old?.today == Self.used(30) && fact.changes.spent?.new?.today == Self.used(50))
        #expect(fact.changes.tickets.first?.new?.usage == Self.used(50))
    }

    @Test func runsOfATicketAddUpAndAnEarlierOneIsNotLookedAtAgain() {
        var (story, first) = working()
        story.hear(.usageSeen(first, Self.used(30)))
        story.endRun("T-1", .exited(1))
        story.hear(.snapshotTaken("T-1"))
        story.tell(.continue, "T-1")
        story.prepare("T-1")
        let second = story["T-1"].currentRun!
        story.hear(.usageSeen(second, Self.used(5)))
        #expect(story["T-1"].usage == Self.used(35))
        story.hear(.usageSeen(first, Self.used(90)), says: [])
        story.hear(.usageSeen(RunID(ticket: "T-1", number: 9), Self.used(90)), says: [])
        story.hear(.usageSeen(RunID(ticket: "T-9", number: 1), Self.used(90)), says: [])
        #expect(story["T-1"].usage == Self.used(35) && story.core.spent.today == Self.used(35))
    }

    @Test func aRunOverMidnightIsOfBothDays() {
        var (story, run) = working()
        story.hear(.usageSeen(run, Self.used(30)))
        let midnight = UTCDay("2026-12-01")!.start
        #expect(story.core.nextDeadline == midnight)
        story.now = midnight
        story.hear(.deadlineReached, says: [.spendingRenewed])
        #expect(story.core.spent.today == Usage() && story.core.spent.month == Usage())
        #expect(story.core.nextDeadline == nil)
        story.hear(.usageSeen(run, Self.used(50)), says: [.runUsed(run, Self.used(50))])
        #expect(story.core.spent.today == Self.used(20) && story["T-1"].usage == Self.used(50))
        // On another day of the same month, what was used in it stays.
        story.now = midnight + .seconds(86_400)
        story.hear(.deadlineReached, says: [.spendingRenewed])
        #expect(story.core.spent.today == Usage() && story.core.spent.month == Self.used(20))
        #expect(story.core.nextDeadline == UTCDay("2027-01-01")!.start)
        // A clock that was ahead is put back: the day it really is has its own sum still.
        story.now = Self.noon
        story.hear(.deadlineReached, says: [.spendingRenewed])
        #expect(story.core.spent.today == Self.used(30) && story.core.spent.month == Self.used(30))
    }

    @Test func aReportAfterMidnightTellsOfTheNewDayFirst() {
        var (story, run) = working()
        story.hear(.usageSeen(run, Self.used(30)))
        story.now = UTCDay("2026-12-01")!.start + .seconds(1)
        story.hear(.usageSeen(run, Self.used(31)), says: [.spendingRenewed, .runUsed(run, Self.used(31))])
        #expect(story.core.spent.today == Self.used(1))
    }

    @Test func anotherDaemonGoesOnFromWhatIsStored() {
        var (story, run) = working()
        story.hear(.usageSeen(run, Self.used(30)))
        var core = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        #expect(core.spent == story.core.spent)
        _ = core.recover(at: story.now)
        #expect(core.handle(.usageSeen(run, Self.used(30)), at: story.now).facts.isEmpty)
        #expect(core.handle(.usageSeen(run, Self.used(45)), at: story.now).facts.count == 1)
        #expect(core.tickets["T-1"]?.usage == Self.used(45) && core.spent.today == Self.used(45))
        // The day after, it is what the new day has: nothing.
        let next = Orchestrator(limits: core.limits, restoring: core.stored, at: UTCDay("2026-12-01")!.start)
        #expect(next.spent.today == Usage() && next.ledger == [UTCDay(Self.noon): Self.used(45)])
    }

    @Test func whateverAnAgentSaysNothingOverflows() {
        var (story, run) = working()
        let all = Tokens(input: .max, output: .max, cacheRead: .max, cacheWrite: .max)
        for _ in 0..<3 {
            story.hear(.usageSeen(run, Usage(tokens: all, cost: .max, estimated: .max, unpriced: .max)))
            story.hear(.usageSeen(run, Usage(tokens: Tokens(input: .min), cost: .min, estimated: .min, unpriced: .min)))
            #expect(story["T-1"].usage == Usage())
        }
        for moment in [Int64.min, .max] {
            story.now = Instant(milliseconds: moment)
            story.hear(.usageSeen(run, Self.used(Int(truncatingIfNeeded: moment & 1) + 1)))
            _ = story.core.nextDeadline
        }
    }

    @Test func daysAreThoseOfTheCalendar() {
        for text in ["1970-01-01", "2000-02-29", "2024-02-29", "2026-12-31", "1969-12-31", "2100-03-01"] {
            #expect(UTCDay(text)?.description == text)
        }
        for text in [
            "2026-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "", "2026-11-21T", "+026-11-21", "2026-11-32",
        ] {
            #expect(UTCDay(text) == nil, "\(text)")
        }
        #expect(UTCDay(Instant(milliseconds: -1)).description == "1969-12-31")
        #expect(UTCDay(Instant(milliseconds: 86_399_999)).number == 0)
        let day = UTCDay("2024-02-29")!
        #expect(day.firstOfMonth.description == "2024-02-01" && day.firstOfNextMonth.description == "2024-03-01")
        #expect(UTCDay("2026-12-05")!.firstOfNextMonth.description == "2027-01-01")
        // Every day of eight years follows the one before.
        var last = UTCDay("2019-12-31")!
        for _ in 0..<2922 {
            #expect(UTCDay(last.next.description) == last.next)
            last = last.next
        }
        #expect(last.description == "2027-12-31")
        #expect(UTCDay(number: UTCDay("1999-12-31")!.number + 146_097).description == "2399-12-31")
    }

    @Test func amountsOfDollarsAreReadAndWrittenExactly() {
        for (text, amount) in [
            ("5", 5_000_000), ("0.25", 250_000), ("1.234567", 1_234_567), ("0", 0), ("1000000000", Dollars.maximum),
        ] {
            #expect(Dollars.parse(text) == amount && Dollars.exact(amount) == text)
        }
        for text in ["", "-1", "1.", ".5", "1.2345678", "1e3", "1000000001", "99999999999", "١", "1.5.2", " 1"] {
            #expect(Dollars.parse(text) == nil, "\(text)")
        }
        #expect(
            [5_324_999, 995_000_000, 500_000, 4_200, 90, -1_500_000].map(Dollars.short)
                == ["5.32", "995.00", "0.50", "0.0042", "0.0001", "-1.50"]
        )
    }
}
