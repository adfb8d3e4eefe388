import Daemon
import Foundation
import Glibc
import IPC

/// The post-receive hook of a bare repository.
struct ReceiveHook {
    /// Where git looks for it.
    let path: String
    private var before: String { path + ".before-orch" }

    /// - Throws: when there is no bare repository, or its hooks are not its own.
    init(repository: String, environment: [String: String]) throws {
        guard let git = Programs.find("git", in: environment) else {
            throw CommandError.failed("there is no git on your PATH", hint: "install git 2.39 or newer")
        }
        var status = stat()
        guard stat(repository, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandError(
                .notFound,
                "there is no directory \(repository)",
                hint: "give the path of a bare repository"
            )
        }
        func ask(_ question: String...) throws -> String? {
            let variables = environment.filter { !$0.key.hasPrefix("GIT_") || $0.key.hasPrefix("GIT_CONFIG") }
            let output = try ShellCommand(
                [git] + question,
                environment: variables.map { "\($0.key)=\($0.value)" },
                directory: repository
            ).run()
            guard output.exitCode == 0 else { return nil }
            return String(decoding: output.standardOutput.dropLast(), as: UTF8.self)
        }
        guard let isBare = try ask("rev-parse", "--is-bare-repository"),
            let directory = try ask("rev-parse", "--absolute-git-dir"),
            let path = try ask("rev-parse", "--path-format=absolute", "--git-path", "hooks/post-receive")
        else { throw CommandError(.usage, "\(repository) is no git repository", hint: "make one: git init --bare") }
        guard isBare == "true" else {
            throw CommandError(
                .usage,
                "\(repository) is not bare: what is pushed to a repository with a checkout is not what is in that",
                hint: "make a bare one to push to: git clone --bare"
            )
        }
        self.path = path
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let own = Self.resolved(directory)
        guard Self.resolved(folder).hasPrefix(own + "/") else {
            let why = try ask("config", "core.hooksPath").map { "core.hooksPath is \($0)" } ?? "its hooks are a link"
            throw CommandError(
                .usage,
                "the hooks of \(repository) are in \(folder), where other repositories may have theirs (\(why)); a hook "
                    + "there would verify what is pushed to those, too",
                hint: "give it hooks of its own: git -C \(repository) config core.hooksPath \(own)/hooks"
            )
        }
    }

    /// A path without links; one that is not there yet, by the nearest folder that is.
    private static func resolved(_ path: String) -> String {
        guard let found = realpath(path, nil) else {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return path }
            return resolved(String(path[..<slash])) + path[slash...]
        }
        defer { free(found) }
        return String(cString: found)
    }

    /// Writes the hook, which is there whole at once; what was there before is kept beside it, and called by it.
    ///
    /// - Returns: where the hook that was there before is.
    func install(orch: String, options: [String]) throws -> String? {
        func failure(_ what: String) -> CommandError {
            .failed("cannot \(what): \(String(cString: strerror(errno)))", hint: "see whether you may write there")
        }
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try Folders.make(folder, mode: 0o777)
        if isThere(path), !isOurs {
            guard !isThere(before) else {
                throw CommandError.failed(
                    "\(path) is not orch's, and \(before), where it would be kept, is there already",
                    hint: "join the two into \(before), remove \(path), and try again"
                )
            }
            // Until orch's own takes its place, it is found under both names.
            guard link(path, before) == 0 else { throw failure("keep \(path) as \(before)") }
        }
        let new = "\(path).orch-new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o777)
        guard descriptor >= 0 else { throw failure("write \(new)") }
        let bytes = Array(Self.script(orch: orch, options: options).utf8)
        let written = write(descriptor, bytes, bytes.count)
        guard written == bytes.count, fsync(descriptor) == 0, close(descriptor) == 0, rename(new, path) == 0 else {
            throw failure("write \(path)")
        }
        return isThere(before) ? before : nil
    }

    private func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private var isOurs: Bool {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.contains(Self.mark)
    }

    private static let mark = "# Written by `orch hook install`"

    private static func script(orch: String, options: [String]) -> String {
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
        return """
            #!/bin/sh
            \(mark): verifies what is pushed, and tells the pusher.
            # To end that, remove this file; a hook that was here before is post-receive.before-orch.
            orch=\(quoted(orch))
            refs=$(cat)
            status=0
            before=$(dirname "$0")/post-receive.before-orch
            if [ -x "$before" ]; then
                printf '%s\\n' "$refs" | "$before" "$@"
                status=$?
            fi

            # What git has set for its hook would lead every git below to this repository.
            repository=$(pwd)
            for name in $(env | sed -n 's/^\\(GIT_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
            if [ ! -x "$orch" ]; then
                echo "orch: there is no $orch any more, so nothing is verified; run: orch hook install" >&2
                exit "$status"
            fi

            verify() { "$orch" ci run --repo "$repository" --commit "$1"\(options.map { " " + quoted($0) }.joined()) </dev/null 2>&1; }

            seen=' '
            printf '%s\\n' "$refs" | while read -r old new ref; do
                case $new in *[!0]*) ;; *) continue ;; esac # deleted
                case $ref in refs/heads/* | refs/tags/*) ;; *) continue ;; esac
                commit=$(git -C "$repository" rev-parse -q --verify "$new^{commit}") || continue
                case $seen in *" $commit "*) continue ;; esac
                seen="$seen$commit "
                echo "orch: verifying $ref"
                verify "$commit" || :
            done
            exit "$status"

            """
    }
}
