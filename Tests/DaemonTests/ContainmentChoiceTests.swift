import Core
import Foundation
import Testing

@testable import Daemon

/// How the containment is found, chosen and refused.
@Suite struct ContainmentChoiceTests {
    @Test(arguments: [
        // systemd, version 2 alone.
        (
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/orch.service\n",
            "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/orch.service"
        ),
        // Both versions, the second beside the first.
        (
            "40 33 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                + "42 33 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "8:pids:/a\n1:name=systemd:/x\n0::/\n",
            "/sys/fs/cgroup/unified"
        ),
        // A container that is shown its own part of the tree.
        (
            "9 8 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/abc/inner\n",
            "/sys/fs/cgroup/inner"
        ),
        ("9 8 0:26 / /mnt/a\\040b rw - cgroup2 none rw\n", "0::/x\n", "/mnt/a b/x"),
    ])
    func theGroupOfVersionTwoIsFoundWhereverItIsMounted(_ mounts: String, _ groups: String, _ own: String) {
        #expect(CgroupMounts(mounts: mounts, groups: groups).own == own)
    }

    @Test func controllersOfVersionOneAreFoundByName() {
        let mounts = CgroupMounts(
            mounts: """
                40 33 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
                41 33 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
                """,
            groups: "8:pids:/a\n4:cpu,cpuacct:/b\n0::/\n"
        )
        #expect(mounts.own == nil)
        #expect(mounts.legacy["pids"] == "/sys/fs/cgroup/pids/a")
        #expect(mounts.legacy["cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct/b")
    }

    @Test(arguments: [
        ("", ""), ("garbage\n", "garbage\n"), ("1 2 3 - x\n", "0::\n"),
        ("9 8 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/mine\n"),
    ])
    func whereThereIsNoneNoneIsFound(_ mounts: String, _ groups: String) {
        #expect(CgroupMounts(mounts: mounts, groups: groups).own == nil)
    }

    @Test func aContainmentThatWasInsistedOnAndCannotBeHadIsRefused() throws {
        try withFolder { folder in
            let none = CgroupMounts(mounts: "", groups: "")
            let probe = ContainmentProbe(runs: folder, runner: RunWorld.runnerPath, limits: RunLimits(), mounts: none)
            let error = try #require(throws: RunFailure.self) { try probe.choose(.cgroup) }
            #expect(
                error.description == "\"containment\" is \"cgroup\", which cannot be had here: no cgroup version 2 is "
                    + "mounted; set it to \"auto\" for the best this machine offers"
            )
            let auto = try probe.choose(.auto)
            #expect(auto.shortcomings.first == "no cgroup: no cgroup version 2 is mounted")
            #expect(auto.name != "cgroup")
        }
    }

    @Test func whereNoGroupCanBeMadeItIsSaidWhy() throws {
        try withFolder { folder in
            // A folder that looks like a cgroup's and is none: what is made in it kills nothing.
            let mounts = CgroupMounts(mounts: "9 8 0:26 / \(folder) rw - cgroup2 cgroup rw\n", groups: "0::/\n")
            let probe = ContainmentProbe(runs: folder, runner: RunWorld.runnerPath, limits: RunLimits(), mounts: mounts)
            let auto = try probe.choose(.auto)
            #expect(
                auto.shortcomings.first
                    == "no cgroup: the system's cgroups have no cgroup.kill, which came with Linux 5.14"
            )
            // Nothing of the trial is left.
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == [])
        }
    }

    @Test func aMemoryLimitNobodyCanKeepIsRefused() throws {
        try withFolder { folder in
            var limits = RunLimits()
            limits.memory = 1 << 30
            let probe = ContainmentProbe(runs: folder, runner: RunWorld.runnerPath, limits: limits)
            let error = try #require(throws: RunFailure.self) { try probe.choose(.none) }
            #expect(
                error.description == "\"limits.memory\" is 1GiB, which cannot be kept here: with the containment "
                    + "\"none\" there is nothing to keep it; remove it, or see `orch doctor`"
            )
        }
    }

    @Test func aRunnerThatCannotBeStartedOffersNothing() throws {
        try withFolder { folder in
            let probe = ContainmentProbe(runs: folder, runner: "/nonexistent", limits: RunLimits())
            #expect(throws: RunFailure.self) { try probe.choose(.namespace) }
            let auto = try probe.choose(.auto)
            #expect(auto.kind == .none)
            #expect(auto.shortcomings.last?.contains("cannot start /nonexistent: No such file") == true)
        }
    }

    @Test(arguments: [("1B", 1), ("512MiB", 512 << 20), ("4GiB", 4 << 30), ("1024TiB", 1 << 50)])
    func aSizeIsANumberWithAUnit(_ text: String, _ bytes: Int) throws {
        #expect(try SizeText.parse(text) == bytes)
        #expect(try SizeText.parse(SizeText.format(bytes)) == bytes)
    }

    @Test(arguments: [
        ("", "`` is not a size; write a whole number with a unit, such as `512MiB`"),
        ("12", "`12` has no unit; units are `B`, `KiB`, `MiB`, `GiB` and `TiB`"),
        ("12MB", "`12MB` has the unknown unit `MB`; units are `B`, `KiB`, `MiB`, `GiB` and `TiB`"),
        ("1025TiB", "`1025TiB` is too much; a size is at most 1024 TiB"),
        ("-1B", "`-1B` is not a size; write a whole number with a unit, such as `512MiB`"),
    ])
    func whatIsNoSizeIsExplained(_ text: String, _ problem: String) {
        #expect(throws: SizeText.Problem(description: problem)) { try SizeText.parse(text) }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try #require(RunWorld.temporaryDirectory())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }
}
