import ArgumentParser
import IPC

struct Run: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Enqueue tickets, with a daemon started if none runs; --wait follows them to the end.",
        discussion: """
            With --wait, the exit status says how it ended: 0 when everything has landed, 1 when a ticket needs a \
            human or was cancelled. Ending `orch run` does not end the work.
            """
    )

    @Argument(help: ArgumentHelp("Ticket files, YAML, JSON or Markdown; - is standard input.", valueName: "file"))
    var files: [String] = []
    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp("A ticket without a file: what is to be done, in a line.", valueName: "text")
    )
    var title: String?
    @Flag(name: .long, help: "Follow the tickets until they have landed or need a human.")
    var wait = false
    @OptionGroup var fields: TicketFields
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard files.isEmpty != (title == nil) else {
            throw ValidationError("give either ticket files or --title")
        }
        guard title != nil || fields.isEmpty else {
            throw ValidationError("--id, --lock, --priority, --depends-on, --agent and --description go with --title")
        }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let drafts = try title.map { [try fields.draft(title: $0)] } ?? TicketFiles.drafts(files)
        let checkout = try repository.checkout(console)
        let (client, isNew) = try DetachedDaemon(global: global, console: console).connect()
        if isNew, !global.json { console.say("started a daemon; `orch quit` ends it") }
        // The picture comes before the tickets do, so that nothing of them is missed.
        let picture = try Picture(snapshot: try client.request("snapshot"))
        let ids = try client.enqueue(drafts, repository: checkout.repository)
        guard wait else {
            console.write(ids: ids, json: global.json)
            return .done
        }
        var progress = Progress(ids, from: picture, client, console, json: global.json)
        guard let rows = try progress.follow() else { return .done }
        return conclude(rows, console)
    }

    /// Says what is left to do, by whom.
    private func conclude(_ rows: [TicketRow], _ console: Console) -> ExitStatus {
        let status: ExitStatus = rows.allSatisfy(\.hasLanded) ? .done : .failed
        if global.json {
            console.write(json: .array(rows.compactMap { try? JSONValue(encoding: $0) }))
            return status
        }
        for row in rows where !row.hasEnded {
            console.write("")
            console.write("\(SafeText.line(row.id))  \(SafeText.line(row.stateSentence))")
            // A queued one waits for another, for which a human is needed.
            guard row.isSettled else { continue }
            console.write(commandsOf: row)
        }
        return status
    }
}
