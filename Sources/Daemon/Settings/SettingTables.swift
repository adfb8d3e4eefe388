import Core

// The tables of keys: what each file understands. Reading, `orch config show`, the samples, the schema and the
// ORCH_ variables all follow from them.

extension UserSettings {
    /// The keys of `config.json`.
    static let keys: [SettingKey<UserSettings>] = [agentKeys, sharedKeys, machineKeys].flatMap { $0 }

    private typealias Key = SettingKey<UserSettings>

    private static let agentKeys: [Key] = [
        Key.integer("agents", \.agents, in: 1...1000, "How many agents work at a time."),
        Key.optionalText(
            "defaultProfile",
            \.defaultProfile,
            "The profile of tickets that name none; the only one there is if null.",
            problem: ProfileName.problem
        ),
        Key.map(
            "profiles",
            \.profiles,
            AgentProfile.keys,
            new: AgentProfile(),
            needs: { profile in
                guard profile.program.isEmpty else { return [] }
                return [("command", "the kind \(quoted(profile.kind.rawValue)) has no program of its own")]
            },
            "The kinds of agents there are, by name."
        ),
        Key.words(
            "approve",
            SettingWords(values: [("human", UserApproval.human), ("auto", .auto), ("human!", .alwaysHuman)]),
            "Who lets a verified ticket land; `human!` holds even where a repository says `auto`.",
            set: { settings, approval in
                settings.approvalFloor = approval == .alwaysHuman
                settings.choices.approve = approval == .auto ? .auto : .human
            },
            show: { $0.approvalFloor ? "human!" : ($0.choices.approve ?? Policy().approve).rawValue }
        ),
    ]

    private enum UserApproval { case human, auto, alwaysHuman }

    private static let sharedKeys: [Key] = PolicyChoices.keys.map { $0.within(\UserSettings.choices) }

    private static let machineKeys: [Key] = [
        Key.text(
            "branchPrefix",
            \.branchPrefix,
            "What precedes the ticket in a branch's name; `{agent}` stands for `agent-1`.",
            problem: BranchName.problem
        ),
        Key.object(
            "ports",
            \.ports,
            Ports.keys,
            "Which ports each agent has for itself, as `ORCH_PORT` and `ORCH_PORT_COUNT`."
        ),
        Key.integer("verificationSlots", \.verificationSlots, in: 1...64, "How many verifiers run at a time."),
        Key.integer(
            "warmWorktrees",
            \.warmWorktrees,
            in: 0...64,
            "How many worktrees of each repository are made ahead, in idle time, so that tickets start sooner."
        ),
        Key.object(
            "admission",
            \.admission,
            Admission.keys,
            "What the machine must have left for another ticket to start; null: nobody looks."
        ),
        Key.object("locks", \.locks, Locks.keys, "How long locks are kept."),
        Key.choice(
            "durability",
            \.durability,
            "What survives a loss of power: `full` is everything answered, `normal` all but the last moments."
        ),
        Key.choice(
            "containment",
            \.containment,
            "What holds a run's processes together; `auto` is the best there is, any other that or no daemon."
        ),
        Key.object("budgets", \.budgets, Budgets.keys, "What agents may use; any amount where null."),
        Key.list(
            "prices",
            \.prices,
            Price.keys,
            new: Price(model: "", input: 0, output: 0),
            "What a million tokens cost, in US dollars, for agents that do not say: what comes of it is an estimate."
        ),
        Key.object("limits", \.limits, RunLimits.keys, "What one run may take up."),
        Key.list(
            "secrets",
            \.secrets,
            SecretSource.keys,
            new: SecretSource(),
            "Values that are neither stored nor told: `[secret NAME]` stands in their place."
        ),
        Key.section(
            "dashboard",
            \.dashboard,
            DashboardSettings.keys,
            standard: DashboardSettings(),
            "How `orch tui` looks and listens."
        ),
    ]
}

extension Ports {
    private typealias Key = SettingKey<Ports>

    static let keys: [SettingKey<Ports>] = [
        Key.integer("from", \.from, in: 1024...65_535, "The first port of the first agent."),
        Key.integer("count", \.count, in: 1...1000, "How many each agent has."),
    ]
}

extension Admission {
    private typealias Key = SettingKey<Admission>

