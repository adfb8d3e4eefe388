import IPC

/// Something an agent has said or done, as its transcript shows it: one row or more.
struct TranscriptItem: Sendable {
    /// Where in the stream its line begins.
    let offset: Int
    let time: String
    var content: Content
    var isUnfolded = false
    /// As they were laid out last; empty: not yet.
    var rows: [Row] = []

    enum Content: Sendable {
        case said(String, by: Speaker)
        case tool(ToolUse)
        /// Something that happened to it, in a sentence.
        case note(String, Style)
    }

    enum Speaker: Sendable { case agent, subagent, thinking, person }

    enum Row: Sendable {
        case blank
        /// The line of a tool, which is drawn as things stand.
        case tool
        case text(x: Int, ArraySlice<Cluster>, Style)
        /// The first row of what a person has said.
        case marked(ArraySlice<Cluster>)
        /// So many are not shown.
        case more(Int)
    }

    /// A tool the agent has used.
    struct ToolUse: Sendable {
        var call: String
        var tool: String
        var title: String
        var command: String?
        /// It is of a sub-agent.
        var isNested: Bool
        var ending: Ending?
    }

    struct Ending: Sendable {
        /// `succeeded`, `failed` or `denied`.
        var outcome: String
        var output: String
        var time: String
    }

    /// Worth being looked for.
    var isTrouble: Bool {
        switch content {
        case .tool(let use): use.ending.map { $0.outcome != "succeeded" } ?? false
        case .note(_, let style): style == .failed
        case .said: false
        }
    }

    /// There is more of it than is shown while it is folded.
    var isFoldable: Bool {
        switch content {
        case .tool: true
        case .said(_, by: .agent), .note: false
        case .said: isUnfolded || rows.contains { if case .more = $0 { true } else { false } }
        }
    }
}

// MARK: Laying out

extension TranscriptItem {
    /// What is said by others than the agent shows so many rows while it is folded.
    private static let foldedRows = 4
    /// More of what a tool has put out is not shown: it is in the raw output.
    private static let mostRows = 1000
    private static let indent = 2

    mutating func layOut(columns: Int) {
        switch content {
        case .said(let text, let speaker): rows = Self.rows(of: text, speaker, isUnfolded: isUnfolded, columns: columns)
        case .tool(let use):
            rows = [.tool] + (isUnfolded ? Self.details(of: use, columns: columns) : [])
        case .note(let text, let style): rows = Self.flow(text, x: Self.indent, style, columns: columns)
        }
    }

    private static func rows(of text: String, _ speaker: Speaker, isUnfolded: Bool, columns: Int) -> [Row] {
        let style: Style = speaker == .thinking ? .dim : speaker == .subagent ? .dim : .plain
        var rows = flow(text, x: speaker == .subagent ? 2 * indent : indent, style, columns: columns)
        if speaker != .agent, !isUnfolded, rows.count > foldedRows + 1 {
            rows = Array(rows.prefix(foldedRows)) + [.more(rows.count - foldedRows)]
        }
        if speaker == .person, case .text(_, let first, _)? = rows.first { rows[0] = .marked(first) }
        return [.blank] + rows
    }

    private static func details(of use: ToolUse, columns: Int) -> [Row] {
        let x = (use.isNested ? 3 : 2) * indent
        var rows: [Row] = []
        if let command = use.command {
            rows += flow("$ \(command)", x: x, .plain, columns: columns)
        } else if Text(use.title).width > columns - 24 {
            rows += flow(use.title, x: x, .plain, columns: columns)
        }
        guard let ending = use.ending else { return rows + flow("it has not ended", x: x, .dim, columns: columns) }
        guard !ending.output.isEmpty else { return rows + flow("no output", x: x, .dim, columns: columns) }
        rows += flow(ending.output, x: x, ending.outcome == "succeeded" ? .dim : .plain, columns: columns)
        guard rows.count > mostRows else { return rows }
        return Array(rows.prefix(mostRows)) + [.more(rows.count - mostRows)]
    }

    private static func flow(_ text: String, x: Int, _ style: Style, columns: Int) -> [Row] {
        safeLines(of: text).flatMap { $0.flowed(to: max(8, min(columns - x, Sheet.proseColumns))) }
            .map { .text(x: x, $0, style) }
    }
}

// MARK: Searching

extension TranscriptItem {
    /// Whether it has it, shown or folded.
    func has(_ needle: Needle) -> Bool {
        switch content {
        case .said(let text, _), .note(let text, _): needle.isIn(text)
        case .tool(let use):
            [use.tool, use.title, use.command ?? "", use.ending?.output ?? ""].contains { needle.isIn($0) }
        }
    }

    /// The first of its rows that shows it; nil: none does, as it is laid out.
    func row(of needle: Needle) -> Int? {
        rows.firstIndex { row in
            switch row {
            case .text(_, let clusters, _), .marked(let clusters): needle.isIn(String(of: clusters))
            case .tool:
                if case .tool(let use) = content { needle.isIn(use.tool) || needle.isIn(use.title) } else { false }
            case .blank, .more: false
            }
        }
    }
}
