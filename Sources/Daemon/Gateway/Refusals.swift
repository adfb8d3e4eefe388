import Core
import IPC

// What is said where a request cannot be carried out.

extension Refusal {
    static func noTicket(_ name: String) -> Refusal {
        if name.hasPrefix("agent-"), Int(name.dropFirst(6)) != nil {
            return Refusal(.notFound, "\(name) works on no ticket now", hint: "`orch agents` shows what each works on")
        }
        return Refusal(.notFound, "there is no ticket \(quoted(name))", hint: "`orch list --all` shows every ticket")
    }
}

extension RPCError {
    init(_ refusal: Refusal) {
        let code: ErrorCode =
            switch refusal.code {
            case .notFound: .notFound
            case .refused: .refused
            case .invalid: .invalidParams
            case .unavailable: .unavailable
            }
        self.init(code, refusal.message, hint: refusal.hint)
    }

    /// Whatever went wrong with what was asked: of git's errors which operation, on what, and why.
    init(describing error: any Error) {
        guard let git = error as? GitError else {
            self.init(.internal, sentence(error))
            return
        }
        let code: ErrorCode =
            switch git.kind {
            case .notFound, .notRepository, .repositoryGone: .notFound
            case .branchInTheWay, .notOurs, .unfinished, .unsupported, .busy: .refused
            case .failed, .timedOut, .killed: .internal
            }
        self.init(code, git.description)
    }

    func redacted(by redactor: Redactor) -> RPCError {
        RPCError(code, redactor.redact(message), hint: hint.map(redactor.redact))
    }

    static func noRun(_ name: String) -> RPCError {
        RPCError(.notFound, "there is no run \(quoted(name))", hint: "`orch show` lists the runs of a ticket")
    }

    /// - Parameter run: nil where it is not known which.
    static func forbidden(_ method: String, run: String?) -> RPCError {
        let who =
            run.map { "this connection comes from inside run \($0)" }
            ?? "nobody can tell which process this connection comes from, or orch itself has started it"
        return RPCError(
            .forbidden,
            "\(method) is not for agents: \(who)",
            hint: "leave it to a human; an agent may read, follow and file tickets"
        )
    }

    static var stopping: RPCError { RPCError(.stopping, "the daemon is ending", hint: "start one with: orch daemon") }

    static func noTicket(_ name: String) -> RPCError { RPCError(Refusal.noTicket(name)) }
}
