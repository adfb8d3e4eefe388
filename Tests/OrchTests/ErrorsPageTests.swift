import Foundation
import IPC
import Testing

@testable import Core
@testable import Daemon
@testable import Orch

/// `docs/errors.md` has a row for whatever can go wrong that has a name in the code, and for nothing else.
@Suite struct ErrorsPageTests {
    /// The cells of each row, by the heading they are under.
    private let tables: [String: [[String]]]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var tables: [String: [[String]]] = [:]
        var heading = ""
        for line in try String(contentsOf: root.appending(path: "docs/errors.md"), encoding: .utf8).split(
            separator: "\n"
        ) {
            if line.hasPrefix("## ") { heading = String(line.dropFirst(3)) }
            guard line.hasPrefix("| ") else { continue }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
            tables[heading, default: []].append(cells.map { $0.trimmingCharacters(in: .whitespaces) })
        }
        // The first row names the columns.
        self.tables = tables.mapValues { Array($0.dropFirst()) }
    }

    private func rows(_ heading: String) throws -> [[String]] { try #require(tables[heading], "\(heading)") }

    @Test func `every code has its row, with the exit status it has`() throws {
        var expected = ErrorCode.allCases.map { ["`\($0.rawValue)`", "\($0.exitStatus)"] }
        for code in CommandError.Code.allCases {
            let status = CommandError(code, problems: []).status.rawValue
            expected.append(["`\(code.rawValue)`", "\(code == .failed ? ExitStatus.failed.rawValue : status)"])
        }
        #expect(try rows("Codes").map { Array($0.prefix(2)) } == expected)
        let statuses = (Int32(0)...100).compactMap(ExitStatus.init(rawValue:)).map { "\($0.rawValue)" }
        #expect(try rows("Exit status").map(\.[0]) == statuses)
    }

    @Test func `every kind of git's errors has its row, with the code it has`() throws {
        let expected = GitError.Kind.allCases.map {
            ["`\($0.rawValue)`", "`\(RPCError(describing: GitError($0, "look", "no")).code.rawValue)`"]
        }
        #expect(try rows("What git could not do").map { Array($0.prefix(2)) } == expected)
    }

    @Test func `every reason that a ticket waits for has its row`() throws {
        try expect("A ticket needs a human", toHold: Samples.problems.map(\.sentence))
        try expect("A ticket waits for approval", toHold: Samples.approvals.map(\.sentence))
        try expect("A ticket waits in the queue", toHold: Samples.waits.map(\.sentence))
    }

    @Test func `every end of a run and every trouble with the store has its row`() throws {
        let ends = Samples.ends.map {
            RunEnd(reason: $0, started: Instant(milliseconds: 0), ended: Instant(milliseconds: 9))
        }
        try expect("How a run ended", toHold: ends.map(\.summary))
        try expect("The store", toHold: Samples.stores.map(\.description))
    }

    /// Each sentence is one of the page's, in which … stands for anything, and each of the page's is one of these.
    private func expect(_ heading: String, toHold sentences: [String]) throws {
        let patterns = try rows(heading).map(\.[0])
        for sentence in sentences {
            #expect(patterns.filter { matches(sentence, $0) }.count == 1, "\(heading): \(sentence)")
        }
        for pattern in patterns {
            #expect(sentences.contains { matches($0, pattern) }, "\(heading): nothing says \(pattern)")
        }
    }

    private func matches(_ sentence: String, _ pattern: String) -> Bool {
        var rest = sentence[...]
        let pieces = pattern.split(separator: "…", omittingEmptySubsequences: false)
        for (index, piece) in pieces.enumerated() where !piece.isEmpty {
            if index == 0 {
                guard rest.hasPrefix(piece) else { return false }
                rest = rest.dropFirst(piece.count)
            } else if index == pieces.count - 1 {
                return rest.hasSuffix(piece)
            } else {
                guard let found = rest.firstRange(of: piece) else { return false }
                rest = rest[found.upperBound...]
            }
        }
        return rest.isEmpty || pieces.last == ""
    }
}

