import Core
import IPC

/// What the tools of Claude Code, and of those who speak its language, are for.
enum ClaudeTools {
    private static let kinds: [String: ToolCall.Kind] = [
        "Read": .read, "NotebookRead": .read, "BashOutput": .read, "TaskOutput": .read,
        "Write": .edit, "Edit": .edit, "MultiEdit": .edit, "NotebookEdit": .edit,
        "Glob": .search, "Grep": .search, "LS": .search, "ToolSearch": .search,
        "Bash": .execute,
        "WebFetch": .fetch, "WebSearch": .fetch, "web_fetch": .fetch, "web_search": .fetch,
        "Task": .delegate, "Agent": .delegate,
        "TodoWrite": .think, "TaskCreate": .think, "TaskUpdate": .think, "EnterPlanMode": .think,
        "ExitPlanMode": .think,
        // Amp's own.
        "create_file": .edit, "edit_file": .edit, "undo_edit": .edit, "format_file": .edit, "apply_patch": .edit,
        "delete_file": .delete, "glob": .search, "finder": .search, "codebase_search_agent": .search,
        "read_web_page": .fetch, "oracle": .delegate, "librarian": .delegate, "todo_write": .think,
    ]

    /// Tools that change files by the path they are given: what is to be asked about, whatever else is allowed.
    static let writers = "Write|Edit|MultiEdit|NotebookEdit"

    static func call(id: String, name: String, input: JSONValue, parent: String?) -> ToolCall {
        let isOrch = name.hasPrefix("mcp__\(Assignment.ToolServer.name)__")
        let kind = isOrch ? .orch : kinds[name] ?? .other
        let path = text(input, ["file_path", "notebook_path", "path"])
        let command = kind == .execute ? text(input, ["command", "cmd"]) : nil
        let subject =
            switch kind {
            case .search: text(input, ["pattern", "filePattern", "query"]) ?? path
            case .fetch: text(input, ["url", "query"])
            default: command ?? path ?? text(input, ["description", "query", "summary", "message", "question"])
            }
        return ToolCall(
            id: id,
            name: name,
            kind: kind,
            title: (subject ?? name).oneLine(),
            paths: path.map { [$0] } ?? [],
            command: command,
            parent: parent
        )
    }

    /// The first of these members that is a text.
    private static func text(_ input: JSONValue, _ names: [String]) -> String? {
        for name in names {
            if let text = input[name]?.stringValue, !text.isEmpty { return text }
        }
        return nil
    }

    /// What came of a use of a tool: a text, or pieces of which some are.
    static func output(_ content: JSONValue?) -> String {
        switch content {
        case .string(let text)?: return String(text.prefix(ToolResult.outputLimit))
        case .array(let pieces)?:
            var output = ""
            for piece in pieces {
                if !output.isEmpty { output += "\n" }
                output += piece["text"]?.stringValue ?? "[\(piece["type"]?.stringValue ?? "?")]"
                if output.utf8.count > 4 * ToolResult.outputLimit { break }
            }
            return String(output.prefix(ToolResult.outputLimit))
        default: return ""
        }
    }
}
