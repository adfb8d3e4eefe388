import IPC

/// A question that is answered by typing: a line in the keys' row, or a box where several lines are wanted.
struct Prompt: Sendable {
    let purpose: Purpose
    var field: TextField
    /// What has been asked of the daemon with the text; the prompt stays until it is answered, so that a refusal costs nothing.
    var awaited: Int?

    enum Purpose: Hashable, Sendable {
        case approve(ticket: String)
        case requestChanges(ticket: String)
        /// What its agent asks, by the question's number and in its words.
        case answer(ticket: String, question: Int, text: String)
        /// Whether it may do what it asks for.
        case permit(ticket: String, question: Int, allows: Bool)
        /// Something its agent is to know.
        case message(ticket: String)
        case priority(ticket: String)
        /// Which tickets are listed, while it is typed. `selected` was the ticket at first.
        case filter(selected: String?)
        /// Where that stands in the page.
        case search
        /// An action by its name.
        case command
    }

    /// What stands in it was there before, and the first character typed takes its place.
    var isUntouched: Bool

    init(_ purpose: Purpose, text: String = "") {
        self.purpose = purpose
        field = TextField(text, hasLines: purpose.hasLines)
        isUntouched = !text.isEmpty && (!purpose.isLocal || purpose == .search)
    }
}

extension Prompt.Purpose {
    /// It asks nothing of the daemon.
    var isLocal: Bool {
        switch self {
        case .filter, .search, .command: true
        case .approve, .requestChanges, .answer, .permit, .message, .priority: false
        }
    }

    /// It is answered in a box, where Enter begins a new line.
    var hasLines: Bool {
        switch self {
        case .requestChanges, .answer, .message: true
        case .approve, .permit, .priority, .filter, .search, .command: false
        }
    }

    /// What stands before the text, or above it.
    var title: String {
        switch self {
        case .approve(let ticket): "approve \(ticket):"
        case .requestChanges(let ticket): "What is to change about \(ticket)?"
        case .answer(let ticket, _, _): "What is your answer to \(ticket)?"
        case .permit(let ticket, _, let allows): allows ? "allow \(ticket):" : "deny \(ticket):"
        case .message(let ticket): "What is the agent of \(ticket) to know?"
        case .priority(let ticket): "priority of \(ticket):"
        case .filter, .search: "/"
        case .command: ":"
        }
    }

    /// What stands in the place of a text where there is none yet.
    var placeholder: String? {
        switch self {
        case .approve: "a comment, or Enter alone"
        case .permit: "what it is told, or Enter alone"
        case .priority: "higher first"
        case .filter: "words, is:needs-you, agent:, lock:, p:>2"
        case .search: "what to look for"
        case .command: "an action; Tab completes"
        case .requestChanges, .answer, .message: nil
        }
    }

    /// In an agent's words, what is answered.
    var question: String? {
        switch self {
        case .answer(_, _, let text): text
        case .approve, .requestChanges, .permit, .message, .priority, .filter, .search, .command: nil
        }
    }

    /// What sending it does, in a word.
    var verb: String {
        switch self {
        case .approve: "approve"
        case .requestChanges, .message: "send"
        case .answer: "answer"
        case .permit(_, _, let allows): allows ? "allow" : "deny"
        case .priority: "set"
        case .filter: "keep"
        case .search: "find"
        case .command: "do it"
        }
    }
}

extension TicketRow {
    /// What a person says to it who is for it: to its agent's question, while that asks one.
    var sayYes: Prompt.Purpose {
        guard state == "running", let question else { return .approve(ticket: id) }
        return question.isPermission
            ? .permit(ticket: id, question: question.number, allows: true)
            : .answer(ticket: id, question: question.number, text: question.text)
    }

    var sayNo: Prompt.Purpose {
        guard state == "running", let question else { return .requestChanges(ticket: id) }
        return .permit(ticket: id, question: question.number, allows: false)
    }
}
