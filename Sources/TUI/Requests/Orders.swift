import IPC

extension DaemonRequest {
    /// What the user is told once an order has been carried out; nil where the answer is not one to it.
    func sentence(for answer: JSONValue) -> String? {
        switch self {
        case .resume(let ticket, let approves):
            answer.ticketState.map { "\(ticket) \(approves ? "approved" : "continues"): now \(stateWord($0))" }
        case .stop(let ticket):
            answer.ticketState.map { $0 == "stopped" ? "\(ticket) is stopped" : "\(ticket) is stopping" }
        case .approve(let ticket, _): answer.ticketState.map { "\(ticket) approved: now \(stateWord($0))" }
        case .requestChanges(let ticket, _):
            answer.ticketState.map { "\(ticket) goes back to its agent: now \(stateWord($0))" }
        case .cancel(let ticket):
            answer.ticketState.map { $0 == "cancelled" ? "\(ticket) is cancelled" : "\(ticket) is being cancelled" }
        case .answer(let ticket, _, _, let allows):
            answer.ticketState.map { _ in
                allows.map { $0 ? "\(ticket) may do it" : "\(ticket) may not do it" } ?? "\(ticket) has its answer"
            }
        case .steer(_, let text): answer.sentMessage(text)?.sentence
        case .retry(let ticket): answer.ticketState.map { "\(ticket) starts afresh: now \(stateWord($0))" }
        case .edit(let ticket, let changes):
            answer.ticketState.map { _ in
                let priority = changes.count == 1 ? changes["priority"]?.intValue : nil
                return priority.map { "\(ticket) has priority \($0)" } ?? "\(ticket) is changed"
            }
        case .enqueue: answer["ids"]?.arrayValue?.first?.stringValue.map { "\($0) is filed" }
        case .haltEverything:
            answer.ticketCount.map { "everything is halted" + ($0 == 0 ? "" : "; stopping \(counted($0, "ticket"))") }
        case .resumeEverything:
            answer.ticketCount.map {
                "everything goes on" + ($0 == 0 ? "" : "; \(counted($0, "ticket")) back in the queue")
            }
        case .readOutput, .diff, .checks, .showTicket, .listProfiles, .listEvents: nil
        }
    }
}

extension JSONValue {
    /// The state of the ticket in the answer to a command on one.
    fileprivate var ticketState: String? { self["ticket"]?["state"]?.stringValue }

    /// How many tickets the answer to a halt or its end names.
    fileprivate var ticketCount: Int? { self["halted"] == nil ? nil : self["tickets"]?.arrayValue?.count }
}

/// `1 ticket`, `2 tickets`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
