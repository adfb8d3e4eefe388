import ArgumentParser

struct New: Subcommand {
    static let configuration = CommandConfiguration(abstract: "Put one ticket into the backlog; prints its id.")

    @Argument(help: "What is to be done, in a line.")
    var title: String
    @OptionGroup var fields: TicketFields
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let draft = try fields.draft(title: title)
        let checkout = try repository.checkout(console)
        let ids = try global.connect(console).enqueue([draft], repository: checkout.repository)
        console.write(ids: ids, json: global.json)
        return .done
    }
}
