import Foundation
import Glibc

/// A temporary folder with a home and a git repository, for as long as the value lives.
public final class Scratch {
    public let folder: String
    public var repository: String { folder + "/repository" }
    /// Where agents note when they began: a file per ticket.
    public var stamps: String { folder + "/stamps" }
    /// Nothing of the user's own: the same git for orch and by hand.
    public let environment: [String: String]
    private static let git = "/usr/bin/git"

    /// - Parameter files: how many the repository has, of about a kilobyte each.
    public init(files: Int, configuration: String? = nil) throws {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/orch-bench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let real = realpath(made, nil) else {
            throw Trouble("cannot make a folder in \(base)")
        }
        defer { free(real) }
        folder = String(cString: real)
        environment = [
            "HOME": folder + "/home", "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
        ]
        for name in ["home", "stamps", "repository"] { mkdir("\(folder)/\(name)", 0o700) }
        try write("[user]\n\tname = Uma User\n\temail = uma@example.org\n", to: "home/.gitconfig")
        let text = String(repeating: "a line of text in a file\n", count: 40)
        for number in 0..<files {
            try write("\(number)\n" + text, to: "repository/d\(number % 50)/s\(number % 7)/f\(number).txt")
        }
        if let configuration { try write(configuration, to: "repository/.orch/config.json") }
        try git("init", "-q", "-b", "main")
        try git("add", "-A")
        try git("commit", "-q", "--allow-empty", "-m", "base")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    public func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    public func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
    }

    /// Runs git to its end, in the repository or in `directory`.
    public func git(_ arguments: String..., in directory: String? = nil) throws {
        try Child([Self.git] + arguments, in: directory ?? repository, environment: environment)
            .wait("git \(arguments.joined(separator: " "))")
    }

    /// When the agent of `ticket` began, by its own account. Waits for the account, a minute at most.
    public func stamp(of ticket: String) throws -> Int64 {
        for _ in 0..<600_000 {
            if let text = try? read("stamps/\(ticket)"), text.hasSuffix("\n"), let time = Int64(text.dropLast()) {
                return time
            }
            usleep(100)
        }
        throw Trouble("the agent of \(ticket) did not begin")
    }
}
