import IPC
import Testing

@Suite struct UsageTextTests {
    private func usage(_ cost: Double, estimated: Double = 0, unpriced: Int = 0, tokens: Int = 0) -> UsageRow {
        UsageRow(
            input: tokens,
            output: 0,
            cache_read: 0,
            cache_write: 0,
            tokens: tokens,
            cost_usd: cost,
            estimated: estimated,
            unpriced: unpriced
        )
    }

    @Test func anEstimateAndWhatNobodyKnowsAreMarked() {
        #expect(UsageText.cost(usage(5.324)) == "5.32")
        #expect(UsageText.cost(usage(5.324, estimated: 0.000001)) == "~5.32")
        #expect(UsageText.cost(usage(5, estimated: 5, unpriced: 1)) == "~5.00+?")
        #expect(UsageText.cost(usage(0, unpriced: 1)) == "?")
        #expect(UsageText.cost(usage(0)) == "0.00")
        #expect(UsageText.sentence(usage(0.5, tokens: 12_400)) == "12.4k tokens, 0.50 USD")
    }

    @Test func amountsAreShortAndNothingBecomesNothing() {
        let dollars = [
            0.0042: "0.0042", 0.00001: "<0.0001", 0.99999: "1.00", 0.1: "0.10", 12345.678: "12345.68", -0.25: "-0.25",
        ]
        for (amount, text) in dollars { #expect(UsageText.dollars(amount) == text) }
        let tokens = [
            0: "0", 999: "999", 1000: "1k", 1049: "1k", 1050: "1.1k", 999_949: "999.9k", 999_950: "1M",
            31_400_000: "31.4M",
        ]
        for (count, text) in tokens { #expect(UsageText.tokens(count) == text) }
    }

    @Test func theEventIsASentence() throws {
        var sentence = EventSentence { $0 }
        let line = """
            {"jsonrpc":"2.0","method":"run.used","params":{"seq":3,"time":"t","ticket":"T-1","run":"T-1.2","usage":{"input":1000,\
            "output":200,"cache_read":0,"cache_write":0,"tokens":1200,"cost_usd":0.5,"estimated":0.5,"unpriced":0},"patch":{}}}
            """
        let params = try #require(try JSONValue(parsing: line)["params"]?.objectValue)
        let lines = sentence.lines(Notification("run.used", params))
        #expect(lines.map(\.text) == ["run T-1.2 has used 1.2k tokens, ~0.50 USD"] && lines[0].isDetail)
    }
}
