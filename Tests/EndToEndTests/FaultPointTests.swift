import CSystem
import Daemon
import Foundation
import Glibc
import IPC
import Testing

@testable import Runner

@Suite("Fault points, end to end", .ownThread)
struct FaultPointTests {
    @Test func theTableInTheDocumentationNamesEveryPoint() throws {
        let file = URL(fileURLWithPath: #filePath).appending(path: "../../../docs/reliability.md").standardized
        let text = try String(contentsOf: file, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## Fault points\n").dropFirst().first)
        let rows = section.components(separatedBy: "\n## ")[0].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let points = FaultPoint.allCases.map(\.rawValue) + RunnerFaultPoint.allCases.map(\.rawValue)
        #expect(rows.map { String($0.split(separator: "`")[1]) } == points)
        // Each says where it is, and what the next start does.
        for row in rows { #expect(row.split(separator: "|").filter { $0.count > 3 }.count == 3, "\(row)") }
    }

    @Test func aPointThatDoesNotExistIsRefused() throws {
        try World.run(starting: false) { world in
            world.environment["ORCH_FAULT"] = "no.such-point"
            try world.launch()
            #expect(try #require(world.daemon).wait().code == 1)
            let log = try String(contentsOfFile: world.log, encoding: .utf8)
            #expect(log.contains("ORCH_FAULT=no.such-point names no fault point"), "\(log)")
        }
    }

    @Test func nothingThatTheDaemonStartsInheritsIt() throws {
        try World.run(starting: false) { world in
            world.arm("tidy.done:1000")
            try world.start()
            let repository = try world.repository(verify: "env > \(world.folder)/verifier.env")
            try world.write("home/gitconfig.sh", "env > \(world.folder)/git.env; cat\n")
            try repository.git("config", "filter.env.clean", "sh \(world.folder)/home/gitconfig.sh")
            try repository.commit([".gitattributes": "*.txt filter=env\n"])
            try world.agent("T-1", "env > \"$WORLD/agent.env\"; echo 1 > 1.txt")
            unlink(world.folder + "/git.env")
            try world.enqueue(repository, ["id": "T-1", "locks": ["1.txt"]])
            try world.waitUntilLanded(["T-1"])
            for name in ["agent.env", "verifier.env", "git.env"] {
                let text = try String(contentsOfFile: "\(world.folder)/\(name)", encoding: .utf8)
                #expect(text.contains("PATH=") && !text.contains("ORCH_FAULT"), "\(name): \(text)")
            }
        }
    }
}

extension World {
    /// The next daemon, or the runners it starts, will meet the fault, once.
    func arm(_ fault: String?) {
        unlink(mark)
        environment["ORCH_FAULT"] = fault
        environment["ORCH_FAULT_ONCE"] = fault.map { _ in mark }
    }

    /// Whether the fault has been met since it was armed.
    var hasStruck: Bool { access(mark, F_OK) == 0 }

    private var mark: String { folder + "/struck" }
}
