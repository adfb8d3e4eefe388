import CSystem
import Glibc

/// How an orch-runner is started: in a session of its own, with no descriptor of ours.
struct RunnerProcess: Sendable {
    let path: String
    /// Of the runner, not of the run.
    let environment: [String]

    /// 0, or the errno value.
    func spawn(_ arguments: [String], _ pid: inout pid_t) -> Int32 {
        withCStrings([path] + arguments) { arguments in
            withCStrings(environment) { environment in
                [-1, -1, -1].withUnsafeBufferPointer { (files: UnsafeBufferPointer<Int32>) in
                    path.withCString { program in
                        var request = cs_spawn_request()
                        request.program = program
                        request.arguments = arguments
                        request.environment = environment
                        request.files = files.baseAddress
                        request.file_count = 3
                        request.new_session = 1
                        return cs_spawn(&request, &pid)
                    }
                }
            }
        }
    }
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
}
