import Core
import Foundation
import Testing

@testable import Daemon

@Suite struct SettingsFileTests {
    private func parse(_ text: String) -> Result<LoadedSettings, FileProblems> {
        do throws(FileProblems) { return .success(try SettingsFile.parse(Array(text.utf8), name: "c.json")) } catch {
            return .failure(error)
        }
    }

    private func problems(_ text: String) -> [String] {
        if case .failure(let error) = parse(text) { error.problems.map(\.description) } else { [] }
    }

    @Test func budgetsAndPricesAreReadExactly() throws {
        let settings = try parse(
            """
            {
              "budgets": {"ticket": {"usd": 0.25}, "day": {"usd": 50, "tokens": 2000000}, "month": {"usd": null}, "unknownUsage": "refuse"},
              "prices": [{"model": "m-*", "since": "2026-01-31", "input": 3, "output": 15.5, "cacheRead": 0.300001}],
              "profiles": {"a": {"command": ["a"], "reserve": {"usd": 1.5, "tokens": 9}}}
            }
            """
        ).get().settings
        #expect(settings.budgets.ticket == Allowance(cost: 250_000))
        #expect(settings.budgets.day == Allowance(cost: 50_000_000, tokens: 2_000_000))
        #expect(settings.budgets.month.isEmpty && settings.budgets.unknownUsage == .refuse)
        let price = Price(
            model: "m-*",
            since: UTCDay("2026-01-31"),
            input: 3_000_000,
            output: 15_500_000,
            cacheRead: 300_001
        )
        #expect(settings.prices == [price])
        #expect(settings.profiles["a"]?.reserve == Allowance(cost: 1_500_000, tokens: 9))
        let limits = Orchestrator.Limits(settings)
        #expect(limits.budgets == settings.budgets && limits.reserves == ["a": Allowance(cost: 1_500_000, tokens: 9)])
    }

