import CSystem
import Glibc

/// Finds the program of a run as a shell would, and says plainly why it cannot be run.
enum Program {
    /// The path to execute for `name`: itself when it has a slash (a relative one counts from `directory`), else the
    /// first executable file of that name in the run's PATH.
    static func resolve(_ name: String, directory: String, path: String?) throws(Failure) -> String {
        if name.isEmpty { throw Failure("cannot start the program: its name is empty") }
        if name.utf8.contains(UInt8(ascii: "/")) {
            let file = name.utf8.first == UInt8(ascii: "/") ? name : directory + "/" + name
            if let problem = problem(with: file) { throw Failure("cannot start \(name): \(problem)") }
            return file
        }
        let path = path ?? "/usr/local/bin:/usr/bin:/bin"
        var nearMiss: String?
        for item in path.split(separator: ":", omittingEmptySubsequences: false) {
            // An empty item means the working directory, and a relative one counts from it.
            var folder = item.isEmpty ? directory : String(item)
            if folder.utf8.first != UInt8(ascii: "/") { folder = directory + "/" + folder }
            let file = folder + "/" + name
            guard access(file, F_OK) == 0 else { continue }
            guard let problem = problem(with: file) else { return file }
            nearMiss = nearMiss ?? "\(file): \(problem)"
        }
        if let nearMiss { throw Failure("cannot start \(name): the only one in PATH cannot be executed: \(nearMiss)") }
        throw Failure("cannot start \(name): not found in PATH (\(path))")
    }

    /// Why `file` cannot be executed, as far as can be told without trying.
    private static func problem(with file: String) -> String? {
        var status = stat()
        if stat(file, &status) != 0 {
            return errno == ENOENT ? "no such file" : String(cString: strerror(errno))
        }
        if status.st_mode & S_IFMT == S_IFDIR { return "it is a directory" }
        if status.st_mode & S_IFMT != S_IFREG { return "it is not a file" }
        if access(file, X_OK) != 0 {
            return errno == EACCES ? "it is not executable (chmod +x)" : String(cString: strerror(errno))
        }
        return nil
    }

    /// What an error of the spawn itself means for a program that looked executable.
    static func explain(_ code: Int32, name: String, file: String) -> Failure {
        switch code {
        case ENOEXEC:
            Failure("cannot start \(name): it has no #! line and is not a program for this machine")
        case ENOENT:
            if let interpreter = interpreter(of: file) {
                Failure("cannot start \(name): the interpreter of its #! line does not exist: \(interpreter)")
            } else {
                Failure("cannot start \(name): its loader does not exist")
            }
        case E2BIG:
            Failure("cannot start \(name): its arguments and environment are too long for the system")
        case ETXTBSY:
            Failure("cannot start \(name): the file is open for writing")
        default:
            Failure("cannot start \(name)", errno: code)
        }
    }

    private static func interpreter(of file: String) -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 2, bytes[0] == UInt8(ascii: "#"), bytes[1] == UInt8(ascii: "!") else { return nil }
        let line = bytes[2..<count].prefix { $0 != 0x0A }.drop { $0 == 0x20 || $0 == 0x09 }
        return String(decoding: line.prefix { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
    }
}
