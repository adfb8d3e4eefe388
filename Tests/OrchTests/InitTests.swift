import Foundation
import IPC
import Testing

@Suite struct InitTests {
    let world: World

    init() throws { world = try World() }

    @Test func `init writes what is missing, once, and nothing that could pass untested`() throws {
        let first = try world.orch("init")
        #expect(first.status == 0, "\(first.error)")
        #expect(
            first.lines.prefix(3) == [
                "repository r1: \(world.repository), landing on main", "wrote ci.sh", "wrote .orch/config.json",
            ]
        )
        #expect(try world.read("repo/.git/info/exclude").hasSuffix("/.orch/backlog/\n"))
        #expect(try world.shell("./ci.sh").status == 1)
        #expect(try world.shell("./ci.sh --quick").status == 1)
        #expect(try world.orch("config", "check").status == 0)
        // Its smoke tests are a verifier of their own, which runs first.
        try world.commit("set up, unedited")
        let red = try world.orch("ci", "run")
        #expect(red.status == 1 && red.lines.contains { $0.hasPrefix("smoke: exit 1") }, "\(red.output)")
        #expect(!red.output.contains("ci: exit"))
        try world.write(
            "repo/ci.sh",
            "#!/bin/sh\ncase ${1:-} in --quick) echo quick;; *) echo all;; esac\n",
            mode: 0o755
        )
        try world.commit("edited")
        let green = try world.orch("ci", "run")
        #expect(
            green.status == 0 && green.lines.map { $0.prefix(5) }.prefix(2) == ["smoke", "ci: e"],
            "\(green.output)"
        )
        try world.git("reset", "-q", "HEAD~2")
        try world.write("repo/ci.sh", "exit 0\n", mode: 0o755)
        let second = try world.orch("init", "--json")
        #expect(try second.json["written"] == [] && second.json["commit"] == [".orch/config.json", "ci.sh"])
        #expect(try world.read("repo/.git/info/exclude").components(separatedBy: "/.orch/backlog/").count == 2)
    }

    @Test func `what init wrote is trusted once it is committed, and what others wrote is not`() throws {
        try world.orch("init")
        try world.commit("set up")
        #expect(try world.orch("init", "--json").json["trusted"] == true)
        try world.write("repo/.orch/config.json", #"{"verifiers": [{"name": "evil", "command": ["evil"]}]}"#)
        try world.commit("changed by somebody")
        #expect(try world.orch("init", "--json").json["trusted"] == false)
        let trust = try world.orch("trust")
        #expect(trust.output.contains("verifier evil: evil"))
        #expect(try world.orch("init", "--json").json["trusted"] == true)
    }

    @Test func `a file found beside what init writes is not trusted by that`() throws {
        try world.write("repo/.orch/setup.sh", "evil\n")
        try world.orch("init")
        try world.commit("set up")
        #expect(try world.orch("init", "--json").json["trusted"] == false)
    }

    @Test func `init keeps a configuration and a ci.sh that are there`() throws {
        try world.write("repo/ci.sh", "exit 0\n")
        try world.orch("init")
        #expect(try world.read("repo/ci.sh") == "exit 0\n")
        #expect(try world.read("repo/.orch/config.json").contains(#"["sh", "./ci.sh"]"#))
        #expect(try !world.read("repo/.orch/config.json").contains("--quick"))
        try world.write("repo/.orch/config.json", "{}")
        try world.orch("init")
        #expect(try world.read("repo/.orch/config.json") == "{}")
    }

    @Test func `a configuration without verifiers gets a ci.sh, and one with them does not`() throws {
        try world.write("repo/.orch/config.json", #"{"approve": "auto"}"#)
        let offered = try world.orch("init")
        #expect(offered.lines.contains("wrote ci.sh"), "\(offered.output)\(offered.error)")
        #expect(offered.lines.contains("ci.sh is the verifier, as .orch/config.json names none"), "\(offered.output)")
        #expect(try world.read("repo/.orch/config.json") == #"{"approve": "auto"}"#)
        #expect(try world.shell("./ci.sh").status == 1)
        try world.commit("set up, unedited")
        #expect(try world.orch("ci", "run").lines.contains { $0.hasPrefix("ci: exit 1") })
        for configuration in [#"{"verifiers": [{"name": "t", "command": ["true"]}]}"#, "{"] {
            try world.write("repo/.orch/config.json", configuration)
            _ = try world.shell("rm -f ci.sh")
            try world.orch("init")
            #expect(!FileManager.default.fileExists(atPath: world.repository + "/ci.sh"))
        }
    }

    @Test func `a folder that orch cannot work with is refused with the reason, and left as it is`() throws {
        try world.git("init", "-q", "--bare", "\(world.root)/bare")
        try world.git("init", "-q", "\(world.root)/empty")
        let cases = [
            ("\(world.root)/nowhere", 4, "there is no directory \(world.root)/nowhere"),
            (world.home, 2, "\(world.home) is in no git repository"),
            ("\(world.root)/bare", 2, "\(world.root)/bare is a bare repository"),
            ("\(world.root)/empty", 2, "\(world.root)/empty has no commit yet"),
        ]
        for (path, status, message) in cases {
            let call = try world.orch("init", "--repo", path)
            #expect(call.status == Int32(status) && call.error.hasPrefix("orch: \(message)"), "\(call.error)")
        }
        try world.git("checkout", "-q", "--detach")
        let detached = try world.orch("init")
        #expect(detached.status == 2 && detached.error.contains("HEAD of \(world.repository) is detached"))
        #expect(try world.git("status", "--porcelain").isEmpty)
    }
}
