import ArgumentParser
import IPC

struct Permissions: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "List what agents ask people: leave to use a tool, and questions.",
        discussion: "Answer with `orch answer TICKET --allow`, `--deny`, or in words."
    )
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let rows = try client.request("ticket.list", ["all": false])["tickets"]?.arrayValue ?? []
        let asking = rows.compactMap { try? $0.decode(TicketRow.self) }.filter { $0.question != nil }
        if global.json {
            let answers = asking.map { ticket -> JSONValue in
                let question = ticket.question!
                return [
                    "ticket": .string(ticket.id), "question": JSONValue(question.number),
                    "kind": .string(question.kind),
                    "text": .string(question.text), "since": .string(question.since), "until": .string(question.until),
                ]
            }
            console.write(json: .array(answers))
            return .done
        }
        guard !asking.isEmpty else {
            console.write("no agent asks anything")
            return .done
        }
        var table = Table(
            .init("TICKET"),
            .init("N", isRightAligned: true),
            .init("ASKS"),
            .init("AGE", isRightAligned: true),
            .init("UNTIL"),
            .init("WHAT", least: 12)
        )
        table.rows = asking.map { ticket in
            let question = ticket.question!
            return [
                .init(ticket.id), .init(String(question.number)),
                .init(question.kind == "permission" ? "for leave" : "a question"), .init(Moments.age(question.since)),
                .init(Moments.clock(question.until)), .init(question.text),
            ]
        }
        console.write(table)
        return .done
    }
}
