import Core
import Glibc

// Setting a slot's checkout up once: what its setup made lies in the declared caches, and stays there until something that
// decides what it makes is another.

extension VerificationCheckout {
    /// What the setup of a candidate in this checkout, which holds its files, depends on. Nil where it is to run for every
    /// tree: there is none, or nothing that it makes is kept.
    func setupName(_ candidate: Candidate, environment: [String: String]) throws(GitError) -> String? {
        guard let setup = candidate.rules.setup, !caches.isEmpty else { return nil }
        var surroundings = Surroundings(environment: environment)
        surroundings.add(command: setup.command)
        for name in caches { surroundings.add(cache: name) }
        for name in setup.copy { surroundings.add(contentOf: "\(path)/\(name)", as: name) }
        for input in setup.inputs ?? [] {
            if input.hasPrefix("/") || input.hasPrefix("~/") {
                surroundings.add(input: input)
            } else {
                surroundings.add(contentOf: "\(path)/\(input)", as: input)
            }
        }
        if setup.inputs == nil { surroundings.add(tree: candidate.tree) }
        return try surroundings.name(in: repository)
    }

    /// Whether the checkout is set up as `name` already, with every cache that was there then; otherwise it is about to be.
    func isSetUp(as name: String?) throws -> Bool {
        guard let name, let (done, next) = setupFiles else {
            forgetSetup()
            return false
        }
        let records = (GitFiles.read(done) ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        if records.first == name, records.dropFirst().allSatisfy({ GitFiles.exists("\(path)/\($0)") }) { return true }
        forgetSetup()
        try GitFiles.write(Array(name.utf8), to: next, for: "set up verification slot \(slot) of \(repository.id)")
        FaultPoint.setupIntended.pass()
        return false
    }

    /// Its setup has passed, if it was about to run.
    private func noteSetup() throws {
        guard let (done, next) = setupFiles, let name = GitFiles.read(next) else { return }
        let records = caches.map { $0.split(separator: "/").joined(separator: "/") }
            .filter { GitFiles.exists("\(path)/\($0)") }
        let bytes = name + records.flatMap { [0] + Array($0.utf8) }
        try GitFiles.write(bytes, to: done, for: "note the setup of verification slot \(slot) of \(repository.id)")
        FaultPoint.setupNoted.pass()
        unlink(next)
    }

    /// Looks at what the checks of a candidate left, and keeps in mind that it is set up.
    ///
    /// - Returns: which tracked files are not as they were.
    func conclude(_ candidate: Candidate, _ verdict: Verdict) throws -> [String] {
        let changed: [String]
        switch try inspect(tree: candidate.tree.text) {
        case .intact: changed = []
        case .changed(let paths): changed = paths
        case .moved(let to): changed = ["HEAD is at \(to ?? "nothing")"]
        }
        // What has changed the tree may have changed what is kept.
        if changed.isEmpty, !verdict.isOfSetup(candidate.rules) { try noteSetup() } else { forgetSetup() }
        return changed
    }

    /// The next tree is set up again.
    private func forgetSetup() {
        guard let (done, next) = setupFiles else { return }
        unlink(done)
        FaultPoint.setupForgotten.pass()
        unlink(next)
    }

    /// What it was set up as, and what it is being set up as; nil where there is no checkout.
    private var setupFiles: (done: String, next: String)? {
        repository.linkedCheckout(at: path).map {
            ("\($0.gitDirectory)/orch-setup", "\($0.gitDirectory)/orch-setup-next")
        }
    }
}

extension Verdict {
    /// The setup is what failed.
    fileprivate func isOfSetup(_ rules: Rules) -> Bool {
        guard rules.setup != nil, case .failed(index: 0, _, _) = self else { return false }
        return true
    }
}
