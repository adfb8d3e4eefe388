import IPC

/// One tool that orch has for agents: what a model is told of it, and what the daemon is asked when it is called.
struct Tool: Sendable {
    let name: String
    let title: String
    let description: String
    let arguments: [Argument]
    let annotations: Annotations
    /// The daemon's method.
    let method: String
    /// Of a tool that may wait: for how many seconds if the caller does not say, and at most.
    var wait: (usual: Int, most: Int)?

    struct Argument: Sendable {
        let name: String
        let kind: Kind
        let description: String
        var isRequired = true

        enum Kind: Sendable {
            case text(most: Int)
            case patterns
            case number(ClosedRange<Int>)
        }
    }

    struct Annotations: Sendable {
        var isReadOnly = false
        /// Asking twice is as asking once.
        var isIdempotent = false
    }

    static let all = [
        getTicket, claimPaths, releasePaths, listConflicts, reportProgress, runVerifier, askHuman, complete,
    ]

    static let getTicket = Tool(
        name: "get_ticket",
        title: "The ticket",
        description: "The ticket you work on: its description, its locks (the paths you may change), what you have "
            + "claimed as well, its branch, and what went wrong last time, if anything did.",
        arguments: [],
        annotations: Annotations(isReadOnly: true, isIdempotent: true),
        method: "run.ticket"
    )

    static let claimPaths = Tool(
        name: "claim_paths",
        title: "Claim paths",
        description: "Claim paths before you change them, where they are not in your ticket's locks: others then leave "
            + "them alone until your ticket has landed. Waits while others hold them. Refused at once where waiting "
            + "would never end. All of the paths are granted, or none.",
        arguments: [
            Argument(
                name: "paths",
                kind: .patterns,
                description: "Patterns from the repository's root: src/api/users.swift, src/api/**, resource:database."
            ),
            Argument(
                name: "wait_seconds",
                kind: .number(0...3600),
                description: "How long to wait for them; 0 to be told at once. 300 if you do not say.",
                isRequired: false
            ),
        ],
        annotations: Annotations(isIdempotent: true),
        method: "run.claim",
        wait: (300, 3600)
    )

    static let releasePaths = Tool(
        name: "release_paths",
        title: "Release paths",
        description: "Give back what you have claimed with claim_paths and do not need after all, for others to go on. "
            + "Not for paths that your work changes, nor for your ticket's own locks.",
        arguments: [
            Argument(name: "paths", kind: .patterns, description: "The patterns, as you have claimed them.")
        ],
        annotations: Annotations(isIdempotent: true),
        method: "run.release"
    )

    static let listConflicts = Tool(
        name: "list_conflicts",
        title: "Who works near me",
        description: "Who else works in this repository, what they hold and wait for; those first that are in conflict "
            + "with the given paths, or with your own locks.",
        arguments: [
            Argument(name: "paths", kind: .patterns, description: "What to look near to.", isRequired: false)
        ],
        annotations: Annotations(isReadOnly: true, isIdempotent: true),
        method: "run.conflicts"
    )

    static let reportProgress = Tool(
        name: "report_progress",
        title: "Report progress",
        description: "Say in a line what you are doing, for the people who watch. Noted every five seconds at most.",
        arguments: [
            Argument(name: "text", kind: .text(most: 500), description: "One line."),
            Argument(
                name: "percent",
                kind: .number(0...100),
                description: "How much of the ticket is done.",
                isRequired: false
            ),
        ],
        annotations: Annotations(isIdempotent: true),
        method: "run.progress"
    )

    static let runVerifier = Tool(
        name: "run_verifier",
        title: "Run the verifiers",
        description: "Have the repository's verifiers judge your worktree as it is now, in a clean checkout, as they "
            + "will judge your work before it lands. Decides nothing. The time it takes is not counted as yours.",
        arguments: [],
        annotations: Annotations(isReadOnly: true),
        method: "run.verify",
        wait: (3600, 3600)
    )

    static let askHuman = Tool(
        name: "ask_human",
        title: "Ask a human",
        description: "Ask the people who watch a question, and wait for the answer. Only for what you cannot decide: "
            + "they may be away, and then nobody answers in time.",
        arguments: [
            Argument(
                name: "question",
                kind: .text(most: 8192),
                description: "The question, with what one has to know to answer it."
            ),
            Argument(
                name: "wait_seconds",
                kind: .number(1...86_400),
                description: "How long to wait for an answer. 1800 if you do not say.",
                isRequired: false
            ),
        ],
        annotations: Annotations(),
        method: "run.ask",
        wait: (1800, 86_400)
    )

    static let complete = Tool(
        name: "complete",
        title: "Say what you have done",
        description:
            "When your work is done: say what you have changed and why, in a few sentences, for the people who "
            + "review it. Then end your turn.",
        arguments: [Argument(name: "summary", kind: .text(most: 8192), description: "What you have done.")],
        annotations: Annotations(isIdempotent: true),
        method: "run.complete"
    )
}

extension Tool {
    /// As it is listed.
    var json: JSONValue {
        var properties = JSONObject()
        for argument in arguments { properties[argument.name] = .object(argument.schema) }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = arguments.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = JSONValue(required) }
        schema["additionalProperties"] = false
        return [
            "name": .string(name), "title": .string(title), "description": .string(description),
            "inputSchema": .object(schema),
            "annotations": [
                "title": .string(title), "readOnlyHint": .bool(annotations.isReadOnly), "destructiveHint": false,
                "idempotentHint": .bool(annotations.isIdempotent), "openWorldHint": false,
            ],
        ]
    }

    /// What is wrong with the arguments, for a model to mend; nil when they can be taken.
    func problem(with given: JSONObject) -> String? {
        for key in given.keys where !arguments.contains(where: { $0.name == key }) {
            let known = arguments.map { "`\($0.name)`" }.joined(separator: ", ")
            return "\(name) has no argument `\(key)`; " + (known.isEmpty ? "it takes none" : "it takes \(known)")
        }
        for argument in arguments {
            guard let value = given[argument.name], !value.isNull else {
                if argument.isRequired {
                    return "\(name) needs the argument `\(argument.name)`: \(argument.kind.words)"
                }
                continue
            }
            if !argument.kind.takes(value) { return "`\(argument.name)` of \(name) has to be \(argument.kind.words)" }
        }
        return nil
    }
}

extension Tool.Argument {
    fileprivate var schema: JSONObject {
        switch kind {
        case .text(let most):
            ["type": "string", "minLength": 1, "maxLength": JSONValue(most), "description": .string(description)]
        case .patterns:
            [
                "type": "array", "items": ["type": "string"], "minItems": 1, "maxItems": 64,
                "description": .string(description),
            ]
        case .number(let range):
            [
                "type": "integer", "minimum": JSONValue(range.lowerBound), "maximum": JSONValue(range.upperBound),
                "description": .string(description),
            ]
        }
    }
}

extension Tool.Argument.Kind {
    fileprivate var words: String {
        switch self {
        case .text(let most): "a text that is not empty and has \(most) bytes at most"
        case .patterns: "an array of 1 to 64 patterns, such as [\"src/api/**\"]"
        case .number(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        }
    }

    fileprivate func takes(_ value: JSONValue) -> Bool {
        switch self {
        case .text(let most):
            guard let text = value.stringValue else { return false }
            return text.utf8.count <= most && !text.allSatisfy(\.isWhitespace)
        case .patterns:
            guard let items = value.arrayValue else { return false }
            return (1...64).contains(items.count) && items.allSatisfy { $0.stringValue != nil }
        case .number(let range): return value.intValue.map(range.contains) ?? false
        }
    }
}
