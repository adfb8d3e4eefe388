package import Core

/// What became of one history.
package struct History: Sendable {
    /// What must never be, and was; and what had happened until then.
    package struct Failure: Sendable, CustomStringConvertible {
        package let violation: Violation
        package let step: Int
        package let script: Script
        package var description: String { "step \(step): \(violation)" }

        /// The same kind of thing goes wrong: the same words, whatever the numbers.
        package func isLike(_ other: Failure) -> Bool { kind == other.kind }
        private var kind: String {
            String(violation.description.prefix { $0 != "[" && $0 != "(" }.filter { !$0.isNumber }.prefix(40))
        }
    }

    package let failure: Failure?
    package let steps: Int
    package let crashes: Int
    package let coverage: Coverage
    package let facts: [Fact]

    /// The history a seed makes.
    package static func of(
        seed: UInt64,
        planted: Simulation.Planted = .init(),
        tell: (@Sendable (String) -> Void)? = nil
    ) -> History {
        var chooser = Chooser(seed: seed)
        var simulation = Simulation(chooser.beginning, planted: planted, tell: tell)
        return History(&simulation) { simulation throws(Violation) in
            while simulation.step < chooser.steps { try simulation.take(chooser.next(simulation)) }
            if chooser.steps > 1000 { simulation.count(.aThousandTickets) }
            try simulation.rest()
        }
    }

    /// The history a script tells, looked at after every step.
    package static func of(
        _ script: Script,
        planted: Simulation.Planted = .init(),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) -> History {
        var simulation = Simulation(script, planted: planted, tell: tell)
        return History(&simulation) { simulation throws(Violation) in
            for action in script.actions { try simulation.take(action) }
            if script.rests { try simulation.rest() }
        }
    }

    private init(_ simulation: inout Simulation, _ body: (inout Simulation) throws(Violation) -> Void) {
        do throws(Violation) {
            try simulation.begin()
            try body(&simulation)
            failure = nil
        } catch {
            var script = simulation.script
            script.rests = simulation.isAtRest
            failure = Failure(violation: error, step: simulation.step, script: script)
        }
        steps = simulation.step
        crashes = simulation.crashes
        coverage = simulation.shell.world.coverage
        facts = simulation.shell.facts
    }
}
