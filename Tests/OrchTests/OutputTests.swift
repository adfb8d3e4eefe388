import IPC
import Testing

@testable import Orch

@Suite struct OutputTests {
    init() { Console.adoptLocale() }

    @Test func `text of others is harmless`() {
        #expect(SafeText.line("a\u{1B}[31mb\u{1B}]0;title\u{07}c\nd\te") == "abc d e")
        #expect(SafeText.line("\u{1B}Pdata\u{1B}\\x\u{9B}2Jy\u{202E}z\u{00}") == "xyz\u{FFFD}")
        #expect(SafeText.lines("one\r\ntwo\rthree\n\u{7F}") == "one\ntwo\nthree\n\u{FFFD}")
        #expect(SafeText.line("漢字 é ☃") == "漢字 é ☃")
        var torn = SafeText(keepsLines: true)
        #expect(torn.take("a\u{1B}") + torn.take("[3") + torn.take("1mb") == "ab")
    }

    @Test func `a table fits the terminal, wide characters counted`() {
        var table = Table(
            .init("ID"),
            .init("PRI", isRightAligned: true),
            .init("TITLE", least: 6),
            .init("REASON", least: 6)
        )
        table.rows = [
            ["T-1", "2", "short", ""], ["T-10", "-10", "漢字漢字漢字漢字", "waits for lock src/** of T-7"],
        ]
        #expect(
            table.lines(width: nil, colour: false) == [
                "ID    PRI  TITLE             REASON",
                "T-1     2  short",
                "T-10  -10  漢字漢字漢字漢字  waits for lock src/** of T-7",
            ]
        )
        #expect(
            table.lines(width: 32, colour: false) == [
                "ID    PRI  TITLE      REASON",
                "T-1     2  short",
                "T-10  -10  漢字漢字…  waits for…",
            ]
        )
        for width in 20...60 {
            for line in table.lines(width: width, colour: false).dropFirst() where width >= 26 {
                #expect(line.columns <= width, "\(width): \(line)")
            }
        }
    }

    @Test func `times are read as they travel`() {
        #expect(Moments.seconds("2026-11-20T21:52:49.120Z") == 1_795_211_569)
        #expect(Moments.seconds("yesterday") == nil)
        let then = "1970-01-01T00:00:00.000Z"
        #expect([5, 65, 7300, 200_000].map { Moments.age(then, now: $0) } == ["5s", "1m", "2h", "2d"])
    }

    @Test func `events become sentences, unknown ones too`() throws {
        var sentences = EventSentence(clock: Moments.clock)
        func tell(_ method: String, _ params: JSONObject) -> [String] {
            sentences.lines(Notification(method, params)).map {
                "\($0.ticket ?? "-") \($0.text)\($0.isDetail ? " *" : "")"
            }
        }
        #expect(
            tell("ticket.enqueued", ["ticket": "T-1", "patch": ["tickets": ["T-1": ["title": "Avatar"]]]])
                == ["T-1 enqueued: Avatar"]
        )
        #expect(
            tell("ticket.started", ["ticket": "T-1", "agent": "agent-1", "stage": "work"]) == [
                "T-1 agent-1 started work"
            ]
        )
        #expect(
            tell("run.requested", ["run": "T-1.2", "name": "test", "stage": "verify"]) == [
                "T-1 verify: test is being started *"
            ]
        )
        #expect(tell("run.ended", ["run": "T-1.2", "outcome": "exit 0"]) == ["T-1 verify: test passed"])
        #expect(tell("run.ended", ["run": "T-1.3", "outcome": "exit 9"]) == ["T-1 run T-1.3 ended: exit 9"])
        #expect(tell("ticket.merged", ["ticket": "T-1", "commit": "1a2b3c4d5e"]) == ["T-1 landed as 1a2b3c4"])
        #expect(tell("ticket.waiting", ["waiting": ["T-2": "waits for A to land"]]) == ["T-2 waits for A to land"])
        #expect(tell("ticket.dreamt_of", ["ticket": "T-1", "reason": "late"]) == ["T-1 ticket dreamt of: late"])
        #expect(tell("weather.changed", [:]) == ["- weather changed"])
        let began: JSONObject = ["seq": 4, "ticket": "T-1", "to": "live", "hosts": ["a", "b"], "patch": [:]]
        #expect(tell("deploy.began", began) == [#"T-1 deploy began: hosts ["a","b"], to live"#])
        #expect(tell("hello", [:]).isEmpty)
    }
}
