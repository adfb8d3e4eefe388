import CSystem
import Core
import Glibc

/// A snapshot as it is found: in the repository, or as an archive alone.
struct SnapshotEntry: Sendable, Equatable {
    struct Archive: Sendable, Equatable {
        let path: String
        let bytes: Int
    }

    let ticket: TicketID
    let number: Int
    /// Nil when there is only an archive.
    var ref: String?
    var commit: String?
    var time: Instant
    var record: SnapshotRecord
    var archives: [Archive]
}

extension GitRepository {
    /// The snapshots of one ticket, or of every one, by ticket and number.
    ///
    /// - Parameter isOurs: whose archives without a commit are wanted: archives of all repositories lie together.
    func snapshots(of ticket: TicketID? = nil, isOurs: (TicketID) -> Bool) throws(GitError) -> [SnapshotEntry] {
        let operation = "list snapshots"
        var archives = archivesFound(of: ticket)
        let root = ticket.map { String(Self.snapshotRef($0, 0).dropLast(2)) } ?? "refs/orch/snapshots"
        let format = "%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents)%00"
        let output = try run(["for-each-ref", "--format=\(format)", root], for: operation).standardOutput
        let fields = output.split(separator: 0, omittingEmptySubsequences: false).map { Git.text($0) }
        var found: [SnapshotEntry] = []
        for start in stride(from: 0, to: fields.count - 3, by: 4) {
            let ref = String(fields[start].drop { $0 == "\n" })
            let parts = ref.split(separator: "/")
            guard parts.count == 5, let number = Int(parts[4]), let seconds = Int64(fields[start + 2]) else { continue }
            let owner = Self.ticket(ofComponent: String(parts[3]))
            let key = "\(parts[3])-\(number)"
            found.append(
                SnapshotEntry(
                    ticket: owner,
                    number: number,
                    ref: ref,
                    commit: fields[start + 1],
                    time: Instant(milliseconds: seconds * 1000),
                    record: SnapshotRecord(message: fields[start + 3]) ?? SnapshotRecord(title: ""),
                    archives: archives.removeValue(forKey: key)?.archives ?? []
                )
            )
        }
        found += archives.values.filter { isOurs($0.ticket) }
        return found.sorted { ($0.ticket.text, $0.number) < ($1.ticket.text, $1.number) }
    }

    /// The archives there are, by ticket and number, as snapshots without a commit.
    private func archivesFound(of ticket: TicketID?) -> [String: SnapshotEntry] {
        let wanted = ticket.map { Self.refComponent($0.text) }
        var found: [String: SnapshotEntry] = [:]
        for name in GitFiles.names(in: archivesDirectory) where name.hasSuffix(".tar") {
            let key = String(name.prefix { $0 != "." })
            guard let dash = key.lastIndex(of: "-"), let number = Int(key[key.index(after: dash)...]) else { continue }
            let component = String(key[..<dash])
            if let wanted, component != wanted { continue }
            let path = "\(archivesDirectory)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            var record = SnapshotRecord(title: "")
            record.notes = ["there is only an archive"]
            let new = SnapshotEntry(
                ticket: Self.ticket(ofComponent: component),
                number: number,
                time: Instant(milliseconds: Int64(status.st_mtim.tv_sec) * 1000),
                record: record,
                archives: []
            )
            found[key, default: new].archives.append(.init(path: path, bytes: Int(status.st_size)))
            found[key]?.archives.sort { ($0.path.utf8.count, $0.path) < ($1.path.utf8.count, $1.path) }
        }
        return found
    }

    /// The ticket whose name `refComponent` wrote.
    static func ticket(ofComponent component: String) -> TicketID {
        var bytes: [UInt8] = []
        var rest = Array(component.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else if byte != UInt8(ascii: "%") {
                bytes.append(byte)
            }
        }
        return TicketID(String(decoding: bytes, as: UTF8.self))
    }

    /// Drops a snapshot for good: its ref if that has not moved, then its archives.
    func drop(_ entry: SnapshotEntry) throws {
        let operation = "prune snapshot \(entry.number) of \(entry.ticket)"
        try locked(operation) { lock in
            if let ref = entry.ref, let commit = entry.commit {
                try deleteRef(ref, at: commit, lock: lock, for: operation)
            }
            for archive in entry.archives { unlink(archive.path) }
        }
    }
}
