import Core

/// What a run of an agent that speaks a protocol came to: its stream says so, and its exit only where the stream says nothing
/// against it. Any number of turns may end in one run; the last one counts.
struct TurnVerdict: Equatable, Sendable {
    private enum Turn: Equatable {
        case none
        case underWay
        case ended(TurnEnd)
    }

    private var turn = Turn.none
    /// It has printed something of its protocol.
    private var hasSpoken = false
    /// The last warning or error that ended nothing.
    private var note: String?

    mutating func saw(_ event: AgentEvent) {
        switch event {
        case .turnStarted: turn = .underWay
        case .turnEnded(let end): turn = .ended(end)
        case .noted(let text): note = text
        // A message that is taken in after a turn's end begins another, whether that is said or not.
        case .tookMessage: if case .ended = turn { turn = .underWay }
        case .session, .said, .toolStarted, .toolEnded, .used, .asked, .withdrew, .refusedMessage, .limited, .retrying,
            .unknown:
            break
        }
        if case .noted = event {} else { hasSpoken = true }
    }

    /// `outcome` is how the program ended, `error` the end of what it printed on standard error.
    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome {
        switch (outcome, turn) {
        case (.stopped, _), (.timedOut, _), (.stale, _), (.notStarted, _), (.lost, _), (.failed, _), (.unknown, _):
            outcome
        case (.exited, .ended(.failed(_, let reason))), (.signalled, .ended(.failed(_, let reason))): .failed(reason)
        // Who ends with an error after its work may have left the work in pieces: that is for a person to see.
        case (.exited, .ended(.completed)), (.signalled, _): outcome
        case (.exited(let code), .ended(.interrupted)): .unknown(said(code, "its last turn was interrupted", error))
        case (.exited(let code), .underWay): .unknown(said(code, "its last turn had not ended", error))
        case (.exited(let code), .none): .unknown(said(code, "it took no turn", error))
        }
    }

    private func said(_ code: Int, _ reason: String, _ error: String) -> String {
        var text = code == 0 ? reason : "exit \(code), \(reason)"
        // Where it never came to speak, why is on standard error alone.
        let complaint = Self.lastLines(error) ?? (hasSpoken ? note : note.flatMap(Self.lastLines))
        if let complaint, !hasSpoken || code != 0 { text += ": \(complaint)" }
        return text
    }

    /// The end of a text, as one line of bounded length; nil where there is none.
    private static func lastLines(_ text: String) -> String? {
        let words = text.split { $0.isWhitespace || $0.isNewline }
        guard !words.isEmpty else { return nil }
        var line = words.joined(separator: " ")
        if line.count > 300 { line = "…" + line.suffix(299) }
        return line
    }
}
