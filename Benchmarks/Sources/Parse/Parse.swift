import Core
@_spi(Benchmarks) import Daemon
import Foundation
import Measuring

/// Reading what agents print, against `jq -c .` on the same file, in turns: `parse [FOLDER OF orch] [--megabytes N]
/// [--rounds N]`. The file repeats captured transcripts, with tool results of up to 200 KB between their lines.
@main struct Parse {
    /// A kind of agent, its captured transcripts, and a line with a tool's output in it, which stands for `OUTPUT`.
    struct Stream {
        let kind: AgentProfile.Kind
        let samples: [String]
        let result: String
    }

    static let streams = [
        Stream(
            kind: .claude,
            samples: ["claude-edit", "claude-subagent", "claude-interrupt", "claude-live-denied"],
            result: """
                {"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result",\
                "content":"OUTPUT","is_error":false}]},"parent_tool_use_id":null,"session_id":"s","tool_use_result":\
                {"stdout":"OUTPUT","stderr":"","interrupted":false}}
                """
        ),
        Stream(
            kind: .codexExec,
            samples: ["codex-edit", "codex-mcp"],
            result: """
                {"type":"item.completed","item":{"id":"item_9","type":"command_execution","command":"make test",\
                "aggregated_output":"OUTPUT","exit_code":0,"status":"completed"}}
                """
        ),
    ]

    static func main() {
        do {
            let (megabytes, rounds) = (option("--megabytes", 100), option("--rounds", 5))
            print("a transcript of \(megabytes) MB, \(rounds) rounds in turns, \(load)")
            for stream in streams { try measure(stream, megabytes, rounds) }
        } catch {
            complain("parse: \(error)")
            exit(1)
        }
    }

    private static func measure(_ stream: Stream, _ megabytes: Int, _ rounds: Int) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "orch-parse-\(getpid()).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let bytes = try transcript(stream, megabytes * 1_000_000)
        try bytes.write(to: file)
        let environment = ProcessInfo.processInfo.environment
        var (orch, jq, events) = (Sample(), Sample(), 0)
        for _ in 0..<rounds {
            var began = monotonic()
            events = try TranscriptReading.events(of: stream.kind, in: file.path)
            orch.add(monotonic() - began)
            began = monotonic()
            try Child(["/bin/sh", "-c", "exec jq -c . '\(file.path)' >/dev/null"], environment: environment).wait("jq")
            jq.add(monotonic() - began)
        }
        func rate(_ sample: Sample) -> String {
            let (median, best) = (Double(bytes.count) * 1000 / sample.median, Double(bytes.count) * 1000 / sample.least)
            return "\(fixed(median, 0)) MB/s (at best \(fixed(best, 0)))"
        }
        print(
            "\(stream.kind.rawValue.padded(-12)) \(rate(orch)), \(events) events; jq \(rate(jq)); orch takes \(orch.ratio(to: jq))"
        )
    }

    private static func transcript(_ stream: Stream, _ length: Int) throws -> Data {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Tests/DaemonTests/Fixtures/agents")
        let samples = try stream.samples.map { try Data(contentsOf: folder.appending(path: "\($0).jsonl")) }
        // Source text as tools print it: lines, quotes, tabs, and a letter beyond ASCII here and there.
        let source = #"\tlet name = values[\"key\"] ?? \"größer\" // as it was\n"#
        let results = [2_000, 20_000, 2_000, 200_000].map { size in
            let output = String(repeating: source, count: size / source.utf8.count)
            return Data((stream.result.replacing("OUTPUT", with: output) + "\n").utf8)
        }
        var data = Data(capacity: length + 1_000_000)
        var round = 0
        while data.count < length {
            for sample in samples { data.append(sample) }
            // Mostly small ones: of a hundred rounds one brings the largest.
            data.append(results[round % 100 == 99 ? 3 : round % 10 == 9 ? 1 : 0])
            round += 1
        }
        return data
    }
}
