import Core
import Daemon
import Glibc
import IPC

/// What `orch doctor` looks at, one thing after the other. Nothing is changed by looking; what has to be tried is taken
/// back at once.
struct Examination {
    struct Finding {
        enum Level: String {
            case ok, warn, fail

            var style: Table.Style {
                switch self {
                case .ok: .good
                case .warn: .attention
                case .fail: .bad
                }
            }
        }

        var level: Level
        var name: String
        var message: String
        /// What to do.
        var hint: String?
    }

    private let global: GlobalOptions
    private let repository: RepositoryOption
    private let console: Console
    private let paths: StatePaths

    init(_ global: GlobalOptions, _ repository: RepositoryOption, _ console: Console) throws {
        self.global = global
        self.repository = repository
        self.console = console
        paths = try global.paths(console)
    }

    func findings() -> [Finding] {
        [git(), runner(), state(), store(), socket()]
            + SystemExamination(paths: paths, console: console).findings()
            + configuration() + containment() + daemon() + spares() + checkout() + [locale()]
    }

    // MARK: programs

    private func git() -> Finding {
        guard let program = Programs.find("git", in: console.environment) else {
            return Finding(level: .fail, name: "git", message: "not on your PATH", hint: "install git 2.39 or newer")
        }
        let variables = console.environment.map { "\($0.key)=\($0.value)" }
        let said = (try? ShellCommand([program, "--version"], environment: variables).run().standardOutput) ?? []
        let version =
            String(decoding: said, as: UTF8.self).split(whereSeparator: \.isWhitespace).dropFirst(2).first ?? "?"
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        let isEnough = numbers.count >= 2 && (numbers[0], numbers[1]) >= (2, 39)
        return Finding(
            level: isEnough ? .ok : .fail,
            name: "git",
            message: "\(version) (\(program))",
            hint: isEnough ? nil : "install git 2.39 or newer"
        )
    }

    private func runner() -> Finding {
        let path = Programs.runner()
        return Programs.isExecutable(path)
            ? Finding(level: .ok, name: "orch-runner", message: path)
            : Finding(level: .fail, name: "orch-runner", message: "there is no \(path)", hint: "install it beside orch")
    }

    // MARK: places

    private func state() -> Finding {
        let directory = paths.directory
        let present = Self.nearest(directory)
        guard access(present, W_OK | X_OK) == 0 else {
            return Finding(
                level: .fail,
                name: "state",
                message: "\(present) cannot be written",
                hint: "choose another --state-dir"
            )
        }
        var system = statvfs()
        guard statvfs(present, &system) == 0 else {
            return Finding(
                level: .warn,
                name: "state",
                message: "\(directory): the free space is not known",
                hint: "df -h \(present)"
            )
        }
        let megabytes = (Int(system.f_bavail) * Int(system.f_frsize)) >> 20
        let free = megabytes >= 10_240 ? "\(megabytes >> 10) GiB free" : "\(megabytes) MiB free"
        // A second is enough for some hundred thousand files.
        let use = DiskUse.measure(directory, until: .now + .seconds(1))
        return Finding(
            level: megabytes < 100 ? .fail : megabytes < 1024 ? .warn : .ok,
            name: "state",
            message: "\(directory), \(free), \(use.isAtLeast ? "more than " : "")\(Sizes.text(use.bytes)) used",
            hint: megabytes < 1024 ? "make room, or choose another --state-dir" : nil
        )
    }

    /// The folder that something is made in which does not exist yet: the nearest one that does.
    static func nearest(_ path: String) -> String {
        var present = path
        while access(present, F_OK) != 0, let slash = present.lastIndex(of: "/") {
            present = slash == present.startIndex ? "/" : String(present[..<slash])
        }
        return present
    }

    /// Every page and every row: what a daemon reads only when it needs it, too.
    private func store() -> Finding {
        do {
            return Finding(level: .ok, name: "store", message: try StoreCheck.look(at: paths))
        } catch {
            return Finding(
                level: .fail,
                name: "store",
                message: CommandError(describing: error).message,
                hint: "move it away and put a copy made by `orch backup` there; `orch backup --help` says how"
            )
        }
    }

