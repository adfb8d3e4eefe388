import CSystem
import IPC

/// Which orch this is; the one place that says so.
enum Version {
    static let number = "0.1.0"
    /// The version of the protocol on the socket that this client speaks.
    static let wire = 1

    /// What `orch --version` says.
    static var sentence: String {
        guard let origin = Origin.stamped else {
            return "orch \(number) (commit unknown: built without `make install` or `make release`)"
        }
        guard let commit = origin.commit else {
            return "orch \(number) (commit unknown: its source was no git repository)"
        }
        return "orch \(number) (commit \(commit.prefix(12))\(origin.isModified ? ", with changes" : ""))"
    }

    /// What `orch --version --json` says: `commit` is null where it is not known, and so is `modified`.
    static var json: JSONValue {
        let origin = Origin.stamped
        return [
            "version": .string(number),
            "commit": origin?.commit.map(JSONValue.string) ?? .null,
            "modified": origin?.commit == nil ? .null : .bool(origin?.isModified == true),
        ]
    }
}

/// What a program was built from, as `scripts/commit.sh` said it: a commit, `-modified` behind it where files had been
/// changed, or `unknown`.
struct Origin: Equatable {
    /// All of its digits.
    var commit: String?
    var isModified: Bool

    init(commit: String?, isModified: Bool) {
        self.commit = commit
        self.isModified = isModified
    }

    /// Nil for an empty stamp: nobody looked.
    init?(stamp: String) {
        guard !stamp.isEmpty else { return nil }
        let digits = stamp.prefix(while: \.isHexDigit)
        commit = digits.count >= 40 ? String(digits) : nil
        isModified = commit != nil && stamp.hasSuffix("-modified")
    }

    /// That of this program.
    static var stamped: Origin? {
        var stamp = [CChar](repeating: 0, count: 64)
        cs_stamped_commit(&stamp)
        return Origin(stamp: String(decoding: stamp.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
