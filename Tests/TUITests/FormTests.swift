import Testing

@testable import IPC
@testable import TUI

/// Tickets that are written and edited in the dashboard.
struct FormTests {
    private static let hostile = "日本語 \u{1B}[2J\u{202E}👩\u{200D}💻\u{7}|"

    private static let profiles = Answer.result([
        "profiles": [
            ["name": "claude", "default": true, "kind": "claude"],
            ["name": "script", "default": false, "kind": "command"],
        ]
    ])

    private static func repository(_ id: String, _ path: String) -> RepositoryRow {
        RepositoryRow(id: id, path: path, target: "main")
    }

    private func story(repositories: Int = 1) -> Story {
        var story = Story.aDay()
        Self.know(repositories, &story)
        return story
    }

    private static func know(_ repositories: Int, _ story: inout Story) {
        let rows = [repository("r1", "/home/ann/site"), repository("r2", "/home/ann/日本語 tools")]
        story.happens(.repositories(Array(rows.prefix(repositories))))
    }

    // MARK: New tickets

    @Test func aTicketIsWrittenFiledAndSelected() {
        var story = story()
        story.press("n")
        #expect(story.taken() == [.send(id: 1, .listProfiles)])
        story.happens(.answered(request: 1, Self.profiles))
        story.type("Rename q to queue")
        story.press("Tab")
        story.type("Everywhere.\nTests too.")
        story.press("Tab")
        story.type("3")
        story.press("Tab")
        story.type("src/**, docs/x.md\nport:8080")
        story.press("Tab")
        story.type("T-4,T-5")
        story.press("Enter Right Right")
        story.press("Enter")
        let fields: JSONObject = [
            "title": "Rename q to queue", "description": "Everywhere.\nTests too.", "priority": 3,
            "locks": ["src/**", "docs/x.md", "port:8080"], "depends_on": ["T-4", "T-5"], "agent": "script",
        ]
        #expect(story.taken() == [.send(id: 2, .enqueue(repository: "/home/ann/site", ticket: fields))])
        // It is sent once.
        story.press("Enter Ctrl-S x")
        #expect(story.taken().isEmpty)
        let filed = ticket("T-10", "Rename q to queue", "queued", minutes: 0)
        story.happens(.changed(tickets: ["T-10": filed], agents: [:]))
        story.happens(.answered(request: 2, .result(["ids": ["T-10"]])))
        #expect(story.row(22) == " T-10 is filed")
        #expect(story.model.selectedTicket == "T-10")
        #expect(story.model.keyContext == .lists)
    }

