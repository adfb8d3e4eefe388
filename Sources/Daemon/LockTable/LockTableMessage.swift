/// Who holds what, as a commit's message says it.
struct LockMention: Hashable, Comparable {
    let pattern: String
    let holder: String

    static func < (a: Self, b: Self) -> Bool { (a.pattern, a.holder) < (b.pattern, b.holder) }
}

/// The message of a commit on `orch/locks`: what it changes, and what of somebody's was not taken up.
enum LockTableMessage {
    static func text(from old: Set<LockMention>, to new: Set<LockMention>, refused: [String]) -> String {
        let (taken, released) = (new.subtracting(old).sorted(), old.subtracting(new).sorted())
        var paragraphs = [subject(taken, released, isRefusal: !refused.isEmpty)]
        if taken.count + released.count > 1 {
            let lines = released.map { "- \($0.pattern)  \($0.holder)" } + taken.map { "+ \($0.pattern)  \($0.holder)" }
            paragraphs.append(lines.joined(separator: "\n"))
        }
        if !refused.isEmpty { paragraphs.append((["Not taken up:"] + refused).joined(separator: "\n")) }
        return paragraphs.joined(separator: "\n\n") + "\n"
    }

    private static func subject(_ taken: [LockMention], _ released: [LockMention], isRefusal: Bool) -> String {
        switch (taken.count, released.count) {
        case (0, 0): isRefusal ? "Locks: a change was not taken up" : "Locks: as they are"
        case (1, 0): "Locks: \(taken[0].holder) takes \(taken[0].pattern)"
        case (0, 1): "Locks: \(released[0].holder) releases \(released[0].pattern)"
        case (let taken, 0): "Locks: \(taken) taken"
        case (0, let released): "Locks: \(released) released"
        case (let taken, let released): "Locks: \(taken) taken, \(released) released"
        }
    }
}
