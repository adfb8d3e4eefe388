import CSystem
import Core
import Foundation
import Glibc

/// What verification finds outside of the tree it judges, as one name: another name where anything of it is another.
///
/// Programs are told apart by where they are found, their inode, size and times, as reading a compiler costs more than
/// some tests; files that are declared or copied, by their content.
struct Surroundings {
    private var text: [UInt8] = []
    private let environment: [String: String]

    /// - Parameter environment: of the commands.
    init(environment: [String: String]) {
        self.environment = environment
        // What is set anew for each session or terminal decides nothing.
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where !["TERM", "TMPDIR"].contains(name) {
            add("variable", name, value)
        }
    }

    /// Of a tree judged under these rules.
    ///
    /// - Parameter copies: where the files to be copied are.
    init(_ rules: Rules, copies: String, environment: [String: String]) {
        self.init(environment: environment)
        for check in rules.checks { add(command: check.command) }
        for input in rules.verifiers.flatMap(\.inputs) { add(input: input) }
        for name in rules.policy.setup?.copy ?? [] { add(contentOf: "\(copies)/\(name)", as: name) }
    }

    /// The program a command stands for, and what else it names outside of the tree.
    mutating func add(command: [String]) {
        add("command", command.joined(separator: "\u{1F}"))
        for (index, word) in command.enumerated() {
            if word.hasPrefix("/") {
                add(identityOf: word)
            } else if index == 0, !word.contains("/") {
                let found = Programs.find(word, in: environment)
                add("program", word, found ?? "nowhere")
                if let found { add(identityOf: found) }
            }
        }
    }

    /// What is kept between trees.
    mutating func add(cache: String) { add("cache", cache) }

    /// All of a tree.
    mutating func add(tree: ObjectID) { add("tree", tree.text) }

    /// A declared input: absolute, or from `~/`.
    mutating func add(input: String) {
        let path = input.hasPrefix("~/") ? (environment["HOME"] ?? "") + input.dropFirst() : input
        add(contentOf: path, as: input)
    }

    /// A file's content, and that of everything in a folder; or that there is none.
    mutating func add(contentOf path: String, as name: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return add("none", name) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            add("folder", name)
            // A link to a folder is taken for what it says: it may lead back here.
            for entry in GitFiles.names(in: path).sorted() {
                if let target = GitFiles.linkTarget("\(path)/\(entry)") {
                    add("link", "\(name)/\(entry)", String(decoding: target, as: UTF8.self))
                } else {
                    add(contentOf: "\(path)/\(entry)", as: "\(name)/\(entry)")
                }
            }
        case S_IFREG where Int(status.st_size) <= Self.longest && text.count <= Self.most:
            guard let bytes = GitFiles.read(path) else { return add("unreadable", name) }
            add("file", name, String(status.st_mode & 0o111), String(bytes.count))
            text += bytes
        default: add(identityOf: path)
        }
    }

    /// Larger files, and those beyond so much in all, are told apart as programs are.
    private static let longest = 16 << 20
    private static let most = 64 << 20

    private mutating func add(identityOf path: String) {
        guard let identity = FileIdentity(of: path) else { return add("none", path) }
        add("identity", path, identity.numbers.map(String.init).joined(separator: " "))
    }

    private mutating func add(_ words: String...) {
        for word in words { text += Array(word.utf8) + [0] }
        text.append(0x0A)
    }

    /// The name: git's for these bytes as a file of the repository.
    func name(in repository: GitRepository) throws(GitError) -> String {
        let question = ["hash-object", "--stdin"]
        return try repository.run(question, input: text, for: "name what verification finds around a tree").line
    }
}
