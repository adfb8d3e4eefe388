import Testing

@testable import IPC
@testable import TUI

/// What agents use, where it is shown.
struct SpendingTests {
    private static func usage(_ tokens: Int, _ cost: Double, unpriced: Int = 0, estimated: Double = 0) -> UsageRow {
        UsageRow(input: tokens, tokens: tokens, cost_usd: cost, estimated: estimated, unpriced: unpriced)
    }

    private static func spending(_ today: UsageRow?, _ budget: AllowanceRow? = nil) -> Spending {
        var spending = Spending()
        (spending.today, spending.budget) = (today, budget)
        return spending
    }

    private static func aDay(columns: Int, rows: Int) -> Story {
        var story = Story.aDay(columns: columns, rows: rows)
        spend(&story)
        return story
    }

    private static func spend(_ story: inout Story) {
        let row = ticket("T-1", "Add avatar upload", "running", minutes: 3, priority: 2) {
            $0.stage = "work"
            $0.agent = "agent-1"
            $0.run = "T-1.1"
            $0.usage = usage(1_234_000, 0.53, estimated: 0.53)
        }
        let other = ticket("T-2", "Fix the login redirect", "awaiting_approval", minutes: 12) {
            $0.run = "T-2.2"
            $0.usage = usage(12_400, 12.3456)
            $0.budget = AllowanceRow(usd: 20)
        }
        story.happens(.changed(tickets: ["T-1": row, "T-2": other], agents: [:]))
        var spending = spending(usage(1_246_400, 12.8756, estimated: 0.53), AllowanceRow(usd: 50))
        spending.ticketBudget = AllowanceRow(usd: 15, tokens: 2_000_000)
        story.happens(.spent(spending))
    }

    @Test func ticketsAgentsAndTheDayHaveTheirCost() {
        Story.shows("spending") { story in
            Self.spend(&story)
            story.press("g j j")
        }
        let wide = Self.aDay(columns: 200, rows: 50)
        #expect(wide.row(1).contains("1.2M ~0.53"))
        #expect(wide.picture.contains("today ~12.88 of 50.00 USD"))
        let narrow = Self.aDay(columns: 40, rows: 10)
        #expect(!narrow.picture.contains("0.53"))
    }

    @Test func theOverviewSaysOfHowMuch() {
        var story = Self.aDay(columns: 120, rows: 40)
        story.press("g j j Enter 4")
        #expect(story.picture.contains("used ~0.53 of 15.00 USD, 1.2M of 2M tokens"))
        // A budget of its own comes before the one that holds for all.
        story.press("Esc k Enter 4")
        #expect(story.picture.contains("used 12.35 of 20.00 USD, 12.4k tokens"))
    }

    @Test(
        arguments: [
            (nil, nil, ""), (usage(500, 0.25), nil, "today 0.25 USD"),
            (usage(500, 0, unpriced: 500), nil, "today 500 tokens"),
            (usage(500, 0.25), AllowanceRow(tokens: 1000), "today 500 of 1k tokens"),
            (nil, AllowanceRow(usd: 5), "today 0.00 of 5.00 USD"),
        ] as [(UsageRow?, AllowanceRow?, String)]
    )
    func theDayIsSaidInMoneyWhereThatIsKnown(_ today: UsageRow?, _ budget: AllowanceRow?, _ sentence: String) {
        #expect(Self.spending(today, budget).sentence == sentence)
    }

    @Test func nearlyAllOfABudgetStandsOut() {
        for (cost, style) in [(39.0, Style.dim), (40, .waiting), (50, .failed), (60, .failed)] {
            var story = Story.aDay(columns: 120, rows: 40)
            story.happens(.spent(Self.spending(Self.usage(1, cost), AllowanceRow(usd: 50))))
            let column = story.row(39).distance(to: "today")
            #expect(Array(view(story.model).row(39))[column].style == style, "\(cost)")
        }
    }

    @Test func theDaemonsRowTells() throws {
        let row: JSONValue = [
            "spent_today": json(Self.usage(500, 0.25)), "budgets": ["day": ["usd": 5], "ticket": ["tokens": 900]],
        ]
        let spending = Spending(row)
        #expect(spending.sentence == "today 0.25 of 5.00 USD")
        #expect(spending.ticketBudget == AllowanceRow(tokens: 900))
        #expect(spending.part == 0.05)
        #expect(Spending([:]) == Spending())
    }
}

extension String {
    /// The column where `part` begins, in a row of narrow characters.
    fileprivate func distance(to part: String) -> Int {
        guard let range = self.firstRange(of: part) else { return -1 }
        return distance(from: startIndex, to: range.lowerBound)
    }
}
