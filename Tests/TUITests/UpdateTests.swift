import Testing

@testable import IPC
@testable import TUI

/// What keys, the mouse and the daemon do to the dashboard.
struct UpdateTests {
    // MARK: Commands

    @Test func continueApprovesWhatAwaitsApproval() {
        var story = Story.aDay()
        story.press("j c")
        #expect(story.taken() == [.send(id: 1, .resume(ticket: "T-2", approves: true))])
        story.happens(
            .changed(tickets: ["T-2": ticket("T-2", "Fix the login redirect", "landing", minutes: 0)], agents: [:])
        )
        story.happens(.answered(request: 1, .ticket(state: "landing")))
        #expect(story.row(22) == " T-2 approved: now landing")
        // The selection stays on the ticket, wherever it has gone.
        #expect(story.row(17).hasPrefix("─ T-2 ─"))
        #expect(story.row(6) == " ▲ landing   T-2 Fix the login redirect         0s │")
        // The message stays until the next key.
        story.press("k")
        #expect(story.row(22).hasPrefix(" c continue"))
    }

    @Test func stopOnAnAgentStopsItsTicket() {
        var story = Story.aDay()
        story.press("Tab s")
        #expect(story.taken() == [.send(id: 1, .stop(ticket: "T-1"))])
        story.happens(.answered(request: 1, .ticket(state: "running")))
        #expect(story.row(22) == " T-1 is stopping")
    }

    @Test(arguments: [
        ("G c", "T-8 is merged: nothing is left to do"),
        ("G s", "T-8 is merged: no agent works on it"),
        ("j j c", "T-1 is running already"),
        ("j j j c", "T-6 is landing already"),
        ("j j j j c", "T-4 starts by itself: it waits for its turn"),
        ("j j j j j c", "T-5 starts by itself: waits for lock src/** of T-1"),
        ("j j j j j j s", "T-7 is stopped already"),
        ("s", "T-3 waits for you: no agent works on it"),
        ("Tab j c", "agent-2 works on no ticket"),
        ("Tab j s", "agent-2 works on no ticket"),
    ])
    func aKeyThatCannotBeUsedSaysWhy(_ keys: String, _ reason: String) {
        var story = Story.aDay()
        story.press(keys)
        #expect(story.row(22) == " \(reason)")
        #expect(story.taken().isEmpty)
    }

    @Test func aRefusalIsShownWithItsHint() {
        var story = Story.aDay()
        story.press("j j s")
        story.happens(
            .answered(
                request: 1,
                .failure(.init(message: "cannot stop T-1: it ended (exit 1)", hint: "orch retry T-1"))
            )
        )
        #expect(story.row(22) == " cannot stop T-1: it ended (exit 1) · orch retry T-1")
    }

    @Test func anAnswerNobodyWaitsForChangesNothing() {
        var story = Story.aDay()
        let before = story.picture
        story.happens(.answered(request: 77, .ticket(state: "stopped")))
        #expect(story.picture == before)
    }

    @Test func whatIsPastedIsNotTakenForKeys() {
        var story = Story.aDay()
        story.happens(.pasteBegan)
        story.press("j j s q")
        story.happens(.pasteEnded)
        #expect(story.taken().isEmpty)
        #expect(story.model.selectedTicket == "T-3")
        story.press("j")
        #expect(story.model.selectedTicket == "T-2")
    }

    // MARK: Quitting

    @Test func quittingWithoutWorkingAgentsAsksNothing() {
        var story = Story()
        story.happens(.snapshot(tickets: [], agents: [agent("agent-1")], waiting: [:]))
        story.press("q")
        #expect(story.taken() == [.quit])
    }

    @Test func agentsCanBeLeftWorking() {
        var story = Story.aDay()
        story.press("q l")
        #expect(story.taken() == [.quit])
    }

    @Test func stayingIsPossible() {
        var story = Story.aDay()
        let before = story.picture
        story.press("q Esc")
        #expect(story.picture == before)
        #expect(story.taken().isEmpty)
        // Keys of the panels do nothing while the question stands.
        story.press("q c s j Esc")
        #expect(story.taken().isEmpty)
        #expect(story.picture == before)
    }

