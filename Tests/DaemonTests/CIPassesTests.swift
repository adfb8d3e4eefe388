import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct CIPassesTests {
    @Test func onlyTheNewestAreKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let passes = try CIPasses(of: repository, in: scratch.state, keeping: 3)
        let proofs = try (0..<5).map { number in
            let proof = Proof(tree: ObjectID(try scratch.tip()), fingerprint: "\(number)")
            let entry = CIPasses.Entry(commit: "\(number)", time: "", checks: [])
            // As if each had been given a second after the one before.
            for name in GitFiles.names(in: passes.folder) { try age(passes.folder + "/" + name) }
            try passes.note(entry, of: proof, from: 0)
            return proof
        }
        #expect(try proofs.map { try passes.entry(of: $0)?.commit } == [nil, nil, "2", "3", "4"])
    }

    private func age(_ path: String) throws {
        var status = stat()
        try #require(stat(path, &status) == 0)
        status.st_mtim.tv_sec -= 1
        try #require(utimensat(AT_FDCWD, path, [status.st_atim, status.st_mtim], 0) == 0)
    }
}
