public import Core
import Foundation

/// Finds the values of the secrets that the user's configuration names.
public enum SecretValues {
    /// A shorter value would be found where it is not meant.
    static let least = 6
    /// A longer one is a document, and no secret.
    static let most = 8192

    /// What cannot be kept secret, and why.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// The values, and a sentence for each that is not there: nothing can be kept from being told then, and nothing is
    /// to be told.
    ///
    /// - Throws: `Problem` for a value that is too short, too long, or a plain word, and for a file that cannot be read.
    public static func load(
        _ sources: [SecretSource],
        environment: [String: String]
    ) throws(Problem) -> (redactor: Redactor, missing: [String]) {
        var secrets: [Redactor.Secret] = []
        var missing: [String] = []
        for source in sources {
            var value: [UInt8]
            if let variable = source.environment {
                guard let text = environment[variable], !text.isEmpty else {
                    missing.append("the secret \(source.name) is not there: \(variable) is not set")
                    continue
                }
                value = Array(text.utf8)
            } else {
                guard let bytes = try content(of: source, environment) else {
                    missing.append("the secret \(source.name) is not there: there is no file \(source.file ?? "")")
                    continue
                }
                value = bytes
                if value.last == 0x0A { value.removeLast() }
                if value.last == 0x0D { value.removeLast() }
            }
            try check(value, source.name)
            secrets.append(.init(name: source.name, value: value))
        }
        // The longest first: of two names for the same bytes, the one of the whole is told.
        secrets.sort { $0.value.count > $1.value.count }
        return (Redactor(secrets), missing)
    }

    private static func content(
        of source: SecretSource,
        _ environment: [String: String]
    ) throws(Problem) -> [UInt8]? {
        var path = source.file ?? ""
        if path.hasPrefix("~/") {
            guard let home = environment["HOME"] ?? StatePaths.homeInUserDatabase() else {
                throw Problem(description: "the secret \(source.name) cannot be read: there is no home for \(path)")
            }
            path = home + path.dropFirst()
        }
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let file = FileHandle(forReadingAtPath: path), let bytes = try? file.read(upToCount: most + 3) else {
            throw Problem(
                description:
                    "the secret \(source.name) cannot be read from \(path); make the file readable, or take the "
                    + "secret out of \"secrets\""
            )
        }
        return Array(bytes)
    }

    private static func check(_ value: [UInt8], _ name: String) throws(Problem) {
        let advice = "give it another value, or take it out of \"secrets\""
        guard value.count >= least else {
            throw Problem(
                description:
                    "the secret \(name) has \(value.count) bytes, and \(least) is the least: a shorter value would "
                    + "be found in what is no secret; \(advice)"
            )
        }
        guard value.count <= most else {
            throw Problem(description: "the secret \(name) has more than \(most) bytes, which is the most; \(advice)")
        }
    }
}
