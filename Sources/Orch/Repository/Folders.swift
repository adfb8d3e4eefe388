import Glibc

/// Folders of the user's own.
enum Folders {
    /// Why a folder could not be made, in words.
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// Makes a folder, and those it is in, readable by the user alone; one that is there is left as it is.
    static func make(_ path: String, mode: mode_t = 0o700) throws(Problem) {
        if mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw Problem(description: "\(path) is in the way, and no folder")
            }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw Problem(description: String(cString: strerror(ENOENT)))
            }
            try make(String(path[..<slash]), mode: mode)
            guard mkdir(path, mode) == 0 || errno == EEXIST else {
                throw Problem(description: String(cString: strerror(errno)))
            }
        case let number:
            throw Problem(description: String(cString: strerror(number)))
        }
    }
}
