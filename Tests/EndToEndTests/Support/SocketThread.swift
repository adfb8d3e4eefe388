import Foundation
import Testing

extension World {
    /// A field of the status of the daemon's thread that serves the socket, as /proc has it.
    func socketThread(_ field: String) throws -> String {
        let tasks = "/proc/\(try #require(daemon).pid)/task"
        for name in try FileManager.default.contentsOfDirectory(atPath: tasks)
        where try String(contentsOfFile: "\(tasks)/\(name)/comm", encoding: .utf8) == "orch-socket\n" {
            let text = try String(contentsOfFile: "\(tasks)/\(name)/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(field + ":") })
            return line.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces)
        }
        throw Failure("there is no thread of the socket")
    }

    /// Whether it waits for something to happen.
    func socketThreadSleeps() throws -> Bool { try socketThread("State").hasPrefix("S") }
}
