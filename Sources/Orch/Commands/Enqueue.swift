import ArgumentParser
import IPC

struct Enqueue: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Put tickets from files into the backlog, all or none; prints their ids."
    )

    @Argument(help: ArgumentHelp("Ticket files, YAML, JSON or Markdown; - is standard input.", valueName: "file"))
    var files: [String]
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let drafts = try TicketFiles.drafts(files)
        let checkout = try repository.checkout(console)
        let ids = try global.connect(console).enqueue(drafts, repository: checkout.repository)
        console.write(ids: ids, json: global.json)
        return .done
    }
}

extension Console {
    /// Ids of new tickets: a JSON array, or one a line.
    func write(ids: [String], json: Bool) {
        if json { write(json: JSONValue(ids)) } else { for id in ids { write(SafeText.line(id)) } }
    }
}
