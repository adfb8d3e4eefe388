import IPC

/// What can be asked of the daemon: orders, which the user is told the end of, and questions, which a page asks.
enum DaemonRequest: Equatable, Sendable {
    // MARK: Orders

    /// `approves`: the ticket waited for that.
    case resume(ticket: String, approves: Bool)
    case stop(ticket: String)
    case approve(ticket: String, comment: String?)
    case requestChanges(ticket: String, comment: String)
    case cancel(ticket: String)
    /// To what its agent asks. `allows`: where that is answered by yes or no.
    case answer(ticket: String, question: Int, text: String, allows: Bool?)
    /// A message to its agent.
    case steer(ticket: String, message: String)
    case retry(ticket: String)
    /// `changes`: the fields that are other ones, as `ticket.edit` takes them.
    case edit(ticket: String, changes: JSONObject)
    case enqueue(repository: String, ticket: JSONObject)
    case haltEverything
    case resumeEverything

    // MARK: Questions

    case readOutput(run: String, stream: String, offset: Int, length: Int)
    case diff(ticket: String)
    case checks(ticket: String)
    case showTicket(String)
    case listProfiles
    /// The newest stored events before or after one, by number.
    case listEvents(ticket: String, before: Int?, after: Int?)

    /// Asks for something to happen, rather than to be told something.
    var isOrder: Bool {
        switch self {
        case .resume, .stop, .approve, .requestChanges, .answer, .cancel, .steer, .retry, .edit, .enqueue,
            .haltEverything,
            .resumeEverything:
            true
        case .readOutput, .diff, .checks, .showTicket, .listProfiles, .listEvents: false
        }
    }

    func onTheWire(id: Int) -> Request {
        let (method, params): (String, JSONObject) =
            switch self {
            case .resume(let ticket, _): ("ticket.continue", ["ticket": .string(ticket)])
            case .stop(let ticket): ("ticket.stop", ["ticket": .string(ticket)])
            case .approve(let ticket, nil): ("ticket.approve", ["ticket": .string(ticket)])
            case .approve(let ticket, let comment?):
                ("ticket.approve", ["ticket": .string(ticket), "comment": .string(comment)])
            case .requestChanges(let ticket, let comment):
                ("ticket.request_changes", ["ticket": .string(ticket), "comment": .string(comment)])
            case .cancel(let ticket): ("ticket.cancel", ["ticket": .string(ticket)])
            case .answer(let ticket, let question, let text, let allows):
                ("ticket.answer", Self.params(ofAnswer: ticket, question, text, allows))
            case .steer(let ticket, let message):
                ("ticket.steer", ["ticket": .string(ticket), "message": .string(message)])
            case .retry(let ticket): ("ticket.retry", ["ticket": .string(ticket)])
            case .edit(let ticket, let changes):
                ("ticket.edit", JSONObject([("ticket", .string(ticket))] + changes.map { ($0.key, $0.value) }))
            case .enqueue(let repository, let ticket):
                ("ticket.enqueue", ["repository": .string(repository), "tickets": [.object(ticket)]])
            case .showTicket(let ticket): ("ticket.show", ["ticket": .string(ticket)])
            case .listProfiles: ("profile.list", [:])
            case .haltEverything: ("daemon.halt", [:])
            case .resumeEverything: ("daemon.resume", [:])
            case .diff(let ticket): ("ticket.diff", ["ticket": .string(ticket)])
            case .checks(let ticket): ("ticket.checks", ["ticket": .string(ticket)])
            case .listEvents(let ticket, let before, let after):
                ("ticket.events", Self.params(ofEvents: ticket, before: before, after: after))
            case .readOutput(let run, let stream, let offset, let length):
                (
                    "output.read",
                    [
                        "run": .string(run), "stream": .string(stream), "offset": JSONValue(offset),
                        "length": JSONValue(length),
                    ]
                )
            }
        return Request(id: JSONValue(id), method: method, params: params)
    }

    private static func params(ofAnswer ticket: String, _ question: Int, _ text: String, _ allows: Bool?) -> JSONObject
    {
        var params: JSONObject = [
            "ticket": .string(ticket), "question": JSONValue(question), "text": .string(text),
        ]
        params["allow"] = allows.map(JSONValue.bool)
        return params
    }

    private static func params(ofEvents ticket: String, before: Int?, after: Int?) -> JSONObject {
        var params: JSONObject = ["ticket": .string(ticket)]
        params["before"] = before.map(JSONValue.init)
        params["after"] = after.map(JSONValue.init)
        return params
    }
}

/// What the daemon answered to a request.
enum Answer: Sendable {
    case result(JSONValue)
    case failure(Failure)

    struct Failure: Error, Hashable, Sendable {
        var message: String
        var hint: String?

        /// The answer is not one to what was asked.
        static let notUnderstood = Failure(
            message: "the daemon's answer is not understood",
            hint: "is it of another version?"
        )
    }

    init(_ result: Result<JSONValue, RPCError>) {
        switch result {
        case .success(let value): self = .result(value)
        case .failure(let error): self = .failure(Failure(message: error.message, hint: error.hint))
        }
    }

    var result: Result<JSONValue, Failure> {
        switch self {
        case .result(let value): .success(value)
        case .failure(let failure): .failure(failure)
        }
    }
}
