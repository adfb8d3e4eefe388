/// How a cell looks, by what it means. Colour is never the only bearer of a meaning: a word or glyph says it too.
public struct Style: Hashable, Sendable {
    enum Role: UInt8, CaseIterable {
        case plain, title, heading, dim, rule, key
        /// The tab that is shown.
        case tab
        /// An agent works on it.
        case working
        /// On its way to the target branch.
        case landing
        /// A person's word is wanted.
        case waiting
        case stopped
        /// Failed, or a human must look.
        case failed
        /// Merged, done.
        case done
        case approved
        /// What it is based on has moved on, or nothing has been heard of it for too long.
        case stale
        /// Lines of a diff, its headings within a file, and a file's name.
        case added, removed, hunk, file
        /// What an agent does, in its transcript.
        case tool
        /// What was searched for.
        case match
    }

    var role: Role
    /// The selected row of the panel that has the keys.
    var isSelected = false

    static let plain = Style(role: .plain)
    static let title = Style(role: .title)
    static let heading = Style(role: .heading)
    static let dim = Style(role: .dim)
    static let rule = Style(role: .rule)
    static let key = Style(role: .key)
    static let tab = Style(role: .tab)
    static let working = Style(role: .working)
    static let landing = Style(role: .landing)
    static let waiting = Style(role: .waiting)
    static let stopped = Style(role: .stopped)
    static let failed = Style(role: .failed)
    static let done = Style(role: .done)
    static let approved = Style(role: .approved)
    static let stale = Style(role: .stale)
    static let added = Style(role: .added)
    static let removed = Style(role: .removed)
    static let hunk = Style(role: .hunk)
    static let file = Style(role: .file)
    static let tool = Style(role: .tool)
    static let match = Style(role: .match)

    var selected: Style { Style(role: role, isSelected: true) }
}
