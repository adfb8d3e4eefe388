import IPC

// What keys do to what is being typed.

extension Model {
    /// A key that has no meaning of its own here goes into the text; false where nothing is typed.
    mutating func type(_ key: Key) -> Bool {
        guard let layout else { return false }
        switch overlay {
        case .prompt(var prompt):
            guard prompt.take(key, columns: layout.textBox.inside.columns) else { return false }
            overlay = .prompt(prompt)
        case .form(var form):
            guard form.take(key, columns: FormLayout(form, layout).columns) else { return false }
            overlay = .form(form)
        default: return false
        }
        filterAsTyped()
        return true
    }

    /// Between the marks of a paste nothing is a key: all of it is text, where text is taken.
    mutating func paste(_ key: Key) {
        switch key {
        case .character(let scalar): _ = type(.character(scalar))
        case .enter: _ = type(.character("\n"))
        case .tab: _ = type(.character("\t"))
        default: break
        }
    }

    /// Leaving would lose what took some time to write.
    var wouldLoseText: Bool {
        switch overlay {
        case .prompt(let prompt): prompt.purpose.hasLines && !prompt.field.isBlank
        case .form(let form): form.hasChanged
        default: false
        }
    }

    // MARK: In the user's editor

    func editText(_ commands: inout [Command]) {
        switch overlay {
        case .prompt(let prompt) where prompt.awaited == nil: commands.append(.edit(prompt.field.text))
        case .form(let form) where form.phase == .writing: commands.append(.edit(form.document))
        default: break
        }
    }

    /// What the editor left is what is typed.
    mutating func takeEdited(_ text: String) {
        switch overlay {
        case .prompt(var prompt):
            prompt.field.replace(with: text)
            overlay = .prompt(prompt)
        case .form(var form):
            form.take(document: text)
            overlay = .form(form)
        default: break
        }
    }

    // MARK: Sending

    /// Sends what is typed. It stays until that is answered.
    mutating func submit(_ commands: inout [Command]) {
        do throws(Unfit) {
            switch overlay {
            case .prompt(var prompt):
                guard prompt.awaited == nil else { return }
                if case .filter = prompt.purpose { return overlay = .none }
                if case .search = prompt.purpose { return search(for: prompt.field.text) }
                if case .command = prompt.purpose { return run(prompt.field.text, &commands) }
                prompt.awaited = send(try prompt.order(), &commands)
                overlay = .prompt(prompt)
            case .form(var form):
                guard form.phase == .writing else { return }
                guard let order = try form.order() else {
                    overlay = .none
                    message = Message(kind: .done, text: "nothing was changed", hint: nil)
                    return
                }
                form.isSent(as: send(order, &commands))
                overlay = .form(form)
            default: break
            }
        } catch {
            message = Message(kind: .refused, text: error.reason, hint: nil)
            if let name = error.entry { moveInForm { $0.go(to: name) } }
        }
    }

    /// What was asked with it is answered: it has done its work, or is there for another try.
    mutating func settleTyping(answered id: Int, _ answer: Answer) {
        var isTried = false
        switch overlay.typed {
        case .prompt(var prompt) where prompt.awaited == id:
            prompt.awaited = nil
            overlay = overlay.with(.prompt(prompt))
            isTried = true
        case .form(var form) where form.phase == .sent(id):
            form.isWritten()
            overlay = overlay.with(.form(form))
            isTried = true
        default: break
        }
        guard isTried, case .result(let value) = answer else { return }
        overlay = .none
        if let ticket = value["ids"]?.arrayValue?.first?.stringValue { select(ticket) }
    }

    /// What was asked is lost with the connection; what was typed is not.
    mutating func forgetAwaited() {
        switch overlay.typed {
        case .prompt(var prompt):
            prompt.awaited = nil
            overlay = overlay.with(.prompt(prompt))
        case .form(var form):
            form.profilesAsked = nil
            if case .reading = form.phase {
                overlay = .none
            } else {
                form.isWritten()
                overlay = overlay.with(.form(form))
            }
        default: break
        }
    }

    // MARK: Forms

    mutating func writeNewTicket(_ commands: inout [Command]) {
        let chosen = repositories.firstIndex { $0.id == ticketInHand?.repository } ?? 0
        var form = TicketForm(repositories: repositories.map(\.path), chosen: chosen)
        form.profilesAsked = send(.listProfiles, &commands)
        overlay = .form(form)
    }

    mutating func editTicket(_ ticket: TicketRow, _ commands: inout [Command]) {
        var form = TicketForm(ticket)
        form.reads(send(.showTicket(ticket.id), &commands))
        form.profilesAsked = send(.listProfiles, &commands)
        overlay = .form(form)
    }

