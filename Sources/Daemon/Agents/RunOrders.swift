import Core
import Foundation
import Glibc

// What Core orders, as a command line: where it runs, in what environment, with what limits.

extension EffectRunner {
    func startRun(_ run: RunID, _ order: RunOrder, _ ticket: Ticket, _ repository: Core.Repository) {
        // What it executes is in its folder, whatever the configuration says by now.
        if supervisor.hasBegun(run) {
            watchLife(of: run, order, ticket)
            // What it waited for is asked again.
            holds.clear(run)
            if let agreement = Agreement(of: run, in: supervisor), let conversation = agreement.conversation {
                conversations.begin(run, conversation, in: agreement.place)
            }
            return supervisor.adopt(run)
        }
        do {
            var command = try command(run, order, ticket, repository)
            command.outputCap = environment.user.limits.output
            watchLife(of: run, order, ticket)
            supervisor.start(command)
        } catch {
            report(.runEnded(run, .notStarted(sentence(error)), at: Timestamp.now()))
        }
    }

    /// Has the monitor look for signs of life, where the agent's profile asks for them now.
    private func watchLife(of run: RunID, _ order: RunOrder, _ ticket: Ticket) {
        guard case .agent(_, let name, _, _, _) = order else { return }
        guard let profile = environment.user.profiles[name], let timeout = profile.heartbeatTimeout else {
            if ticket.stale != nil { report(.runStirred(run, by: nil)) }
            return
        }
        monitor.watch(
            run,
            Heartbeat(timeout: timeout, grace: profile.staleGrace),
            RunEvidence(folder: RunFolder(path: supervisor.folder(of: run)), worktree: worktreePath(ticket)),
            isStale: ticket.stale != nil
        )
    }

    private func command(
        _ run: RunID,
        _ order: RunOrder,
        _ ticket: Ticket,
        _ repository: Core.Repository
    ) throws -> RunCommand {
        switch order {
        case .setup(let setup):
            return RunCommand(
                id: run,
                arguments: setup.command,
                environment: baseEnvironment.merging(try worktreeEnvironment(ticket)) { $1 },
                directory: worktreePath(ticket),
                timeLimit: setup.timeout
            )
        case .verifier(let verifier, let slot, let candidate):
            var environment = baseEnvironment
            environment["ORCH_COMMIT"] = candidate.commit.text
            environment["ORCH_TREE"] = candidate.tree.text
            let checkout = VerificationCheckout(repository: try open(repository), slot: slot)
            return RunCommand(
                id: run,
                arguments: verifier.command,
                environment: environment,
                directory: checkout.path,
                timeLimit: verifier.timeout
            )
        case .agent(_, let profile, let attempt, let feedback, let opening):
            return try agentCommand(run, profile, attempt, feedback, opening ?? Opening(), ticket, repository)
        }
    }

