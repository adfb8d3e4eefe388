import ArgumentParser
import IPC

struct Agents: Subcommand {
    static let configuration = CommandConfiguration(abstract: "List the agents and what each works on.")

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let agents = try client.request("agent.list")["agents"]?.arrayValue ?? []
        if global.json {
            console.write(json: .array(agents))
            return .done
        }
        var table = Table(
            .init("AGENT"),
            .init("STATE"),
            .init("TICKET"),
            .init("PROFILE"),
            .init("SINCE", isRightAligned: true),
            .init("NOW", least: 12)
        )
        table.rows = agents.compactMap { try? $0.decode(AgentRow.self) }.map { agent in
            [
                .init(agent.id), .init(agent.state, Self.style(of: agent)), .init(agent.ticket), .init(agent.profile),
                .init(Moments.age(agent.since)),
                .init(Self.now(agent), agent.activity?.isHeldUp == true ? .attention : .plain),
            ]
        }
        console.write(table)
        return .done
    }

    /// What it does, where it says so, or for how long nothing has been heard of it.
    private static func now(_ agent: AgentRow) -> String? {
        let silence = Silence.sentence(
            since: agent.stale_since,
            until: agent.stale_until,
            evidence: agent.stale_evidence
        )
        if let silence { return silence }
        guard let activity = agent.activity else { return nil }
        return "\(activity.sentence(clock: Moments.minute))  \(Moments.age(activity.since))"
    }

    private static func style(of agent: AgentRow) -> Table.Style {
        switch agent.state {
        case "stale": .bad
        case "stopping": .attention
        default: .plain
        }
    }
}