    private func socket() -> Finding {
        if let problem = socketDirectory() { return problem }
        let length = paths.socket.utf8.count
        let fits = length <= 107
        return Finding(
            level: fits ? .ok : .fail,
            name: "socket",
            message: fits ? paths.socket : "\(paths.socket) has \(length) bytes, 107 are possible",
            hint: fits ? nil : "set ORCH_SOCKET to a shorter path"
        )
    }

    private func socketDirectory() -> Finding? {
        do throws(RPCError) { try SocketDirectory.check(of: paths.socket) } catch {
            return Finding(level: .fail, name: "socket", message: error.message, hint: error.hint)
        }
        return nil
    }

    // MARK: configuration and profiles

    private func configuration() -> [Finding] {
        let loaded: LoadedSettings
        do {
            loaded = try global.settings(console)
        } catch {
            let error = CommandError(describing: error)
            let problems = error.problems.isEmpty ? [error.message] : error.problems.map(\.description)
            return problems.map {
                Finding(level: .fail, name: "config", message: $0, hint: "`orch config check` tells when it is right")
            }
        }
        let file = Finding(
            level: .ok,
            name: "config",
            message: loaded.file ?? "\(paths.configuration) is not there; the defaults hold"
        )
        let profiles = loaded.settings.profiles
        guard !profiles.isEmpty else {
            let none = Finding(
                level: .warn,
                name: "profiles",
                message: "there is none, so no ticket can be enqueued",
                hint: "`orch init` shows how to write one"
            )
            return [file, none]
        }
        let examination = ProfileExamination(environment: console.environment)
        return [file] + profiles.sorted { $0.key < $1.key }.map { examination.finding($0.key, $0.value) }
    }

    // MARK: containment

    /// What the daemon that runs has chosen; without one, what it would choose if it were started from here.
    private func containment() -> [Finding] {
        if let client = try? global.connect(console), let status = try? client.request("daemon.status").objectValue {
            // A daemon of before there was a choice says nothing.
            guard let chosen = status["containment"]?.objectValue else { return [] }
            return [
                containment(
                    chosen["kind"]?.stringValue ?? "?",
                    chosen["reach"]?.stringValue ?? "",
                    chosen["shortcomings"]?.arrayValue?.compactMap(\.stringValue) ?? []
                )
            ]
        }
        guard let settings = try? global.settings(console).settings, let folder = temporaryFolder() else { return [] }
        defer { rmdir(folder) }
        do {
            let chosen = try ContainmentProbe(runs: folder, runner: Programs.runner(), limits: settings.limits)
                .choose(settings.containment)
            return [containment(chosen.name, chosen.reach, chosen.shortcomings)]
        } catch {
            return [
                Finding(
                    level: .fail,
                    name: "containment",
                    message: "\(error)",
                    hint: "the daemon does not start like this"
                )
            ]
        }
    }

    private func containment(_ kind: String, _ reach: String, _ shortcomings: [String]) -> Finding {
        let isFull = kind == "cgroup" && shortcomings.isEmpty
        return Finding(
            level: isFull ? .ok : .warn,
            name: "containment",
            message: (["\(kind): \(reach)"] + shortcomings).joined(separator: "; "),
            hint: isFull ? nil : "docs/processes.md says what helps; under systemd, a unit with Delegate=yes"
        )
    }