    static let keys: [SettingKey<Admission>] = [
        Key.optionalSize(
            "memoryAvailable",
            \.memoryAvailable,
            atLeast: 1,
            "Memory that programs can still be given."
        ),
        Key.optionalInteger(
            "memoryPressure",
            \.memoryPressure,
            in: 1...100,
            "The most of the last ten seconds, in percent, that programs waited for memory; where the kernel says."
        ),
        Key.optionalInteger(
            "cpuPressure",
            \.cpuPressure,
            in: 1...100,
            "The most of the last ten seconds, in percent, that programs waited for a processor."
        ),
        Key.optionalSize(
            "diskFree",
            \.diskFree,
            atLeast: 1,
            "Room on the disk that holds orch's state."
        ),
    ]
}

extension RunLimits {
    private typealias Key = SettingKey<RunLimits>

    static let keys: [SettingKey<RunLimits>] = [
        Key.optionalInteger(
            "processes",
            \.processes,
            in: 8...4_194_304,
            "How many processes and threads at a time, where a cgroup can keep it; any number if null."
        ),
        Key.optionalSize(
            "memory",
            \.memory,
            atLeast: 1 << 20,
            "How much memory, in all its processes; needs a cgroup; as much as there is if null."
        ),
        Key.size(
            "output",
            \.output,
            "How much is kept of each of its stdout and stderr; the rest is read and dropped."
        ),
    ]
}

extension SecretSource {
    private typealias Key = SettingKey<SecretSource>

    static let keys: [SettingKey<SecretSource>] = [
        Key.text("name", \.name, "What is told in its place.", problem: ProfileName.problem).required,
        Key.optionalText(
            "env",
            \.environment,
            "The variable of the daemon's environment that holds it.",
            problem: { $0.isEmpty || $0.contains("=") ? "\(quoted($0)) is no name of a variable" : nil }
        ),
        Key.optionalText(
            "file",
            \.file,
            "The file that holds it, absolute or from `~/`.",
            problem: { $0.hasPrefix("/") || $0.hasPrefix("~/") ? nil : "\(quoted($0)) is not absolute, nor from `~/`" }
        ),
    ]
}

extension UserSettings.Locks {
    fileprivate static let keys: [SettingKey<UserSettings.Locks>] = [
        SettingKey.duration(
            "reviewHold",
            \.reviewHold,
            "How long a ticket that waits for a human keeps its locks; then it takes them again when it goes on."
        ),
        SettingKey.boolean(
            "mirror",
            \.mirror,
            "Whether the branch `orch/locks` of each repository tells of its locks, and takes those that people commit."
        ),
    ]
}

extension AgentProfile {
    private typealias Key = SettingKey<AgentProfile>

    static let keys: [SettingKey<AgentProfile>] = [
        Key.choice("kind", \.kind, "How orch speaks with the agent."),
        Key.optionalCommand(
            "command",
            \.command,
            "The program and its first arguments; the kind's own program if null, which `command` and `acp` do not have."
        ),
        Key.strings("arguments", \.arguments, "Arguments behind those that orch adds.", problem: { _ in nil }),
        Key.optionalText(
            "model",
            \.model,
            "The model that the agent is to use, as its program calls it; its own choice if null.",
            problem: { $0.isEmpty || $0.hasPrefix("-") ? "\(quoted($0)) is no name of a model" : nil }
        ),
        Key.optionalInteger(
            "limit",
            \.limit,
            in: 1...1000,
            "How many agents of it work at a time; any number if null."
        ),
        Key.choice("prompt", \.prompt, "How an agent of the kind `command` gets its prompt."),
        Key.duration("timeLimit", \.timeLimit, "How long one run may take."),
        Key.optionalDuration(
            "heartbeatTimeout",
            \.heartbeatTimeout,
            "Without a sign of life for so long (output, CPU time, changed files), an agent is stale; never if null."
        ),
        Key.duration("staleGrace", \.staleGrace, "How long a stale agent is waited for before its run is ended."),
        Key.variables("environment", \.environment, "Variables added to the agent's environment."),
        Key.object(
            "permissions",
            \.permissions,
            PermissionPolicy.keys,
            "What an agent that asks for leave may do; what the ticket's locks say comes before it."
        ),
        Key.object(
            "reserve",
            \.reserve,
            Allowance.keys,
            "Set aside of the day's and the month's budget before a run starts; nothing where null."
        ),
    ]
}