    @Test func haltingStopsEveryRunningTicketAndQuitsOnceAllAreAnswered() {
        var story = Story.aDay()
        story.happens(.changed(tickets: [:], agents: ["agent-2": agent("agent-2", on: "T-5")]))
        story.press("q h")
        #expect(story.taken() == [.send(id: 1, .stop(ticket: "T-1")), .send(id: 2, .stop(ticket: "T-5"))])
        #expect(story.picture.contains("│ halting 2 agents"))
        story.happens(.answered(request: 2, .ticket(state: "stopped")))
        #expect(story.taken().isEmpty)
        #expect(story.picture.contains("│ halting 1 agent "))
        story.happens(.answered(request: 1, .ticket(state: "running")))
        #expect(story.taken() == [.quit])
    }

    @Test func aHaltThatFailsStaysAndSaysWhy() {
        var story = Story.aDay()
        story.press("q h")
        _ = story.taken()
        story.happens(.answered(request: 1, .failure(.init(message: "cannot stop T-1", hint: nil))))
        #expect(story.taken().isEmpty)
        #expect(story.row(22) == " cannot stop T-1")
        #expect(story.model.keyContext == .lists)
    }

    // MARK: Halting everything

    @Test func haltingEverythingIsAskedAndResumingIsNot() {
        var story = Story.aDay()
        let before = story.picture
        story.press("H")
        #expect(story.picture.contains("│ halt everything? "))
        #expect(story.row(22) == " y halt everything  Esc stay")
        story.press("H c s Esc")
        #expect(story.picture == before)
        #expect(story.taken().isEmpty)
        story.press("H y")
        #expect(story.taken() == [.send(id: 1, .haltEverything)])
        story.happens(.halted(""))
        story.happens(.answered(request: 1, .standstill(isHalted: true, tickets: 1)))
        #expect(story.row(22) == " everything is halted; stopping 1 ticket")
        #expect(story.row(23).hasSuffix("   halted"))
        story.press("H")
        #expect(story.taken() == [.send(id: 2, .resumeEverything)])
        story.happens(.halted(nil))
        story.happens(.answered(request: 2, .standstill(isHalted: false, tickets: 2)))
        #expect(story.row(22) == " everything goes on; 2 tickets back in the queue")
        #expect(story.row(23).hasSuffix("   live"))
        story.press("H y")
        story.happens(.answered(request: 3, .failure(.init(message: "cannot halt", hint: nil))))
        #expect(story.row(22) == " cannot halt")
        story.happens(.connectionLost(reason: "gone"))
        story.press("H")
        #expect(story.row(22) == " not possible now: the daemon is not connected")
    }

