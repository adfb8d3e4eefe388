import ArgumentParser
import CSystem
import Core
import Daemon
import Foundation
import Glibc
import IPC

/// The same tickets once more, with so many agents: in a copy of the repository, by a daemon of its own.
struct Trial {
    let agents: Int
    /// From 1, where it is repeated.
    let round: Int
    /// The folder of the trial: `repo`, `state`.
    let folder: String
    let checkout: Checkout
    let drafts: [TicketDraft]
    /// The user's configuration, if it was named.
    let configuration: String?
    let console: Console

    private var copy: String { folder + "/repo" }
    private var state: String { folder + "/state" }

    /// What is told while it goes on.
    typealias Tell = (_ landed: Int, _ of: Int) -> Void

    func run(_ interruption: Interruption, _ tell: Tell) throws -> TrialResult {
        try Folders.make(folder)
        try checkout.copy(to: copy)
        let console = Console(environment: environment)
        let global = try options
        let (client, _) = try DetachedDaemon(global: global, console: console).connect()
        let daemon = try DaemonProcess(client, socket: global.paths(console).socket)
        interruption.guards { daemon.halt() }
        defer {
            daemon.halt()
            interruption.guards(nil)
        }
        try client.request("repository.trust", ["path": .string(copy)])
        try client.subscribe(since: 0)
        let began = ContinuousClock.now
        let ids = try client.enqueue(drafts, repository: copy)
        let humans = try follow(ids, client, tell)
        let seconds = ContinuousClock.now - began
        // Its last rows are written before it ends.
        daemon.halt()
        let file = state + "/metrics/tickets.csv"
        let csv = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        return TrialResult(
            agents: agents,
            round: round,
            seconds: seconds / .seconds(1),
            humans: humans,
            report: try MetricsReport(csv: csv)
        )
    }

    /// The user's, with a state directory and a number of agents of the trial's own.
    private var environment: [String: String] {
        var environment = console.environment.filter { !["ORCH_STATE_DIR", "ORCH_SOCKET"].contains($0.key) }
        environment["ORCH_AGENTS"] = String(agents)
        // What a failing machine would lose is done again.
        environment["ORCH_DURABILITY"] = "normal"
        return environment
    }

    private var options: GlobalOptions {
        get throws {
            try GlobalOptions.parse(["--state-dir", state] + (configuration.map { ["--config", $0] } ?? []))
        }
    }

    /// Answers as somebody does who always says yes, until all have ended: what asks for approval is approved, and what
    /// needs a human is cancelled. How many that were.
    private func follow(_ ids: [String], _ client: Client, _ tell: Tell) throws -> Int {
        var picture = Picture()
        var answered: Set<String> = []
        var humans = 0
        while true {
            guard case .notification(let line)? = try client.next() else { continue }
            _ = try picture.apply(line)
            let rows = ids.compactMap { picture.tickets[$0] }
            for row in rows where row.isSettled && !row.hasEnded {
                // Once for each time that it comes to rest.
                guard answered.insert("\(row.id) \(row.since)").inserted else { continue }
                let isDecided = row.state == "awaiting_approval"
                if !isDecided { humans += 1 }
                let reason: JSONObject = isDecided ? [:] : ["reason": "an experiment has no human"]
                try client.request(
                    isDecided ? "ticket.approve" : "ticket.cancel",
                    reason.merging(["ticket": .string(row.id)])
                )
            }
            guard rows.count == ids.count else { continue }
            tell(rows.count(where: \.hasLanded), rows.count)
            if rows.allSatisfy(\.hasEnded) { return humans }
        }
    }
}

/// The daemon of a trial.
private final class DaemonProcess: Sendable {
    private let process: Int32
    private let socket: String

    init(_ client: Client, socket: String) throws {
        guard let pid = try client.request("daemon.status")["pid"]?.intValue else {
            throw CommandError.failed("the daemon does not say which process it is")
        }
        self.socket = socket
        process = cs_pidfd_open(pid_t(pid))
    }

    deinit { close(process) }

    /// Ends it, and what it has started. Again, it is a moment's work.
    func halt() {
        guard let client = try? Client.connect(path: socket) else { return }
        _ = try? client.request("daemon.quit", ["onStop": "halt"])
        var end = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        while poll(&end, 1, -1) < 0, errno == EINTR {}
    }
}

extension JSONObject {
    fileprivate func merging(_ other: JSONObject) -> JSONObject {
        var result = self
        for key in other.keys { result[key] = other[key] }
        return result
    }
}
