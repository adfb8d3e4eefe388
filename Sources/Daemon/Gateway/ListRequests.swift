import Core
import IPC

// What there is: agents, locks, repositories, profiles.

extension Gateway {
    func listAgents(_ params: Params, _ reply: Reply) {
        look(reply) { [effects] view in
            effects.read {
                let agents = view.core.agents.values.sorted { $0.id < $1.id }
                let rows = agents.map { agent in
                    JSONValue.object(
                        view.row(agent, lastOutput: effects.supervisor.lastOutput, activity: effects.activity)
                    )
                }
                reply(.success(["agents": .array(rows)]))
            }
        }
    }

    func listLocks(_ params: Params, _ reply: Reply) {
        look(reply) { [effects] view in
            let locks = view.core.grants.values.sorted { $0.fence < $1.fence }
            let rows = locks.map { JSONValue.object(view.row($0, heartbeat: effects.monitor.expiry)) }
            reply(.success(["locks": .array(rows)]))
        }
    }

    func listRepositories(_ params: Params, _ reply: Reply) {
        look(reply) { view in
            let all = view.core.repositories.values.sorted { $0.id < $1.id }
            reply(.success(["repositories": .array(all.map { .object(view.rows.repository($0)) })]))
        }
    }

    /// What a ticket can name as its agent: no command, which may hold what is not for everybody.
    func listProfiles(_ params: Params, _ reply: Reply) {
        let usual = user.profileName(for: nil)
        let rows = user.profiles.sorted { $0.key < $1.key }.map { name, profile -> JSONValue in
            ["name": .string(name), "default": .bool(name == usual), "kind": .string(profile.kind.rawValue)]
        }
        reply(.success(["profiles": .array(rows)]))
    }
}
