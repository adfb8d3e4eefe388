import Core
import Foundation
import Glibc

// The effects on a ticket's own worktree: make it, save it, take up what is in it, put it away.

extension EffectRunner {
    func prepareWorktree(_ ticket: Ticket, _ repository: Core.Repository) -> Input {
        do {
            let git = try open(repository)
            guard let (tip, files) = try git.tipAndPolicy(of: repository.target) else {
                throw GitError(
                    .notFound,
                    "prepare the worktree of \(ticket.id)",
                    "there is no branch \(repository.target) in \(repository.path)"
                )
            }
            let path = worktreePath(ticket)
            let branch = ticket.worktree!.branch
            let rules = Rules(files, user: environment.user)
            let isBegun = git.isBegun(path)
            let known = try ticket.worktree?.base == nil ? nil : git.targetTip(branch)
            // A branch that somebody has deleted is made again where the work on it was.
            let wasMade = ticket.worktree?.base != nil
            let last = try known == nil && wasMade ? ticket.head.flatMap { try git.resolve($0.text) } : nil
            let start = known ?? last ?? tip
            _ = try git.prepareWorktree(
                at: path,
                branch: branch,
                from: start,
                ticket: ticket.id,
                reusingBranch: known != nil,
                remaking: wasMade
            )
            // Where the branch is, not where it was to begin: an earlier attempt may have made it.
            let head = try isBegun ? git.targetTip(branch) ?? start : start
            try git.copyFiles(rules.policy.setup?.copy ?? [], to: path)
            let isNew = !isBegun || !wasMade
            let notes = isNew ? git.copyIncluded(WorktreeInclude(files.worktreeInclude ?? []), to: path) : []
            return .worktreeReady(
                ticket.id,
                branch: branch,
                base: ticket.worktree?.base ?? ObjectID(head),
                head: ObjectID(head),
                rules,
                notes: notes
            )
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch {
            return .worktreeFailed(ticket.id, reason: sentence(error))
        }
    }

    func collectWork(_ ticket: Ticket, _ repository: Core.Repository, _ number: Int) -> Input {
        do {
            let git = try open(repository)
            let worktree = try existingWorktree(of: ticket, in: git)
            let base = ticket.worktree!.base!.text
            let work = try git.collect(
                worktree,
                number: number,
                target: base,
                title: ticket.title,
                agent: ticket.agent?.description ?? "orch",
                SnapshotOrder(reason: "its agent has ended", ignored: keptIgnoredFiles(in: git, repository))
            )
            announce(work.snapshot)
            return .workCollected(
                ticket.id,
                head: ObjectID(work.head),
                changed: !work.changedPaths.isEmpty,
                committedLeftovers: work.committedLeftovers
            )
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch {
            return .collectFailed(ticket.id, reason: sentence(error))
        }
    }

    func takeSnapshot(_ ticket: Ticket, _ repository: Core.Repository, _ number: Int) -> Input {
        do {
            let git = try open(repository)
            let order = SnapshotOrder(
                reason: ticket.snapshotReason,
                ignored: keptIgnoredFiles(in: git, repository)
            )
            announce(try git.snapshot(try existingWorktree(of: ticket, in: git), number: number, order))
            return .snapshotTaken(ticket.id)
        } catch {
            return .snapshotFailed(ticket.id, reason: sentence(error))
        }
    }

    /// Which ignored files snapshots hold too, as the target branch says; none where it says nothing that can be read.
    private func keptIgnoredFiles(in git: GitRepository, _ repository: Core.Repository) -> [String] {
        guard let files = try? git.tipAndPolicy(of: repository.target)?.files, let bytes = files.configuration else {
            return []
        }
        return (try? RepositoryFile.parse(bytes))?.snapshot.ignored ?? []
    }

    /// Tells what a person should know about a snapshot, before what follows from it.
    private func announce(_ snapshot: Snapshot) {
        guard !snapshot.announcements.isEmpty else { return }
        report(.snapshotNoted(snapshot.ticket, number: snapshot.number, notes: snapshot.announcements))
    }

    func existingWorktree(of ticket: Ticket, in git: GitRepository) throws -> Worktree {
        let path = worktreePath(ticket)
        let branch = ticket.worktree!.branch
        if let worktree = git.worktree(at: path, branch: branch, ticket: ticket.id) { return worktree }
        // The repository has forgotten it, and its folder can still be kept.
        if let worktree = try git.forgottenWorktree(at: path, branch: branch, ticket: ticket.id) { return worktree }
        throw GitError(
            .notFound,
            "look at the worktree of \(ticket.id)",
            "its worktree \(path) is gone; orch retry \(ticket.id) makes it again from its branch \(branch)"
        )
    }

    /// A last snapshot, then worktree and branch go. A step that was done before is passed over.
    func tidy(_ ticket: Ticket, _ repository: Core.Repository, _ number: Int) -> Input {
        do {
            let git = try open(repository)
            let branch = ticket.worktree!.branch
            let path = worktreePath(ticket)
            let snapshot: Snapshot
            if let worktree = git.worktree(at: path, branch: branch, ticket: ticket.id) {
                // Its folder may be gone already or in the trash; it is in the snapshot then.
                if !GitFiles.isDirectory(path), let earlier = try git.keptSnapshot(of: ticket.id, number) {
                    snapshot = earlier
                } else {
                    let order = SnapshotOrder(
                        reason: "it is \(ticket.state.name), and its worktree put away",
                        ignored: keptIgnoredFiles(in: git, repository)
                    )
                    snapshot = try git.snapshot(worktree, number: number, order)
                    announce(snapshot)
                }
                FaultPoint.tidySnapshotTaken.pass()
                _ = try git.removeWorktree(at: path, ticket: ticket.id, keptBy: snapshot)
                clearRemovedWorktrees()
                FaultPoint.tidyWorktreeRemoved.pass()
            } else if ticket.worktree!.base == nil {
                // It was never made, so nothing of the name is orch's.
                return .tidied(ticket.id, .done)
            } else if let earlier = try git.keptSnapshot(of: ticket.id, number) {
                snapshot = earlier
            } else {
                // Somebody has removed it. Its branch is all there is of it, and what may be left of its folder.
                if let rest = try git.forgottenWorktree(at: path, branch: branch, ticket: ticket.id) {
                    _ = try git.snapshot(rest, number: number)
                    try git.putAside(rest)
                }
                snapshot = try git.snapshotBranch(branch, of: ticket.id, number: number)
            }
            if let head = try git.targetTip(branch) {
                try git.deleteBranch(branch, at: head, keptBy: snapshot)
            }
            FaultPoint.tidyBranchDeleted.pass()
            try git.clearCandidate(of: ticket.id)
            FaultPoint.tidyCandidateCleared.pass()
            return .tidied(ticket.id, .done)
        } catch let error as GitError where error.isPassing {
            return .tidied(ticket.id, .blocked(reason: error.message))
        } catch {
            return .tidied(ticket.id, .left(reason: sentence(error)))
        }
    }
}

extension Ticket {
    /// Why a snapshot is being taken of it.
    fileprivate var snapshotReason: String {
        guard case .running(let running) = state, case .snapshotting(let aftermath) = running.step else { return "" }
        return switch aftermath {
        case .stopped: "stopped"
        case .cancelled: "cancelled"
        case .needsHuman(let problem, _): problem.sentence
        case .again: "its run was lost"
        case .queue(let feedback): feedback.sentence
        }
    }
}
