import CSystem
import Core
import Dispatch
import Foundation
import Glibc
import IPC
import Logging
import Synchronization

/// Takes the files of backlog folders in: each once and whole, the bad ones with what is wrong, the others regardless.
///
/// A file is claimed first, by moving it under a key that no other has. The event that tells what became of it holds the
/// key, and is stored together with its tickets. So a daemon that finds a claimed file knows whether it has been taken in.
struct BacklogIntake: Sendable {
    let gateway: Gateway
    let watch: BacklogWatch

    /// Deals with all that is in the folder now.
    func look(at repository: Core.Repository) -> BacklogWatch.Finding {
        let folder = BacklogFolder(top: repository.path)
        guard folder.exists else { return .settled }
        for claim in folder.claims where !watch.isEnding {
            attempt(folder) { try resume(claim, folder, repository.id) }
        }
        if folder.whole.isEmpty { return .settled }
        var untracked: [String]?
        let isKnown = attempt(folder) { untracked = try self.untracked(in: folder, of: repository) }
        guard let untracked else { return isKnown ? .pending : .settled }
        for name in untracked where !watch.isEnding {
            attempt(folder) {
                guard let claim = try folder.claim(name) else { return }
                FaultPoint.backlogClaimed.pass()
                try take(claim, folder, repository.id)
            }
        }
        return .settled
    }

