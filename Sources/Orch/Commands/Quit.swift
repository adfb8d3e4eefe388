import ArgumentParser
import CSystem
import Glibc
import IPC

struct Quit: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "End the daemon; running agents go on without it unless you say otherwise.",
        discussion: "Returns when the daemon has ended."
    )

    @Option(
        name: .long,
        help: ArgumentHelp("What becomes of running agents: detach, wait or halt.", valueName: "what")
    )
    var onStop: StopChoice = .detach
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        try InsideRun.refuse("orch quit", global, console)
        let client = try global.connect(console)
        let pid = try client.request("daemon.status")["pid"]?.intValue
        // Held before it is asked to end, so that it can be no other process; without one, the socket has to do.
        let process = pid.map { cs_pidfd_open(pid_t($0)) } ?? -1
        defer { if process >= 0 { close(process) } }
        try client.request("daemon.quit", ["onStop": .string(onStop.rawValue)])
        if onStop == .wait, !global.json { console.say("waiting for running agents to finish") }
        if process >= 0 {
            var end = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
            while poll(&end, 1, -1) < 0, errno == EINTR {}
        } else {
            while (try? client.next()) != nil {}
        }
        if global.json { console.write(json: ["ended": true]) } else { console.write("the daemon has ended") }
        return .done
    }
}
