import Foundation
import Glibc
import IPC
import Testing

@testable import Orch

/// What users install, made from the programs beside the tests.
@Suite struct PackagingTests {
    let world: World
    /// The source.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    init() throws { world = try World() }

    private func script(_ name: String) -> String { "\(Self.root)/scripts/\(name)" }

    /// Into the world's own repository.
    private func copyScripts(_ names: String...) throws {
        let paths = names.map { "'\(script($0))'" }.joined(separator: " ")
        try world.shell("mkdir scripts && cp \(paths) scripts").expectSuccess()
    }

    @Test func `the quickstart works word for word`() throws {
        let call = try world.shell("'\(script("quickstart.sh"))' \"${ORCH%/*}\" 2>&1")
        #expect(call.status == 0, "\(call.output)")
        #expect(call.lines.contains { $0.hasPrefix("T-3  landed as ") }, "\(call.output)")
    }

    @Test func `a program says the commit it was stamped with, and one that was not says so`() throws {
        let unknown = "orch 0.1.0 (commit unknown: built without `make install` or `make release`)\n"
        #expect(try world.orch("--version").output == unknown)
        #expect(try world.orch("--version", "--json").json == ["version": "0.1.0", "commit": nil, "modified": nil])
        try copyScripts("commit.sh", "stamp.sh")
        try world.shell("cp \"$ORCH\" ../copy").expectSuccess()
        try world.commit("scripts")
        let commit = try world.git("rev-parse", "HEAD").dropLast()
        try world.shell("scripts/stamp.sh ../copy").expectSuccess()
        #expect(try world.shell("../copy --version").output == "orch 0.1.0 (commit \(commit.prefix(12)))\n")
        #expect(
            try world.shell("../copy --version --json").json == [
                "version": "0.1.0", "commit": .string(String(commit)), "modified": false,
            ]
        )
    }

    @Test func `the commit of a source is known in a repository and in an archive, and else it is unknown`() throws {
        try copyScripts("commit.sh")
        try world.write("repo/.gitattributes", "scripts/commit.sh export-subst\n")
        try world.commit("scripts")
        let commit = try world.git("rev-parse", "HEAD")
        #expect(try world.shell("scripts/commit.sh").output == commit)
        try world.write("repo/README", "changed\n")
        #expect(try world.shell("scripts/commit.sh").output == "\(commit.dropLast())-modified\n")
        // Unpacked in somebody else's repository, too.
        try world.shell("mkdir archive && git archive HEAD | tar -x -C archive").expectSuccess()
        #expect(try world.shell("archive/scripts/commit.sh").output == commit)
        try world.shell("mkdir -p ../plain/scripts && cp scripts/commit.sh ../plain/scripts").expectSuccess()
        #expect(try world.shell("../plain/scripts/commit.sh").output == "unknown\n")
    }

    @Test func `what a stamp says`() {
        let commit = String(repeating: "0a", count: 20)
        #expect(Origin(stamp: "") == nil)
        #expect(Origin(stamp: "unknown") == Origin(commit: nil, isModified: false))
        #expect(Origin(stamp: commit) == Origin(commit: commit, isModified: false))
        #expect(Origin(stamp: commit + "-modified") == Origin(commit: commit, isModified: true))
    }

    @Test func `there is a man page for each command, and it names each option`() throws {
        let made = try world.shell("'\(script("manual.pl"))' \"$ORCH\" ../man")
        #expect(made.status == 0 && made.output.isEmpty && made.error.isEmpty, "\(made)")
        let help = try world.shell("\"$ORCH\" --experimental-dump-help").output
        let commands = try JSONValue(parsing: help)["command"]?["subcommands"]?.arrayValue ?? []
        #expect(commands.count > 30)
        for command in commands where command["commandName"] != "help" {
            let name = command["commandName"]?.stringValue ?? "?"
            // What each item of a list is about: its first line.
            let items = try world.read("man/orch-\(name).1").split(separator: ".TP\n").dropFirst()
                .compactMap { $0.split(separator: "\n").first }
            for shown in [command] + (command["subcommands"]?.arrayValue ?? []) where shown["commandName"] != "help" {
                for argument in shown["arguments"]?.arrayValue ?? [] where argument["shouldDisplay"] != false {
                    guard let option = argument["preferredName"]?["name"]?.stringValue else { continue }
                    let shown = "\\fB\\-\\-" + option.replacing("-", with: "\\-") + "\\fR"
                    #expect(items.contains { $0.contains(shown) }, "\(name) --\(option)")
                }
            }
        }
        // Whichever of the readers there is has nothing to say.
        let read = """
            for page in ../man/*.1; do
                if command -v mandoc >/dev/null; then mandoc -T lint -W warning "$page"; fi
                if command -v groff >/dev/null; then groff -man -ww -z "$page" 2>&1; fi
            done
            """
        #expect(try world.shell(read).output == "")
    }

    @Test func `everything is laid out below a prefix, and the unit starts the program there`() throws {
        let staged = try world.shell("'\(script("stage.sh"))' \"${ORCH%/*}\" ../prefix /opt/orch")
        #expect(staged.status == 0, "\(staged.error)")
        for file in [
            "bin/orch-runner", "share/man/man1/orch.1", "share/man/man1/orch-run.1",
            "share/bash-completion/completions/orch", "share/zsh/site-functions/_orch",
            "share/fish/vendor_completions.d/orch.fish", "share/doc/orch/README.md", "share/doc/orch/CHANGELOG.md",
            "share/doc/orch/config.sample.json",
        ] {
            #expect(access("\(world.root)/prefix/\(file)", R_OK) == 0, "\(file)")
        }
        #expect(try world.shell("../prefix/bin/orch --version").output.hasPrefix("orch 0.1.0 (commit "))
        let unit = try world.read("prefix/share/systemd/user/orch.service")
        #expect(unit.contains("\nExecStart=/opt/orch/bin/orch daemon\n"))
        #expect(try world.shell("bash -n ../prefix/share/bash-completion/completions/orch").status == 0)
    }
}
