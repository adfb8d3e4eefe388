import Core
import Daemon
import Foundation
import Glibc
import IPC

/// A git checkout of the user's, as commands find it before, or without, a daemon. Reads only, but for `Init`.
struct Checkout {
    /// The top of the work tree.
    let topLevel: String
    /// What orch knows the repository by: the top of its first work tree, of which this may be a linked one.
    private(set) var repository: String
    private let git: String
    private let environment: [String: String]

    /// Finds the checkout that a directory is in.
    static func find(at path: String, isNamed: Bool, environment: [String: String]) throws -> Checkout {
        guard let git = Programs.find("git", in: environment) else {
            throw CommandError.failed("there is no git on your PATH", hint: "install git 2.39 or newer")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CommandError(.notFound, "there is no directory \(path)", hint: "give the path of a git repository")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandError(.usage, "\(path) is a file", hint: "give the path of a git repository")
        }
        let start = Checkout(topLevel: path, repository: path, git: git, environment: environment)
        let kind = try start.run("rev-parse", "--is-inside-work-tree", "--is-bare-repository")
        guard kind.exitCode == 0 else {
            let message = String(decoding: kind.standardError, as: UTF8.self)
            guard message.contains("not a git repository") else {
                // git says itself what to do, of a repository that is another user's: on lines of its own.
                let advice =
                    message.contains("safe.directory") ? "git config --global --add safe.directory '\(path)'" : nil
                throw CommandError.failed(
                    "git cannot read \(path): \(firstLine(message))",
                    hint: advice.map { "if you trust it: \($0)" } ?? "`git -C '\(path)' status` says more"
                )
            }
            throw CommandError(
                .usage,
                "\(path) is in no git repository",
                hint: isNamed ? "run `git init` there first" : "go to one, or name it with --repo PATH"
            )
        }
        let answers = kind.standardOutput.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        guard answers.first == "true" else {
            throw answers.last == "true"
                ? CommandError(
                    .usage,
                    "\(path) is a bare repository, which orch cannot work on",
                    hint: "clone it, and go there"
                )
                : CommandError(.usage, "\(path) is inside a git directory", hint: "go to the checkout it belongs to")
        }
        let top = try start.answer("rev-parse", "--show-toplevel")
        var checkout = Checkout(topLevel: top, repository: top, git: git, environment: environment)
        checkout.repository = try checkout.firstWorkTree() ?? top
        return checkout
    }

