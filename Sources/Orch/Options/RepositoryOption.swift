import ArgumentParser
import Foundation

/// Which repository a command is about.
struct RepositoryOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The repository; by default the one the working directory is in.", valueName: "path")
    )
    var repo: String?

    /// The checkout it names.
    func checkout(_ console: Console) throws -> Checkout {
        try Checkout.find(
            at: repo ?? FileManager.default.currentDirectoryPath,
            isNamed: repo != nil,
            environment: console.environment
        )
    }
}
