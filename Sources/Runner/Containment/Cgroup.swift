import Glibc

/// Cgroups of the run's own. The first is of version 2 and has `cgroup.kill`; others, of version 1, hold limits where the
/// first cannot.
struct Cgroup: Containment {
    private let directories: [String]
    let home: Int32
    let groups: [Int32]
    var namespaceInit: pid_t { 0 }

    init(_ orders: [Spec.GroupOrder]) throws(Failure) {
        var made: [String] = []
        var opened: [Int32] = []
        do throws(Failure) {
            for order in orders {
                try Self.make(order)
                made.append(order.directory)
                for (file, value) in order.settings { try Self.write(order.directory + "/" + file, value) }
                // The first is where the program begins; it joins the others.
                let isHome = opened.isEmpty
                let name = order.directory + (isHome ? "" : "/cgroup.procs")
                let group = open(name, (isHome ? O_RDONLY | O_DIRECTORY : O_WRONLY) | O_CLOEXEC)
                guard group >= 0 else { throw Failure("cannot open \(name)", errno: errno) }
                opened.append(group)
            }
            guard let first = made.first, access(first + "/cgroup.kill", W_OK) == 0 else {
                throw Failure("the system's cgroups have no cgroup.kill, which came with Linux 5.14")
            }
        } catch {
            for descriptor in opened { close(descriptor) }
            for directory in made {
                rmdir(directory)
                Self.removeParent(of: directory)
            }
            throw error
        }
        directories = made
        home = opened.removeFirst()
        groups = opened
    }

    /// The folder they share, orch's own for this state directory, may be taken away by whoever finds it empty: it is
    /// made again.
    private static func make(_ order: Spec.GroupOrder) throws(Failure) {
        guard order.directory.utf8.first == UInt8(ascii: "/"), let slash = order.directory.lastIndex(of: "/") else {
            throw Failure("spec: group must be an absolute path")
        }
        let parent = String(order.directory[..<slash])
        for attempt in 1... {
            if mkdir(parent, 0o755) != 0, errno != EEXIST {
                throw Failure("cannot make the cgroup \(parent)", errno: errno)
            }
            var failed: Int32 = 0
            for word in order.enable where failed == 0 {
                failed = attemptToWrite(parent + "/cgroup.subtree_control", word)
            }
            if failed == 0, mkdir(order.directory, 0o755) == 0 { return }
            if failed == 0 { failed = errno }
            // One of this name can only be left over: a run begins once.
            if failed == EEXIST { rmdir(order.directory) }
            guard attempt < 10, failed == ENOENT || failed == EEXIST || failed == ENODEV else {
                throw Failure("cannot make the cgroup \(order.directory)", errno: failed)
            }
        }
    }

    private static func write(_ file: String, _ value: String) throws(Failure) {
        let failed = attemptToWrite(file, value)
        if failed != 0 { throw Failure("cannot write \(value) to \(file)", errno: failed) }
    }

    /// 0, or the errno value.
    private static func attemptToWrite(_ file: String, _ value: String) -> Int32 {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return Files.writeAll(descriptor, value)
    }

    // MARK: The end

    var isEmpty: Bool? {
        guard let text = try? Files.readText(directories[0] + "/cgroup.events") else { return nil }
        return text.split(separator: "\n").contains("populated 0")
    }

    func kill() { _ = Self.attemptToWrite(directories[0] + "/cgroup.kill", "1") }

    func remove() throws(Failure) {
        for descriptor in [home] + groups { close(descriptor) }
        let giveUp = steadyClock() + 30_000
        var pause: Int32 = 1
        for directory in directories.reversed() {
            while true {
                let failed = Self.remove(directory, depth: 0)
                if failed == 0 { break }
                guard failed == EBUSY, steadyClock() < giveUp else {
                    throw Failure("cannot remove the cgroup \(directory)", errno: failed)
                }
                // What was in it is dying, or came into it after all.
                kill()
                poll(nil, 0, pause)
                pause = min(pause * 2, 100)
            }
            Self.removeParent(of: directory)
        }
    }

    /// The folder of all our runs' groups, if this was the last one.
    private static func removeParent(of directory: String) {
        if let slash = directory.lastIndex(of: "/") { rmdir(String(directory[..<slash])) }
    }

    /// With what the run has made inside. 0, or the errno value.
    private static func remove(_ directory: String, depth: Int) -> Int32 {
        if rmdir(directory) == 0 || errno == ENOENT { return 0 }
        let failed = errno
        guard failed == EBUSY, depth < 64, let listing = opendir(directory) else { return failed }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { _ = remove(directory + "/" + name, depth: depth + 1) }
        }
        return rmdir(directory) == 0 || errno == ENOENT ? 0 : errno
    }
}
