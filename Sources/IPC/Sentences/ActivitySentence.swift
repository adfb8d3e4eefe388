extension ActivityRow {
    /// What the agent does now, in few words: `Bash  make test`, `waits for leave: Write a.txt`, `rate limited until 17:20`.
    ///
    /// - Parameter clock: the time of day of a moment as it travels, as the reader's clock says it.
    public func sentence(clock: (String) -> String) -> String {
        switch state {
        case "starting": "is starting"
        case "working": "is thinking"
        case "tool": what(between: "  ")
        case "permission": "waits for leave: \(what(between: " "))"
        case "question": "asks a person" + (title.map { ": \($0)" } ?? "")
        case "stuck": "goes round in circles" + because
        case "limited": "rate limited" + (until.map { " until \(clock($0))" } ?? because)
        case "retrying": "tries again" + because
        case "idle": "its turn has ended"
        // Of a later version.
        default: state
        }
    }

    /// It gets nowhere of its own accord: somebody or something keeps it waiting, or it repeats itself.
    public var isHeldUp: Bool { ["permission", "question", "stuck", "limited", "retrying"].contains(state) }

    private var because: String { reason.map { ": \($0)" } ?? "" }

    private func what(between: String) -> String {
        [tool, title].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: between)
    }
}

extension MessageRow {
    /// How far it is on its way to the agent, in few words.
    public var deliverySentence: String {
        switch delivery {
        case "queued": "waits for the next run"
        case "sent": "sent, not taken in yet"
        default: delivery
        }
    }
}