    /// What cannot be done with one file is said, and keeps none of the others waiting.
    @discardableResult
    private func attempt(_ folder: BacklogFolder, _ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            gateway.effects.environment.logger.warning(
                "a file of the backlog stays where it is; it is looked at again when something happens in its folder",
                metadata: ["folder": "\(folder.path)", "error": "\(sentence(error))"]
            )
            return false
        }
    }

    /// The files that the repository did not bring with it: what it brings is not asked for by its user. Nil while a git is
    /// at work that may be writing such files, or was while we looked: with one index from the first look to the last, what
    /// lies there untracked is in the way of any git that would write it.
    private func untracked(in folder: BacklogFolder, of repository: Core.Repository) throws -> [String]? {
        let git = try gateway.effects.open(repository)
        guard let index = Self.quietIndex(git) else { return nil }
        let names = folder.whole
        let tracked = try self.tracked(git)
        guard Self.quietIndex(git) == index else { return nil }
        return names.filter { !tracked.contains($0) }
    }

    /// What tells the index from another; nil while a git changes it.
    private static func quietIndex(_ git: GitRepository) -> [Int]? {
        var status = stat()
        guard !GitFiles.exists(git.commonDirectory + "/index.lock") else { return nil }
        guard lstat(git.commonDirectory + "/index", &status) == 0 else { return [] }
        return [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }

    private func tracked(_ git: GitRepository) throws -> Set<String> {
        let prefix = ".orch/backlog/"
        let answer = try git.run(
            ["ls-files", "-z", "--full-name", "--", prefix],
            in: git.topLevel,
            for: "look which files of the backlog are tracked"
        )
        return Set(answer.records.map { String($0.dropFirst(prefix.count)) })
    }

    // MARK: One file

    /// A claimed file that an earlier look did not come to an end with.
    private func resume(_ claim: BacklogFolder.Claim, _ folder: BacklogFolder, _ repository: RepositoryID) throws {
        switch try gateway.store.backlogWord(key: claim.key) {
        case .taken(let tickets)?: try settle(claim, folder, repository, tickets: tickets)
        case .refused(let problems)?: try folder.settle(claim, .failed, beside: text(problems))
        case nil: try take(claim, folder, repository)
        }
    }

    private func take(_ claim: BacklogFolder.Claim, _ folder: BacklogFolder, _ repository: RepositoryID) throws {
        var batch = read(claim, folder)
        let tickets = batch.problems.isEmpty ? newTickets(&batch) : []
        guard batch.problems.isEmpty else { return try refuse(claim, folder, repository, batch.problems) }
        let input = Input.backlogFileRead(repository, BacklogFile(name: claim.name, key: claim.key), tickets)
        switch ask(input, descriptions: batch.drafts.map(\.description)) {
        case .success(let facts)?:
            FaultPoint.backlogStored.pass()
            let ids = facts.compactMap { fact -> [String]? in
                guard case .backlogTaken(_, _, let ids) = fact.event else { return nil }
                return ids.map(\.text)
            }
            try settle(claim, folder, repository, tickets: ids.flatMap(\.self))
        case .failure(let refusal)? where refusal.code == .unavailable: waitForRoom(repository)
        case .failure(let refusal)?: try refuse(claim, folder, repository, [problem(refusal, batch, claim)])
        // The next daemon takes it.
        case nil: break
        }
    }

    private func read(_ claim: BacklogFolder.Claim, _ folder: BacklogFolder) -> TicketBatch {
        func refusal(_ message: String) -> TicketBatch {
            TicketBatch(problems: [FileProblem(file: claim.name, message: message)])
        }
        var status = stat()
        guard lstat(folder.file(claim), &status) == 0 else { return refusal("the file \(GitFiles.reason())") }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: return refusal("the file is a symbolic link; put the file itself here")
        default: return refusal("the file is not a regular file")
        }
        switch FileBytes.read(folder.file(claim), regularOnly: true) {
        case .bytes(let bytes): return TicketFile.parse(bytes, name: claim.name)
        case .missing: return refusal("there is no such file")
        case .failed(let reason): return refusal("the file \(reason)")
        }
    }

    private func newTickets(_ batch: inout TicketBatch) -> [NewTicket] {
        var tickets: [NewTicket] = []
        for (index, draft) in batch.drafts.enumerated() {
            do throws(RPCError) {
                tickets.append(try gateway.newTicket(draft))
            } catch {
                let message = [error.message, error.hint].compactMap(\.self).joined(separator: "; ")
                batch.problems.append(batch.problem(draft: index, field: .agent, message))
            }
        }
        return tickets
    }

    /// At the ticket that the refusal begins with, if any.
    private func problem(_ refusal: Refusal, _ batch: TicketBatch, _ claim: BacklogFolder.Claim) -> FileProblem {
        let message = [refusal.message, refusal.hint].compactMap(\.self).joined(separator: "; ")
        let draft = batch.drafts.firstIndex { draft in
            draft.id.map { refusal.message.hasPrefix("ticket \($0) ") } ?? false
        }
        guard let draft else { return FileProblem(file: claim.name, message: message) }
        return batch.problem(draft: draft, field: .id, message)
    }

    private func refuse(
        _ claim: BacklogFolder.Claim,
        _ folder: BacklogFolder,
        _ repository: RepositoryID,
        _ problems: [FileProblem]
    ) throws {
        let problems = problems.map { gateway.effects.environment.redactor.redact($0.description) }
        let file = BacklogFile(name: claim.name, key: claim.key)
        switch ask(.backlogFileRefused(repository, file, problems: problems), descriptions: []) {
        case .success?:
            FaultPoint.backlogStored.pass()
            try folder.settle(claim, .failed, beside: text(problems))
        case .failure?: waitForRoom(repository)
        case nil: break
        }
    }

    private func text(_ problems: [String]) -> [UInt8] { problems.flatMap { Array($0.utf8) + [0x0A] } }

    private func settle(
        _ claim: BacklogFolder.Claim,
        _ folder: BacklogFolder,
        _ repository: RepositoryID,
        tickets: [String]
    ) throws {
        let result: JSONObject = [
            "file": .string(claim.name), "repository": .string(repository.text), "key": .string(claim.key),
            "tickets": JSONValue(tickets),
        ]
        try folder.settle(claim, .done, beside: JSONValue.object(result).bytes + [0x0A])
    }

    // MARK: The engine

    /// Asks, and waits for the answer; nil when the daemon is ending.
    private func ask(_ input: Input, descriptions: [String]) -> Result<[Fact], Refusal>? {
        let answered = DispatchSemaphore(value: 0)
        let content = Mutex<Result<[Fact], Refusal>?>(nil)
        let isAsked = gateway.engine.ask(input, descriptions: descriptions) { result, _ in
            content.withLock { $0 = result }
            answered.signal()
        }
        guard isAsked else { return nil }
        answered.wait()
        return content.withLock { $0 }
    }

    /// Nothing can be stored now: what is claimed is looked at again when something can. By then it may have been, and
    /// its key tells.
    private func waitForRoom(_ repository: RepositoryID) {
        gateway.engine.when({ !$0.isDiskFull }) { [watch] in watch.lookAgain(at: repository) }
    }
}
