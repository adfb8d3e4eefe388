import IPC

/// What people read about tickets' states and what can be done in them: in one place, to be read in one sitting.
extension TicketRow {
    /// `queued: waits for a free agent`.
    var stateSentence: String {
        guard let reason = reasonNow else { return state }
        if reason.hasPrefix(state) { return reason }
        return "\(state): \(reason)"
    }

    /// Its state in a word, for people: `stale` is more than `running` says.
    var shownState: String { stale_since == nil ? state : "stale" }

    /// Its reason, with the ages that only the reader's clock knows.
    var reasonNow: String? {
        Silence.sentence(since: stale_since, until: stale_until, evidence: stale_evidence) ?? reason
    }

    /// What its agent has been told, and is not known to have taken in.
    var messageLines: [String] {
        (messages ?? []).map { message in
            "message \(message.number)   \(message.deliverySentence) (\(Moments.age(message.time)) ago): \(message.text)"
        }
    }

    /// The commands that make sense now, each with what it does.
    var commands: [(command: String, effect: String)] {
        switch state {
        case "queued":
            [("orch stop \(id)", "keep it from starting"), ("orch cancel \(id)", "give it up")]
        case "running" where question?.kind == "permission":
            [
                ("orch answer \(id) --allow", "let its agent do it"), ("orch answer \(id) --deny", "do not let it"),
                ("orch stop \(id)", "halt it, keeping everything"),
            ]
        case "running" where question != nil:
            [
                ("orch answer \(id) …", "answer its agent"), ("orch stop \(id)", "halt it, keeping everything"),
            ]
        case "running":
            [
                ("orch logs \(id) --follow", "see what its agent prints"),
                ("orch stop \(id)", "halt it, keeping everything"),
                ("orch cancel \(id)", "give it up; a snapshot is kept"),
            ]
        case "stopped":
            [
                ("orch continue \(id)", "resume it"), ("orch retry \(id)", "start its stage afresh"),
                ("orch cancel \(id)", "give it up; a snapshot is kept"),
            ]
        case "awaiting_approval":
            [
                ("orch diff \(id)", "see what would land"), ("orch approve \(id)", "let it land"),
                ("orch request-changes \(id) --comment …", "send it back to its agent"),
                ("orch reject \(id) --comment …", "give it up"),
            ]
        case "landing":
            [("orch stop \(id)", "take it out of the landing queue")]
        // The one problem that a human can wave through.
        case "needs_human_review" where reason?.contains("outside its locks") == true:
            [
                ("orch diff \(id)", "see what would land"),
                ("orch approve \(id)", "let it land all the same"),
                ("orch request-changes \(id) --comment …", "send it back to its agent"),
                ("orch cancel \(id)", "give it up; a snapshot is kept"),
            ]
        case "needs_human_review":
            [
                ("orch logs \(id)", "see what its agent printed"), ("orch checks \(id)", "see how verifiers judged"),
                ("orch continue \(id)", "take the stage again that failed"),
                ("orch request-changes \(id) --comment …", "send it back to its agent"),
                ("orch cancel \(id)", "give it up; a snapshot is kept"),
            ]
        default: []
        }
    }
}

extension Silence {
    /// As of now, from what a ticket's or an agent's row says; nil when it is not silent.
    static func sentence(since: String?, until: String?, evidence: String?) -> String? {
        let now = Moments.now
        guard let since = since.flatMap(Moments.seconds) else { return nil }
        return sentence(
            evidence: evidence,
            seconds: max(0, now - since),
            left: until.flatMap(Moments.seconds).map { $0 - now }
        )
    }
}
