import Core
import IPC

// What an agent that cannot go on in a session is told of the runs before it.

extension EffectRunner {
    /// What has been changed so far, and the last that was said.
    func recap(of ticket: Ticket, before run: RunID, in repository: Core.Repository) -> String? {
        var parts: [String] = []
        if case .success(let answer) = diff(of: ticket, in: repository), let diff = answer["diff"]?.stringValue,
            !diff.isEmpty
        {
            let shown = String(diff.prefix(Self.recapLimit))
            let cut = shown.count < diff.count ? "\n(cut; `git diff` against the target branch shows all of it)" : ""
            parts.append("What has been changed on this branch so far:\n\n\(shown)\(cut)")
        }
        let said = lastWords(before: run)
        if !said.isEmpty {
            parts.append("The last that the agent before you said:\n\n\(said.joined(separator: "\n\n"))")
        }
        guard !parts.isEmpty else { return nil }
        return "Earlier work on this task was interrupted; the worktree is as it was left.\n\n"
            + parts.joined(separator: "\n\n")
    }

    private static let recapLimit = 20_000

    /// From the newest run that said anything.
    private func lastWords(before run: RunID) -> [String] {
        for number in stride(from: run.number - 1, to: 0, by: -1) {
            let folder = RunFolder(path: supervisor.folder(of: RunID(ticket: run.ticket, number: number)))
            let said = folder.lastSaid(3)
            if !said.isEmpty { return said.map { environment.redactor.redact($0) } }
        }
        return []
    }
}
