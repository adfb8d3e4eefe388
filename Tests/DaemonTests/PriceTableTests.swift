import Core
import Testing

@testable import Daemon

/// What usage costs: as reported, estimated, or nobody knows.
@Suite struct PriceTableTests {
    private static let day = UTCDay("2026-06-15")!
    private static let tokens = Tokens(input: 1_000_000, output: 100_000, cacheRead: 2_000_000, cacheWrite: 10)

    private func usage(_ prices: [Price], _ models: [String: UsageReport.OfModel], model: String? = nil) -> Usage {
        PriceTable(prices).usage(UsageReport(models: models), model: model, on: Self.day)
    }

    @Test func whatAnAgentReportsIsTakenAsItIs() {
        let price = Price(model: "*", input: 1_000_000, output: 1_000_000)
        #expect(
            usage([price], ["m": .init(tokens: Self.tokens, cost: 42)]) == Usage(tokens: Self.tokens, cost: 42)
        )
        #expect(usage([price], ["m": .init(tokens: Self.tokens, cost: 0)]) == Usage(tokens: Self.tokens))
    }

    @Test func anEstimateIsExactToTheMillionthAndSaidToBeOne() {
        let price = Price(model: "m-*", input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite: 3_750_000)
        // 3 + 1.5 + 0.6 + 0.0000375, of which half a millionth is rounded up.
        let cost = 5_100_038
        #expect(
            usage([price], ["m-large": .init(tokens: Self.tokens)])
                == Usage(tokens: Self.tokens, cost: cost, estimated: cost)
        )
    }

    @Test func nobodyKnowsWhatHasNoPrice() {
        let price = Price(model: "m", input: 1_000_000, output: 0)
        #expect(
            usage([price], ["m": .init(tokens: Self.tokens)])
                == Usage(tokens: Self.tokens, cost: 1_000_000, estimated: 1_000_000, unpriced: 2_000_010)
        )
        #expect(
            usage([price], ["other": .init(tokens: Self.tokens), "": .init(tokens: Tokens(input: 5))])
                == Usage(tokens: Self.tokens + Tokens(input: 5), unpriced: Self.tokens.total + 5)
        )
        // An agent that does not say which model has the one its profile names.
        #expect(usage([price], ["": .init(tokens: Tokens(input: 5))], model: "m").cost == 5)
    }

    @Test func whatATurnHasYetToSayIsEstimatedAndUnknownOnlyWhenItNeverWill() {
        let pending = Tokens(input: 1_000_000)
        var report = UsageReport(models: ["m": .init(tokens: pending, pending: pending)])
        func usage(_ prices: [Price]) -> Usage { PriceTable(prices).usage(report, on: Self.day) }
        let price = Price(model: "m", input: 3_000_000, output: 0)
        #expect(usage([]) == Usage(tokens: pending))
        #expect(usage([price]) == Usage(tokens: pending, cost: 3_000_000, estimated: 3_000_000))
        // A turn before this one has said what it cost.
        let both = pending + Tokens(output: 7)
        report.models["m"] = .init(tokens: both, cost: 42, pending: pending)
        #expect(usage([]) == Usage(tokens: both, cost: 42))
        #expect(usage([price]) == Usage(tokens: both, cost: 3_000_042, estimated: 3_000_000))
        // It was killed in mid-turn.
        report.isFinal = true
        #expect(usage([]) == Usage(tokens: both, cost: 42, unpriced: 1_000_000))
    }

    @Test func theLongestPatternHoldsAndItsNewestPrice() {
        func price(_ model: String, _ since: String?, _ input: Int) -> Price {
            Price(model: model, since: since.flatMap { UTCDay($0) }, input: input * 1_000_000, output: 0)
        }
        let prices = [
            price("*", nil, 1), price("m-*", "2026-07-01", 9), price("m-*", "2026-01-01", 3), price("m-*", nil, 2),
            price("m-*", "2026-06-15", 4), price("m-large*", "2027-01-01", 8),
        ]
        func cost(_ model: String) -> Int { usage(prices, [model: .init(tokens: Tokens(input: 1))]).cost }
        #expect(cost("m-large") == 4 && cost("other") == 1)
    }

    @Test func aStarStandsForAnyText() {
        for (pattern, name, fits) in [
            ("*", "", true), ("m", "m", true), ("m", "mm", false), ("m*", "m", true), ("*m", "xm", true),
            ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("", "", true), ("", "m", false),
            ("m-?", "m-x", false),
        ] {
            #expect(PriceTable.fits(pattern, name) == fits, "\(pattern) \(name)")
        }
        let many = String(repeating: "*a", count: 200)
        #expect(!PriceTable.fits(many + "b", String(repeating: "a", count: 20_000)))
    }

    @Test func noReportIsTooLarge() {
        let price = Price(model: "*", input: .max, output: .max, cacheRead: .max, cacheWrite: .max)
        let tokens = Tokens(input: .max / 4, output: 0, cacheRead: .max / 4, cacheWrite: 0)
        #expect(usage([price], ["m": .init(tokens: tokens)]).cost == .max)
    }
}
