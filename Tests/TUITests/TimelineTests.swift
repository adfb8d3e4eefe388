import Testing

@testable import IPC
@testable import TUI

/// What a ticket has been through, and where the cursor is in it.
struct TimelineTests {
    private static func live(_ seq: Int, _ name: String) -> Input {
        .happened(ticket: "T-3", Notification(name, ["seq": JSONValue(seq), "time": "2026-11-20T12:00:00.000Z"]))
    }

    /// T-3's timeline over the whole screen.
    private static func open(columns: Int = 80, rows: Int = 24, _ keys: String = "Enter 9") -> Story {
        var story = Story.aDay(columns: columns, rows: rows)
        story.hasAPast()
        story.press(keys)
        story.answersAll()
        return story
    }

    @Test func aPageOfEvents() {
        Story.shows("timeline") { story in
            story.hasAPast()
            story.press("Enter 9")
            story.answersAll()
            story.press("k Enter")
        }
    }

    @Test func inAPane() {
        Story.shows("timeline-pane") { story in
            story.hasAPast()
            story.press("9")
            story.answersAll()
        }
    }

    @Test func withoutUnicodeToo() {
        var story = Story.aDay(columns: 80, rows: 24, glyphs: .ascii)
        story.hasAPast()
        story.press("w")
        story.answersAll()
        #expect(story.picture.contains("> 11:16:00  ticket.needs_human_review"))
    }

    @Test func whyIsTheEventThatBroughtItThere() {
        var story = Self.open("w")
        #expect(story.row(0).contains(" Timeline "))
        // The event is marked, and the cursor on it.
        #expect(story.row(10).hasPrefix(" ▸ 11:16:00  ticket.needs_human_review  needs a human: verifier test"))
        #expect(view(story.model).row(10)[80 * 10 + 5].style.isSelected)
        story.happens(Self.live(53, "ticket.tidied"))
        #expect(view(story.model).row(10)[80 * 10 + 5].style.isSelected)
        story.press("Enter")
        #expect(story.picture.contains("why                  this brought T-3 to the state it is in"))
        // Folded again, it is as it was.
        story.press("Enter")
        #expect(!story.picture.contains("this brought"))
    }

    @Test func whyLooksForTheEventAsFarBackAsItIs() {
        var story = Story.aDay()
        story.hasAPast()
        story.press("w")
        let asked = story.answers { request in
            guard case .listEvents(_, let before, _) = request else { return nil }
            let end = before ?? 100
            return .events((end - 10..<end).map { event($0, minutes: 2, "ticket.changed") }, more: end > 60)
        }
        #expect(
            asked.filter { if case .listEvents = $0 { true } else { false } } == [
                .listEvents(ticket: "T-3", before: nil, after: nil), .listEvents(ticket: "T-3", before: 90, after: nil),
                .listEvents(ticket: "T-3", before: 80, after: nil), .listEvents(ticket: "T-3", before: 70, after: nil),
                .listEvents(ticket: "T-3", before: 60, after: nil),
            ]
        )
        story.press("Enter")
        #expect(story.picture.contains("event                52 ticket.changed"))
    }

    @Test func earlierEventsAreReadAsOneScrollsUp() {
        var story = Story.aDay()
        story.press("Enter 9")
        func page(_ request: DaemonRequest) -> Answer? {
            guard case .listEvents(_, let before, _) = request else { return nil }
            let end = before ?? 301
            return .events((end - 100..<end).map { event($0, minutes: 1, "ticket.changed") }, more: end > 101)
        }
        let first = story.answers(page)
        #expect(first.last == .listEvents(ticket: "T-3", before: nil, after: nil))
        #expect(story.row(0).hasSuffix(" 100 events so far ─"))
        story.press("g")
        // What is on the screen stays there.
        let top = story.row(2)
        #expect(story.answers(page) == [.listEvents(ticket: "T-3", before: 201, after: nil)])
        #expect(story.picture.contains(top))
        story.press("g")
        story.answers(page)
        story.press("g")
        #expect(story.answers(page).isEmpty)
        #expect(story.row(0).hasSuffix(" 300 events ─"))
    }

    @Test func whatHappensIsThereAtOnce() {
        var story = Self.open()
        story.happens(Self.live(53, "ticket.stopped"))
        story.happens(.happened(ticket: "T-4", Notification("ticket.stopped", ["seq": 54])))
        // One that was answered already.
        story.happens(Self.live(52, "ticket.stopped"))
        #expect(story.row(11) == "   12:00:00  ticket.stopped             stopped")
        #expect(story.row(12).isEmpty)
        // The cursor is on the newest, unless it was taken elsewhere.
        #expect(view(story.model).row(11)[80 * 11 + 5].style.isSelected)
        story.press("k k")
        story.happens(Self.live(55, "ticket.stopping"))
        #expect(view(story.model).row(9)[80 * 9 + 5].style.isSelected)
        story.press("G")
        story.happens(Self.live(56, "ticket.stopping"))
        #expect(view(story.model).row(13)[80 * 13 + 5].style.isSelected)
    }

    @Test func afterALossItGoesOnWhereItWas() {
        var story = Self.open()
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        #expect(story.taken() == [.send(id: 3, .listEvents(ticket: "T-3", before: nil, after: 52))])
        // Until the answer is here nobody knows what lies between.
        story.happens(Self.live(60, "ticket.stopped"))
        let missed = [event(53, minutes: 1, "ticket.stopping"), event(60, minutes: 0, "ticket.stopped")]
        story.happens(.answered(request: 3, .events(missed)))
        #expect(story.row(0).hasSuffix(" 10 events ─"))
        // More than one answer holds: what was here does not join up.
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        story.happens(.answered(request: 4, .events([event(990, minutes: 0, "ticket.stopped")], more: true)))
        #expect(story.row(0).hasSuffix(" 1 event so far ─"))
    }

    @Test func nextAndPreviousGoToWhatMatters() {
        var story = Self.open()
        story.press("g n")
        story.press("n")
        // Over the step that was between.
        #expect(view(story.model).row(6)[80 * 6 + 5].style.isSelected)
        story.press("N N N")
        #expect(story.row(22) == " no earlier event that matters")
    }

    @Test func aFailureIsSaidAndTriedAgainOnANewConnection() {
        var story = Story.aDay()
        story.press("Enter 9")
        let failure = Answer.failure(.init(message: "no such method", hint: nil))
        story.answers { if case .listEvents = $0 { failure } else { nil } }
        #expect(story.row(1) == " the timeline cannot be read: no such method")
        story.press("j k n N Enter")
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        story.answers { _ in .events([]) }
        #expect(story.row(1) == " nothing has happened to T-3 yet")
    }
}

struct LocalTimeTests {
    @Test func clocksShowWhereOneIs() {
        let east = LocalTime { _ in 5 * 3600 + 1800 }
        let moment = Moment("2026-11-20T21:52:49.120Z")!
        #expect(LocalTime.utc.clock(moment) == "21:52:49")
        #expect(LocalTime.utc.day(moment) == "2026-11-20")
        #expect(east.clock(moment) == "03:22:49")
        #expect(east.day(moment) == "2026-11-21")
        #expect(east.clock("no time") == "no time")
        #expect(LocalTime.utc.clock(Moment(milliseconds: -1)) == "23:59:59")
        #expect(LocalTime.utc.day(Moment(milliseconds: -1)) == "1969-12-31")
        for text in ["2024-02-29", "2000-03-01", "1999-12-31", "2100-02-28", "1970-01-01"] {
            #expect(LocalTime.utc.day(Moment("\(text)T12:00:00Z")!) == text)
        }
    }
}
