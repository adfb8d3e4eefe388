import Glibc
import IPC
import Measuring

/// Stands where the daemon stands: the real server, with a picture made up, encoded once, and events like those of agents
/// at work.
final class StandIn {
    private let server: EventServer
    private let tickets: Int
    private let agents: Int
    private var seq = 0
    /// The next ticket an agent takes.
    private var next: Int
    /// What each agent works on, and how far it is.
    private var work: [(ticket: Int, step: Int)]

    /// These wait for a person: the first in the list, which no event touches.
    static let waiting = 20
    let path: String
    let snapshotBytes: Int

    init(path: String, tickets: Int, agents: Int) throws {
        self.path = path
        self.tickets = tickets
        self.agents = agents
        next = Self.waiting + agents
        work = (0..<agents).map { (Self.waiting + $0, 1 + $0 % 7) }
        let snapshot = try Self.snapshot(tickets: tickets, agents: agents)
        snapshotBytes = snapshot.count
        let holder = Holder()
        server = try EventServer(
            path: path,
            lastSeq: 0,
            callbacks: EventServer.Callbacks(
                greeting: { ["protocol": 1, "daemon": "bench"] },
                handler: { asker, _, request in
                    if request.method == "snapshot" {
                        holder.server?.reply(to: asker, id: request.id, encoded: snapshot)
                    } else {
                        let error = RPCError(.unknownMethod, "there is no method \(request.method)")
                        holder.server?.reply(to: asker, id: request.id, .failure(error))
                    }
                },
                history: { _, _ in .page([]) }
            )
        )
        holder.server = server
    }

    func stop() { server.stop() }

    /// Set once, before anyone connects.
    private final class Holder: @unchecked Sendable { weak var server: EventServer? }

    // MARK: The picture

    private static func snapshot(tickets: Int, agents: Int) throws -> [UInt8] {
        var rows = JSONObject()
        for number in 0..<tickets {
            let row = row(number, of: tickets, agents)
            rows[row.id] = try JSONValue(encoding: row)
        }
        var slots = JSONObject()
        for number in 0..<agents {
            let row = AgentRow(
                id: "agent-\(number + 1)",
                state: "working",
                ticket: "T-\(waiting + number + 1)",
                profile: "claude",
                since: time(ago: 60 * (1 + number % 50))
            )
            slots[row.id] = try JSONValue(encoding: row)
        }
        let repository = try JSONValue(encoding: RepositoryRow(id: "r1", path: "/srv/site", target: "main"))
        let picture: JSONObject = [
            "tickets": .object(rows), "agents": .object(slots), "repositories": ["r1": repository],
        ]
        return JSONValue.object(["seq": 0, "picture": .object(picture), "waiting": [:]]).bytes
    }

    /// The first wait for a person, then the agents' come; of the rest, half are queued and half are merged.
    private static func row(_ number: Int, of tickets: Int, _ agents: Int) -> TicketRow {
        let state =
            number < waiting
            ? "awaiting_approval"
            : number < waiting + agents ? "running" : number < tickets / 2 ? "queued" : "merged"
        let isStarted = state != "queued"
        let agent = "agent-\(number - waiting + 1)"
        return TicketRow(
            id: "T-\(number + 1)",
            title: Titles.title(number),
            repository: "r1",
            state: state,
            stage: state == "running" ? "work" : nil,
            agent: state == "running" ? agent : nil,
            profile: "claude",
            priority: number % 3,
            locks: ["src/part\(number)/**"],
            depends_on: [],
            branch: isStarted ? "agent-1/T-\(number + 1)-\(Titles.mark(number))" : nil,
            worktree: isStarted ? "/srv/state/worktrees/r1/T-\(number + 1)" : nil,
            commit: state == "merged" ? "89705750123456789012345678901234567890ab" : nil,
            attempts: isStarted ? 1 : 0,
            run: isStarted ? "T-\(number + 1).1" : nil,
            // The first are the ones that have waited longest, which is their order.
            since: time(ago: 3600 * 5 - number % 10_000),
            created: time(ago: 3600 * 6 - number % 10_000),
            evidence: "\(number + 1) ticket.queued"
        )
    }

    private static func time(ago seconds: Int) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var moment = time_t(now.tv_sec - seconds)
        var parts = tm()
        gmtime_r(&moment, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let milliseconds = "\(1000 + now.tv_nsec / 1_000_000)".dropFirst()
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) + ".\(milliseconds)Z"
    }

    // MARK: Events

    /// The next thing happens: the agents take turns, and each takes its ticket one step on, from start to landing.
    func happen() {
        let agent = seq % agents
        if work[agent].step == 0 {
            work[agent].ticket = next
            next = next + 1 < tickets ? next + 1 : Self.waiting + agents
        }
        let ticket = "T-\(work[agent].ticket + 1)"
        let name = "agent-\(agent + 1)"
        let now = Self.time(ago: 0)
        seq += 1
        let (event, row, others) = Self.step(work[agent].step, ticket, name, now)
        var patch = others
        if var row {
            row["evidence"] = .string("\(seq) \(event)")
            patch["tickets"] = .object([ticket: .object(row)])
        }
        let notification = Notification(
            event,
            ["seq": JSONValue(seq), "time": .string(now), "ticket": .string(ticket), "patch": .object(patch)]
        )
        server.publish([PublishedLine(notification, ticket: ticket)])
        work[agent].step = (work[agent].step + 1) % 8
    }

    /// What an event says of its ticket, and of anything else.
    private static func step(
        _ step: Int,
        _ ticket: String,
        _ agent: String,
        _ now: String
    ) -> (event: String, row: JSONObject?, others: JSONObject) {
        let working: JSONObject = [
            "agents": [agent: ["state": "working", "since": .string(now), "ticket": .string(ticket)]]
        ]
        let idle: JSONObject = ["agents": [agent: ["state": "idle", "since": .string(now), "ticket": .null]]]
        return switch step {
        case 0:
            (
                "ticket.started",
                [
                    "state": "running", "stage": "work", "agent": .string(agent), "since": .string(now),
                    "reason": "its worktree is being made", "branch": .string("\(agent)/\(ticket)-done"),
                ], working
            )
        case 1: ("run.requested", ["reason": "its agent works", "run": .string("\(ticket).1"), "attempts": 1], [:])
        case 2: ("run.ended", nil, [:])
        case 3: ("candidate.built", ["stage": "verify", "reason": "waits for a verification slot"], [:])
        case 4: ("run.requested", ["reason": "verifier test runs", "run": .string("\(ticket).2")], [:])
        case 5: ("ticket.verified", nil, [:])
        case 6: ("ticket.landing", ["state": "landing", "stage": "land", "agent": .null, "since": .string(now)], idle)
        default:
            (
                "ticket.merged",
                [
                    "state": "merged", "stage": .null, "since": .string(now),
                    "commit": "8436961e29123456789012345678901234567890",
                ], [:]
            )
        }
    }
}
