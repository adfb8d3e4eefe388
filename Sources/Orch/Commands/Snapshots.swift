import ArgumentParser
import IPC

struct Snapshots: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "List the snapshots of a ticket, or of every one: what is kept of what agents wrote.",
        discussion: "`orch restore` brings one back."
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String?
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let params: JSONObject = ticket.map { ["ticket": .string($0)] } ?? [:]
        let snapshots = try client.request("snapshot.list", params)["snapshots"]?.arrayValue ?? []
        if global.json {
            console.write(json: .array(snapshots))
            return .done
        }
        guard !snapshots.isEmpty else {
            console.write("no snapshots yet: one is taken when a run ends")
            return .done
        }
        var table = Table(
            .init("TICKET"),
            .init("N", isRightAligned: true),
            .init("TAKEN"),
            .init("COMMIT"),
            .init("ARCHIVE", isRightAligned: true),
            .init("WHY", least: 12),
            .init("NOTES", least: 12)
        )
        table.rows = snapshots.map { Self.row($0) }
        console.write(table)
        return .done
    }

    private static func row(_ snapshot: JSONValue) -> [Table.Cell] {
        let bytes = snapshot["archive_bytes"]?.intValue ?? 0
        let notes = (snapshot["notes"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "; ")
        return [
            .init(snapshot["ticket"]?.stringValue), .init(snapshot["number"]?.intValue.map(String.init)),
            .init(snapshot["time"]?.stringValue.map(Moments.full)),
            .init(snapshot["commit"]?.stringValue.map { String($0.prefix(10)) }),
            .init(bytes == 0 ? nil : Sizes.text(bytes)), .init(snapshot["reason"]?.stringValue),
            .init(notes, snapshot["complete"]?.boolValue == false ? .attention : .plain),
        ]
    }
}
