public import Core

/// The only place that reads a repository's `.orch/config.json`.
public enum RepositoryFile {
    /// Where it is in the repository.
    public static let path = ".orch/config.json"

    /// Reads the policy from the bytes git has for it. Throws everything that is wrong.
    public static func parse(_ bytes: [UInt8], name: String = path) throws(FileProblems) -> RepositoryPolicy {
        let (node, duplicates) = try JSONFile.parse(bytes, name: name)
        var reader = SettingReader(.file(name))
        var policy = RepositoryPolicy()
        reader.read(node, RepositoryPolicy.keys, into: &policy)
        var seen: Set<String> = []
        for (index, verifier) in policy.verifiers.enumerated() where !verifier.name.isEmpty {
            guard !seen.insert(verifier.name).inserted else { continue }
            let origin = reader.origins["verifiers[\(index)].name"]
            guard case .file(_, let line)? = origin else { continue }
            reader.note(
                DocumentPlace(line: line, column: 1),
                "there are two verifiers called \(quoted(verifier.name)); give each a name of its own"
            )
        }
        if let setup = policy.setup, setup.command.isEmpty, setup.copy.isEmpty, reader.problems.isEmpty {
            guard case .file(_, let line)? = reader.origins["setup"] else { preconditionFailure("setup was read") }
            reader.note(DocumentPlace(line: line, column: 1), "`setup` has neither a `command` nor files to `copy`")
        }
        let problems = duplicates + reader.problems
        guard problems.isEmpty else { throw FileProblems(problems) }
        return policy
    }
}