/// One of each. A case that is added does not compile until it is here, and then fails until the page has it.
private enum Samples {
    static let problems: [Problem] = [
        .worktreeFailed("no"), .setupFailed(run: 1, "exit 1"), .agentFailed(run: 1, "exit 1"),
        .agentStale(run: 1, attempts: 2), .agentLooped(run: 1, "it called Bash 5 times in a row"), .noChange(run: 1),
        .nothingLeft, .collectFailed("no"), .candidateFailed("no"),
        .verifyFailed(verifier: "test", run: 2, "exit 1", attempts: 2), .verifyError("no"),
        .conflict(paths: ["a", "b"], attempts: 1), .lockViolation(paths: ["a"], candidate),
        .lockCycle(wanted: [pattern], holders: [TicketID("T-2")]), .untrusted(digest: "0123456789abcdef"),
        .configuration("the repository's configuration cannot be used: no"), .dependency(TicketID("T-2"), .unknown),
        .dependency(TicketID("T-2"), .cancelled), .landingFailed("no"),
        .repositoryGone(
            "the repository /r is gone; if it was moved, run orch init where it is now, and its tickets go on"
        ),
        .budget(.reached(.ticket, .usd, spent: 5_320_000, cap: 5_000_000)),
        .budget(.reached(.day, .tokens, spent: 12, cap: 10)), .budget(.reached(.month, .usd, spent: 2, cap: 1)),
        .budget(.unpriced(tokens: 500)),
    ]
    static let approvals: [ApprovalReason] = [
        .policy, .noVerifier, .sensitivePaths(["ci.sh"]), .afterChange,
        .approvalExpired(after: .seconds(3600)),
    ]
    static let waits: [Waiting] = [
        .draining, .diskFull, .dependencies([TicketID("T-2")]), .lock(pattern, holder: TicketID("T-2")),
        .reservation(pattern, behind: TicketID("T-2")),
        .person(pattern, Grant.Person(name: "ada", reason: "by hand", expires: nil)), .agent(busy: 2),
        .halted(reason: ""), .halted(reason: "the model is down"), .shortage(.memory(free: 1, wanted: 2)),
        .shortage(.disk(free: 1, wanted: 2)), .shortage(.memoryPressure(70, limit: 60)),
        .shortage(.cpuPressure(90, limit: 80)), .quota(.profile("script"), limit: 1),
        .quota(.repository(RepositoryID("r1")), limit: 1), .budget(shortfall(.day, reserved: 0, wanted: 0)),
        .budget(shortfall(.month, reserved: 1, wanted: 1)),
    ]
    static let ends: [RunEnd.Reason] = [
        .exited(1), .signalled(9), .stopped, .timedOut, .notStarted("no"), .lost("no"),
    ]
    static let stores: [StoreError] = [
        .newer("/s"), .damaged("/s", "no"), .unusable("/s", "no"), .full(FullDisk(holding: "/")), .rejected("no"),
        .unwritable("no"),
    ]

    private static func shortfall(_ span: BudgetSpan, reserved: Int, wanted: Int) -> BudgetShortfall {
        BudgetShortfall(
            span: span,
            unit: .usd,
            cap: 1,
            spent: 1,
            reserved: reserved,
            wanted: wanted,
            renews: UTCDay(number: 20_000)
        )
    }

    private static let pattern: LockPattern = {
        guard let pattern = try? LockPattern("src/**") else { preconditionFailure("a pattern") }
        return pattern
    }()
    private static let candidate = Candidate(
        commit: ObjectID("1"),
        tree: ObjectID("2"),
        tip: ObjectID("3"),
        head: ObjectID("4"),
        paths: ["a"],
        rules: Rules(digest: "abc", policy: Policy(), problem: nil),
        ownDigest: "def"
    )

    /// Compiles only as long as the lists above can be whole.
    private static func isKnown(_ problem: Problem, _ approval: ApprovalReason, _ waiting: Waiting) {
        switch problem {
        case .worktreeFailed, .setupFailed, .agentFailed, .agentStale, .agentLooped, .noChange, .nothingLeft,
            .collectFailed,
            .candidateFailed, .verifyFailed, .verifyError, .conflict, .lockViolation, .lockCycle, .untrusted,
            .configuration, .dependency(_, .unknown), .dependency(_, .cancelled), .landingFailed, .repositoryGone,
            .budget(.reached), .budget(.unpriced):
            break
        }
        switch approval {
        case .policy, .noVerifier, .sensitivePaths, .afterChange, .approvalExpired: break
        }
        switch waiting {
        case .draining, .diskFull, .dependencies, .lock, .reservation, .person, .agent, .halted, .quota(.profile, _),
            .quota(.repository, _), .shortage(.memory), .shortage(.disk), .shortage(.memoryPressure),
            .shortage(.cpuPressure), .budget, .quota(.budget, _):
            break
        }
    }

    private static func isKnown(_ end: RunEnd.Reason, _ store: StoreError) {
        switch end {
        case .exited, .signalled, .stopped, .timedOut, .notStarted, .lost: break
        }
        switch store {
        case .newer, .damaged, .unusable, .full, .rejected, .unwritable: break
        }
    }
}
