import Daemon
import Foundation

/// The two kinds of configuration file, checked as they lie on disk.
enum ConfigurationFiles {
    /// Everything that is wrong with a repository's file.
    static func problems(inRepositoryFile path: String) -> [FileProblem] {
        guard FileManager.default.fileExists(atPath: path) else {
            return [FileProblem(file: path, message: "there is no such file")]
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            return [FileProblem(file: path, message: "the file cannot be read")]
        }
        do throws(FileProblems) {
            _ = try RepositoryFile.parse([UInt8](data), name: path)
            return []
        } catch {
            return error.problems
        }
    }

    /// Everything that is wrong with a user's file by itself.
    static func problems(inUserFile path: String) -> [FileProblem] {
        do throws(FileProblems) {
            return try SettingsFile.load(path: path, isRequired: true).preferences().problems
        } catch {
            return error.problems
        }
    }
}
