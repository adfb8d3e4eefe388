@testable import Daemon

/// A ticket file is taken or refused in bounded words, each problem at a place that is in the file.
///
/// The first byte says what the file is called.
func checkTickets(_ bytes: [UInt8]) throws {
    guard let kind = bytes.first else { return }
    let content = Array(bytes.dropFirst())
    let batch = TicketFile.parse(content, name: ["t.yaml", "t.json", "t", "t.md"][Int(kind % 4)])
    try require(!batch.drafts.isEmpty || !batch.problems.isEmpty, "neither a ticket nor a problem")
    try check(batch.problems, of: content)
}

/// A configuration file likewise.
func checkSettings(_ bytes: [UInt8]) throws {
    let problems: [FileProblem]
    do throws(FileProblems) {
        _ = try SettingsFile.parse(bytes, name: "config.json")
        return
    } catch {
        problems = error.problems
    }
    try require(!problems.isEmpty, "refused without a word")
    try check(problems, of: bytes)
}

private func check(_ problems: [FileProblem], of content: [UInt8]) throws {
    try require(problems.count <= TicketFile.maximumProblems + 1, "\(problems.count) problems")
    // YAML breaks lines at more than 0x0A.
    let lines = content.count + 1
    for problem in problems {
        try require((1...lines).contains(problem.line ?? 1), "line \(problem.line ?? 0) of \(lines)")
        try require((1...(content.count + 1)).contains(problem.column ?? 1), "column \(problem.column ?? 0)")
        try require(
            !problem.message.isEmpty && problem.message.utf8.count < 4096,
            "\(problem.message.utf8.count) bytes"
        )
        let control = problem.message.unicodeScalars.first { $0.properties.generalCategory == .control }
        try require(control == nil, "a control character in: \(problem.message.debugDescription)")
    }
}