    mutating func moveInForm(_ move: (inout TicketForm) -> Void) {
        guard case .form(var form) = overlay, form.phase == .writing else { return }
        move(&form)
        overlay = .form(form)
    }

    /// Enter begins a line where there are several, sends the last entry, and else goes on.
    mutating func enterField(_ commands: inout [Command]) {
        guard case .form(let form) = overlay else { return }
        if type(.enter) { return }
        if form.isAtLast {
            guard connection == .live else { return }
            submit(&commands)
        } else {
            moveInForm { $0.go(by: 1) }
        }
    }

    /// What a form has asked; false where the answer is not for it.
    mutating func takeForForm(_ answer: Answer, to id: Int) -> Bool {
        guard case .form(var form) = overlay.typed else { return false }
        switch (form.phase, answer) {
        case (.reading(id), .result(let value)):
            form.take(description: value["description"]?.stringValue ?? "")
            overlay = overlay.with(.form(form))
        case (.reading(id), .failure(let failure)):
            overlay = .none
            message = Message(kind: .failed, text: failure.message, hint: failure.hint)
        case _ where form.profilesAsked == id:
            // Without an answer one writes the ticket all the same.
            form.take(profiles: answer.profiles)
            overlay = overlay.with(.form(form))
        default: return false
        }
        return true
    }

    private mutating func select(_ ticket: String) {
        guard tickets[ticket] != nil else { return }
        selectedTicket = ticket
        focus = .tickets
        detail.reading = .lists
    }
}

extension Answer {
    fileprivate var profiles: [(name: String, isDefault: Bool)] {
        guard case .result(let value) = self else { return [] }
        return (value["profiles"]?.arrayValue ?? []).compactMap { profile in
            profile["name"]?.stringValue.map { ($0, profile["default"]?.boolValue ?? false) }
        }
    }
}

extension Overlay {
    /// What is typed, also while it is asked whether that shall be lost.
    var typed: Overlay { if case .leaveQuestion(let typing) = self { typing } else { self } }

    /// The same with what is typed changed.
    func with(_ typing: Overlay) -> Overlay { if case .leaveQuestion = self { .leaveQuestion(typing) } else { typing } }
}

/// What is typed cannot be taken, for this reason.
struct Unfit: Error {
    var reason: String
    /// Where in a form.
    var entry: TicketForm.Name?

    init(reason: String, at entry: TicketForm.Name? = nil) {
        self.reason = reason
        self.entry = entry
    }
}

extension Prompt {
    /// Does what a key does to the text; false: nothing.
    mutating func take(_ key: Key, columns: Int) -> Bool {
        // What has been sent is not changed any more.
        guard awaited == nil else { return false }
        if case .priority = purpose, step(key) { return true }
        if isUntouched, case .character = key { field.replace(with: "") }
        isUntouched = false
        return field.take(key, columns: columns)
    }

    /// A number goes up and down in steps; a minus before a number that is being typed is a minus.
    private mutating func step(_ key: Key) -> Bool {
        let distance: Int
        switch key {
        case .up, .character("+"): distance = 1
        case .down: distance = -1
        case .character("-") where !field.isBlank: distance = -1
        default: return false
        }
        guard let number = try? Priority.read(field.text), abs(number) < 1_000_000 else { return false }
        field.replace(with: String(number + distance))
        return true
    }

    /// What is asked of the daemon with the text.
    func order() throws(Unfit) -> DaemonRequest {
        switch purpose {
        case .filter, .search, .command: throw Unfit(reason: "this asks nothing of the daemon")
        case .approve(let ticket): return .approve(ticket: ticket, comment: field.isBlank ? nil : field.text)
        case .requestChanges(let ticket):
            guard !field.isBlank else { throw Unfit(reason: "say what is to change: its agent is told nothing else") }
            return .requestChanges(ticket: ticket, comment: field.text)
        case .answer(let ticket, let question, _):
            guard !field.isBlank else { throw Unfit(reason: "say the answer") }
            return .answer(ticket: ticket, question: question, text: field.text, allows: nil)
        case .permit(let ticket, let question, let allows):
            return .answer(ticket: ticket, question: question, text: field.text, allows: allows)
        case .message(let ticket):
            guard !field.isBlank else { throw Unfit(reason: "say what its agent is to know") }
            return .steer(ticket: ticket, message: field.text)
        case .priority(let ticket):
            return .edit(ticket: ticket, changes: ["priority": JSONValue(try Priority.read(field.text))])
        }
    }
}