    private func agentCommand(
        _ run: RunID,
        _ name: String,
        _ attempt: Int,
        _ feedback: Feedback?,
        _ opening: Opening,
        _ ticket: Ticket,
        _ repository: Core.Repository
    ) throws -> RunCommand {
        guard let configured = environment.user.profiles[name] else {
            throw RunFailure("there is no agent profile \(name) in the configuration; add it under \"profiles\"")
        }
        let folder = "\(environment.paths.directory)/tickets/\(ticket.id)"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var prompt = try environment.store.description(of: ticket.id)
        if !prompt.hasSuffix("\n") { prompt += "\n" }
        let promptFile = "\(folder)/prompt.md"
        try GitFiles.write(Array(prompt.utf8), to: promptFile, isDurable: false, for: "write the prompt of \(run)")
        FaultPoint.runPromptWritten.pass()

        let news = OpeningText(
            feedback: feedback.map { environment.redactor.redact(text(of: $0)) },
            messages: opening.messages.map(\.text)
        )
        var newsFile: String?
        if let text = news.text {
            let file = "\(folder)/feedback-\(run.number).md"
            try GitFiles.write(Array(text.utf8), to: file, isDurable: false, for: "write the feedback for \(run)")
            newsFile = file
        }
        var assignment = Assignment(
            ticket: ticket.id,
            title: ticket.title,
            prompt: prompt,
            promptFile: promptFile,
            feedbackFile: newsFile,
            branch: ticket.worktree!.branch,
            worktree: worktreePath(ticket),
            attempt: attempt
        )
        assignment.tools = Assignment.ToolServer(
            command: [environment.orch, "mcp"],
            environment: [
                "ORCH_RUN": run.description, "ORCH_SOCKET": environment.paths.socket,
                "ORCH_TOKEN": try RunTokens.make(in: RunFolder(path: supervisor.folder(of: run))),
            ]
        )
        assignment.session = opening.session
        assignment.cost = opening.cost
        assignment.usedBefore = opening.session.flatMap { SessionUsage.before(run, in: $0, supervisor) }
        assignment.opening =
            opening.session == nil
            ? news.whole(prompt, recap: attempt > 1 ? recap(of: ticket, before: run, in: repository) : nil)
            : news.further
        var variables = baseEnvironment
        try variables.merge(open(repository).agentEnvironment) { $1 }
        try variables.merge(worktreeEnvironment(ticket)) { $1 }
        let profile = codexPrograms.driven(
            configured,
            environment: variables.merging(configured.environment) { $1 },
            directory: assignment.worktree
        )
        let invocation = profile.adapter.invocation(for: assignment)
        if let conversation = profile.adapter.conversation(for: assignment) {
            let agreement = Agreement(profile: profile, assignment: assignment)
            try agreement.write(for: run, in: supervisor)
            conversations.begin(run, conversation, in: agreement.place)
        }
        return RunCommand(
            id: run,
            arguments: invocation.arguments,
            environment: variables.merging(invocation.environment) { $1 },
            directory: worktreePath(ticket),
            standardInput: invocation.standardInput,
            timeLimit: profile.timeLimit
        )
    }

    /// What a ticket's worktree has for itself, and what it shares with others of its repository.
    private func worktreeEnvironment(_ ticket: Ticket) throws -> [String: String] {
        let caches = "\(environment.paths.caches)/\(ticket.repository)"
        try FileManager.default.createDirectory(
            atPath: caches,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var variables = ["ORCH_CACHE_DIR": caches]
        if let ports = ticket.agent.flatMap(environment.user.ports.range) {
            variables["ORCH_PORT"] = String(ports.lowerBound)
            variables["ORCH_PORT_COUNT"] = String(ports.count)
        }
        return variables
    }

    var baseEnvironment: [String: String] { RunCommand.environment(from: environment.inherited) }

    /// What the agent is told: what failed, the command that showed it, and the end of its log.
    private func text(of feedback: Feedback) -> String {
        switch feedback {
        case .verifierFailed(let name, let command, let run, let summary):
            let log = RunFolder(path: supervisor.folder(of: run)).tail(32_768, redactedBy: environment.redactor)
            return """
                The verifier `\(name)` failed on your work merged with the target branch: \(summary).

                Command: \(command.joined(separator: " "))

                The end of its output:

                \(log)
                """
        case .conflict(let paths, let tip):
            return """
                Your work conflicts with the target branch, which is now at \(tip).

                Conflicting paths:
                \(paths.map { "- \($0)\n" }.joined())
                Merge or rebase onto \(tip), resolve the conflicts, and commit.
                """
        case .changesRequested(let comment):
            return "A reviewer asks for changes:\n\n\(comment)\n"
        case .runLost(let run):
            return "The earlier run \(run) was cut short; the worktree is as it left it.\n"
        case .runStale(let run):
            return "The earlier run \(run) gave no sign of life and was ended; the worktree is as it left it.\n"
        }
    }
}

extension RunOutcome {
    init(_ end: RunEnd) {
        self =
            switch end.reason {
            case .exited(let code): .exited(Int(code))
            case .signalled(let signal): .signalled(Int(signal))
            case .stopped: .stopped
            case .timedOut: .timedOut
            case .notStarted(let reason): .notStarted(reason)
            case .lost(let reason): .lost(reason)
            }
    }
}