    @Test func theReasonToHaltLeavesRoomForTheCounts() {
        var story = Story.aDay()
        story.happens(.halted("the model is down, and nobody knows for how long it will be"))
        #expect(
            story.statusBar == """
                 c continue  s stop  r changes  H resume  Enter open  / filter  ? help  q quit
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2           halted: the model is down, and nobody …
                """
        )
        story.happens(.troubled("disk full"))
        #expect(story.row(23).hasSuffix("   disk full"))
    }

    // MARK: The connection

    @Test func withoutTheDaemonTheLastPictureStaysAndSaysSo() {
        var story = Story.aDay(columns: 100)
        story.press("j j s")
        _ = story.taken()
        let panels = story.rows(0...16)
        story.happens(.connectionLost(reason: "the connection was closed"))
        #expect(story.rows(0...16) == panels)
        #expect(story.row(23).hasSuffix("daemon gone: the connection was closed; trying again"))
        #expect(story.row(22).hasPrefix(" the daemon went away before it answered · look at the ticket's state"))
        story.press("s")
        #expect(story.row(22) == " not possible now: the daemon is not connected")
        #expect(story.taken().isEmpty)
        story.happens(.connectionRegained)
        #expect(story.row(22) == " the daemon is back")
        #expect(story.row(23).hasSuffix("live"))
    }

    @Test func aFullDiskStandsWhereTheConnectionDoes() {
        var story = Story.aDay()
        story.happens(.troubled("disk full"))
        #expect(story.row(23).hasSuffix("   disk full"))
        story.happens(.connectionLost(reason: "the connection was closed"))
        #expect(story.row(23).hasSuffix("daemon gone: the connection was closed; trying again"))
        story.happens(.connectionRegained)
        story.happens(.troubled(nil))
        #expect(story.row(23).hasSuffix("   live"))
    }

    @Test func withoutTheDaemonQuittingAsksNothing() {
        var story = Story.aDay()
        story.happens(.connectionLost(reason: "gone"))
        story.press("q")
        #expect(story.taken() == [.quit])
    }

    // MARK: Moving

    @Test func keysMoveAndStayInside() {
        var story = Story.aDay()
        func selected(_ keys: String) -> String? {
            story.press(keys)
            return story.model.selectedTicket
        }
        #expect(selected("k") == "T-3")
        #expect(selected("j Down") == "T-1")
        #expect(selected("G") == "T-8")
        #expect(selected("j j") == "T-8")
        #expect(selected("Ctrl-U") == "T-3")
        #expect(selected("Ctrl-D") == "T-8")
        #expect(selected("g") == "T-3")
        #expect(selected("PgDn") == "T-8")
        #expect(selected("PgUp") == "T-3")
        #expect(story.model.ticketTop == 0)
        story.press("l G")
        #expect(story.model.selectedAgent == "agent-10")
        story.press("h G")
        #expect(story.model.selectedTicket == "T-8")
    }

    @Test func aSelectionThatVanishesMovesToItsNeighbour() {
        var story = Story.aDay()
        story.press("j")
        story.happens(.changed(tickets: ["T-2": nil], agents: ["agent-1": nil]))
        #expect(story.model.selectedTicket == "T-1")
        #expect(story.model.selectedAgent == "agent-2")
        story.happens(.snapshot(tickets: [], agents: [], waiting: [:]))
        #expect(story.model.selectedTicket == nil)
        story.press("j k g G PgDn Ctrl-U c s Enter Tab j c s Enter")
        #expect(story.taken().isEmpty)
    }

    @Test func theMouseSelectsAndScrolls() {
        var story = Story.aDay(columns: 80, rows: 16)
        story.happens(.mouse(Mouse(kind: .press, x: 10, y: 5)))
        #expect(story.model.selectedTicket == "T-1")
        // A heading cannot be selected.
        story.happens(.mouse(Mouse(kind: .press, x: 10, y: 4)))
        #expect(story.model.selectedTicket == "T-1")
        story.happens(.mouse(Mouse(kind: .press, x: 60, y: 2)))
        #expect(story.model.focus == .agents)
        #expect(story.model.selectedAgent == "agent-2")
        story.happens(.mouse(Mouse(kind: .wheelDown, x: 10, y: 5)))
        #expect(story.model.ticketTop == 3)
        story.happens(.mouse(Mouse(kind: .wheelDown, x: 10, y: 5)))
        story.happens(.mouse(Mouse(kind: .wheelDown, x: 10, y: 5)))
        // The list ends at the end of the panel, and the selection has stayed in sight.
        #expect(story.row(9).hasPrefix(" ✓ merged    T-8 Upgrade dependencies          13h │"))
        #expect(story.model.selectedTicket == "T-6")
        for _ in 0..<5 { story.happens(.mouse(Mouse(kind: .wheelUp, x: 10, y: 5))) }
        #expect(story.model.ticketTop == 0)
        story.happens(.mouse(Mouse(kind: .press, x: 500, y: 500)))
        story.happens(.mouse(Mouse(kind: .press, x: -1, y: -1)))
    }

    /// Whatever is typed, clicked and resized: nothing traps, and what is selected can be seen.
    @Test(arguments: 1...10 as ClosedRange<UInt64>) func anythingCanHappen(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var story = Story.aDay()
        story.happens(.repositories(["/a", "/b"].map { RepositoryRow(id: $0, path: $0, target: "main") }))
        let keys: [Key] =
            "csharnexpRoyY+-jklgG?qlHyw 123456789nN[]/:M日\u{301}".unicodeScalars.map(Key.character)
            + [.up, .down, .left, .right, .home, .end, .pageUp, .pageDown, .enter, .escape, .tab, .backTab, .backspace]
            + ["d", "u", "l", "c", "s", "a", "e", "k", "w", "y", "p", "n", "o"].map { .control($0) }
            + ["b", "f", "d", "\u{7F}"].map { .alt($0) } + [.delete, .controlLeft, .controlRight]
        let states = ["queued", "running", "stopped", "awaiting_approval", "landing", "merged", "other"]
        for _ in 0..<400 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                let size = Size(
                    columns: .random(in: 1...200, using: &random),
                    rows: .random(in: 1...60, using: &random)
                )
                story.happens(.resized(size))
            case 1:
                let kind = [Mouse.Kind.press, .doublePress, .drag, .wheelUp, .wheelDown].randomElement(using: &random)!
                let (x, y) = (Int.random(in: -1...200, using: &random), Int.random(in: -1...60, using: &random))
                story.happens(.mouse(Mouse(kind: kind, x: x, y: y)))
            case 2, 3:
                let id = "T-\(Int.random(in: 1...40, using: &random))"
                let isGone = Int.random(in: 0..<4, using: &random) == 0
                let row = ticket(id, "日本語 \u{1B}[31m", states.randomElement(using: &random)!) { $0.run = "\(id).1" }
                story.happens(.changed(tickets: [id: isGone ? nil : row], agents: [:]))
            case 4:
                let id = "agent-\(Int.random(in: 1...30, using: &random))"
                let row: AgentRow? = [nil, agent(id), agent(id, on: "T-3")].randomElement(using: &random)!
                story.happens(.changed(tickets: [:], agents: [id: row]))
            case 5 where Bool.random(using: &random): story.happens(.edited("title: \u{1B}\n日\n---\nx"))
            case 5:
                for case .send(let id, let request) in story.taken() {
                    guard case .readOutput(_, _, let offset, let length) = request else {
                        if case .listEvents = request {
                            story.happens(.answered(request: id, .story))
                            continue
                        }
                        let failure = Answer.failure(.init(message: "no", hint: nil))
                        let shown = Answer.result(["description": "日本語 \u{1B}[31m\n", "ids": ["T-1"]])
                        story.happens(.answered(request: id, Bool.random(using: &random) ? shown : failure))
                        continue
                    }
                    let bytes = (0..<min(length, 3000)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    story.happens(.answered(request: id, .output(bytes, offset: offset, size: 200_000)))
                }
            case 6 where Bool.random(using: &random):
                story.happens(.halted([nil, "", "日本語 \u{1B}[31m"].randomElement(using: &random)!))
            case 6: story.happens(Bool.random(using: &random) ? .connectionLost(reason: "x") : .connectionRegained)
            default: story.happens(.key(keys.randomElement(using: &random)!))
            }
            let screen = view(story.model)
            #expect(screen.size == story.model.size)
            guard let layout = story.model.layout, let id = story.model.selectedTicket else { continue }
            let line = story.model.tickets.lineIndex(of: id, headings: layout.hasHeadings)!
            #expect((story.model.ticketTop..<story.model.ticketTop + layout.tickets.rows).contains(line))
        }
    }
}

