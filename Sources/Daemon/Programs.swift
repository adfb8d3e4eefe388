import Glibc

/// Programs, as a shell finds them.
public enum Programs {
    /// The path of a program: itself if it has a slash, else the first of that name on the PATH that can be run.
    public static func find(_ name: String, in environment: [String: String], directory: String = ".") -> String? {
        if name.contains("/") {
            let path = name.hasPrefix("/") ? name : "\(directory)/\(name)"
            return isExecutable(path) ? path : nil
        }
        let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first(where: isExecutable)
    }

    /// Whether that is a file which this user may execute.
    public static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return access(path, X_OK) == 0 && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