extension PermissionPolicy {
    private typealias Key = SettingKey<PermissionPolicy>

    static let keys: [SettingKey<PermissionPolicy>] = [
        Key.list(
            "rules",
            \.rules,
            PermissionRule.keys,
            new: PermissionRule(),
            "What to say to what; the first that matches counts."
        ),
        Key.choice("otherwise", \.otherwise, "What to say where no rule matches."),
        Key.choice(
            "outside",
            \.outside,
            "What to say to writing outside of the ticket's worktree, where no rule matches."
        ),
        Key.duration("timeLimit", \.timeLimit, "How long a person is waited for; then the answer is no."),
    ]
}

extension PermissionRule {
    private typealias Key = SettingKey<PermissionRule>

    static let keys: [SettingKey<PermissionRule>] = [
        Key.optionalText(
            "tool",
            \.tool,
            "The tool's name as the agent calls it; `*` is any text.",
            problem: { _ in nil }
        ),
        Key.optionalText(
            "command",
            \.command,
            "The command line; `*` is any text: `git push*`.",
            problem: { _ in nil }
        ),
        Key.optionalText(
            "path",
            \.path,
            "A path that is written or read, as a lock's pattern: `docs/**`.",
            problem: { (try? LockPattern($0)) == nil ? "\(quoted($0)) is no pattern of paths" : nil }
        ),
        Key.choice("action", \.action, "`allow`, `deny`, or `ask` a person.").required,
    ]
}

extension RepositoryPolicy {
    /// The keys of a repository's `.orch/config.json`.
    static let keys: [SettingKey<RepositoryPolicy>] = [ownKeys, sharedKeys].flatMap { $0 }

    private typealias Key = SettingKey<RepositoryPolicy>

    private static let ownKeys: [Key] = [
        Key.optionalText(
            "targetBranch",
            \.targetBranch,
            "The branch tickets land on; the one HEAD names if null.",
            problem: { BranchName.isReferenceName($0) ? nil : "\(quoted($0)) is no name of a branch" }
        ),
        Key.optionalInteger(
            "agents",
            \.agents,
            in: 1...1000,
            "How many agents work on the repository at a time; any number if null."
        ),
        Key.optionalObject("setup", \.setup, Setup.keys, new: Setup(), "What prepares a fresh worktree."),
        Key.list(
            "verifiers",
            \.verifiers,
            Verifier.keys,
            new: Verifier(name: "", command: []),
            "The commands that judge a tree; all must pass."
        ),
        Key.strings(
            "caches",
            \.caches,
            "What stays in a verification checkout from one tree to the next, as git ignores it: `node_modules/`.",
            problem: Setup.pathProblem
        ),
        Key.choiceOrDefault(
            "approve",
            \.choices.approve,
            default: Policy().approve,
            "Who lets a verified ticket land."
        ),
        Key.object("snapshot", \.snapshot, SnapshotPolicy.keys, "What snapshots hold beside what git would add."),
    ]

    private static let sharedKeys: [Key] = PolicyChoices.repositoryKeys.map { $0.within(\RepositoryPolicy.choices) }
}

extension PolicyChoices {
    private typealias Key = SettingKey<PolicyChoices>
    private static let standard = Policy()

    /// The keys that users and repositories may both set.
    static let keys: [SettingKey<PolicyChoices>] = keys(landing: Landing.keys)
    /// Those of a repository.
    static let repositoryKeys: [SettingKey<PolicyChoices>] = keys(landing: Landing.keys + [Landing.push])

    private static func keys(landing: [SettingKey<Landing>]) -> [SettingKey<PolicyChoices>] {
        [
            Key.choiceOrDefault(
                "lockViolation",
                \.lockViolation,
                default: standard.lockViolation,
                "What happens to a ticket that changed paths outside its locks."
            ),
            Key.integerOrDefault(
                "maxFixAttempts",
                \.maxFixAttempts,
                default: standard.maxFixAttempts,
                in: 0...100,
                "How often an agent gets to repair what verifiers found."
            ),
            Key.optionalDuration(
                "approvalTimeLimit",
                \.approvalTimeLimit,
                "How old an approval may be when the landing begins; then it is asked for again. Any age if null."
            ),
            Key.object("landing", \.landing, landing, "How tickets reach the target branch."),
        ]
    }
}