struct KeyTests {
    @Test(arguments: KeyContext.allCases)
    func everyKeyMeansOneThingInAPlace(_ context: KeyContext) {
        var seen: Set<Key> = []
        for binding in KeyBinding.table where binding.contexts.contains(context) {
            for key in binding.keys { #expect(seen.insert(key).inserted, "\(key) has two meanings") }
            #expect(!binding.help.isEmpty)
            #expect(Text(binding.name).width <= KeyBinding.nameColumns)
        }
        // There is a way out of everywhere.
        #expect(seen.contains(.escape))
    }
}

struct RowStyleTests {
    @Test func rowsAreStyledByWhatTheyMean() {
        var story = Story.aDay()
        func style(x: Int, y: Int) -> Style { view(story.model).row(y)[y * 80 + x].style }
        #expect(style(x: 1, y: 2) == .failed.selected)
        #expect(style(x: 1, y: 3) == .waiting)
        #expect(style(x: 1, y: 12) == .stopped)
        #expect(style(x: 1, y: 15) == .done)
        // The whole row, to the divider and no further.
        #expect(style(x: 0, y: 2).isSelected && style(x: 50, y: 2).isSelected)
        #expect(!style(x: 51, y: 2).isSelected)
        story.press("Tab")
        #expect(style(x: 1, y: 2) == .failed)
        #expect(style(x: 79, y: 1).isSelected)
    }
}
