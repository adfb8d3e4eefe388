import CTerm
import Glibc

/// A program that has the terminal in place of the dashboard for a while: an editor, a shell.
struct Borrower {
    /// A path, or a name that is looked for on `PATH`.
    var program: String
    var arguments: [String]
    var environment: [String: String]
    /// nil: the dashboard's own.
    var directory: String?

    enum End: Hashable {
        case exited(Int32)
        case killed(signal: Int32)
        /// It never ran.
        case notStarted(errno: Int32)
    }

    /// `command`, as `$EDITOR` and its like hold it, with words of its own; the shell reads it, and `arguments` follow.
    static func command(
        _ command: String,
        _ arguments: [String],
        environment: [String: String],
        directory: String? = nil
    ) -> Borrower {
        // The second name is what the shell calls itself when it complains.
        let words = ["-c", "\(command) \"$@\"", "sh"] + arguments
        return Borrower(program: "/bin/sh", arguments: words, environment: environment, directory: directory)
    }

    /// Runs it to its end, in the foreground of the terminal.
    func run() -> End {
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in words + variables { free(string) } }
        var status: Int32 = 0
        let failure = words.withUnsafeBufferPointer { words in
            variables.withUnsafeBufferPointer { variables in
                program.withCString { program in
                    guard let directory else {
                        return lend(program, words, variables, nil, &status)
                    }
                    return directory.withCString { lend(program, words, variables, $0, &status) }
                }
            }
        }
        if failure != 0 { return .notStarted(errno: failure) }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }

    private func lend(
        _ program: UnsafePointer<CChar>,
        _ words: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>,
        _ variables: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>,
        _ directory: UnsafePointer<CChar>?,
        _ status: inout Int32
    ) -> Int32 {
        var request = ct_foreground(
            program: program,
            arguments: words.baseAddress,
            environment: variables.baseAddress,
            directory: directory
        )
        return ct_lend(&request, &status)
    }
}