    /// The work tree that the others are linked to; nil where this is it, or there is none (of a bare repository).
    private func firstWorkTree() throws -> String? {
        guard
            try answer("rev-parse", "--absolute-git-dir")
                != answer("rev-parse", "--path-format=absolute", "--git-common-dir")
        else { return nil }
        let entries = try run("worktree", "list", "--porcelain", "-z").standardOutput.split(
            separator: 0,
            omittingEmptySubsequences: false
        ).prefix { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
        guard let first = entries.first, first.hasPrefix("worktree "), !entries.contains("bare") else { return nil }
        return String(first.dropFirst("worktree ".count))
    }

    // MARK: Questions

    /// The branch HEAD is on; nil when it is detached.
    func branch() throws -> String? {
        let output = try run("symbolic-ref", "--quiet", "--short", "HEAD")
        return output.exitCode == 0 ? Self.line(output.standardOutput) : nil
    }

    /// The object a name stands for; nil when there is none.
    func resolve(_ name: String) throws -> String? {
        let output = try run("rev-parse", "--quiet", "--verify", "--end-of-options", name)
        return output.exitCode == 0 ? Self.line(output.standardOutput) : nil
    }

    /// A file as a commit has it; nil when it does not.
    func file(_ path: String, at commit: String) throws -> [UInt8]? {
        let output = try run("cat-file", "blob", "\(commit):\(path)")
        return output.exitCode == 0 ? output.standardOutput : nil
    }

    /// Where git keeps a file of its own for this checkout.
    func gitPath(_ name: String) throws -> String {
        let path = try answer("rev-parse", "--git-path", name)
        return path.hasPrefix("/") ? path : "\(topLevel)/\(path)"
    }

    /// Which of these paths differ from HEAD, or are not in it.
    func uncommitted(_ paths: [String]) throws -> [String] {
        let output = try run(["status", "--porcelain", "-z", "--untracked-files=all", "--"] + paths)
        return output.standardOutput.split(separator: 0).map { String(decoding: $0.dropFirst(3), as: UTF8.self) }
    }

    /// The name that the tree `.orch` will have once the file is committed as it is, and nothing else changed.
    func treeOfOrch(with file: String) throws -> String? {
        let index = "\(try gitPath("orch-init-index")).\(getpid())"
        defer { unlink(index) }
        let scratch = ["GIT_INDEX_FILE=\(index)"]
        guard try run(["read-tree", "HEAD"], environment: scratch).exitCode == 0,
            try run(["add", "--force", "--", file], environment: scratch).exitCode == 0
        else { return nil }
        let output = try run(["write-tree", "--prefix=.orch/"], environment: scratch)
        return output.exitCode == 0 ? Self.line(output.standardOutput) : nil
    }

    // MARK: Copies

    /// Clones what is committed on the branch that HEAD is on, and the untracked files that `setup.copy` asks for. The clone
    /// knows of no other repository, so that nothing of it can be pushed anywhere.
    ///
    /// - Throws: where its own configuration would have it pushed.
    func copy(to path: String) throws {
        guard let branch = try branch() else {
            throw CommandError.failed("\(topLevel) is on no branch", hint: "check out the branch to work on")
        }
        let policy = try file(RepositoryFile.path, at: "refs/heads/\(branch)").map { try RepositoryFile.parse($0) }
        if let push = policy?.choices.landing.push {
            throw CommandError(
                .refused,
                "what lands here is pushed to \(push.remote), and what lands in a copy would be too",
                hint: "work on a clone whose .orch/config.json has no landing.push"
            )
        }
        _ = try answer("clone", "--quiet", "--branch", branch, "--", topLevel, path)
        let copy = Checkout(topLevel: path, repository: path, git: git, environment: environment)
        _ = try copy.answer("remote", "remove", "origin")
        for name in policy?.setup?.copy ?? [] {
            let (source, target) = ("\(topLevel)/\(name)", "\(path)/\(name)")
            guard access(source, F_OK) == 0, access(target, F_OK) != 0 else { continue }
            if let slash = target.lastIndex(of: "/") { try Folders.make(String(target[..<slash]), mode: 0o755) }
            try FileManager.default.copyItem(atPath: source, toPath: target)
        }
    }

    // MARK: git

    private func answer(_ arguments: String...) throws -> String {
        let output = try run(arguments)
        guard output.exitCode == 0 else {
            let message = String(decoding: output.standardError, as: UTF8.self)
            throw CommandError.failed(
                "git \(arguments[0]) failed in \(topLevel): \(Self.firstLine(message))",
                hint: "`git -C '\(topLevel)' status` may say more"
            )
        }
        return Self.line(output.standardOutput)
    }

    private func run(_ arguments: String...) throws -> ShellCommand.Output { try run(arguments) }

    private func run(_ arguments: [String], environment more: [String] = []) throws -> ShellCommand.Output {
        // What an enclosing git (a hook's) left behind would lead to another repository.
        let inherited = environment.filter { !$0.key.hasPrefix("GIT_") && !$0.key.hasPrefix("LC_") }
        let variables = inherited.map { "\($0.key)=\($0.value)" } + ["LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"] + more
        return try ShellCommand([git] + arguments, environment: variables, directory: topLevel).run()
    }

    /// git's answer without the newline that ends it; a path may hold others.
    private static func line(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.last == 0x0A ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    private static func firstLine(_ text: String) -> String {
        String(text.split(separator: "\n").first ?? "no reason given")
    }
}

extension Programs {
    /// The path of orch itself.
    static func ourselves() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The program that owns a run, which is installed beside orch.
    static func runner() -> String {
        let path = ourselves()
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/orch-runner"
    }
}
