// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "orch",
    products: [
        .executable(name: "orch", targets: ["Orch"]),
        .executable(name: "orch-runner", targets: ["Runner"]),
        // For Benchmarks/, a package of its own.
        .library(name: "Core", targets: ["Core"]),
        .library(name: "Daemon", targets: ["Daemon"]),
        .library(name: "IPC", targets: ["IPC"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: Core: the domain, pure
        .target(
            name: "Core",
            swiftSettings: settings
        ),
        .testTarget(name: "CoreTests", dependencies: ["Core", "Simulator"], swiftSettings: settings),

        // MARK: Simulator: histories made by chance, in which Core is held to what is always true
        .target(name: "Simulator", dependencies: ["Core"], path: "Tests/Simulator", swiftSettings: settings),
        .executableTarget(
            name: "orch-simulate",
            dependencies: ["Simulator"],
            path: "Tests/Simulate",
            swiftSettings: settings
        ),

        // MARK: Sanitizers: what tests need to know of them
        .target(name: "Sanitizers", path: "Tests/Sanitizers", swiftSettings: settings),

        // MARK: CSystem: Linux calls the Glibc module does not export
        .target(name: "CSystem", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),

        // MARK: IPC: the wire
        .target(name: "IPC", dependencies: ["CSystem"], swiftSettings: settings),
        .testTarget(
            name: "IPCTests",
            dependencies: ["IPC", "CSystem", "Sanitizers"],
            exclude: ["Golden"],
            swiftSettings: settings
        ),

        // MARK: Daemon: the shell around Core
        .target(
            name: "Daemon",
            dependencies: [
                "Core", "IPC", "CSystem",
                .product(name: "GRDB", package: "GRDB.swift"),
                // For the one thing GRDB does not tell: which error of the system is behind one of SQLite's.
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Core", "Daemon", "IPC", "CSystem",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Golden", "Fixtures"],
            swiftSettings: settings
        ),

        // MARK: TUI: the dashboard, a client like any other
        .target(
            name: "CTerm",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]
        ),
        .target(name: "TUI", dependencies: ["IPC", "CTerm", "CSystem"], swiftSettings: settings),
        // The dashboard as a program, for the tests that drive it in a real terminal.
        .executableTarget(name: "TUIProbe", dependencies: ["TUI"], path: "Tests/TUIProbe", swiftSettings: settings),
        .testTarget(
            name: "TUITests",
            dependencies: ["TUI", "TUIProbe", "CTerm", "IPC", "CSystem", "Sanitizers"],
            exclude: ["Screens"],
            swiftSettings: settings
        ),

        // MARK: Orch: the executable `orch`
        .executableTarget(
            name: "Orch",
            dependencies: [
                "Core", "Daemon", "IPC", "TUI", "CSystem",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "OrchTests",
            dependencies: ["Orch", "Core", "Daemon", "IPC", "CSystem"],
            swiftSettings: settings
        ),

        // MARK: Runner: the executable `orch-runner`
        // One of them lives beside every agent: linked into one file it starts a millisecond sooner, takes a quarter of
        // the memory, and depends on no library that an upgrade replaces under it.
        .executableTarget(
            name: "Runner",
            dependencies: ["CSystem"],
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]
        ),

        // MARK: Fuzzing: what must hold of any bytes; the corpus is replayed by the tests
        .target(
            name: "FuzzTargets",
            dependencies: ["Core", "IPC", "Daemon", "TUI"],
            path: "Tests/Fuzzing/Targets",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "orch-fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzzing/Driver",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
        ),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], swiftSettings: settings),

        // MARK: End to end: the built programs `orch` and `orch-runner`, real git, scripted agents
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["IPC", "CSystem", "Daemon", "Orch", "Runner", "Sanitizers"],
            exclude: ["Agents"],
            swiftSettings: settings
        ),
    ]
)
