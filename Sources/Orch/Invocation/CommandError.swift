import ArgumentParser
import Daemon
import Foundation
import IPC

/// Why a command could not do what was asked: what, on which, why, and what to do next.
struct CommandError: Error {
    /// A stable name, for scripts.
    var code: String
    var message: String
    var hint: String?
    var status: ExitStatus
    /// What is wrong with the files that were given, if that is the trouble.
    var problems: [FileProblem] = []

    init(_ code: ErrorCode, _ message: String, hint: String? = nil) {
        self.init(RPCError(code, message, hint: hint))
    }

    init(_ error: RPCError) {
        code = error.code.rawValue
        message = error.message
        hint = error.hint
        status = ExitStatus(error.code)
    }

    /// Something that was tried did not succeed.
    static func failed(_ message: String, hint: String? = nil) -> CommandError {
        var error = CommandError(.internal, message, hint: hint)
        error.code = Code.failed.rawValue
        return error
    }

    /// What only commands find out, beside the codes of the wire.
    enum Code: String, CaseIterable {
        case failed
        case invalidTicket = "invalid_ticket"
        case invalidIssues = "invalid_issues"
        case invalidConfiguration = "invalid_configuration"
    }

    /// Files that cannot be taken.
    init(_ code: Code, problems: [FileProblem], hint: String? = nil) {
        self.code = code.rawValue
        let files = Set(problems.map(\.file)).sorted()
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        message = "\(count) in \(files.count > 3 ? "\(files.count) files" : files.joined(separator: ", "))"
        self.hint = hint
        status = .failed
        self.problems = problems
    }

    /// Whatever a command throws, as a sentence. No Swift type's name is ever shown.
    init(describing error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case let error as RPCError: self.init(error)
        case let error as FileProblems:
            self.init(
                .invalidConfiguration,
                problems: error.problems,
                hint: "correct it; `orch config check` tells when it is right"
            )
        case let error as StatePaths.Problem: self.init(.usage, error.description)
        case let error as any CustomStringConvertible: self = .failed(error.description)
        // Foundation's errors have sentences; what has none must not show the name of its type.
        default: self = .failed((error as NSError).localizedDescription)
        }
    }

    /// The error as `--json` prints it.
    var json: JSONValue {
        var error: JSONObject = ["code": .string(code), "message": .string(message)]
        error["hint"] = hint.map(JSONValue.string)
        if !problems.isEmpty { error["problems"] = .array(problems.map(\.json)) }
        return ["error": .object(error)]
    }
}

extension FileProblem {
    var json: JSONValue {
        var object: JSONObject = ["file": .string(file)]
        object["line"] = line.map { JSONValue($0) }
        object["column"] = column.map { JSONValue($0) }
        object["message"] = .string(message)
        return .object(object)
    }
}
