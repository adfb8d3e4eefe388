import Glibc
import Testing

@testable import Daemon

@Suite struct GitPushTests {
    let scratch: GitScratch
    let repository: GitRepository
    let remote: String

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n"])
        remote = scratch.folder + "/remote.git"
        try scratch.git("init", "-q", "--bare", "-b", "main", remote, in: scratch.folder)
        repository = try scratch.open()
    }

    private func push(_ commit: String? = nil, of remote: String? = nil) throws -> PushResult {
        try repository.push(commit ?? scratch.tip(), to: "main", of: remote ?? self.remote)
    }

    private func there() throws -> String { try scratch.git("rev-parse", "main", in: remote) }

    /// Somebody else has pushed a commit of theirs.
    private func pushForeign() throws -> String {
        let clone = scratch.folder + "/clone"
        try scratch.git("clone", "-q", remote, clone, in: scratch.folder)
        let foreign = try scratch.commit(["theirs": "x"], in: clone)
        try scratch.git("push", "-q", "origin", "main", in: clone)
        return foreign
    }

    @Test func aBranchIsMadeMovedOnAndFoundThere() throws {
        for content in ["1", "2"] {
            let tip = try scratch.commit(["new": content])
            #expect(try push() == .there)
            #expect(try there() == tip)
            #expect(try push() == .there)
        }
        // What it has gone on from already is there as well.
        #expect(try push(scratch.tip("main~1")) == .there)
        #expect(try there() == scratch.tip())
        // Nothing of it is left in the user's repository.
        #expect(try scratch.git("for-each-ref", "refs/remotes") == "")
    }

    @Test func whatTheRemoteHasAndIsNotHereIsNeverOverwritten() throws {
        #expect(try push() == .there)
        let foreign = try pushForeign()
        let tip = try scratch.commit(["ours": "x"])
        let sentence =
            "the remote's main has \(foreign.prefix(10)), which is not in main here; fetch and merge it, and orch pushes"
        #expect(try push() == .refused(sentence))
        // Also when it is known here, and not in the branch.
        try scratch.git("fetch", "-q", remote, "main")
        #expect(try push() == .refused(sentence))
        #expect(try there() == foreign)
        try scratch.git("merge", "-q", "--no-edit", foreign)
        #expect(try push() == .there)
        #expect(try there() == scratch.tip() && scratch.tip() != tip)
    }

    @Test func aRemoteThatIsNotThereIsTriedAgain() throws {
        let away = remote + ".away"
        #expect(rename(remote, away) == 0)
        guard case .failed(let reason) = try push() else { return #expect(Bool(false)) }
        #expect(reason == "fatal: '\(remote)' does not appear to be a git repository")
        #expect(rename(away, remote) == 0)
        #expect(try push() == .there)
    }

    @Test func whatAHookOfTheRemotesSaysIsSaid() throws {
        try scratch.write("hooks/pre-receive", "#!/bin/sh\necho not on a Friday >&2\nexit 1\n", in: remote)
        #expect(chmod(remote + "/hooks/pre-receive", 0o755) == 0)
        #expect(
            try push() == .refused("the remote refuses it: pre-receive hook declined (not on a Friday)")
        )
    }

    /// What agents can write says neither where a push leads nor what runs for it.
    @Test func theRepositorysOwnConfigurationDoesNotCount() throws {
        let trap = scratch.folder + "/trap"
        let sprung = scratch.folder + "/sprung"
        try scratch.write("trap", "#!/bin/sh\ntouch \(sprung)\nexit 1\n", in: scratch.folder)
        #expect(chmod(trap, 0o755) == 0)
        let elsewhere = scratch.folder + "/elsewhere.git"
        try scratch.git("init", "-q", "--bare", "-b", "main", elsewhere, in: scratch.folder)
        let planted = [
            "url.\(elsewhere).insteadOf": remote, "url.\(elsewhere).pushInsteadOf": remote, "core.sshCommand": trap,
            "core.askPass": trap, "credential.helper": trap, "core.gitProxy": trap, "core.hooksPath": scratch.folder,
        ]
        for (key, value) in planted { try scratch.git("config", key, value) }
        try scratch.git("config", "remote.origin.receivepack", trap)
        try scratch.write("pre-push", "#!/bin/sh\ntouch \(sprung)\n", in: scratch.folder)
        #expect(chmod(scratch.folder + "/pre-push", 0o755) == 0)
        #expect(try push() == .there)
        #expect(try there() == scratch.tip())
        #expect(try scratch.git("for-each-ref", in: elsewhere) == "")
        #expect(access(sprung, F_OK) != 0)
    }

    /// An ssh that notes what it is called with, and then does what it is asked on this machine.
    private func ssh(_ name: String) throws -> String {
        let path = "\(scratch.home)/\(name)/ssh"
        let script =
            "#!/bin/sh\necho \(name) \"$@\" >> \(scratch.home)/said\nfor last; do :; done\nexec sh -c \"$last\"\n"
        try scratch.write("\(name)/ssh", script, in: scratch.home)
        #expect(chmod(path, 0o755) == 0)
        return path
    }

    /// What the user has configured for all repositories does, and nothing is asked.
    @Test func theUsersOwnSSHIsUsedAndToldToAskNothing() throws {
        try scratch.git("config", "--global", "core.sshCommand", ssh("configured"))
        #expect(try push(of: "somewhere:\(remote)") == .there)
        #expect(try there() == scratch.tip())
        let said = scratch.read("said", in: scratch.home) ?? ""
        #expect(said.contains("-o BatchMode=yes") && said.contains("somewhere git-receive-pack"), "\(said)")
    }

    @Test func theSSHOfTheDaemonsEnvironmentIsUsedBeforeTheConfigured() throws {
        try scratch.git("config", "--global", "core.sshCommand", ssh("configured"))
        let command = try ssh("inherited") + " -i key"
        let repository = try scratch.open(inherited: ["GIT_SSH_COMMAND": command])
        #expect(try repository.push(scratch.tip(), to: "main", of: "somewhere:\(remote)") == .there)
        #expect(try there() == scratch.tip())
        let said = scratch.read("said", in: scratch.home) ?? ""
        #expect(!said.contains("configured") && said.contains("inherited -i key -o BatchMode=yes"), "\(said)")
    }

    @Test(arguments: ["\"", "'"]) func anSSHInQuotesIsToldToAskNothingToo(_ quote: String) throws {
        let command = try "\(quote)\(ssh("of mine"))\(quote) -i key"
        try scratch.git("config", "--global", "core.sshCommand", command)
        #expect(try push(of: "somewhere:\(remote)") == .there)
        let said = scratch.read("said", in: scratch.home) ?? ""
        #expect(said.contains("of mine -i key -o BatchMode=yes"), "\(said)")
    }

    /// A program that orch does not know cannot be told to ask nothing: it has no terminal to ask on, and its time ends.
    @Test func whatAsksForSomethingOnTheWayFindsNobodyAndIsEnded() throws {
        let program = scratch.home + "/tunnel"
        let script = """
            #!/bin/sh
            (: < /dev/tty) 2>/dev/null && echo terminal >> \(scratch.home)/asked
            echo $$ >> \(scratch.home)/asked
            exec sleep 600

            """
        try scratch.write("tunnel", script, in: scratch.home)
        #expect(chmod(program, 0o755) == 0)
        try scratch.git("config", "--global", "core.sshCommand", program)
        var repository = repository
        repository.remoteLimit = .seconds(2)
        guard case .failed(let reason) = try repository.push(scratch.tip(), to: "main", of: "git@x:y") else {
            return #expect(Bool(false))
        }
        #expect(reason.hasPrefix("the remote did not answer in time (git did not end within 2.0 seconds"), "\(reason)")
        let asked = (scratch.read("asked", in: scratch.home) ?? "").split(separator: "\n")
        let pid = try #require(asked.first.flatMap { pid_t($0) }, "\(asked)")
        #expect(asked.count == 1)
        // It was ended with the git that had started it; nobody waits for it to be gone.
        try eventually("the program to end") { kill(pid, 0) != 0 || GitFiles.read("/proc/\(pid)/cmdline") == [] }
    }

    @Test func whoMayNotIsAPersonsConcern() throws {
        let ssh = scratch.home + "/ssh"
        try scratch.write(
            "ssh",
            "#!/bin/sh\necho 'git@x: Permission denied (publickey).' >&2\nexit 255\n",
            in: scratch.home
        )
        #expect(chmod(ssh, 0o755) == 0)
        try scratch.git("config", "--global", "core.sshCommand", ssh)
        #expect(try push(of: "git@x:y") == .refused("git@x: Permission denied (publickey)."))
    }

    @Test func otherProtocolsAreNotSpoken() throws {
        guard case .failed(let reason) = try push(of: "ext::sh -c false") else { return #expect(Bool(false)) }
        #expect(reason.contains("transport 'ext' not allowed"), "\(reason)")
    }

    @Test func aShallowRepositoryPushesToo() throws {
        for content in ["1", "2", "3"] { try scratch.commit(["new": content]) }
        #expect(try push() == .there)
        let shallow = scratch.folder + "/shallow"
        try scratch.git("clone", "-q", "--depth", "1", "file://\(remote)", shallow, in: scratch.folder)
        let tip = try scratch.commit(["new": "4"], in: shallow)
        #expect(try scratch.open(at: shallow, as: "r2").push(tip, to: "main", of: remote) == .there)
        #expect(try there() == tip)
    }
}