    private func temporaryFolder() -> String? {
        var template = Array("\(console.environment["TMPDIR"] ?? "/tmp")/orch-doctor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: the daemon and the repository

    private func daemon() -> [Finding] {
        do {
            let client = try global.connect(console)
            let version = client.hello.daemon
            let isOurs = version == Version.number
            return [
                Finding(
                    level: isOurs ? .ok : .warn,
                    name: "daemon",
                    message: isOurs
                        ? "running, version \(version)" : "running, version \(version); this is \(Version.number)",
                    hint: isOurs ? nil : "restart it: orch quit, then orch daemon"
                )
            ]
        } catch {
            let error = CommandError(describing: error)
            let isAbsent = error.status == .daemonNotRunning
            return [
                Finding(
                    level: isAbsent ? .warn : .fail,
                    name: "daemon",
                    message: isAbsent ? "not running" : error.message,
                    hint: isAbsent ? "start it with: orch daemon" : error.hint
                )
            ]
        }
    }

    /// Of each repository, where any are wanted. Whether there is one at this moment is no question of right or wrong.
    private func spares() -> [Finding] {
        guard let client = try? global.connect(console), let status = try? client.request("daemon.status"),
            let spares = status["spares"]?.objectValue
        else { return [] }
        let wanted = spares["wanted"]?.intValue ?? 0
        return (spares["repositories"]?.arrayValue ?? []).map { row in
            let count = "\(row["repository"]?.stringValue ?? "?"): \(row["ready"]?.intValue ?? 0) of \(wanted) ready"
            let problem = row["problem"]?.stringValue
            return Finding(
                level: problem == nil ? .ok : .warn,
                name: "spare worktrees",
                message: problem.map { "\(count); the last attempt failed: \($0)" } ?? count,
                hint: problem == nil
                    ? nil
                    : "it is tried again, later and later; a daemon that starts tries at once (orch quit; orch daemon)"
            )
        }
    }

    private func checkout() -> [Finding] {
        let checkout: Checkout
        do {
            checkout = try repository.checkout(console)
        } catch {
            let error = CommandError(describing: error)
            let level: Finding.Level = repository.repo == nil ? .warn : .fail
            return [Finding(level: level, name: "repository", message: error.message, hint: error.hint)]
        }
        guard let hasCommit = try? checkout.resolve("HEAD^{commit}"), !hasCommit.isEmpty else {
            return [
                Finding(
                    level: .fail,
                    name: "repository",
                    message: "\(checkout.topLevel) has no commit yet",
                    hint: "make a first commit"
                )
            ]
        }
        return [registration(checkout)] + policy(checkout)
    }

    private func registration(_ checkout: Checkout) -> Finding {
        guard let client = try? global.connect(console),
            let rows = try? client.request("repository.list")["repositories"]?.arrayValue
        else {
            return Finding(
                level: .ok,
                name: "repository",
                message: "\(checkout.topLevel); without a daemon no more is known"
            )
        }
        let known = rows.compactMap { try? $0.decode(RepositoryRow.self) }.first { $0.path == checkout.repository }
        guard let known else {
            return Finding(
                level: .warn,
                name: "repository",
                message: "\(checkout.topLevel) is not registered",
                hint: "run: orch init"
            )
        }
        let row = rows.first { $0["id"]?.stringValue == known.id }
        if row?["trusted"]?.boolValue == false {
            return Finding(
                level: .warn,
                name: "repository",
                message: "\(known.id), landing on \(known.target); its .orch/ is not trusted",
                hint: "look at it, then run: orch trust"
            )
        }
        return Finding(
            level: .ok,
            name: "repository",
            message: "\(known.id): \(known.path), landing on \(known.target)"
        )
    }

    private func policy(_ checkout: Checkout) -> [Finding] {
        let file = "\(checkout.topLevel)/\(RepositoryFile.path)"
        guard access(file, F_OK) == 0 else {
            let hasScript = access("\(checkout.topLevel)/ci.sh", F_OK) == 0
            return [
                Finding(
                    level: hasScript ? .ok : .warn,
                    name: "verifiers",
                    message: hasScript ? "ci.sh" : "there is none, so a human approves every landing",
                    hint: hasScript ? nil : "`orch init` writes a beginning"
                )
            ]
        }
        let problems = ConfigurationFiles.problems(inRepositoryFile: file)
        guard problems.isEmpty else {
            let hint = "correct it, commit it, then run: orch trust"
            return problems.map { Finding(level: .fail, name: "verifiers", message: $0.description, hint: hint) }
        }
        return [Finding(level: .ok, name: "verifiers", message: "as \(file) says")]
    }

    // MARK: the terminal

    private func locale() -> Finding {
        setlocale(LC_CTYPE, "")
        let codeset = String(cString: nl_langinfo(nl_item(CODESET)))
        Console.adoptLocale()
        let isUTF8 = codeset == "UTF-8"
        return Finding(
            level: isUTF8 ? .ok : .warn,
            name: "locale",
            message: codeset,
            hint: isUTF8 ? nil : "set LANG to a UTF-8 locale, such as C.UTF-8, for the dashboard"
        )
    }
}
