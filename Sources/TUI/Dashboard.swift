import CSystem
import IPC

/// `orch tui`: tickets and agents on one screen, and the keys that move them.
public enum Dashboard {
    /// Shows the dashboard until the user quits; blocks the calling thread, which may be any one.
    ///
    /// The terminal is given back whatever happens. `environment` says what the user prefers: `NO_COLOR` for no
    /// colour, `ORCH_ASCII` for no drawn characters.
    ///
    /// `startDaemon` starts one, which may take its time; where it is given, the dashboard offers that when no daemon runs.
    ///
    /// Returns the exit status: 0, or after a sentence on standard error 2 where there is no usable terminal and 3
    /// where no daemon listens at `socketPath` and none can be started.
    public static func run(
        socketPath: String,
        environment: [String: String],
        preferences: Preferences = Preferences(),
        startDaemon: (@Sendable () throws(StartFailure) -> Void)? = nil
    ) -> Int32 {
        run(
            socketPath: socketPath,
            environment: environment,
            preferences: preferences,
            startDaemon: startDaemon,
            watcher: nil
        )
    }

    static func run(
        socketPath: String,
        environment: [String: String],
        preferences: Preferences = Preferences(),
        startDaemon: (@Sendable () throws(StartFailure) -> Void)? = nil,
        watcher: ((Loop.Sight) -> Void)?
    ) -> Int32 {
        do throws(Terminal.Refusal) {
            try Terminal.check()
            let link: DaemonLink?
            do throws(DaemonLink.Unreachable) {
                link = try DaemonLink(path: socketPath)
            } catch  where error.isAbsent && startDaemon != nil {
                link = nil
            } catch {
                complain(error.error.message, hint: error.error.hint)
                return error.error.code.exitStatus
            }
            let terminal = try Terminal.begin(environment: environment, preferences: preferences)
            var loop = Loop(
                terminal: terminal,
                link: link,
                socketPath: socketPath,
                environment: environment,
                preferences: preferences,
                starter: startDaemon.map(DaemonStarter.init),
                watcher: watcher
            )
            loop.run()
            loop.end()
            return 0
        } catch {
            complain(error.message, hint: error.hint)
            return 2
        }
    }

    /// Why a daemon did not start, in a sentence, and what to do about it.
    public struct StartFailure: Error {
        public var message: String
        public var hint: String?

        public init(message: String, hint: String?) {
            self.message = message
            self.hint = hint
        }
    }

    /// What would keep the dashboard from being shown here, and what to do about it; nil where nothing would.
    public static func obstacle() -> (message: String, hint: String)? {
        do throws(Terminal.Refusal) { try Terminal.check() } catch { return (error.message, error.hint) }
        return nil
    }

    private static func complain(_ message: String, hint: String?) {
        var text = "orch: \(message)\n"
        if let hint { text += "hint: \(hint)\n" }
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cs_write_error($0.baseAddress, $0.count) }
        }
    }
}
