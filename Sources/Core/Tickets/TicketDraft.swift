/// A ticket as its author wrote it, before it is in the backlog.
public struct TicketDraft: Hashable, Sendable {
    /// Assigned when the ticket is enqueued if nil.
    public var id: TicketID?
    public var title: String
    public var description: String
    /// Higher first.
    public var priority: Int
    public var locks: [LockPattern]
    public var dependsOn: [TicketID]
    /// The name of an agent profile; the configured default if nil.
    public var agent: String?
    /// The name of a workflow; `feature` if nil.
    public var workflow: String?

    public init(
        id: TicketID? = nil,
        title: String,
        description: String = "",
        priority: Int = 0,
        locks: [LockPattern] = [],
        dependsOn: [TicketID] = [],
        agent: String? = nil,
        workflow: String? = nil
    ) {
        self.id = id
        self.title = title
        self.description = description
        self.priority = priority
        self.locks = locks
        self.dependsOn = dependsOn
        self.agent = agent
        self.workflow = workflow
    }

    // MARK: Limits

    /// The longest title, in characters as Unicode scalars.
    public static let maximumTitle = 200
    /// The longest description, in bytes of UTF-8.
    public static let maximumDescriptionBytes = 1 << 20
    public static let priorities = -1_000_000...1_000_000
    public static let maximumLocks = 100
    public static let maximumDependencies = 100
    /// The workflows this version knows.
    public static let workflows = ["feature"]

    /// Everything that is wrong with the ticket by itself; none means that it may be enqueued. Whether its
    /// dependencies and its profile exist is for the backlog and the configuration to say.
    public var problems: [DraftProblem] {
        var found: [DraftProblem] = []
        func note(_ field: Field, _ message: String?, at index: Int? = nil) {
            if let message { found.append(DraftProblem(field: field, index: index, message: message)) }
        }
        if let id { note(.id, TicketName.problem(with: id.text)) }
        note(.title, Self.problem(withTitle: title))
        note(.description, Self.problem(withDescription: description))
        note(.priority, Self.problem(withPriority: priority))
        if locks.count > Self.maximumLocks {
            note(
                .locks,
                "a ticket has at most \(Self.maximumLocks) locks, this one has \(locks.count); use wider patterns"
            )
        }
        if dependsOn.count > Self.maximumDependencies {
            note(
                .dependsOn,
                "a ticket has at most \(Self.maximumDependencies) dependencies, this one has \(dependsOn.count)"
            )
        }
        var seen: Set<TicketID> = []
        for (index, dependency) in dependsOn.enumerated() {
            if let problem = TicketName.problem(with: dependency.text) {
                note(.dependsOn, problem, at: index)
            } else if dependency == id {
                note(.dependsOn, "\(quoted(dependency.text)) depends on itself", at: index)
            } else if !seen.insert(dependency).inserted {
                note(.dependsOn, "\(quoted(dependency.text)) is listed twice", at: index)
            }
        }
        if let agent { note(.agent, ProfileName.problem(with: agent)) }
        if let workflow, !Self.workflows.contains(workflow) {
            note(.workflow, "unknown workflow \(quoted(workflow)); known: \(Self.workflows.joined(separator: ", "))")
        }
        return found
    }

    /// The parts of a ticket, by the names they have in a ticket file.
    public enum Field: String, CaseIterable, Sendable {
        case id, title, description, priority, locks
        case dependsOn = "depends_on"
        case agent, workflow
    }
}

/// One thing that is wrong with a ticket, in a sentence without the place.
public struct DraftProblem: Hashable, Sendable, CustomStringConvertible {
    public let field: TicketDraft.Field
    /// Which element of a list, from 0.
    public let index: Int?
    public let message: String

    public var description: String { message }
}