extension PolicyChoices.Landing {
    private typealias Key = SettingKey<PolicyChoices.Landing>
    private static let standard = Policy.Landing()

    static let keys: [SettingKey<PolicyChoices.Landing>] = [
        Key.integerOrDefault(
            "parallel",
            \.parallel,
            default: standard.parallel,
            in: 1...64,
            "How many candidates are verified at a time, each on top of those ahead of it."
        ),
        Key.choiceOrDefault(
            "method",
            \.method,
            default: standard.method,
            "What a ticket becomes: one commit, its own commits on top of the target, or a merge of its branch."
        ),
        Key.choiceOrDefault(
            "verify",
            \.verify,
            default: standard.verify,
            "Which verifiers must pass on the tree that lands; `quick` asks the quick ones alone, or all where none is."
        ),
        Key.textOrDefault(
            "message",
            \.message,
            default: MessageTemplate.standard,
            "The message of the commit: `{title}`, `{description}`, `{ticket}` and `{agent}` are filled in; trailers follow.",
            problem: { text in
                do throws(MessageTemplate.Problem) {
                    _ = try MessageTemplate(text)
                    return nil
                } catch { return error.description }
            }
        ),
    ]
}

extension PolicyChoices.Landing {
    /// A user has many repositories, and a URL is that of one.
    static let push = SettingKey<PolicyChoices.Landing>.optionalObject(
        "push",
        \.push,
        PushPolicy.keys,
        new: PushPolicy(),
        "Where the target branch is pushed after a landing; nowhere if null."
    )
}

extension PushPolicy {
    static let keys: [SettingKey<PushPolicy>] = [
        SettingKey.text("remote", \.remote, "A URL, or an absolute path.", problem: PushPolicy.problem).required
    ]
}

extension SnapshotPolicy {
    private typealias Key = SettingKey<SnapshotPolicy>

    static let keys: [SettingKey<SnapshotPolicy>] = [
        Key.strings(
            "ignored",
            \.ignored,
            "Which files that git ignores are kept too: patterns as those of locks, such as `.env` or `notes/**`.",
            problem: { pattern in
                do throws(LockPatternError) {
                    return try LockPattern(pattern).isResource ? "\(quoted(pattern)) is no path" : nil
                } catch { return error.description }
            }
        )
    ]
}

extension Setup {
    private typealias Key = SettingKey<Setup>

    static let keys: [SettingKey<Setup>] = [
        Key.command("command", \.command, "The program and its arguments."),
        Key.strings(
            "copy",
            \.copy,
            "Untracked files to copy from your checkout, by their paths from its root.",
            problem: copyProblem
        ),
        Key.optionalStrings(
            "inputs",
            \.inputs,
            "What the command depends on, such as a lock file; with `caches`, it runs again in a slot when one changes.",
            problem: { path in path.hasPrefix("/") || path.hasPrefix("~/") ? nil : pathProblem(path) }
        ),
        Key.duration("timeout", \.timeout, "How long the command may take."),
    ]

    @Sendable private static func copyProblem(_ path: String) -> String? {
        path.hasPrefix("/")
            ? "\(quoted(path)) is absolute; write it relative to the repository's root" : pathProblem(path)
    }

    @Sendable fileprivate static func pathProblem(_ path: String) -> String? {
        let segments = path.split(separator: "/")
        if segments.isEmpty { return "the path is empty" }
        if segments.contains("..") { return "\(quoted(path)) leaves the repository" }
        return segments[0].lowercased() == ".git" ? "\(quoted(path)) is git's own" : nil
    }
}

extension Verifier {
    private typealias Key = SettingKey<Verifier>

    static let keys: [SettingKey<Verifier>] = [
        Key.text("name", \.name, "What it is called in reports.", problem: ProfileName.problem).required,
        Key.command("command", \.command, "The program and its arguments; it passes by exiting with 0.").required,
        Key.duration("timeout", \.timeout, "How long it may take."),
        Key.boolean("quick", \.quick, "Whether it runs first, to fail early."),
        Key.strings(
            "inputs",
            \.inputs,
            "Files and folders outside of the tree that decide its outcome; when one changes, an earlier pass is no more.",
            problem: { path in
                path.hasPrefix("/") || path.hasPrefix("~/")
                    ? nil : "\(quoted(path)) is not absolute, nor from `~/`; what is in the tree counts without it"
            }
        ),
    ]
}
