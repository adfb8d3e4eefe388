import Core
import Foundation
import IPC

// Requests about what is kept: list it, bring it back, let it go. All of them ask git and the disk, so none runs on the
// engine's loop.

extension Gateway {
    /// The snapshots of one ticket, or of every one.
    func listSnapshots(_ params: Params, _ reply: Reply) throws(RPCError) {
        guard let name = try params.optionalString("ticket") else {
            return look(reply) { [effects] view in
                effects.read { reply(effects.snapshots(of: nil, view.core)) }
            }
        }
        find(name, reply) { [effects] view, ticket in reply(effects.snapshots(of: ticket, view.core)) }
    }

    /// Brings a snapshot back, as a branch or a worktree of the user's own.
    func restoreSnapshot(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        let number = try params.int("snapshot", default: 0)
        let branch = try params.optionalString("branch")
        let worktree = try params.optionalString("worktree")
        if let branch, !BranchName.isReferenceName(branch) {
            throw RPCError(.invalidParams, "\(quoted(branch)) is no name of a branch")
        }
        if let worktree, !worktree.hasPrefix("/") {
            throw RPCError(.invalidParams, "\(quoted(worktree)) is not an absolute path")
        }
        find(name, reply) { [effects] view, ticket in
            do {
                let git = try effects.open(view.core.repositories[ticket.repository]!)
                let all = try git.snapshots(of: ticket.id) { _ in true }
                guard let entry = number == 0 ? all.last : all.first(where: { $0.number == number }) else {
                    return reply(.failure(.noSnapshot(ticket.id, number, known: all.map(\.number))))
                }
                let made = branch ?? "orch/restore/\(GitRepository.refComponent(ticket.id.text))-\(entry.number)"
                let restored =
                    try worktree.map { try git.restore(entry, inWorktree: $0, branch: made) }
                    ?? git.restore(entry, asBranch: made)
                reply(.success(.object(restored.json(of: entry))))
            } catch {
                reply(.failure(RPCError(describing: error)))
            }
        }
    }

    /// Lets go of what is older: the only thing that does.
    func prune(_ params: Params, _ reply: Reply) throws(RPCError) {
        let text = try params.string("olderThan")
        let age: Duration
        do throws(DurationText.Problem) { age = try DurationText.parse(text) } catch {
            throw RPCError(.invalidParams, error.description)
        }
        let isDryRun = try params.bool("dryRun", default: false)
        let path = try params.optionalString("repository")
        let before = Timestamp.now() + .milliseconds(-age.components.seconds * 1000)
        look(reply) { [effects] view in
            effects.read {
                do {
                    var only: Core.Repository?
                    if let path {
                        let top = try effects.find(path).path
                        only = view.core.repositories.values.first { $0.path == top }
                        guard only != nil else {
                            let message = "the repository \(top) is not registered"
                            return reply(.failure(RPCError(.notFound, message, hint: "run `orch init` in it first")))
                        }
                    }
                    let pruning = Pruning(effects: effects, core: view.core, before: before, only: only)
                    reply(.success(.object(try pruning.run(isDryRun: isDryRun))))
                } catch {
                    reply(.failure(RPCError(describing: error)))
                }
            }
        }
    }
}

extension EffectRunner {
    fileprivate func snapshots(of wanted: Ticket?, _ core: Orchestrator) -> Result<JSONValue, RPCError> {
        Gateway.result {
            let repositories = core.repositories.values.sorted { $0.id < $1.id }
                .filter { wanted == nil || wanted?.repository == $0.id }
            let found = try repositories.flatMap { repository in
                try open(repository).snapshots(of: wanted?.id) { home(of: $0, core) == repository.id }
            }
            return ["snapshots": .array(found.map(\.json))]
        }
    }

    /// The repository of a ticket that Core knows; nil for others, and where the store cannot say.
    func home(of id: TicketID, _ core: Orchestrator) -> RepositoryID? {
        if let ticket = core.tickets[id] { return ticket.repository }
        return core.settled[id] == nil ? nil : try? environment.store.repository(of: id)
    }
}

extension RPCError {
    fileprivate static func noSnapshot(_ ticket: TicketID, _ number: Int, known: [Int]) -> RPCError {
        guard !known.isEmpty else {
            return RPCError(.notFound, "there is no snapshot of \(ticket)", hint: "one is taken when a run ends")
        }
        let list = known.map(String.init).joined(separator: ", ")
        return RPCError(.notFound, "there is no snapshot \(number) of \(ticket)", hint: "there are: \(list)")
    }
}

extension SnapshotEntry {
    fileprivate var json: JSONValue {
        var row: JSONObject = [
            "ticket": .string(ticket.text), "number": JSONValue(number), "time": .string(Timestamp.text(time)),
            "reason": .string(record.reason),
        ]
        row["ref"] = ref.map(JSONValue.string)
        row["commit"] = commit.map(JSONValue.string)
        row["head"] = record.head.map(JSONValue.string)
        row["branch"] = record.headRef.map { .string($0.replacing("refs/heads/", with: "", maxReplacements: 1)) }
        row["archives"] = .array(archives.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes)] })
        row["archive_bytes"] = JSONValue(archives.reduce(0) { $0 + $1.bytes })
        row["complete"] = .bool(!record.isIncomplete)
        row["notes"] = JSONValue(record.notes)
        return .object(row)
    }
}

extension Restoration {
    fileprivate func json(of entry: SnapshotEntry) -> JSONObject {
        var row: JSONObject = ["ticket": .string(entry.ticket.text), "snapshot": JSONValue(entry.number)]
        row["branch"] = branch.map(JSONValue.string)
        row["worktree"] = worktree.map(JSONValue.string)
        row["commit"] = commit.map(JSONValue.string)
        row["notes"] = JSONValue(notes)
        return row
    }
}