    @Test func whatIsNotFilledInIsNotSent() {
        var story = story(repositories: 2)
        story.press("n")
        story.type("A title")
        story.press("S-Tab Right Ctrl-S")
        #expect(
            story.taken().last
                == .send(id: 2, .enqueue(repository: "/home/ann/日本語 tools", ticket: ["title": "A title"]))
        )
    }

    @Test func theRepositoryIsThatOfTheTicketInHand() {
        var story = story(repositories: 2)
        story.happens(.changed(tickets: ["T-3": ticket("T-3", "x", "stopped") { $0.repository = "r2" }], agents: [:]))
        story.press("n")
        story.type("A title")
        story.press("Ctrl-S")
        #expect(
            story.taken().last
                == .send(id: 2, .enqueue(repository: "/home/ann/日本語 tools", ticket: ["title": "A title"]))
        )
    }

    @Test func errorsLeaveTheFormAsItIs() {
        var story = story()
        story.press("n Tab x Ctrl-S")
        #expect(story.row(22) == " a ticket has a title: say in a line what is to be done")
        // And the title is where one writes now.
        story.type("Title")
        story.press("Tab Tab")
        story.type("high")
        story.press("Ctrl-S")
        #expect(story.row(22) == " a priority is a whole number, higher first")
        story.press("Ctrl-U")
        story.type("-2")
        story.press("Ctrl-S")
        let order = DaemonRequest.enqueue(
            repository: "/home/ann/site",
            ticket: ["title": "Title", "description": "x", "priority": -2]
        )
        #expect(story.taken().last == .send(id: 2, order))
        story.happens(.answered(request: 2, .failure(.init(message: "lock: bad pattern", hint: "see docs"))))
        #expect(story.row(22) == " lock: bad pattern · see docs")
        #expect(story.picture.contains("Title        Title"))
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 3, order)])
        story.happens(.connectionLost(reason: "gone"))
        #expect(story.picture.contains("Title        Title"))
        story.press("Ctrl-S")
        #expect(story.row(22) == " not possible now: the daemon is not connected")
        story.happens(.connectionRegained)
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 4, order)])
    }

    @Test func leavingAsksBeforeTextIsLost() {
        var story = story()
        let before = story.picture
        story.press("n Esc")
        #expect(story.picture == before)
        story.press("n x Esc")
        #expect(story.picture.contains("lose what is written?"))
        story.press("q n Esc")
        #expect(story.picture.contains("Title        x"))
        story.press("Esc y")
        #expect(story.picture == before)
        story.press("j r")
        story.type("No")
        story.press("Esc")
        #expect(story.picture.contains("lose what is written?"))
        story.press("y")
        #expect(story.model.keyContext == .lists)
    }

    @Test func anAnswerThatComesWhileLeavingIsAskedIsTaken() {
        var story = story()
        story.press("n x Ctrl-S Esc")
        story.happens(.answered(request: 1, Self.profiles))
        story.happens(.answered(request: 2, .failure(.init(message: "no", hint: nil))))
        story.press("Esc Ctrl-S")
        #expect(story.taken().count == 3)
        story.press("Esc")
        story.happens(.answered(request: 3, .result(["ids": ["T-3"]])))
        #expect(story.row(22) == " T-3 is filed")
        #expect(story.model.keyContext == .lists)
    }

    @Test func withoutARepositoryThereIsNoTicketToWrite() {
        var story = Story.aDay()
        story.press("n")
        #expect(story.row(22) == " orch knows no repository yet: run orch init in one")
    }

    // MARK: Editing

    @Test func onlyWhatIsChangedIsSent() {
        var story = story()
        story.press("j j j j e")
        #expect(story.taken() == [.send(id: 1, .showTicket("T-4")), .send(id: 2, .listProfiles)])
        // What it says is not known yet.
        story.press("x Enter Ctrl-S")
        story.happens(.answered(request: 1, .result(["ticket": [:], "description": "Old words"])))
        story.happens(.answered(request: 2, Self.profiles))
        #expect(story.picture.contains("Title        Rework the navigation bar"))
        #expect(story.picture.contains("Description  Old words"))
        #expect(story.picture.contains("Agent        claude"))
        story.press("Ctrl-S")
        #expect(story.row(22) == " nothing was changed")
        #expect(story.taken().isEmpty)
        story.press("e")
        story.happens(.answered(request: 3, .result(["ticket": [:], "description": "Old words"])))
        story.press("Tab")
        story.type(", and new ones")
        story.press("Tab BS 7 Ctrl-S")
        let changes: JSONObject = ["description": "Old words, and new ones", "priority": 7]
        #expect(story.taken().last == .send(id: 5, .edit(ticket: "T-4", changes: changes)))
        story.happens(.answered(request: 5, .ticket(state: "queued")))
        #expect(story.row(22) == " T-4 is changed")
    }

    @Test func aTicketThatCannotBeReadIsNotEdited() {
        var story = story()
        story.press("e")
        story.happens(.answered(request: 1, .failure(.init(message: "there is no ticket T-3", hint: nil))))
        #expect(story.row(22) == " there is no ticket T-3")
        #expect(story.model.keyContext == .lists)
        story.press("e")
        story.happens(.connectionLost(reason: "gone"))
        #expect(story.model.keyContext == .lists)
    }

    @Test(arguments: [
        ("j j e", "T-1 is running: stop it first"),
        ("j p", "T-2 waits for your approval: request changes instead"),
        ("G p", "T-8 is merged: file a new ticket instead"),
        ("G x", "T-8 is merged: it cannot be given up any more"),
        ("j j R", "T-1 is running: stop it first"),
        ("j R", "T-2 waits for your approval: approve it, or request changes"),
        ("Tab j x", "agent-2 works on no ticket"),
    ])
    func whatCannotBeDoneSaysWhy(_ keys: String, _ reason: String) {
        var story = story()
        story.press(keys)
        #expect(story.row(22) == " \(reason)")
        #expect(story.taken().isEmpty)
    }

    // MARK: Priority, retry and cancel

    @Test(arguments: [
        ("p 7 Enter", 7), ("p + + Enter", 7), ("p - Enter", 4), ("p Down Down Up Enter", 4), ("p Ctrl-U - 3 Enter", -3),
        ("p End 0 Enter", 50), ("p Ctrl-U Enter", 0),
    ])
    func aPriorityIsANumberOrSteps(_ keys: String, _ priority: Int) {
        var story = story()
        story.press("j j j j " + keys)
        #expect(story.taken() == [.send(id: 1, .edit(ticket: "T-4", changes: ["priority": JSONValue(priority)]))])
        story.happens(.answered(request: 1, .ticket(state: "queued")))
        #expect(story.row(22) == " T-4 has priority \(priority)")
    }

    @Test func aPriorityThatIsNoNumberIsRefused() {
        var story = story()
        story.press("p h Enter")
        #expect(story.taken().isEmpty)
        #expect(story.row(22).hasPrefix(" priority of T-3: h"))
        #expect(story.row(23) == " a priority is a whole number, higher first")
    }

    @Test func aTicketIsCancelledAfterAsking() {
        var story = story()
        story.press("j j x")
        #expect(story.picture.contains("cancel T-1?"))
        #expect(story.picture.contains("its agent is stopped"))
        #expect(story.picture.contains("a snapshot of its work is kept"))
        story.press("x q s Esc")
        #expect(story.taken().isEmpty)
        story.press("x y")
        #expect(story.taken() == [.send(id: 1, .cancel(ticket: "T-1"))])
        story.happens(.answered(request: 1, .ticket(state: "running")))
        #expect(story.row(22) == " T-1 is being cancelled")
        story.press("j j x")
        #expect(story.picture.contains("nothing has been done yet"))
    }

    @Test func aFailedTicketStartsAfresh() {
        var story = story()
        story.press("R")
        #expect(story.taken() == [.send(id: 1, .retry(ticket: "T-3"))])
        story.happens(.answered(request: 1, .ticket(state: "queued")))
        #expect(story.row(22) == " T-3 starts afresh: now queued")
    }

    // MARK: In other programs

    @Test func theEditorTakesAndGivesTheText() {
        var story = story()
        story.press("n a Ctrl-O")
        let text = "title: a\npriority:\nlocks:\ndepends on:\nagent:\nrepository: /home/ann/site\n---\n"
        #expect(story.taken().last == .edit(text))
        story.happens(.edited("title: b\n---\nWords\n日本語"))
        #expect(story.picture.contains("Title        b"))
        #expect(story.picture.contains("Description  Words"))
        story.press("Esc y j r")
        story.type("No")
        story.press("Ctrl-O")
        #expect(story.taken() == [.edit("No")])
        story.happens(.edited("No\nmore"))
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 2, .requestChanges(ticket: "T-2", comment: "No\nmore"))])
        // An editor that is left when nobody waits for it.
        story.press("Ctrl-O Esc y")
        story.happens(.edited("late"))
        #expect(story.model.keyContext == .lists)
    }

    @Test func aWorktreeIsOpenedAndCopied() {
        var story = story()
        story.press("o")
        #expect(story.row(22) == " T-3 has no worktree yet")
        story.press("G Y")
        #expect(story.row(22) == " the worktree of T-8 has been put away")
        story.press("y")
        #expect(story.taken() == [.copy("T-8")])
        story.happens(.reported(Message(kind: .done, text: "copied T-8", hint: nil)))
        #expect(story.row(22) == " copied T-8")
        story.happens(.changed(tickets: ["T-8": ticket("T-8", "x", "running") { $0.worktree = "/w/T-8" }], agents: [:]))
        story.press("Y o")
        let notice = "/w/T-8 is the worktree of T-8; exit leads back to the dashboard"
        #expect(story.taken() == [.copy("/w/T-8"), .openShell(folder: "/w/T-8", notice: notice)])
    }

    // MARK: As it looks

    private static func shows(_ name: String, _ prepare: (inout Story) -> Void) {
        Story.shows(name) { story in
            know(2, &story)
            prepare(&story)
        }
    }

    @Test func anEmptyForm() { Self.shows("form-new") { $0.press("n") } }

    @Test func aFormInUse() {
        Self.shows("form-written") { story in
            story.press("n")
            story.happens(.answered(request: 1, Self.profiles))
            story.type("日本語 and e\u{301}: ")
            story.paste(Self.hostile)
            story.press("Tab")
            for number in 1...12 {
                story.type("- the \(number). thing to do, with all that belongs to it and is not here\n")
            }
            story.paste(Self.hostile)
            story.press("Tab 5 Tab")
            story.type("src/a/**\nsrc/b/**\n日本語/**")
            story.press("Tab")
            story.type("T-4")
        }
    }

    @Test func aDescriptionWithTheKeys() {
        Self.shows("form-description") { story in
            story.press("n")
            story.type("A title")
            story.press("Tab")
            for number in 1...40 { story.type("\(number) 日本語 is written here, and here, and here\n") }
            story.press("Up Up Up Up Up Up")
        }
    }

    @Test func aChoice() {
        Self.shows("form-choice") { story in
            story.press("j j j j e")
            story.happens(.answered(request: 1, .result(["ticket": [:], "description": .string(Self.hostile)])))
            story.happens(.answered(request: 2, Self.profiles))
            story.press("S-Tab Right")
        }
    }

    @Test func aLongErrorIsToldInFull() {
        Self.shows("form-error") { story in
            story.press("n x Ctrl-S")
            let message =
                "lock `../x` contains `..`; a lock names paths inside the repository, relative to its root; lock `日本語[`: "
            story.happens(
                .answered(
                    request: 2,
                    .failure(.init(message: message + "a class has no end", hint: "see docs/locks.md"))
                )
            )
        }
    }

    @Test func theQuestions() {
        Self.shows("form-leave") { $0.press("n 日 Esc") }
        Self.shows("cancel-question") { $0.press("j j x") }
        Self.shows("prompt-priority") { $0.press("j j j j p") }
    }
}

