/// How far a trial's verifiers are. The setup command, where there is one, is none of them.
public struct TrialProgress: Equatable, Sendable {
    /// How many have passed.
    public let passed: Int
    public let total: Int
    /// What runs: a verifier, or before the first of them `setup`.
    public let running: String?
    /// When that was asked for.
    public let since: Instant?
}

extension Trial {
    /// Nil while its candidate is being built: nobody knows yet which verifiers there are, or whether they need to run.
    public var progress: TrialProgress? {
        switch self {
        case .building: nil
        case .waitingForSlot(let candidate), .checkingOut(let candidate, _): progress(of: candidate, through: 0)
        case .verifying(let candidate, _, let index, _, let since):
            progress(of: candidate, through: index, running: candidate.rules.checks[index].name, since: since)
        case .concluding(let candidate, _, .passed): progress(of: candidate, through: candidate.rules.checks.count)
        case .concluding(let candidate, _, .failed(let index, _, _)): progress(of: candidate, through: index)
        }
    }

    /// - Parameter checks: how many have passed, the setup with them.
    private func progress(
        of candidate: Candidate,
        through checks: Int,
        running: String? = nil,
        since: Instant? = nil
    ) -> TrialProgress {
        let total = candidate.rules.verifiers.count
        let setup = candidate.rules.checks.count - total
        return TrialProgress(passed: max(0, checks - setup), total: total, running: running, since: since)
    }
}
