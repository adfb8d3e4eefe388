import Testing

@testable import Core

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("1h30m", 5_400_000), ("1d", 86_400_000),
            ("1m500ms", 60_500), ("250ms", 250), ("0s", 0),
        ] as [(String, Int)]
    )
    func reads(text: String, milliseconds: Int) throws {
        #expect(try DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(try DurationText.parse(DurationText.format(.milliseconds(milliseconds))) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("", "empty"), ("90", "has no unit; write `\"90s\"` for seconds, `\"90m\"` for minutes or `\"90h\"` for hours"),
        ("10 m", "is not a duration"), ("10min", "unknown unit `min`"), ("m", "is not a duration"),
        ("1.5h", "is not a duration"), ("-5m", "is not a duration"), ("30m1h", "out of order"),
        ("1m1m", "out of order"),
        ("400d", "too long"), ("99999999999999999999h", "too long"), ("1h30", "is not a duration"),
        ("٣m", "is not a duration"),
        ("10M", "unknown unit `M`"),
    ])
    func refuses(text: String, because: String) {
        do throws(DurationText.Problem) {
            Issue.record("\(text) was read as \(try DurationText.parse(text))")
        } catch {
            #expect(error.description.contains(because), "\(error)")
        }
    }

    @Test func writesTheFewestParts() {
        #expect(DurationText.format(.seconds(3600)) == "1h")
        #expect(DurationText.format(.seconds(5400)) == "1h30m")
        #expect(DurationText.format(.seconds(86_400)) == "24h")
    }
}

@Suite struct PolicyTests {
    @Test func theRepositoryWinsOverTheUserAndTheUserOverTheDefault() {
        var user = UserSettings()
        user.choices.maxFixAttempts = 5
        user.choices.landing.parallel = 4
        var repository = RepositoryPolicy()
        repository.choices.landing.parallel = 2
        repository.choices.approve = .auto
        var expected = Policy()
        expected.maxFixAttempts = 5
        expected.landing.parallel = 2
        expected.approve = .auto
        #expect(Policy(user: user, repository: repository) == expected)
    }

    @Test func aHumanApprovesWhereTheUserInsists() {
        var user = UserSettings()
        user.approvalFloor = true
        var repository = RepositoryPolicy()
        repository.choices.approve = .auto
        #expect(Policy(user: user, repository: repository).approve == .human)
    }

    @Test func theOnlyProfileIsTheDefault() {
        var user = UserSettings()
        #expect(user.profileName(for: nil) == nil)
        user.profiles["script"] = AgentProfile(command: ["agent.sh"])
        #expect(user.profileName(for: nil) == "script")
        user.profiles["other"] = AgentProfile(command: ["other.sh"])
        #expect(user.profileName(for: nil) == nil)
        user.defaultProfile = "other"
        #expect(user.profileName(for: nil) == "other")
        #expect(user.profileName(for: "missing") == nil)
    }
}
