import IPC

// What keys do to what is being typed.

extension Model {
    /// A key that has no meaning of its own here goes into the text; false where nothing is typed.
    mutating func type(_ key: Key) -> Bool {
        guard case .prompt(var prompt) = overlay else { return false }
        // What has been sent is not changed any more.
        guard prompt.awaited == nil, prompt.field.take(key, columns: layout?.textBox.inside.columns ?? 80) else {
            return false
        }
        overlay = .prompt(prompt)
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

    /// Sends what the prompt asked for. It stays until that is answered.
    mutating func submit(_ commands: inout [Command]) {
        guard case .prompt(var prompt) = overlay, prompt.awaited == nil else { return }
        do throws(Unfit) {
            prompt.awaited = send(try prompt.order(), &commands)
            overlay = .prompt(prompt)
        } catch {
            message = Message(kind: .refused, text: error.reason, hint: nil)
        }
    }

    /// What was asked with it is answered: it has done its work, or is there for another try.
    mutating func closePrompt(answered id: Int, _ answer: Answer) {
        guard case .prompt(var prompt) = overlay, prompt.awaited == id else { return }
        prompt.awaited = nil
        if case .result = answer { overlay = .none } else { overlay = .prompt(prompt) }
    }

    /// What was asked is lost with the connection; what was typed is not.
    mutating func forgetAwaited() {
        guard case .prompt(var prompt) = overlay else { return }
        prompt.awaited = nil
        overlay = .prompt(prompt)
    }
}

/// What is typed cannot be taken, for this reason.
struct Unfit: Error {
    var reason: String
}

extension Prompt {
    /// What is asked of the daemon with the text.
    func order() throws(Unfit) -> DaemonRequest {
        switch purpose {
        case .approve(let ticket): return .approve(ticket: ticket, comment: field.isBlank ? nil : field.text)
        case .requestChanges(let ticket):
            guard !field.isBlank else { throw Unfit(reason: "say what is to change: its agent is told nothing else") }
            return .requestChanges(ticket: ticket, comment: field.text)
        }
    }
}
