import Glibc
import IPC
import Measuring

/// How long a person waits for `orch status` while a crowd sends requests as fast as it can, against a quiet daemon and
/// against one beside as many programs that compute: `flood [FOLDER OF orch] [--clients N] [--asks N] [--rounds N]`.
@main struct Flood {
    static func main() {
        do {
            let arguments = CommandLine.arguments
            if arguments.count == 4, arguments[1] == "--as-client" {
                try Client.connect(path: arguments[3]).flood { isAtWork(arguments[2]) }
            }
            if arguments.count == 3, arguments[1] == "--as-program" { compute(arguments[2]) }
            try measure(clients: option("--clients", 20), asks: option("--asks", 20), rounds: option("--rounds", 5))
        } catch {
            complain("flood: \(error)")
            exit(1)
        }
    }

    /// One of the crowd tells that it has begun, by a file.
    private static func isAtWork(_ file: String) { close(creat(file, 0o600)) }

    private static func compute(_ file: String) -> Never {
        isAtWork(file)
        var number: UInt64 = 1
        while number != 0 { number = number &* 6_364_136_223_846_793_005 | 1 }
        exit(0)
    }

    private static func measure(clients: Int, asks: Int, rounds: Int) throws {
        let programs = try programsFolder()
        let scratch = try Scratch(files: 10)
        let daemon = try LiveDaemon(
            scratch,
            programs: programs,
            agent: ["/bin/true"],
            durability: "normal",
            approve: "human"
        )
        let socket = daemon.state + "/orch.sock"
        var environment = scratch.environment
        environment["ORCH_STATE_DIR"] = daemon.state
        // As many as a person may have there.
        for number in 0..<50 { _ = try daemon.enqueue(["title": .string("Ticket \(number)")]) }
        var phases = [Phase("quiet"), Phase("\(clients) that compute"), Phase("\(clients) that flood")]
        // In turns, so that what else the machine does falls on all of them.
        for _ in 0..<rounds {
            for index in phases.indices {
                let files = (0..<(index == 0 ? 0 : clients)).map { "\(scratch.folder)/at-work-\($0)" }
                for file in files { unlink(file) }
                let crowd = try files.map { file in
                    let role = index == 1 ? ["--as-program", file] : ["--as-client", file, socket]
                    return try Child([neighbour("flood")] + role, environment: scratch.environment)
                }
                defer { end(crowd) }
                try waitFor(files)
                let (began, cpu) = (monotonic(), daemon.cpu)
                for _ in 0..<asks { try phases[index].ask(programs, socket, environment) }
                phases[index].busy += Double(daemon.cpu - cpu)
                phases[index].time += Double(monotonic() - began)
            }
        }
        print("\(rounds) rounds of \(asks), in turns; \(load)")
        print("".padded(-24) + "median".padded(12) + "p99".padded(12) + "daemon's CPU".padded(14))
        for phase in phases { phase.show() }
        for phase in phases.dropFirst() { phase.show(against: phases[0]) }
    }

    /// Until they are all at work.
    private static func waitFor(_ files: [String]) throws {
        for file in files {
            var looks = 0
            while access(file, F_OK) != 0 {
                looks += 1
                guard looks < 60_000 else { throw Trouble("one of the crowd did not begin") }
                usleep(1000)
            }
        }
    }

    private static func end(_ crowd: [Child]) {
        for child in crowd { kill(child.pid, SIGKILL) }
        for child in crowd { try? child.wait("one of the crowd") }
    }
}

/// What a person is told, and how soon, while something goes on.
private struct Phase {
    let name: String
    var busy = 0.0
    var time = 0.0
    /// The program, from its start to its end.
    private var program = Sample()
    /// A connection, from its beginning to its answer: what is the daemon's in it.
    private var answer = Sample()

    init(_ name: String) { self.name = name }

    mutating func ask(_ programs: String, _ socket: String, _ environment: [String: String]) throws {
        var began = monotonic()
        try Child(["/bin/sh", "-c", "exec \"$0\" status > /dev/null", programs + "/orch"], environment: environment)
            .wait("orch status")
        program.add(monotonic() - began)
        began = monotonic()
        try Client.connect(path: socket).request("daemon.status")
        answer.add(monotonic() - began)
    }

    func show() {
        print(name)
        for (what, sample) in [("  orch status", program), ("  connect and ask", answer)] {
            let row = [sample.median, sample.p99].map { (fixed($0 / 1e6, 2) + " ms").padded(12) }.joined()
            print(what.padded(-24) + row + (fixed(busy / time * 100, 0) + " %").padded(14))
        }
    }

    func show(against quiet: Phase) {
        func ratio(_ value: Double, _ other: Double) -> String { fixed(value / other, 2) + "×" }
        print(
            "\(name) / quiet: orch status \(ratio(program.median, quiet.program.median)) median, "
                + "\(ratio(program.p99, quiet.program.p99)) p99; connect and ask "
                + "\(ratio(answer.median, quiet.answer.median)) median, \(ratio(answer.p99, quiet.answer.p99)) p99"
        )
    }
}

extension Client {
    /// Asks, with 64 requests on their way, for ever; tells of the first answer.
    fileprivate func flood(_ begun: () -> Void) throws -> Never {
        var underWay = 0
        var isFirst = true
        while true {
            while underWay < 64 {
                send("daemon.status")
                underWay += 1
            }
            guard let line = try next() else { continue }
            guard case .response = line else { continue }
            underWay -= 1
            if isFirst { begun() }
            isFirst = false
        }
    }
}
