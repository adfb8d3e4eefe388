import Foundation
import Glibc

/// A table in a file that only grows, and whose rows begin with the number of the event they are about.
struct MetricsFile: Sendable {
    let path: String
    /// Its first line.
    let heading: String

    /// Adds what is missing: `body` gets the number in the last row, 0 where there is none, and what appends a row. A file that
    /// is not there is begun.
    ///
    /// - Parameter widened: what the rows of an older orch become, which had fewer columns.
    func write(
        widened: ([[String]]) throws -> [[String]] = { $0 },
        after body: (Int, (_ row: [String]) throws -> Void) throws -> Void
    ) throws {
        var descriptor = try open()
        defer { close(descriptor) }
        if try addColumns(descriptor, widened) {
            close(descriptor)
            descriptor = -1
            descriptor = try open()
        }
        let last = try lastRow(descriptor)
        try body(last) { row in try append(MetricsTable.line(row), to: descriptor) }
    }

    private func open() throws -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Problem(description: "\(path): \(GitFiles.reason())") }
        return descriptor
    }

    /// A table that an older orch began gets the columns it lacks, in a file that takes its place. What is in it stays as it
    /// is, and so does a row that is none of orch's.
    private func addColumns(_ descriptor: Int32, _ widened: ([[String]]) throws -> [[String]]) throws -> Bool {
        var start = [UInt8](repeating: 0, count: heading.utf8.count)
        let count = pread(descriptor, &start, start.count, 0)
        guard count > 0, let end = start[..<count].firstIndex(of: UInt8(ascii: "\n")),
            heading.utf8.starts(with: start[..<end] + [UInt8(ascii: ",")]),
            let bytes = FileManager.default.contents(atPath: path)
        else { return false }
        let rows = CSV.rows(String(decoding: bytes, as: UTF8.self))
        let old = Array(rows.dropFirst())
        let whole = old.filter { $0.count == rows[0].count }
        var new = try widened(whole)[...]
        let text = old.reduce(heading) { text, row in
            text + MetricsTable.line(row.count == rows[0].count ? new.removeFirst() : row)
        }
        let file = path + ".new"
        try Data(text.utf8).write(to: URL(filePath: file))
        guard chmod(file, 0o600) == 0, rename(file, path) == 0 else {
            throw Problem(description: "\(path): \(GitFiles.reason())")
        }
        return true
    }

    /// The number of the last row; a row that was cut short by the machine's end or a full disk is taken away first.
    private func lastRow(_ descriptor: Int32) throws -> Int {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 0 else {
            try append(heading, to: descriptor)
            return 0
        }
        // Rows are short; a path may take 4 KiB.
        let start = max(0, size - 64 << 10)
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        let count = pread(descriptor, &bytes, bytes.count, start)
        guard count == bytes.count else { throw Problem(description: "\(path) cannot be read") }
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { throw Problem(description: "\(path) is not orch's") }
        if end + 1 < bytes.count, ftruncate(descriptor, start + off_t(end) + 1) != 0 {
            throw Problem(description: "\(path): \(GitFiles.reason())")
        }
        let row = String(decoding: bytes[..<end].split(separator: newline).last ?? [], as: UTF8.self)
        if let seq = MetricsTable.seq(ofRow: row) { return seq }
        guard row.hasPrefix("seq,") else {
            throw Problem(description: "the last row of \(path) is not orch's: \(row.prefix(60))")
        }
        return 0
    }

    private func append(_ text: String, to descriptor: Int32) throws {
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Problem(description: "\(path): \(GitFiles.reason())")
        }
    }

    private struct Problem: Error, CustomStringConvertible { let description: String }
}
