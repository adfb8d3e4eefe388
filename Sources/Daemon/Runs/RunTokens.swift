import Core
import Synchronization

/// By what the tools of a run show that they are the run's: 32 random bytes that only its agent is given, in the file `token`
/// of the run's folder. Never logged, and in no event.
final class RunTokens: Sendable {
    static let file = "token"
    private let known = Mutex<[RunID: [UInt8]]>([:])
    private let folder: @Sendable (RunID) -> RunFolder

    init(folder: @escaping @Sendable (RunID) -> RunFolder) { self.folder = folder }

    /// The token of a run that is about to begin: the one it has, or a new one.
    static func make(in folder: RunFolder) throws(RunFailure) -> String {
        if let bytes = folder.read(file), !bytes.isEmpty { return String(decoding: bytes, as: UTF8.self) }
        var kernel = SystemRandomNumberGenerator()
        let random = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &kernel) }
        let token = random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        _ = try folder.create()
        try folder.write(file, Array(token.utf8))
        return token
    }

    /// Whether it is the run's. Takes as long whatever of it is right.
    func hold(_ token: String, for run: RunID) -> Bool {
        guard let own = self.token(of: run) else { return false }
        let given = Array(token.utf8)
        guard own.count == given.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(own, given) { difference |= a ^ b }
        return difference == 0
    }

    private func token(of run: RunID) -> [UInt8]? {
        if let token = known.withLock({ $0[run] }) { return token }
        guard let read = folder(run).read(Self.file), !read.isEmpty else { return nil }
        known.withLock { $0[run] = read }
        return read
    }
}
