import Testing

@testable import Core

@Suite struct PushTests {
    let url = "https://example.org/x.git"
    var pushing: Rules { .test { [url] in $0.landing.push = PushPolicy(remote: url) } }

    private func order(_ commit: ObjectID, _ remote: String? = nil) -> PushOrder {
        PushOrder(repository: "r1", remote: remote ?? url, commit: commit)
    }

    /// T-1 has landed, and is being pushed.
    private func landed() -> Story {
        var story = Story()
        story.enqueue(.new(), .new(), .new())
        story.finish("T-1", .of("T-1", rules: pushing))
        let decision = story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        #expect(decision.pushes == [order("T-1@m0")])
        // It is stored together with the landing.
        let change = decision.facts.first { $0.event == .ticketMerged("T-1", commit: "T-1@m0") }?.changes.repositories
        #expect(change?.first?.new?.push == Push(remote: url, commit: "T-1@m0"))
        return story
    }

    @discardableResult
    private func land(_ id: TicketID, on tip: ObjectID, _ story: inout Story, _ rules: Rules? = nil) -> Decision {
        story.finish(id, .of(id, on: tip, rules: rules ?? pushing))
        return story.hear(.targetAdvanced(id, to: Candidate.of(id, on: tip).commit))
    }

    @Test func whatHasLandedIsPushedAndThenOwedNoMore() {
        var story = landed()
        story.hear(.targetPushed(order("T-1@m0")), says: [.landingPushed("r1", remote: url, commit: "T-1@m0")])
        #expect(story.core.repositories["r1"]!.push == nil && story.core.nextDeadline == nil)
        // Said twice it is nothing new.
        story.hear(.targetPushed(order("T-1@m0")), says: [])
    }

    @Test func withoutAPolicyNothingIsPushed() {
        var story = Story()
        story.enqueue(.new())
        story.finish("T-1", .of("T-1"))
        #expect(story.hear(.targetAdvanced("T-1", to: "T-1@m0")).pushes == [])
        #expect(story.core.repositories["r1"]!.push == nil)
    }

    @Test func landingsGoOnMeanwhileAndOnlyTheNewestIsPushedNext() {
        var story = landed()
        #expect(land("T-2", on: "T-1@m0", &story).pushes == [])
        #expect(land("T-3", on: "T-2@T-1@m0", &story).pushes == [])
        let newest: ObjectID = "T-3@T-2@T-1@m0"
        let decision = story.hear(.targetPushed(order("T-1@m0")))
        #expect(decision.facts.map(\.event) == [.landingPushed("r1", remote: url, commit: "T-1@m0")])
        #expect(decision.pushes == [order(newest)])
        story.hear(.targetPushed(order(newest)), says: [.landingPushed("r1", remote: url, commit: newest)])
        #expect(story.core.repositories["r1"]!.push == nil)
    }

    @Test func aFailureIsSaidOnceForEachReasonAndTriedAgainLaterAndLater() {
        var story = landed()
        let gone = Push.Problem(reason: "gone", needsHuman: false)
        let no = Push.Problem(reason: "no", needsHuman: true)
        var delays: [Duration] = []
        for (problem, says) in [(gone, true), (gone, false), (no, true), (no, false)] {
            let events: [Event] = [.pushFailed("r1", remote: url, commit: "T-1@m0", problem)]
            story.hear(.pushFailed(order("T-1@m0"), problem), says: says ? events : [])
            delays.append(story.core.nextDeadline! - story.now)
            story.now = story.core.nextDeadline!
            #expect(story.hear(.deadlineReached).pushes == [order("T-1@m0")])
        }
        #expect(delays == [2, 4, 8, 16].map { .seconds($0) })
        for _ in 1...10 {
            story.hear(.pushFailed(order("T-1@m0"), no), says: [])
            story.now = story.core.nextDeadline!
            story.hear(.deadlineReached)
        }
        story.hear(.pushFailed(order("T-1@m0"), no), says: [])
        #expect(story.core.nextDeadline! - story.now == .seconds(300))
        // It comes to a good end after all.
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        story.hear(.targetPushed(order("T-1@m0")), says: [.landingPushed("r1", remote: url, commit: "T-1@m0")])
        #expect(story.core.nextDeadline == nil)
    }

