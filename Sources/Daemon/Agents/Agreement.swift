import Core
import Foundation

/// How a run's agent is spoken with: the run folder's file `agreement.json`. A later daemon goes on by it, whatever the
/// configuration says by then. It holds nothing that the run was given in its environment.
struct Agreement: Codable, Sendable {
    private static let name = "agreement.json"

    let profile: AgentProfile
    let assignment: Assignment

    init(profile: AgentProfile, assignment: Assignment) {
        var (profile, assignment) = (profile, assignment)
        profile.environment = [:]
        assignment.tools?.environment = [:]
        self.profile = profile
        self.assignment = assignment
    }

    /// Nil for a run that is not spoken with.
    init?(of run: RunID, in supervisor: RunSupervisor) {
        guard let bytes = RunFolder(path: supervisor.folder(of: run)).read(Self.name),
            let agreement = try? JSONDecoder().decode(Self.self, from: Data(bytes))
        else { return nil }
        self = agreement
    }

    /// To be called before the run is started.
    func write(for run: RunID, in supervisor: RunSupervisor) throws {
        let folder = RunFolder(path: supervisor.folder(of: run))
        _ = try folder.create()
        try folder.write(Self.name, Array(try JSONEncoder().encode(self)))
    }

    var place: Conversations.Place {
        Conversations.Place(worktree: assignment.worktree, permissions: profile.permissions)
    }

    var conversation: (any Conversation)? { profile.adapter.conversation(for: assignment) }
}
