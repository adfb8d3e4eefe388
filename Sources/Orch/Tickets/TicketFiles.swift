import Core
import Daemon
import IPC

/// Ticket files as commands take them.
enum TicketFiles {
    /// The tickets in the files. Throws everything that is wrong with them, with its place.
    static func drafts(_ files: [String]) throws -> [TicketDraft] {
        guard files.filter({ $0 == "-" }).count < 2 else {
            throw CommandError(.usage, "standard input (-) can be read only once", hint: "give it once")
        }
        let batch = TicketFile.read(files)
        guard batch.problems.isEmpty else {
            throw CommandError(.invalidTicket, problems: batch.problems, hint: "nothing was enqueued")
        }
        return batch.drafts
    }
}
