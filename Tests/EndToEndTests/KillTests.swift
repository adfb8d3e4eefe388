import CSystem
import Daemon
import Foundation
import Glibc
import IPC
import Testing

@testable import Runner

/// At every fault point: the story is told until it is reached, the next daemon is killed there again if it comes by, and
/// the one after that has to bring everything to its end.
@Suite("Killed at each fault point, end to end", .ownThread)
struct KillTests {
    @Test(arguments: Fault.all)
    func everythingComesToItsEnd(_ fault: Fault) throws {
        try World.run(starting: false) { world in
            let story = try Story(world, pushing: fault.scenario == .pushed, settingUp: fault.scenario == .warm)
            if fault.scenario == .elsewhere { try story.repository.git("checkout", "-q", "--detach") }
            story.dropsTickets = fault.scenario == .dropped
            story.repeats = fault.scenario == .repeated
            if fault.scenario == .many { try story.writeManyFiles() }
            if fault.scenario == .midway {
                try world.start()
                try story.tell(toEnd: false)
                try world.kill9()
            }
            if fault.scenario == .settling { try cutShort(story) }
            if [.ahead, .given, .cooled].contains(fault.scenario) {
                try story.keepSpares(1, made: fault.scenario != .ahead)
                if fault.scenario == .cooled { try story.wantSpares(0) }
            }
            for attempt in 1...2 {
                world.arm(fault.text)
                if fault.scenario == .ending { story.ending = fault.onStop }
                do {
                    try world.restart()
                    // Before the first ticket is given it.
                    if fault.scenario == .cooled { try story.waitForSpares() }
                    try story.tell()
                    if attempt == 2, story.ending == nil { return try story.audit() }
                } catch is World.Killed {}
                // It is dead, or, where the point is a runner's, has come to the end.
                try world.kill9()
                if attempt == 1 { try #require(world.hasStruck, "\(fault) was never reached") }
            }
            world.arm(nil)
            story.ending = nil
            try world.restart()
            try story.tell()
            try story.audit()
        }
    }

    /// A fast-forward of the user's checkout was cut short: files are there, the index and the branch are not.
    private func cutShort(_ story: Story) throws {
        story.world.arm("landing.noted")
        do {
            try story.world.restart()
            try story.tell()
        } catch is World.Killed { try story.world.kill9() }
        try #require(story.world.hasStruck)
        let note = "\(story.world.state)/repositories/r1.landing"
        let lines = try String(contentsOfFile: note, encoding: .utf8).split(separator: "\n").map(String.init)
        let files = try story.repository.lines("diff-tree", "-r", "--name-only", lines[1], lines[2])
        let file = try #require(files.first)
        try story.repository.write(file, try #require(story.repository.file(file, at: lines[2])))
    }

    @Test func thereIsAFaultForEveryPoint() {
        let tried = Set(Fault.all.map(\.point))
        let points = FaultPoint.allCases.map(\.rawValue) + RunnerFaultPoint.allCases.map(\.rawValue)
        #expect(Set(points).count == points.count)
        #expect(tried == Set(points))
    }
}

/// One way to kill a program at one of its fault points.
struct Fault: CustomStringConvertible, Sendable {
    enum Scenario {
        /// The story from its beginning, in a state directory that is new.
        case told
        /// Started while tickets are at work.
        case midway
        /// Nobody has the target branch checked out.
        case elsewhere
        /// A daemon found a fast-forward of its predecessor's half done.
        case settling
        /// The tickets come by the backlog folder.
        case dropped
        /// A worktree has so many new files that they go into the repository as a pack.
        case many
        /// What lands is pushed.
        case pushed
        /// Checkouts are set up, and keep what that has made.
        case warm
        /// A tree that has passed comes again.
        case repeated
        /// Spare worktrees are kept, and there is none yet.
        case ahead
        /// There is a spare worktree for the first ticket.
        case given
        /// There is a spare worktree, and none is wanted any more.
        case cooled
        /// The daemon is asked to end while agents are at work.
        case ending
    }

    let point: String
    var pass = 1
    var scenario = Scenario.told
    var onStop = "halt"

    var text: String { "\(point):\(pass)" }
    var description: String { "\(text) \(scenario)" }

    static let all: [Fault] =
        FaultPoint.allCases.flatMap { of($0) }
        + RunnerFaultPoint.allCases.map { Fault(point: $0.rawValue) }

    private static func of(_ point: FaultPoint) -> [Fault] {
        func fault(_ pass: Int = 1, _ scenario: Scenario = .told, onStop: String = "halt") -> Fault {
            Fault(point: point.rawValue, pass: pass, scenario: scenario, onStop: onStop)
        }
        switch point {
        case .startDirectories, .startLocked, .startStoreOpened, .startRestored, .startListening, .startRecovering,
            .startRecovered:
            return [fault(), fault(1, .midway)]
        case .engineDecided, .engineCommitted, .enginePublished, .engineAnswered:
            return [1, 8, 25].map { fault($0) }
        case .gitStarted: return [7, 25, 50, 75, 100].map { fault($0) }
        case .fileWritten: return [1, 3, 6, 10].map { fault($0) }
        case .landingBegun: return [fault(), fault(2, .elsewhere)]
        case .landingSwapped: return [fault(1, .elsewhere)]
        // The bad file comes first, the good one second.
        case .backlogClaimed, .backlogStored, .backlogTold: return [fault(1, .dropped), fault(2, .dropped)]
        case .snapshotFilesAdded, .snapshotPacked: return [fault(1, .many)]
        case .setupForgotten, .setupIntended, .setupNoted: return [fault(1, .warm)]
        case .statusReused: return [fault(1, .repeated)]
        case .spareNoted, .spareAdded, .spareFilled, .spareMarked: return [fault(1, .ahead)]
        case .spareBranchMade, .spareTaken, .spareMoved, .spareLinked: return [fault(1, .given)]
        case .spareUnmarked: return [fault(1, .cooled)]
        case .pushBegun, .pushAsked, .pushDone: return [fault(1, .pushed)]
        case .landingSettled: return [fault(1, .settling)]
        case .stopDetached, .stopStoreClosed: return [fault(1, .ending), fault(1, .ending, onStop: "detach")]
        case .stopAsked, .stopHalting, .stopEngineEnded, .stopEffectsFinished, .stopServerEnded:
            return [fault(1, .ending)]
        default: return [fault()]
        }
    }
}
