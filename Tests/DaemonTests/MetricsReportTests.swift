import Core
import IPC
import Testing

@testable import Daemon

@Suite struct MetricsReportTests {
    private let csv = """
        seq,ticket,profile,outcome,queued,finished,sent_back,conflicts,evictions,insertions,deletions,agent_seconds,human_seconds
        4,T-1,"a ""b"", c",landed,2026-11-20T00:00:00.000Z,2026-11-20T00:00:10.000Z,0,0,0,3,1,8.000,0.000
        9,T-2,x,landed,2026-11-20T00:00:00.000Z,2026-11-20T00:01:00.000Z,2,1,1,10,0,20.500,30.000
        12,T-3,x,cancelled,2026-11-20T00:00:00.000Z,2026-11-21T00:00:00.000Z,1,0,0,,,0.000,0.000
        15,T-4,x,landed,2026-11-20T23:59:00.000Z,2026-11-21T00:00:00.000Z,0,0,0,1,1,1.500,58.000
        16,T-5,x,landed,2026-11-20T23:5

        """

    @Test func itCountsWhatThereIs() throws {
        let report = try MetricsReport(csv: csv)
        #expect(report.all.landed == 3 && report.all.cancelled == 1 && report.all.reworked == 1)
        #expect(report.all.lead?.median == 60 && report.all.lead?.p90 == 60)
        #expect(report.conflicts == 1 && report.evictions == 1 && report.insertions == 14 && report.deletions == 2)
        #expect(report.byProfile.keys.sorted() == ["a \"b\", c", "x"])
        #expect(report.byProfile["x"]?.landed == 2 && report.byProfile["a \"b\", c"]?.lead?.median == 10)
        #expect(report.spent.map(\.name) == ["agent", "human"])
        #expect(report.spent[0].spread.median == 8 && report.spent[1].spread.p90 == 58)
        #expect(abs(report.spent[0].part - 30.0 / 118) < 1e-9)
    }

    @Test func whatWasUsedAddsUpOfThoseWhoSayIt() throws {
        let report = try MetricsReport(
            csv: """
                outcome,queued,finished,profile,sent_back,tokens,cost_usd,estimated_usd,unpriced_tokens
                landed,2026-11-20T00:00:00.000Z,2026-11-20T00:01:00.000Z,x,0,1200,0.5,0.25,0
                cancelled,2026-11-20T00:00:00.000Z,2026-11-20T00:01:00.000Z,x,0,300,1.25,0,7
                landed,2026-11-20T00:00:00.000Z,2026-11-20T00:01:00.000Z,y,0,,,,

                """
        )
        #expect(report.tokens == 1500 && report.cost == 1.75 && report.estimated == 0.25 && report.unpriced == 7)
    }

    @Test func itLooksBackAsFarAsItIsTold() throws {
        let report = try MetricsReport(csv: csv, since: Timestamp.instant("2026-11-21T00:00:00.000Z"))
        #expect(report.all.landed == 1 && report.all.cancelled == 1)
    }

    @Test func anotherFileIsNamed() {
        #expect(throws: MetricsReport.Problem.self) { try MetricsReport(csv: "a,b\n1,2\n") }
    }

    @Test func whatIsWrittenIsRead() throws {
        var history = TicketHistory()
        for (name, time, more) in Self.events {
            let params = try JSONValue(parsing: Array("{\"time\":\"2026-11-20T00:00:\(time)Z\",\(more)\"x\":1}".utf8))
            history.take(name, params, ticket: TicketID("T-1"))
        }
        history.waited(forDependenciesUntil: Timestamp.instant("2026-11-20T00:00:02.000Z"))
        let changed = ChangedLines(numstat: ["3\t1\ta.txt", "-\t-\tpicture.png"])
        history.waits = [.lock: 500, .agent: 1000]
        let row = MetricsTable.line(
            MetricsTable.row(17, TicketID("T-1"), history, repository: "/r/a,b", changed: changed)
        )
        let rows = CSV.rows(MetricsTable.heading + row)
        #expect(rows.count == 2 && rows[1].count == MetricsTable.columns.count)
        let fields = Dictionary(uniqueKeysWithValues: zip(rows[0], rows[1]))
        let expected = [
            "seq": "17", "repository": "/r/a,b", "outcome": "landed", "attempts": "2", "sent_back": "2",
            "dependencies_seconds": "2.000", "queue_seconds": "1.500", "agent_seconds": "3.000",
            "verification_seconds": "2.250", "human_seconds": "10.000", "checkout_seconds": "0.500", "files": "2",
            "insertions": "3", "deletions": "1", "priority": "5", "first_commit": "2026-11-20T00:00:06.000Z",
            "lock_wait_seconds": "0.500", "agent_wait_seconds": "1.000", "halt_wait_seconds": "",
        ]
        for (name, value) in expected { #expect(fields[name] == value, "\(name)") }
        let report = try MetricsReport(csv: MetricsTable.heading + row)
        #expect(report.all.landed == 1 && report.spent.map(\.name) == TicketHistory.Share.allCases.map(\.rawValue))
        // Of what is not known there is nothing.
        #expect(report.waited.map(\.name) == ["lock", "agent"] && report.waited.map(\.spread.median) == [0.5, 1])
    }

    /// Name, second, and what else it says.
    private static let events: [(String, String, String)] = [
        (
            "ticket.enqueued", "00.000",
            #""patch":{"tickets":{"T-1":{"state":"queued","profile":"x","depends_on":["T-0"],"priority":5}}},"#
        ),
        ("ticket.started", "03.000", #""patch":{"tickets":{"T-1":{"state":"running"}}},"#),
        ("run.requested", "03.000", #""stage":"work","#), ("run.started", "03.500", ""), ("run.ended", "05.500", ""),
        ("work.collected", "06.000", ""), ("candidate.built", "06.000", #""tip":"c1","#),
        ("run.requested", "06.500", #""stage":"verify","#), ("run.started", "06.500", ""), ("run.ended", "08.750", ""),
        ("ticket.sent_back", "09.000", #""patch":{"tickets":{"T-1":{"state":"queued"}}},"#),
        ("ticket.started", "09.500", #""patch":{"tickets":{"T-1":{"state":"running"}}},"#),
        ("run.requested", "09.500", #""stage":"work","#), ("run.started", "10.000", ""), ("run.ended", "11.000", ""),
        ("ticket.awaiting_approval", "12.000", #""patch":{"tickets":{"T-1":{"state":"awaiting_approval"}}},"#),
        ("ticket.continued", "12.000", #""command":"request-changes","#),
        ("ticket.approved", "22.000", #""patch":{"tickets":{"T-1":{"state":"landing"}}},"#),
        ("landing.blocked", "22.000", #""patch":{"tickets":{"T-1":{"blocked":true}}},"#),
        ("ticket.changed", "22.500", #""patch":{"tickets":{"T-1":{"blocked":null}}},"#),
        ("ticket.merged", "23.000", #""commit":"c2","patch":{"tickets":{"T-1":{"state":"merged"}}},"#),
    ]
}
