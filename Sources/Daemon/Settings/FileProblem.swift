/// One thing that is wrong with a file a person wrote, and where.
public struct FileProblem: Hashable, Sendable, CustomStringConvertible {
    /// As it was named on the command line, or in the repository; `standard input`, or `ORCH_AGENTS` where the value
    /// came from the environment.
    public let file: String
    /// From 1; nil when the file as a whole is meant.
    public let line: Int?
    /// From 1, in Unicode scalars.
    public let column: Int?
    /// What is wrong and what to write instead, in a sentence.
    public let message: String

    public init(file: String, line: Int? = nil, column: Int? = nil, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    init(file: String, at place: DocumentPlace?, _ message: String) {
        self.init(file: file, line: place?.line, column: place?.column, message: message)
    }

    /// `tickets.yaml:3:1: unknown key …`, as compilers write it.
    public var description: String {
        guard let line, let column else { return "\(file): \(message)" }
        return "\(file):\(line):\(column): \(message)"
    }
}

/// Why a file could not be taken: everything that is wrong with it.
public struct FileProblems: Error, Hashable, Sendable, CustomStringConvertible {
    public let problems: [FileProblem]

    public init(_ problems: [FileProblem]) { self.problems = problems }

    /// A problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
