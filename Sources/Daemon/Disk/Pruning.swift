import CSystem
import Core
import Glibc
import IPC

/// What may be let go of, and letting go of it: snapshots, run folders, what `orch ci run` found to pass, and what lies in
/// the trash, older than a moment.
///
/// Run folders are those of finished tickets, and those of `orch ci run`. Nothing of a ticket that has something under way,
/// never the newest snapshot of an unfinished ticket, no run folder of an unfinished ticket, nothing of a ticket that this
/// daemon does not know.
struct Pruning {
    let effects: EffectRunner
    let core: Orchestrator
    let before: Instant
    /// Only what belongs to this repository.
    let only: Core.Repository?

    /// One thing that is old enough.
    struct Item {
        let kind: String
        let name: String
        let bytes: Int
        /// Whether it is gone afterwards.
        let drop: () throws -> Bool
    }

    /// Finds what there is and, unless it is a dry run, drops it; says what and how much.
    func run(isDryRun: Bool) throws -> JSONObject {
        let items = try snapshots() + runs() + ciRuns() + ciPasses() + trash() + unfinishedArchives()
        var rows: [JSONValue] = []
        var kept: [JSONValue] = []
        var totals: [String: (count: Int, bytes: Int)] = [:]
        for item in items {
            var row: JSONObject = [
                "kind": .string(item.kind), "name": .string(item.name), "bytes": JSONValue(item.bytes),
            ]
            do {
                if !isDryRun, try !item.drop() { throw GitError(.failed, "prune", "not all of it could be removed") }
                rows.append(.object(row))
                let (count, bytes) = totals[item.kind] ?? (0, 0)
                totals[item.kind] = (count + 1, bytes + item.bytes)
            } catch {
                row["problem"] = .string(sentence(error))
                kept.append(.object(row))
            }
        }
        var result: JSONObject = [
            "before": .string(Timestamp.text(before)), "dry_run": .bool(isDryRun), "pruned": .array(rows),
            "failed": .array(kept),
        ]
        for kind in ["snapshot", "run", "pass", "trash"] {
            let (count, bytes) = totals[kind] ?? (0, 0)
            result[kind] = ["count": JSONValue(count), "bytes": JSONValue(bytes)]
        }
        return result
    }

    private var repositories: [Core.Repository] {
        only.map { [$0] } ?? core.repositories.values.sorted { $0.id < $1.id }
    }

    /// Whether something is under way for it.
    private func isLive(_ ticket: Ticket) -> Bool { ticket.currentRun != nil || !ticket.pendingEffects.isEmpty }

    // MARK: - What there is

    private func snapshots() throws -> [Item] {
        try repositories.flatMap { repository -> [Item] in
            let git = try effects.open(repository)
            let all = try git.snapshots { effects.home(of: $0, core) == repository.id }
            let newest = Dictionary(all.map { ($0.ticket, $0.number) }, uniquingKeysWith: max)
            return try all.compactMap { entry in
                guard entry.time < before, let ticket = try ticket(entry.ticket),
                    ticket.repository == repository.id, !isLive(ticket)
                else { return nil }
                // Its time is not its own where the commit is not orch's.
                if entry.commit != nil, entry.record.title.isEmpty, !ticket.isFinal || ticket.since >= before {
                    return nil
                }
                if !ticket.isFinal, newest[entry.ticket] == entry.number { return nil }
                return Item(
                    kind: "snapshot",
                    name: "\(entry.ticket) \(entry.number)",
                    bytes: entry.archives.reduce(0) { $0 + $1.bytes },
                    drop: {
                        try git.drop(entry)
                        return true
                    }
                )
            }
        }
    }

    /// A ticket that this daemon knows.
    private func ticket(_ id: TicketID) throws -> Ticket? {
        if let ticket = core.tickets[id] { return ticket }
        return core.settled[id] == nil ? nil : try effects.environment.store.ticket(id)?.ticket
    }

    private func runs() throws -> [Item] {
        var final = core.tickets.values.filter { $0.isFinal && !isLive($0) }
        try effects.environment.store.eachSettled { if core.settled[$0.ticket.id] != nil { final.append($0.ticket) } }
        let finished = final.sorted { $0.serial < $1.serial }.filter { ticket in
            ticket.since < before && (only == nil || only?.id == ticket.repository) && ticket.lastRun > 0
        }
        return finished.flatMap { ticket in
            (1...ticket.lastRun).compactMap { number -> Item? in
                let run = RunID(ticket: ticket.id, number: number)
                let folder = RunFolder(path: effects.supervisor.folder(of: run))
                guard GitFiles.isDirectory(folder.path) else { return nil }
                return item("run", run.description, folder)
            }
        }
    }