/// A form as a text, for the user's editor.
struct TicketTextTests {
    private func form(_ change: (inout TicketForm) -> Void = { _ in }) -> TicketForm {
        var form = TicketForm(
            ticket("T-4", "A: title", "queued", priority: 5) { row in
                row.locks = ["src/**", "port:80"]
                row.depends_on = ["T-1"]
            }
        )
        form.take(description: "Words\n\ntitle: not one\n---\nmore\n")
        change(&form)
        return form
    }

    private static let text = """
        title: A: title
        priority: 5
        locks: src/**, port:80
        depends on: T-1
        agent: claude
        ---
        Words

        title: not one
        ---
        more

        """

    @Test func whatIsLeftAsItIsChangesNothing() throws {
        var form = form()
        #expect(form.document == Self.text)
        form.take(document: form.document)
        #expect(try form.order() == nil)
    }

    @Test func everyLineOfItCounts() throws {
        var form = form()
        form.take(document: "priority: 7\ntitle:   Other\nlocks:\ndepends on: T-2,T-3\nagent: script\n---\n")
        let changes: JSONObject = [
            "title": "Other", "description": "", "priority": 7, "locks": [], "depends_on": ["T-2", "T-3"],
            "agent": "script",
        ]
        #expect(try form.order() == .edit(ticket: "T-4", changes: changes))
    }

    @Test func whatIsNoEntryIsKeptInTheDescription() {
        var form = form()
        form.take(document: "title: Other\nlokcs: src/**\n\n---\nWords")
        #expect(form[.title] == "Other")
        #expect(form[.description] == "lokcs: src/**\nWords")
        form.take(document: "just words")
        #expect(form[.description] == "just words")
        form.take(document: "")
        #expect(form[.description].isEmpty)
        #expect(form[.agent] == "claude")
    }
}
