import ArgumentParser
import Daemon
import IPC

struct MCP: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Serve orch's tools to the agent of a run, on standard input and output.",
        discussion: """
            orch has its agents start this; there is no use in calling it by hand. It speaks the Model Context Protocol, \
            and asks the daemon in the name of the run that ORCH_RUN and ORCH_TOKEN say.
            """
    )

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        guard let run = console.environment["ORCH_RUN"], !run.isEmpty,
            let token = console.environment["ORCH_TOKEN"], !token.isEmpty
        else {
            throw CommandError(
                .usage,
                "orch mcp serves the agent of a run, and ORCH_RUN and ORCH_TOKEN do not say of which",
                hint: "orch starts it for its agents by itself"
            )
        }
        let identity = DaemonCall.Identity(socket: try global.paths(console).socket, run: run, token: token)
        ToolServer(version: Version.number, identity).run()
        return .done
    }
}
