import IPC

// What comes of a call, in words for a model; the details go beside them.

extension ToolProtocol.Outcome {
    init(_ tool: Tool, _ result: Result<JSONValue, RPCError>) {
        switch result {
        case .success(let value):
            self.init(text: Self.text(tool, value), details: value.objectValue)
        case .failure(let error):
            let hint = error.hint.map { " What to do: \($0)." } ?? ""
            self.init(text: "\(error.message).\(hint)", isError: true)
        }
    }

    private static func text(_ tool: Tool, _ value: JSONValue) -> String {
        switch tool.name {
        case Tool.getTicket.name: ticket(value)
        case Tool.claimPaths.name: claim(value)
        case Tool.releasePaths.name: "Released: \(value.list("released")). Your ticket holds: \(value.list("locks"))."
        case Tool.listConflicts.name: conflicts(value)
        case Tool.reportProgress.name:
            value["noted"] == true ? "Noted." : "Not noted: the last word came less than five seconds ago."
        case Tool.runVerifier.name: verification(value)
        case Tool.askHuman.name: answer(value)
        case Tool.complete.name: "Noted. End your turn when there is nothing left to do."
        default: value.description
        }
    }

    private static func ticket(_ value: JSONValue) -> String {
        let ticket = value["ticket"] ?? .null
        var lines = ["Ticket \(ticket.text("id")): \(ticket.text("title"))", "", value.text("description")]
        let locks = ticket.list("locks")
        lines.append("Locks: " + (locks.isEmpty ? "none; change what nobody else holds" : locks))
        if !value.list("claimed").isEmpty { lines.append("Of these you have claimed: \(value.list("claimed"))") }
        lines.append("Branch: \(ticket.text("branch"))")
        if let feedback = value["feedback"]?.stringValue { lines.append("Last time: \(feedback)") }
        return lines.joined(separator: "\n")
    }

    private static func claim(_ value: JSONValue) -> String {
        guard value["outcome"] == "granted" else {
            return
                "Not granted: the paths were not free in time. Work on something else meanwhile and claim them again, "
                + "do without them, or ask a human."
        }
        return "Granted. Your ticket holds: \(value.list("locks"))."
    }

    private static func conflicts(_ value: JSONValue) -> String {
        let others = value["others"]?.arrayValue ?? []
        if others.isEmpty { return "Nobody else works in this repository, and nobody holds anything in it." }
        return others.map { other in
            var line = "- \(other.text("holder"))"
            if let title = other["title"]?.stringValue { line += " \u{201C}\(title)\u{201D}" }
            if let state = other["state"]?.stringValue { line += ", \(state)" }
            if !other.list("locks").isEmpty { line += "; holds \(other.list("locks"))" }
            if !other.list("waits_for").isEmpty { line += "; waits for \(other.list("waits_for"))" }
            if !other.list("conflicts").isEmpty { line += "; IN CONFLICT: \(other.list("conflicts"))" }
            return line
        }.joined(separator: "\n")
    }

    private static func verification(_ value: JSONValue) -> String {
        let checks = (value["checks"]?.arrayValue ?? []).map { check in
            "- \(check.text("name")): \(check.text("outcome"))"
        }
        let reason = value["reason"]?.stringValue.map { ": \($0)" } ?? ""
        let log = value["log"]?.stringValue.map { "\n\nThe end of its output:\n\n\($0)" } ?? ""
        return "\(value.text("status"))\(reason)\n\(checks.joined(separator: "\n"))\(log)"
    }

    private static func answer(_ value: JSONValue) -> String {
        guard value["outcome"] == "answered" else {
            return
                "Nobody has answered in time. Take the decision that is easiest to change later, say in your summary "
                + "what you have assumed, and go on; or end your turn and say what is open."
        }
        return "A human answers: \(value.text("answer"))"
    }

    /// While a call waits.
    static func waiting(_ tool: Tool, seconds: Int, _ value: JSONValue) -> String {
        switch tool.name {
        case Tool.claimPaths.name:
            let holders = (value["holders"]?.arrayValue ?? []).map { holder in
                holder["state"]?.stringValue.map { "\(holder.text("holder")) (\($0))" } ?? holder.text("holder")
            }
            let whose = holders.isEmpty ? "an earlier claim of yours" : holders.joined(separator: ", ")
            return "waiting for \(value.list("locks")), behind \(whose), for \(seconds) s"
        case Tool.askHuman.name: return "waiting for a human's answer for \(seconds) s"
        default: return value["message"]?.stringValue ?? "waiting for \(seconds) s"
        }
    }
}

extension JSONValue {
    fileprivate func text(_ name: String) -> String { self[name]?.stringValue ?? "" }
    fileprivate func list(_ name: String) -> String {
        (self[name]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
    }
}
