import IPC
import Synchronization

/// A daemon as the dashboard sees it: the real server, with a picture and answers made up for a test.
final class FakeDaemon: Sendable {
    private struct State {
        var seq = 0
        var picture: JSONObject
        var waiting: JSONObject = [:]
        var events: [PublishedLine] = []
        var outputs: [String: [UInt8]] = [:]
        /// `ticket.stop T-1`, in the order they came.
        var requests: [String] = []
        /// What the last request of a method said.
        var params: [String: JSONObject] = [:]
        var server: EventServer?
    }

    private let state: Mutex<State>
    /// Goes after the server, which makes a folder that is gone anew.
    private let directory: TemporaryDirectory
    let path: String

    init(in directory: TemporaryDirectory, tickets: [TicketRow], agents: [AgentRow]) throws {
        self.directory = directory
        path = directory.path + "/d.sock"
        let picture: JSONObject = [
            "tickets": .object(JSONObject(tickets.map { ($0.id, json($0)) })),
            "agents": .object(JSONObject(agents.map { ($0.id, json($0)) })),
            "repositories": ["r1": json(RepositoryRow(id: "r1", path: "/srv/site", target: "main"))],
        ]
        state = Mutex(State(picture: picture))
        try start()
    }

    deinit { stop() }

    /// Listens, at first and again after `stop`.
    func start() throws {
        let server = try EventServer(
            path: path,
            lastSeq: state.withLock { $0.seq },
            callbacks: EventServer.Callbacks(
                greeting: { ["protocol": 1, "daemon": "test"] },
                handler: { [weak self] connection, _, request in self?.answer(request, to: connection) },
                history: { [weak self] after, limit in
                    .page(self?.state.withLock { Array($0.events.dropFirst(after).prefix(limit)) } ?? [])
                }
            )
        )
        state.withLock { $0.server = server }
    }

    func stop() {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        server?.stop()
    }

    var requests: [String] { state.withLock { $0.requests } }
    func params(of method: String) -> JSONObject? { state.withLock { $0.params[method] } }

    /// Something happens: the picture changes, and everyone hears of it.
    func happens(_ patch: JSONObject) {
        state.withLock { state in
            state.seq += 1
            MergePatch.apply(patch, to: &state.picture)
            let line = PublishedLine(
                Notification("ticket.changed", ["seq": JSONValue(state.seq), "patch": .object(patch)])
            )
            state.events.append(line)
            state.server?.publish([line])
        }
    }

    func happens(to ticket: String, _ state: String) {
        happens(["tickets": .object([ticket: ["state": .string(state)]])])
    }

    /// A run prints something.
    func prints(_ text: String, run: String, ticket: String) {
        state.withLock { state in
            state.outputs[run, default: []] += Array(text.utf8)
            let params: JSONObject = [
                "run": .string(run), "stream": "stdout", "size": JSONValue(state.outputs[run]?.count ?? 0),
            ]
            state.server?.publish([PublishedLine(Notification("output", params), ticket: ticket)])
        }
    }

    private func answer(_ request: Request, to connection: Asker) {
        let ticket = request.params["ticket"]?.stringValue ?? ""
        let result: Result<JSONValue, RPCError>
        switch request.method {
        case "snapshot":
            result = state.withLock {
                .success([
                    "seq": JSONValue($0.seq), "picture": .object($0.picture), "waiting": .object($0.waiting),
                ])
            }
        case "ticket.continue", "ticket.approve": result = become("landing", ticket)
        case "ticket.stop": result = become("stopped", ticket)
        case "ticket.request_changes": result = become("queued", ticket)
        case "ticket.cancel": result = become("cancelled", ticket)
        case "ticket.edit":
            var fields = request.params
            fields["ticket"] = nil
            happens(["tickets": .object([ticket: .object(fields)])])
            result = .success(["ticket": ["id": .string(ticket), "state": "queued"]])
        case "ticket.enqueue":
            let title = request.params["tickets"]?.arrayValue?.first?["title"]?.stringValue ?? ""
            happens(["tickets": ["T-10": json(TUITests.ticket("T-10", title, "queued"))]])
            result = .success(["ids": ["T-10"]])
        case "ticket.show": result = .success(["description": "Old words"])
        case "profile.list": result = .success(["profiles": [["name": "claude", "default": true, "kind": "claude"]]])
        case "output.read":
            result = output(request)
        default:
            result = .failure(RPCError(.unknownMethod, "there is no method \(request.method)"))
        }
        state.withLock {
            $0.params[request.method] = request.params
            $0.requests.append(ticket.isEmpty ? request.method : "\(request.method) \(ticket)")
            $0.server?.reply(to: connection, id: request.id, result)
        }
    }

    private func become(_ state: String, _ ticket: String) -> Result<JSONValue, RPCError> {
        happens(to: ticket, state)
        return .success(["ticket": ["id": .string(ticket), "state": .string(state)]])
    }

    private func output(_ request: Request) -> Result<JSONValue, RPCError> {
        // Nobody here speaks a protocol.
        let isRaw = request.params["stream"]?.stringValue != "events"
        let run = isRaw ? request.params["run"]?.stringValue ?? "" : ""
        let offset = request.params["offset"]?.intValue ?? 0
        let length = request.params["length"]?.intValue ?? 0
        return state.withLock { state in
            let bytes = state.outputs[run] ?? []
            let end = min(offset + length, bytes.count)
            let page = bytes[min(offset, end)..<end]
            return .success([
                "data": .string(String(decoding: page, as: UTF8.self)), "offset": JSONValue(offset),
                "next": JSONValue(end), "size": JSONValue(bytes.count), "eof": false,
            ])
        }
    }
}
