import ArgumentParser
import Core
import Daemon
import Logging

struct DaemonCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "Run the daemon in the foreground; its log goes to standard error."
    )

    @Option(
        name: .long,
        help: ArgumentHelp("What becomes of running agents when it ends: detach, wait or halt.", valueName: "what")
    )
    var onStop: StopChoice = .detach
    @Option(
        name: .long,
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level")
    )
    var logLevel: LogLevel = .info
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        // It would end with the run.
        try InsideRun.refuse("orch daemon", global, console)
        let settings = try global.settings(console)
        let paths = try global.paths(console)
        let runner = Programs.runner()
        guard Programs.isExecutable(runner) else {
            throw CommandError.failed("there is no \(runner)", hint: "install orch-runner beside orch")
        }
        let (redactor, missing) = try SecretValues.load(settings.settings.secrets, environment: console.environment)
        var logger = Logger(label: "orch") { _ in LogLines(redactor: redactor) }
        logger.logLevel = logLevel.level
        for sentence in missing { logger.warning("\(sentence)") }
        let options = Daemon.Options(
            paths: paths,
            user: settings.settings,
            environment: console.environment,
            runner: runner,
            version: Version.number,
            onStop: onStop.value,
            redactor: redactor
        )
        try Daemon(options, logger: logger).run()
        return .done
    }
}

/// `OnStop` as an option.
enum StopChoice: String, ExpressibleByArgument, CaseIterable {
    case detach, wait, halt

    var value: OnStop {
        switch self {
        case .detach: .detach
        case .wait: .wait
        case .halt: .halt
        }
    }
}

/// `Logger.Level` as an option.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level {
        guard let level = Logger.Level(rawValue: rawValue) else {
            preconditionFailure("\(rawValue) is a level of swift-log")
        }
        return level
    }
}