    @Test func whatLandsWhileOneWaitsIsTriedAtOnce() {
        var story = landed()
        story.hear(.pushFailed(order("T-1@m0"), Push.Problem(reason: "no", needsHuman: true)))
        #expect(land("T-2", on: "T-1@m0", &story).pushes == [order("T-2@T-1@m0")])
        // And it is still said why the last attempt came to nothing.
        #expect(story.core.repositories["r1"]!.push?.problem?.reason == "no")
        #expect(story.core.nextDeadline == nil)
    }

    @Test func whatAHumanMergesIsPushedInItsPlace() {
        var story = landed()
        story.hear(.pushFailed(order("T-1@m0"), Push.Problem(reason: "fetch first", needsHuman: true)))
        let decision = story.hear(.targetSeen("r1", at: "merged", known: "T-1@m0"))
        #expect(decision.facts.map(\.event) == [.targetMoved("r1", from: "T-1@m0", to: "merged")])
        #expect(decision.pushes == [order("merged")])
    }

    @Test func aMoveOfSomebodyElsesIsNotPushedWhereNothingIsOwed() {
        var story = landed()
        story.hear(.targetPushed(order("T-1@m0")))
        #expect(story.hear(.targetSeen("r1", at: "mine", known: "T-1@m0")).pushes == [])
    }

    @Test func aRestartAsksAgainForWhatIsOwed() {
        var story = landed()
        var next = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(next.recover(at: story.now).pushes == [order("T-1@m0")])
        story.hear(.targetPushed(order("T-1@m0")))
        next = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(next.recover(at: story.now).pushes == [])
    }

    @Test func whereTheConfigurationNamesAnotherRemoteThatGetsIt() {
        var story = landed()
        let elsewhere = Rules.test { $0.landing.push = PushPolicy(remote: "/elsewhere") }
        #expect(land("T-2", on: "T-1@m0", &story, elsewhere).pushes == [])
        let decision = story.hear(.targetPushed(order("T-1@m0")))
        #expect(decision.pushes == [order("T-2@T-1@m0", "/elsewhere")])
        // And where it names none any more, nobody does.
        #expect(land("T-3", on: "T-2@T-1@m0", &story, .test()).pushes == [])
        #expect(story.core.repositories["r1"]!.push == nil)
        story.hear(
            .pushFailed(order("T-2@T-1@m0", "/elsewhere"), Push.Problem(reason: "x", needsHuman: false)),
            says: []
        )
        #expect(story.core.nextDeadline == nil)
    }

    @Test func whatSaysWhereToPushHasToBeTrusted() {
        let rules = Rules.test(digest: "new") { policy in
            policy.verifiers = []
            policy.landing.push = PushPolicy(remote: "/x")
        }
        #expect(rules.executes)
    }

    @Test(arguments: [
        "https://example.org/x.git", "ssh://git@example.org:22/x", "git@example.org:me/x.git", "file:///srv/x.git",
        "/srv/x.git", "host:x", "http://localhost:8080/x",
    ])
    func whatIsPushedTo(_ remote: String) { #expect(PushPolicy.problem(remote) == nil) }

    @Test(arguments: [
        ("", "`` is no URL"), ("--exec=x", "`--exec=x` is no URL"), ("a b", "`a b` is no URL"),
        (
            "origin",
            "`origin` is neither a URL nor an absolute path; what a remote's name stands for is in .git/config, which "
                + "agents can write, so write what `git remote get-url --push origin` says"
        ),
        ("ext::sh -c x", "`ext::sh -c x` is no URL"),
        ("ext::x", "`ext::x` names a program; write a URL or an absolute path"),
        ("git://x/y", "orch does not push by `git`; write an https, ssh or file URL, or an absolute path"),
        (
            "https://me:secret@example.org/x",
            "it holds a password, which everyone may read; leave that to git's credentials"
        ),
    ])
    func whatIsNot(_ remote: String, _ expected: String) { #expect(PushPolicy.problem(remote) == expected) }
}
