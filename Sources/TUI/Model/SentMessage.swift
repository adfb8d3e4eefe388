import IPC

/// A message to a ticket's agent that was sent from here.
struct SentMessage: Equatable, Sendable {
    var ticket: String
    var number: Int
    /// `queued`, `sent` or `taken`.
    var delivery: String
    /// Why it waits after all.
    var reason: String?

    /// How far it is, in a sentence.
    var sentence: String {
        switch delivery {
        case "taken": "the agent of \(ticket) has taken message \(number) in"
        case "sent": "message \(number) is sent to the agent of \(ticket); it has not taken it in yet"
        default: "message \(number) waits for the next run of \(ticket)" + (reason.map { ": \($0)" } ?? "")
        }
    }
}

extension JSONValue {
    /// What has become of a message, of the answer to it.
    func sentMessage(_ text: String) -> SentMessage? {
        guard let row = try? self["ticket"]?.decode(TicketRow.self), let last = row.last_message else { return nil }
        // One that waits already is not kept twice.
        let own = row.messages?.last { $0.text == text } ?? row.messages?.last { $0.number == last }
        return SentMessage(ticket: row.id, number: own?.number ?? last, delivery: own?.delivery ?? "taken")
    }
}

extension Model {
    mutating func noteMessage(of request: DaemonRequest, _ answer: Answer) {
        guard case .steer(_, let text) = request, case .result(let value) = answer else { return }
        sentMessage = value.sentMessage(text)
        if sentMessage?.delivery == "taken" { sentMessage = nil }
    }

    /// Says so when the message that was sent last gets on.
    mutating func followMessage(of ticket: String, _ event: Notification) {
        guard var sent = sentMessage, sent.ticket == ticket, event.params["message"]?.intValue == sent.number else {
            return
        }
        switch event.method {
        case "message.taken": sent.delivery = "taken"
        case "message.deferred":
            sent.delivery = "queued"
            sent.reason = event.params["reason"]?.stringValue
        default: return
        }
        sentMessage = sent.delivery == "taken" ? nil : sent
        // What else has just been said is not talked over.
        if message == nil || message?.kind == .done { message = Message(kind: .done, text: sent.sentence, hint: nil) }
    }
}
