import Core
import Glibc

/// What came of pushing a branch.
enum PushResult: Equatable {
    /// The remote has the commit on that branch, by this or from before.
    case there
    /// It will not have it as things are: why, and what a person can do.
    case refused(String)
    /// It could not be asked, or not be sent to.
    case failed(String)
}

extension GitRepository {
    /// Brings `branch` of a remote to `commit`, never by force: the only place where orch talks with another repository.
    ///
    /// It is done from a git directory of orch's own over the repository's objects. So nothing of the repository's
    /// configuration counts, which agents can write: neither where a URL leads nor what is run to get there. What the user
    /// has configured for all repositories does (credentials, ssh, `insteadOf`). Nobody is asked for anything.
    func push(_ commit: String, to branch: String, of remote: String) throws -> PushResult {
        let operation = "push \(branch)"
        let call = try remoteCall(for: operation)
        let ref = "refs/heads/\(branch)"
        let there: String?
        do throws(GitError) {
            let list = try git.run(call(["ls-remote", "--", remote, ref], remoteLimit), for: operation)
            there = list.lines.map { $0.split(separator: "\t") }.first { $0.last == ref[...] }?.first.map(String.init)
        } catch { return Self.failure(error) }
        FaultPoint.pushAsked.pass()
        if let there, let answer = try compare(there, with: commit, branch, for: operation) { return answer }
        // One ref is moved or not: there is nothing else that it could be atomic with.
        let options = ["--no-follow-tags", "--no-signed", "--no-verify", "--recurse-submodules=no"]
        do throws(GitError) {
            _ = try git.run(call(["push"] + options + ["--", remote, "\(commit):\(ref)"], Git.timeout), for: operation)
            return .there
        } catch { return Self.failure(error) }
    }

    /// What the remote's commit says by itself; nil where it is to be moved on from there.
    private func compare(_ there: String, with commit: String, _ branch: String, for operation: String) throws
        -> PushResult?
    {
        if there == commit { return .there }
        let isKnown = try resolve(there) != nil
        if isKnown, try isAncestor(there, of: commit) { return nil }
        if isKnown, try isAncestor(commit, of: there) { return .there }
        return .refused(
            "the remote's \(branch) has \(there.prefix(10)), which is not in \(branch) here; fetch and merge it, and orch pushes"
        )
    }

    /// Makes calls of git that reach a remote.
    private func remoteCall(for operation: String) throws -> (_ arguments: [String], _ limit: Duration) -> Git.Call {
        let directory = "\(stateDirectory)/pushes/\(id)"
        try GitFiles.makeDirectory("\(stateDirectory)/pushes", for: operation)
        let format = "--object-format=\(objectFormat)"
        let make = Git.Call(["init", "-q", "--bare", "--template=", format, directory], in: stateDirectory)
        _ = try git.run(make, for: operation)
        var environment = [
            "GIT_DIR": directory, "GIT_OBJECT_DIRECTORY": "\(commonDirectory)/objects",
            "GIT_ALLOW_PROTOCOL": "file:http:https:ssh", "GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never",
            "GCM_INTERACTIVE": "never",
        ]
        let shallow = "\(commonDirectory)/shallow"
        if GitFiles.exists(shallow) { environment["GIT_SHALLOW_FILE"] = shallow }
        environment["GIT_SSH_COMMAND"] = try sshCommand(in: directory, for: operation)
        return { [environment] arguments, limit in
            var call = Git.Call(arguments, in: directory)
            call.environment = environment
            call.timeout = limit
            return call
        }
    }

    /// The user's ssh, told to ask nothing: as for git, the environment's before the configuration's. Another program than
    /// ssh is left as it is: its options are its own. It has no terminal either, as nothing that orch starts for git has.
    private func sshCommand(in directory: String, for operation: String) throws -> String {
        let command = try git.sshCommand ?? configuredSSHCommand(in: directory, for: operation) ?? "ssh"
        let isSSH = Self.program(of: command).split(separator: "/").last == "ssh"
        return isSSH ? command + " -o BatchMode=yes -o ConnectTimeout=30" : command
    }

    /// The first word of a command of the shell's, which may be in quotes.
    private static func program(of command: String) -> Substring {
        let command = command.drop { $0 == " " }
        guard let quote = command.first, quote == "\"" || quote == "'" else { return command.prefix { $0 != " " } }
        return command.dropFirst().prefix { $0 != quote }
    }

    private func configuredSSHCommand(in directory: String, for operation: String) throws -> String? {
        var question = Git.Call(["config", "--get", "core.sshCommand"], in: directory)
        question.environment = ["GIT_DIR": directory]
        question.accepted = [0, 1]
        let configured = try git.run(question, for: operation).line
        return configured.isEmpty ? nil : configured
    }

    // MARK: what went wrong

    /// What the remote says no to is for a person; what it could not be asked is tried again.
    private static func failure(_ error: GitError) -> PushResult {
        if error.kind == .timedOut {
            let hint = "whatever asks for something on the way is not answered: git ls-remote, by hand, shows it"
            return .failed("the remote did not answer in time (\(error.message)); \(hint)")
        }
        let said = error.detail.split(separator: "\n").map(String.init)
        // `! [remote rejected] <commit> -> main (hook declined)`
        if let rejection = said.first(where: { $0.hasPrefix(" ! [") }) {
            let why = rejection.lastIndex(of: "(").map { rejection[$0...].dropFirst().dropLast() } ?? rejection[...]
            let hook = said.filter { $0.hasPrefix("remote: ") }.prefix(3)
                .map { CommitMessage.oneLine(String($0.dropFirst(8))) }.joined(separator: "; ")
            let reason = plain("the remote refuses it: \(why)\(hook.isEmpty ? "" : " (\(hook))")")
            // Somebody else was about to move it.
            return ["cannot lock ref", "failed to update ref"].contains { rejection.contains($0) }
                ? .failed(reason) : .refused(reason)
        }
        let noise = ["hint:", "Please make sure", "and the repository exists", "fatal: Could not read from remote"]
        let lines = said.filter { line in !line.isEmpty && !noise.contains { line.hasPrefix($0) } }
        let reason = plain((lines.isEmpty ? [error.message] : Array(lines.prefix(2))).joined(separator: "; "))
        let denials = [
            "Permission denied", "Authentication failed", "could not read Username", "could not read Password",
            "terminal prompts disabled", "Host key verification failed", "returned error: 403", "returned error: 401",
        ]
        return denials.contains { error.detail.contains($0) } ? .refused(reason) : .failed(reason)
    }

    /// Without what a URL that git was told to use instead says of its user.
    private static func plain(_ text: String) -> String {
        var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        for (index, word) in words.enumerated() {
            guard let scheme = word.firstRange(of: "://"), let at = word.lastIndex(of: "@"), at > scheme.upperBound
            else { continue }
            words[index].replaceSubrange(scheme.upperBound...at, with: "")
        }
        return words.joined(separator: " ")
    }
}
