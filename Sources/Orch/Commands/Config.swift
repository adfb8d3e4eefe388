import ArgumentParser
import Core
import Daemon
import Foundation
import IPC

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show or check the configuration.",
        subcommands: [ShowConfig.self, CheckConfig.self]
    )
}

struct ShowConfig: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print every setting of yours with its value and where it comes from."
    )

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let rows = try global.settings(console).rows
        if global.json {
            let values = rows.map { row -> JSONValue in
                let value = (try? JSONValue(parsing: row.value)) ?? .string(row.value)
                return ["key": .string(row.key), "value": value, "origin": .string(row.origin.description)]
            }
            console.write(json: .array(values))
            return .done
        }
        var table = Table(.init("KEY"), .init("VALUE", least: 16), .init("ORIGIN"))
        table.rows = rows.map { [.init($0.key), .init($0.value), .init($0.origin.description)] }
        console.write(table)
        return .done
    }
}

struct CheckConfig: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check configuration files; every problem is printed as file:line:column.",
        discussion: """
            Without files: yours, and the repository's .orch/config.json as it lies in the work tree. A file whose \
            path ends in .orch/config.json is a repository's, any other one a user's.
            """
    )

    @Argument(help: ArgumentHelp("Configuration files.", valueName: "file"))
    var files: [String] = []
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        var checked: [String] = []
        var problems: [FileProblem] = []
        for file in files {
            checked.append(file)
            let isRepository = "/\(file)".hasSuffix("/\(RepositoryFile.path)")
            problems +=
                isRepository
                ? ConfigurationFiles.problems(inRepositoryFile: file) : ConfigurationFiles.problems(inUserFile: file)
        }
        if files.isEmpty {
            let path = try global.paths(console).configuration
            do {
                let settings = try global.settings(console)
                if settings.file != nil { checked.append(path) }
                problems += settings.preferences().problems
            } catch let error as FileProblems {
                checked.append(path)
                problems += error.problems
            }
            if let file = try repositoryFile(console) {
                checked.append(file)
                problems += ConfigurationFiles.problems(inRepositoryFile: file)
            }
        }
        if global.json {
            console.write(json: [
                "valid": .bool(problems.isEmpty), "files": JSONValue(checked), "problems": .array(problems.map(\.json)),
            ])
        } else if !problems.isEmpty {
            for problem in problems { console.write(SafeText.lines(problem.description)) }
        } else if checked.isEmpty {
            console.write("there is no configuration file; the defaults hold")
        } else {
            for file in checked { console.write("\(SafeText.line(file)): good") }
        }
        return problems.isEmpty ? .done : .failed
    }

    /// The repository's file where we are, if there is one.
    private func repositoryFile(_ console: Console) throws -> String? {
        let checkout: Checkout
        do {
            checkout = try repository.checkout(console)
        } catch let error as CommandError where repository.repo == nil && error.status == .usage {
            return nil
        }
        let file = "\(checkout.topLevel)/\(RepositoryFile.path)"
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }
}
