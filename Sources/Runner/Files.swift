import CSystem
import Glibc

/// The files of the run folder, which is the working directory of the runner.
enum Files {
    /// The whole of a file, with capacity for nothing more; nil when there is none.
    static func read(_ name: String) throws(Failure) -> UnsafeMutableBufferPointer<CChar>? {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw Failure("cannot read \(name)", errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure("cannot read \(name)", errno: errno) }
        let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let got = Glibc.read(descriptor, bytes.baseAddress! + count, bytes.count - count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw Failure("cannot read \(name)", errno: got < 0 ? errno : EIO) }
            count += got
        }
        return bytes
    }

    /// The beginning of a small file that the system makes up, such as those of cgroups, which have no size.
    static func readText(_ name: String) throws(Failure) -> String {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("cannot read \(name)", errno: errno) }
        defer { close(descriptor) }
        return try withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer throws(Failure) in
            let count = Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
            guard count >= 0 else { throw Failure("cannot read \(name)", errno: errno) }
            return String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
        }
    }

    static func exists(_ name: String) -> Bool { access(name, F_OK) == 0 }

    /// Writes a file so that it is seen whole or not at all. Not durable: see ``makeDurable(_:)``.
    static func write(_ name: String, _ text: String) throws(Failure) {
        let temporary = name + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("cannot write \(name)", errno: errno) }
        let failed = writeAll(descriptor, text)
        close(descriptor)
        if failed != 0 { throw Failure("cannot write \(name)", errno: failed) }
        if rename(temporary, name) != 0 { throw Failure("cannot write \(name)", errno: errno) }
    }

    /// Returns once a file and its name would survive the machine's end.
    static func makeDurable(_ name: String) {
        let file = open(name, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            fsync(file)
            close(file)
        }
        let folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// 0, or the errno value.
    static func writeAll(_ descriptor: Int32, _ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                rest = rest.dropFirst(written)
            }
            return 0
        }
    }

    /// Names a process until the machine restarts: its number, when it started, and under which start of the machine.
    static func identity(of pid: pid_t) throws(Failure) -> (text: String, start: UInt64) {
        var process = cs_process()
        guard cs_process_status(pid, &process) == 0 else {
            throw Failure("cannot read /proc/\(pid)/stat", errno: errno)
        }
        var boot = [CChar](repeating: 0, count: 37)
        guard cs_boot_id(&boot) == 0 else { throw Failure("cannot read the boot id", errno: errno) }
        return (
            "pid \(pid)\nstart \(process.start)\nboot \(boot.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })\n",
            process.start
        )
    }
}

/// Milliseconds since 1970.
func wallClock() -> Int64 { clock(CLOCK_REALTIME) }

/// Milliseconds that only ever grow, for deadlines.
func steadyClock() -> Int64 { clock(CLOCK_MONOTONIC) }

private func clock(_ id: clockid_t) -> Int64 {
    var now = timespec()
    clock_gettime(id, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