    /// The folder of a run, which goes only while no runner has it.
    func item(_ kind: String, _ name: String, _ folder: RunFolder) -> Item {
        Item(
            kind: kind,
            name: name,
            bytes: DiskUse.measure(folder.path, until: .now + .seconds(1)).bytes,
            drop: {
                guard let lock = try folder.takeLock() else {
                    throw GitError(.busy, "prune", "its runner is still alive")
                }
                defer { RunFolder.release(lock) }
                return FolderRemoval.remove(folder.path)
            }
        )
    }

    private func trash() -> [Item] {
        // What is in the state directory's trash belongs to no repository in particular.
        let common = repositories.compactMap { try? effects.open($0).commonDirectory + "/orch/trash" }
        let folders = (only == nil ? [effects.environment.paths.trash] : []) + common
        return folders.flatMap { folder in
            GitFiles.names(in: folder).filter { !$0.hasSuffix(GitFiles.trashNote) }.compactMap { name -> Item? in
                let path = "\(folder)/\(name)"
                guard trashed(path) < before else { return nil }
                return Item(
                    kind: "trash",
                    name: path,
                    bytes: DiskUse.measure(path, until: .now + .seconds(1)).bytes,
                    drop: {
                        guard FolderRemoval.remove(path) else { return false }
                        unlink(path + GitFiles.trashNote)
                        return true
                    }
                )
            }
        }
    }

    /// Archives that were never finished: what was to be in them was kept by a later attempt, or is still in its worktree.
    private func unfinishedArchives() -> [Item] {
        let folder = "\(effects.environment.paths.directory)/archives"
        guard only == nil else { return [] }
        return GitFiles.names(in: folder).filter { $0.hasSuffix(".new") }.compactMap { name in
            let path = "\(folder)/\(name)"
            guard trashed(path) < before else { return nil }
            let bytes = DiskUse.measure(path, until: .now + .seconds(1)).bytes
            return Item(kind: "trash", name: path, bytes: bytes, drop: { unlink(path) == 0 })
        }
    }

    /// When something was put into the trash: its note was written just before, and its own time tells where it has none.
    private func trashed(_ path: String) -> Instant {
        let note = path + GitFiles.trashNote
        return changed(GitFiles.exists(note) ? note : path)
    }

    /// When a file or folder was last changed; now where there is none.
    func changed(_ path: String) -> Instant {
        var status = stat()
        guard lstat(path, &status) == 0 else { return Timestamp.now() }
        return Instant(milliseconds: Int64(max(status.st_mtim.tv_sec, status.st_ctim.tv_sec)) * 1000)
    }
}

extension EffectRunner {
    /// What a ticket's files take on the disk, looked at for at most two seconds.
    func disk(of ticket: Ticket) -> JSONValue {
        let deadline = ContinuousClock.now + .seconds(2)
        var worktree = DiskUse()
        if ticket.worktree != nil, !ticket.isTidied {
            worktree = DiskUse.measure(worktreePath(ticket), until: deadline)
        }
        var archives = DiskUse()
        let prefix = "\(GitRepository.refComponent(ticket.id.text))-"
        let folder = "\(environment.paths.directory)/archives"
        for name in GitFiles.names(in: folder)
        where name.hasPrefix(prefix) && !name.dropFirst(prefix.count).prefix(while: { $0 != "." }).contains("-") {
            archives = archives + DiskUse.measure("\(folder)/\(name)", until: deadline)
        }
        var runs = DiskUse()
        for number in 0..<ticket.lastRun {
            let run = RunID(ticket: ticket.id, number: number + 1)
            runs = runs + DiskUse.measure(supervisor.folder(of: run), until: deadline)
        }
        let total = worktree + archives + runs
        return [
            "worktree": JSONValue(worktree.bytes), "runs": JSONValue(runs.bytes),
            "archives": JSONValue(archives.bytes), "total": JSONValue(total.bytes), "at_least": .bool(total.isAtLeast),
        ]
    }
}
