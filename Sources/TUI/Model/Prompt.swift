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
        /// Something its agent is to know.
        case message(ticket: String)
        case priority(ticket: String)
        /// Which tickets are listed, while it is typed. `selected` was the ticket at first.
        case filter(selected: String?)
        /// An action by its name.
        case command
    }

    /// What stands in it was there before, and the first character typed takes its place.
    var isUntouched: Bool

    init(_ purpose: Purpose, text: String = "") {
        self.purpose = purpose
        field = TextField(text, hasLines: purpose.hasLines)
        isUntouched = !text.isEmpty && !purpose.isLocal
    }
}

extension Prompt.Purpose {
    /// It asks nothing of the daemon.
    var isLocal: Bool {
        switch self {
        case .filter, .command: true
        case .approve, .requestChanges, .message, .priority: false
        }
    }

    /// It is answered in a box, where Enter begins a new line.
    var hasLines: Bool {
        switch self {
        case .requestChanges, .message: true
        case .approve, .priority, .filter, .command: false
        }
    }

    /// What stands before the text, or above it.
    var title: String {
        switch self {
        case .approve(let ticket): "approve \(ticket):"
        case .requestChanges(let ticket): "What is to change about \(ticket)?"
        case .message(let ticket): "What is the agent of \(ticket) to know?"
        case .priority(let ticket): "priority of \(ticket):"
        case .filter: "/"
        case .command: ":"
        }
    }

    /// What stands in the place of a text where there is none yet.
    var placeholder: String? {
        switch self {
        case .approve: "a comment, or Enter alone"
        case .priority: "higher first"
        case .filter: "words, is:needs-you, agent:, lock:, p:>2"
        case .command: "an action; Tab completes"
        case .requestChanges, .message: nil
        }
    }

    /// What sending it does, in a word.
    var verb: String {
        switch self {
        case .approve: "approve"
        case .requestChanges, .message: "send"
        case .priority: "set"
        case .filter: "keep"
        case .command: "do it"
        }
    }
}
