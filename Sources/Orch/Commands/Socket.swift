import ArgumentParser
import Daemon
import IPC

struct Socket: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the path of the socket, for `nc -U \"$(orch socket)\"`."
    )

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let path = try global.paths(console).socket
        if global.json { console.write(json: ["socket": .string(path)]) } else { console.write(path) }
        return .done
    }
}