    @Test(arguments: [
        (#"{"budgets": {"day": {"usd": "5"}}}"#, "write a number of US dollars"),
        (#"{"budgets": {"day": {"usd": -5}}}"#, "write a number of US dollars"),
        (#"{"budgets": {"day": {"usd": 1.2345678}}}"#, "write a number of US dollars"),
        (#"{"budgets": {"day": {"tokens": 1.5}}}"#, "write a whole number"),
        (#"{"budgets": {"week": {}}}"#, "unknown key `budgets.week`"),
        (#"{"budgets": {"unknownUsage": "maybe"}}"#, #"write "allow" or "refuse""#),
        (#"{"prices": [{"input": 1, "output": 1}]}"#, "the key `model` is missing"),
        (#"{"prices": [{"model": "", "input": 1, "output": 1}]}"#, "it is empty"),
        (#"{"prices": [{"model": "m", "since": "2026-02-30", "input": 1, "output": 1}]}"#, "is no day"),
        (
            #"{"budgets": {"day": {"usd": 1}}, "profiles": {"a": {"command": ["a"], "reserve": {"usd": 2}}}}"#,
            "no agent of profile `a` could ever start"
        ),
    ])
    func whatIsWrongWithABudgetIsSaid(_ text: String, _ words: String) {
        let all = problems(text)
        #expect(all.count == 1 && all[0].contains(words), "\(all)")
    }

    @Test func readsEveryKey() throws {
        let settings = try parse(
            """
            {
              "agents": 5, "defaultProfile": "script", "branchPrefix": "orch/{agent}/", "verificationSlots": 4, "locks": {"reviewHold": "2h"},
              "profiles": {
                "script": {"kind": "command", "command": ["agent.sh", "-x"], "prompt": "stdin", "timeLimit": "90m",
                           "arguments": ["-y"], "model": "large",
                           "heartbeatTimeout": "5m", "staleGrace": "30s", "environment": {"A": "b"}},
                "plain": {"command": ["x"]}
              },
              "approve": "auto", "lockViolation": "warn", "maxFixAttempts": 0, "durability": "normal",
              "landing": {"parallel": 4, "method": "merge", "verify": "quick"},
              "containment": "namespace", "limits": {"processes": null, "memory": "4GiB", "output": "64MiB"}
            }
            """
        ).get().settings
        var expected = UserSettings()
        expected.containment = .namespace
        expected.limits.processes = nil
        expected.limits.memory = 4 << 30
        expected.limits.output = 64 << 20
        expected.agents = 5
        expected.defaultProfile = "script"
        expected.branchPrefix = "orch/{agent}/"
        expected.verificationSlots = 4
        expected.profiles = [
            "script": AgentProfile(
                command: ["agent.sh", "-x"],
                arguments: ["-y"],
                model: "large",
                prompt: .stdin,
                timeLimit: .seconds(5400),
                heartbeatTimeout: .seconds(300),
                staleGrace: .seconds(30),
                environment: ["A": "b"]
            ),
            "plain": AgentProfile(command: ["x"]),
        ]
        expected.locks.reviewHold = .seconds(7200)
        expected.durability = .normal
        expected.choices.approve = .auto
        expected.choices.lockViolation = .warn
        expected.choices.maxFixAttempts = 0
        expected.choices.landing.parallel = 4
        expected.choices.landing.method = .merge
        expected.choices.landing.verify = .quick
        #expect(settings == expected)
    }

    @Test func anEmptyObjectIsTheDefaults() throws {
        #expect(try parse("{}").get().settings == UserSettings())
        #expect(try parse("{\"defaultProfile\": null}").get().settings == UserSettings())
    }

    @Test func aSizeWithoutItsUnitIsRefused() {
        #expect(
            problems("{\"limits\": {\"output\": 64, \"memory\": \"1KiB\", \"processes\": 0}}") == [
                "c.json:1:23: `limits.output` is the number 64 without a unit; write one such as \"64MiB\"",
                "c.json:1:37: `limits.memory` is `1KiB`; write at least `1MiB`",
                "c.json:1:58: `limits.processes` is `0`; write a whole number from 8 to 4194304",
            ]
        )
    }

    @Test func aUserMayInsistOnHumans() throws {
        let settings = try parse("{\"approve\": \"human!\"}").get().settings
        #expect(settings.approvalFloor)
        let repository = try RepositoryFile.parse(Array("{\"approve\": \"auto\"}".utf8))
        #expect(Policy(user: settings, repository: repository).approve == .human)
        #expect(try Policy(user: parse("{}").get().settings, repository: repository).approve == .auto)
    }

    @Test(
        arguments: [
            ("{\"agnets\": 5}", ["c.json:1:2: unknown key `agnets`; did you mean `agents`?"]),
            (
                "{\"landing\": {\"colour\": 1}}",
                ["c.json:1:14: unknown key `landing.colour`; known here: parallel, method, verify, message"]
            ),
            ("{\"agents\": \"5\"}", ["c.json:1:12: `agents` is a string; write the number without quotes"]),
            ("{\"agents\": 0}", ["c.json:1:12: `agents` is `0`; write a whole number from 1 to 1000"]),
            ("{\"agents\": 2.5}", ["c.json:1:12: `agents` is `2.5`; write a whole number from 1 to 1000"]),
            ("{\"agents\": null}", ["c.json:1:12: `agents` is nothing; write a whole number from 1 to 1000"]),
            ("{\n\t\"agents\": true\n}", ["c.json:2:12: `agents` is true; write a whole number from 1 to 1000"]),
            ("{\"landing\": []}", ["c.json:1:13: `landing` is a list; write an object, `{ … }`"]),
            ("[]", ["c.json:1:1: the file is a list; write an object, `{ … }`"]),
            ("{\"approve\": \"humna\"}", ["c.json:1:13: `approve` is `humna`; did you mean `human`?"]),
            (
                "{\"approve\": \"never\"}",
                ["c.json:1:13: `approve` is `never`; write \"human\", \"auto\" or \"human!\""]
            ),
            (
                "{\"landing\": {\"method\": \"rebsae\"}}",
                ["c.json:1:24: `landing.method` is `rebsae`; did you mean `rebase`?"]
            ),
            (
                "{\"profiles\": {\"a\": {\"kind\": \"cluade\", \"command\": [\"x\"]}}}",
                ["c.json:1:29: `profiles.a.kind` is `cluade`; did you mean `claude`?"]
            ),
            (
                "{\"profiles\": {\"a\": {}}}",
                [
                    "c.json:1:20: the key `command` is missing in `profiles.a`: the kind `command` has no program of its own"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": null, \"arguments\": \"-x\", \"model\": \"-x\"}}}",
                [
                    "c.json:1:51: `profiles.a.arguments` is a string; write a list of strings",
                    "c.json:1:66: `profiles.a.model`: `-x` is no name of a model",
                    "c.json:1:20: the key `command` is missing in `profiles.a`: the kind `command` has no program of its own",
                ]
            ),
            (
                "{\"profiles\": {\"a/b\": {\"command\": [\"x\"]}}}",
                [
                    "c.json:1:15: `a/b` is not a name: up to 64 letters, digits, `.`, `_` and `-`, starting with a letter or digit"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": \"make test\"}}}",
                [
                    "c.json:1:32: `profiles.a.command` is a string; write a list of the program and its arguments, such as "
                        + "[\"make\", \"test\"]"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"\"]}}}",
                [
                    "c.json:1:32: `profiles.a.command` names no program; write a list of the program and its arguments, such as "
                        + "[\"make\", \"test\"]"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\", 5, \"a\\u0000b\"]}}}",
                [
                    "c.json:1:38: `profiles.a.command[1]` is a number; write a string in double quotes",
                    "c.json:1:41: `profiles.a.command[2]` contains a NUL; remove it",
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\"], \"timeLimit\": 90}}}",
                [
                    "c.json:1:52: `profiles.a.timeLimit` is the number 90 without a unit; write `\"90s\"` for seconds, `\"90m\"` for "
                        + "minutes or `\"90h\"` for hours"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\"], \"timeLimit\": \"90\"}}}",
                [
                    "c.json:1:52: `profiles.a.timeLimit`: `90` has no unit; write `\"90s\"` for seconds, `\"90m\"` for minutes or "
                        + "`\"90h\"` for hours"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\"], \"timeLimit\": \"5 min\"}}}",
                [
                    "c.json:1:52: `profiles.a.timeLimit`: `5 min` is not a duration; write whole numbers with units, such as `90s`, "
                        + "`10m` or `1h30m`"
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\"], \"timeLimit\": \"0s\"}}}",
                [
                    "c.json:1:52: `profiles.a.timeLimit` is no time at all; write a duration such as \"10m\""
                ]
            ),
            (
                "{\"profiles\": {\"a\": {\"command\": [\"x\"], \"environment\": {\"A=B\": \"\", \"ORCH_RUN\": \"\", \"C\": 1}}}}",
                [
                    "c.json:1:55: `profiles.a.environment`: `A=B` is no name of a variable: letters, digits and `_`",
                    "c.json:1:66: `profiles.a.environment`: `ORCH_RUN` is orch's own to set; choose another name",
                    "c.json:1:87: `profiles.a.environment` is a number; write the value of `C` as a string in double quotes",
                ]
            ),
            (
                "{\"branchPrefix\": \"a b/\"}",
                [
                    "c.json:1:18: `branchPrefix`: `a b/` cannot begin a branch's name; write one such as `{agent}/` or "
                        + "`orch/{agent}/`"
                ]
            ),
            (
                "{\"defaultProfile\": \"scrpt\", \"profiles\": {\"script\": {\"command\": [\"x\"]}}}",
                [
                    "c.json:1:1: `defaultProfile` is `scrpt`, which is no profile; did you mean `script`?"
                ]
            ),
            (
                "{\"agents\": 5,\n \"agents\": 6}",
                ["c.json:2:2: the key `agents` is here twice, first in line 1; keep one"]
            ),
            ("{\n  \"agents\": 5,\n}", ["c.json:2:14: a comma before `}` is not allowed in JSON; remove it"]),
            ("{\n  // five\n  \"agents\": 5\n}", ["c.json:2:3: comments are not allowed in JSON; remove this one"]),
            ("{\"agents\": 5 \"approve\": \"auto\"}", ["c.json:1:14: expected `,` or `}`, found `\"`"]),
            ("{\"agents\" 5}", ["c.json:1:11: expected `:` behind the key `agents`, found `5`"]),
            ("{agents: 5}", ["c.json:1:2: expected a key in double quotes, found `agents`"]),
            ("{\"agents\": five}", ["c.json:1:12: expected a value, found `five`"]),
            ("{\"agents\": 05}", ["c.json:1:12: this is not a number as JSON has them; write one such as 7 or 2.5"]),
            ("{\"agents\": 10m}", ["c.json:1:12: this is not a number as JSON has them; write one such as 7 or 2.5"]),
            ("{\"approve\": \"auto}", ["c.json:1:13: this string has no end; close it with `\"` in the same line"]),
            (
                "{\"approve\": \"a\\qb\"}",
                ["c.json:1:15: this is not an escape JSON knows; write `\\\\` for a backslash"]
            ),
            ("{\"approve\": \"a\tb\"}", ["c.json:1:15: a control character stands in a string as it is; write `\\t`"]),
            ("{\"é\": \"\\ud800\"}", ["c.json:1:8: this is half of a surrogate pair; write both halves"]),
            ("{\"agents\": 5", ["c.json:1:13: expected `,` or `}`, found the end of the file"]),
            ("{} {}", ["c.json:1:4: nothing may follow the end of the value"]),
            ("", ["c.json:1:1: the file is empty; write `{}` at least"]),
            (
                "{\"agents\": \"x\", \"approve\": 1, \"agenst\": 2}",
                [
                    "c.json:1:12: `agents` is a string; write a whole number from 1 to 1000",
                    "c.json:1:28: `approve` is a number; write \"human\", \"auto\" or \"human!\"",
                    "c.json:1:31: unknown key `agenst`; did you mean `agents`?",
                ]
            ),
        ] as [(String, [String])]
    )
    func saysWhatIsWrongAndWhere(text: String, expected: [String]) {
        #expect(problems(text) == expected)
    }

    @Test func deepNestingIsRefused() {
        let deep = String(repeating: "{\"a\":", count: 100_000)
        #expect(problems(deep).first?.hasSuffix("this is nested too deeply") == true)
    }

    // MARK: Layers

    private func temporaryFile(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "orch-\(UUID().uuidString).json").path
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test func flagsWinOverVariablesOverTheFileOverDefaults() throws {
        let path = try temporaryFile(
            "{\"agents\": 5, \"maxFixAttempts\": 7,\n\"landing\": {\"parallel\": 2},\n"
                + "\"profiles\": {\"s\": {\"command\": [\"x\"], \"environment\": {\"A\": \"b\"}}}}"
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let loaded = try SettingsFile.load(
            path: path,
            environment: [
                "ORCH_AGENTS": "6", "ORCH_LANDING_PARALLEL": "8", "ORCH_DURABILITY": "", "ORCH_TICKET": "T-1",
            ],
            flags: [SettingFlag(key: "agents", flag: "--agents", text: "7")]
        )
        #expect(loaded.file == path)
        #expect(loaded.settings.agents == 7)
        #expect(loaded.settings.choices.landing.parallel == 8)
        let rows = Dictionary(uniqueKeysWithValues: loaded.rows.map { ($0.key, "\($0.value) \($0.origin)") })
        #expect(rows["agents"] == "7 --agents")
        #expect(rows["landing.parallel"] == "8 ORCH_LANDING_PARALLEL")
        #expect(rows["maxFixAttempts"] == "7 \(path):1")
        #expect(rows["durability"] == "\"full\" default")
        #expect(rows["defaultProfile"] == "null default")
        #expect(rows["profiles.s.command"] == "[\"x\"] \(path):3")
        #expect(rows["profiles.s.environment.A"] == "\"b\" \(path):3")
        #expect(rows["profiles.s.timeLimit"] == "\"1h\" default")
    }

    // MARK: The dashboard's section

    @Test func theDashboardsSectionIsReadAndItsMeaningLeftAlone() throws {
        let text = """
            {"dashboard": {"theme": "no such", "bell": "both", "mouse": false, "plain": true,
              "keys": {"stop": ["s", "Ctrl-X"],
                "no-such": "what ever"}}}
            """
        let loaded = try parse(text).get()
        var expected = DashboardSettings()
        expected.theme = "no such"
        expected.bell = .both
        expected.mouse = false
        expected.plain = true
        expected.keys = ["stop": ["s", "Ctrl-X"], "no-such": ["what ever"]]
        #expect(loaded.dashboard == expected)
        #expect(loaded.settings == UserSettings())
        #expect(
            ["theme", "keys.stop", "keys.stop[1]", "keys.no-such", "keys.no-such[0]"].map {
                loaded.problem(with: "dashboard.\($0)", "x").description
            } == ["c.json:1:25: x", "c.json:2:12: x", "c.json:2:26: x", "c.json:3:5: x", "c.json:3:16: x"]
        )
        // Shown as it is set, and read back as it is shown.
        #expect(try parse(loaded.json).get().dashboard == expected)
        #expect(loaded.rows.contains { $0.key == "dashboard.keys.stop" && $0.value == "[\"s\", \"Ctrl-X\"]" })
    }

    @Test func aVariableChangesOneThingOfTheDashboard() throws {
        let loaded = try SettingsFile.load(
            path: "/nonexistent/config.json",
            environment: ["ORCH_DASHBOARD_THEME": "drak", "ORCH_DASHBOARD_PLAIN": "true"]
        )
        #expect(loaded.dashboard.theme == "drak" && loaded.dashboard.plain && loaded.dashboard.mouse)
        #expect(loaded.problem(with: "dashboard.theme", "x").description == "ORCH_DASHBOARD_THEME: x")
    }

    @Test func whatTheDashboardsSectionCannotHoldIsSaid() {
        #expect(
            problems(#"{"dashboard": {"keys": {"stop": 5}, "bell": "of", "colour": "red"}}"#) == [
                "c.json:1:33: `dashboard.keys.stop` is a number; write a string, or a list of strings",
                "c.json:1:45: `dashboard.bell` is `of`; did you mean `off`?",
                "c.json:1:51: unknown key `dashboard.colour`; known here: theme, bell, mouse, plain, keys",
            ]
        )
    }

    @Test func everySettingWithOneValueHasAVariable() {
        #expect(
            SettingsFile.variables.map(\.name) == [
                "ORCH_AGENTS", "ORCH_DEFAULT_PROFILE", "ORCH_APPROVE", "ORCH_LOCK_VIOLATION", "ORCH_MAX_FIX_ATTEMPTS",
                "ORCH_APPROVAL_TIME_LIMIT", "ORCH_LANDING_PARALLEL", "ORCH_LANDING_METHOD", "ORCH_LANDING_VERIFY",
                "ORCH_LANDING_MESSAGE", "ORCH_BRANCH_PREFIX", "ORCH_PORTS_FROM", "ORCH_PORTS_COUNT",
                "ORCH_VERIFICATION_SLOTS", "ORCH_WARM_WORKTREES",
                "ORCH_ADMISSION_MEMORY_AVAILABLE", "ORCH_ADMISSION_MEMORY_PRESSURE", "ORCH_ADMISSION_CPU_PRESSURE",
                "ORCH_ADMISSION_DISK_FREE", "ORCH_LOCKS_REVIEW_HOLD", "ORCH_LOCKS_MIRROR", "ORCH_DURABILITY",
                "ORCH_CONTAINMENT", "ORCH_BUDGETS_TICKET_USD", "ORCH_BUDGETS_TICKET_TOKENS", "ORCH_BUDGETS_DAY_USD",
                "ORCH_BUDGETS_DAY_TOKENS", "ORCH_BUDGETS_MONTH_USD", "ORCH_BUDGETS_MONTH_TOKENS",
                "ORCH_BUDGETS_UNKNOWN_USAGE", "ORCH_LIMITS_PROCESSES", "ORCH_LIMITS_MEMORY", "ORCH_LIMITS_OUTPUT",
                "ORCH_DASHBOARD_THEME", "ORCH_DASHBOARD_BELL", "ORCH_DASHBOARD_MOUSE", "ORCH_DASHBOARD_PLAIN",
            ]
        )
    }

    @Test func saysWhichVariableOrFlagIsWrong() {
        #expect(
            throws: FileProblems([
                FileProblem(file: "ORCH_AGENTS", message: "`agents` is `many`; write a whole number from 1 to 1000"),
                FileProblem(file: "--approve", message: "`approve` is `atuo`; did you mean `auto`?"),
            ])
        ) {
            try SettingsFile.load(
                path: "/nonexistent/config.json",
                environment: ["ORCH_AGENTS": "many"],
                flags: [SettingFlag(key: "approve", flag: "--approve", text: "atuo")]
            )
        }
    }

    @Test func aMissingFileIsFineUnlessSomebodyNamedIt() throws {
        let path = "/nonexistent/config.json"
        let loaded = try SettingsFile.load(path: path)
        #expect(loaded.settings == UserSettings() && loaded.file == nil)
        #expect(throws: FileProblems([FileProblem(file: path, message: "there is no such file")])) {
            try SettingsFile.load(path: path, isRequired: true)
        }
    }

    @Test func aFileThatCannotBeReadIsNoMissingFile() throws {
        let directory = FileManager.default.temporaryDirectory.path
        #expect(
            throws: FileProblems([FileProblem(file: directory, message: "the configuration is a directory, not a file")]
            )
        ) {
            try SettingsFile.load(path: directory)
        }
        let path = try temporaryFile("{}")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try #require(chmod(path, 0) == 0)
        // The superuser may read everything.
        guard geteuid() != 0 else { return }
        #expect(
            throws: FileProblems([
                FileProblem(file: path, message: "the configuration cannot be opened: permission denied")
            ])
        ) {
            try SettingsFile.load(path: path)
        }
    }
}

@Suite struct SettingsRepositoryFileTests {
    private func problems(_ text: String) -> [String] {
        do throws(FileProblems) {
            _ = try RepositoryFile.parse(Array(text.utf8))
            return []
        } catch { return error.problems.map(\.description) }
    }

    @Test func readsEveryKey() throws {
        let policy = try RepositoryFile.parse(
            Array(
                """
                { "targetBranch": "main",
                  "setup": {"command": ["make", "deps"], "copy": [".env"], "timeout": "10m"},
                  "verifiers": [
                    {"name": "test", "command": ["make", "test"], "timeout": "20m"},
                    {"name": "smoke", "command": ["./ci.sh", "--quick"], "quick": true} ],
                  "approve": "auto", "lockViolation": "block", "maxFixAttempts": 2, "landing": {"verify": "quick"} }
                """.utf8
            )
        )
        var expected = RepositoryPolicy()
        expected.targetBranch = "main"
        expected.setup = Setup(command: ["make", "deps"], copy: [".env"])
        expected.verifiers = [
            Verifier(name: "test", command: ["make", "test"], timeout: .seconds(1200)),
            Verifier(name: "smoke", command: ["./ci.sh", "--quick"], quick: true),
        ]
        expected.choices.approve = .auto
        expected.choices.lockViolation = .block
        expected.choices.maxFixAttempts = 2
        expected.choices.landing.verify = .quick
        #expect(policy == expected)
    }

    @Test(arguments: [
        ("{\"approve\": \"human!\"}", "1:13: `approve` is `human!`; did you mean `human`?"),
        ("{\"targetBranch\": \"a..b\"}", "1:18: `targetBranch`: `a..b` is no name of a branch"),
        ("{\"verifiers\": [{\"command\": [\"x\"]}]}", "1:16: the key `name` is missing in `verifiers[0]`"),
        (
            "{\"verifiers\": [{\"name\": \"a\", \"command\": [\"x\"], \"quick\": \"yes\"}]}",
            "1:57: `verifiers[0].quick` is a string; write true or false, without quotes"
        ),
        (
            "{\"verifiers\": [{\"name\": \"a\", \"command\": [\"x\"]},\n{\"name\": \"a\", \"command\": [\"y\"]}]}",
            "2:1: there are two verifiers called `a`; give each a name of its own"
        ),
        ("{\"setup\": {}}", "1:1: `setup` has neither a `command` nor files to `copy`"),
        ("{\"setup\": {\"copy\": [\"../.ssh\"]}}", "1:21: `setup.copy[0]`: `../.ssh` leaves the repository"),
        (
            "{\"setup\": {\"copy\": [\"/etc/passwd\"]}}",
            "1:21: `setup.copy[0]`: `/etc/passwd` is absolute; write it relative to the repository's root"
        ),
        (
            "{\"durability\": 3}",
            "1:2: unknown key `durability`; known here: targetBranch, agents, setup, verifiers, caches, approve, snapshot, "
                + "lockViolation, maxFixAttempts, approvalTimeLimit, landing"
        ),
    ])
    func saysWhatIsWrongAndWhere(text: String, expected: String) {
        #expect(problems(text) == [".orch/config.json:" + expected])
    }
}

@Suite struct SettingsSampleTests {
    private func repositoryFile(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: name), encoding: .utf8)
    }

    @Test func theFilesInTheRepositoryAreWhatTheCodeSays() throws {
        #expect(try repositoryFile("config.sample.json") == SettingSamples.user)
        #expect(try repositoryFile("config.repository.sample.json") == SettingSamples.repository)
        #expect(try repositoryFile("schema/config.schema.json") == SettingSamples.userSchema)
        #expect(try repositoryFile("schema/repository.schema.json") == SettingSamples.repositorySchema)
    }

    @Test func theSamplesReadAsTheDefaultsTheyShow() throws {
        let loaded = try SettingsFile.parse(Array(SettingSamples.user.utf8), name: "config.sample.json")
        var settings = loaded.settings
        #expect(settings.profiles.removeValue(forKey: "script") == AgentProfile(command: ["agent.sh"]))
        #expect(Policy(user: settings, repository: RepositoryPolicy()) == Policy())
        settings.choices = PolicyChoices()
        #expect(settings == UserSettings())
        #expect(loaded.json + "\n" == SettingSamples.user)

        var policy = try RepositoryFile.parse(Array(SettingSamples.repository.utf8))
        #expect(policy.setup == Setup(command: ["make", "deps"]))
        #expect(policy.verifiers == [Verifier(name: "test", command: ["make", "test"])])
        policy.setup = nil
        policy.verifiers = []
        #expect(Policy(user: UserSettings(), repository: policy) == Policy())
    }

    @Test func theSchemasAreJSON() throws {
        for schema in [SettingSamples.userSchema, SettingSamples.repositorySchema] {
            #expect(try JSONSerialization.jsonObject(with: Data(schema.utf8)) is [String: Any])
        }
    }
}

@Suite struct SettingsStatePathsTests {
    private func paths(
        _ environment: [String: String],
        stateDirectory: String? = nil,
        home: String? = "/home/db"
    ) throws -> StatePaths {
        try StatePaths(
            environment: environment,
            stateDirectory: stateDirectory,
            workingDirectory: "/cwd",
            homeOfUser: { home }
        )
    }

    @Test func followsTheEnvironment() throws {
        let plain = try paths(["HOME": "/home/me"])
        #expect(plain.directory == "/home/me/.local/state/orch")
        #expect(plain.socket == "/home/me/.local/state/orch/orch.sock")
        #expect(plain.configuration == "/home/me/.config/orch/config.json")
        #expect(plain.database == "/home/me/.local/state/orch/orch.db")

        let xdg = try paths([
            "HOME": "/home/me", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/7", "XDG_CONFIG_HOME": "/c/",
        ])
        #expect(xdg.directory == "/s/orch" && xdg.socket == "/run/user/7/orch/orch.sock")
        #expect(xdg.configuration == "/c/orch/config.json")

        let own = try paths([
            "ORCH_STATE_DIR": "state//x/", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run", "HOME": "/h",
        ])
        #expect(own.directory == "/cwd/state/x" && own.socket == "/cwd/state/x/orch.sock")
        #expect(try paths(["ORCH_STATE_DIR": "/a", "HOME": "/h"], stateDirectory: "/b").directory == "/b")
    }

    @Test func ignoresRelativeAndEmptyVariables() throws {
        let found = try paths(["HOME": "/h", "XDG_STATE_HOME": "rel", "XDG_RUNTIME_DIR": "", "XDG_CONFIG_HOME": "./c"])
        #expect(found.directory == "/h/.local/state/orch" && found.configuration == "/h/.config/orch/config.json")
        #expect(found.socket == "/h/.local/state/orch/orch.sock")
    }

    @Test(arguments: [[:], ["HOME": ""], ["HOME": "relative"]])
    func asksTheUserDatabaseWhereHomeIsMissing(environment: [String: String]) throws {
        #expect(try paths(environment).directory == "/home/db/.local/state/orch")
        #expect(throws: StatePaths.Problem.self) { try paths(environment, home: nil) }
        #expect(throws: StatePaths.Problem.self) { try paths(environment, home: "") }
    }

    @Test func needsNoHomeWhereEverythingIsGiven() throws {
        let found = try paths(["XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c"], home: nil)
        #expect(found.directory == "/s/orch")
    }
}
