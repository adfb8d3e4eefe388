// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let strictC: [CSetting] = [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]

/// A program that measures the real `orch` and `orch-runner`.
func benchmark(_ name: String, _ folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["Measuring", "agent", .product(name: "IPC", package: "orch")] + dependencies,
        path: "Sources/\(folder)",
        swiftSettings: settings
    )
}

// A package of its own, so that building orch does not build what measures it. scripts/bench.sh runs what is in it.
let package = Package(
    name: "orch-benchmarks",
    dependencies: [.package(name: "orch", path: "..")],
    targets: [
        .target(name: "CBus", cSettings: strictC),
        .executableTarget(
            name: "bus",
            dependencies: ["CBus", .product(name: "IPC", package: "orch")],
            path: "Sources/Bus",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "scheduling",
            dependencies: [.product(name: "Core", package: "orch")],
            path: "Sources/Scheduling",
            swiftSettings: settings
        ),
        .target(name: "CMeasuring", cSettings: strictC),
        .target(
            name: "Measuring",
            dependencies: ["CMeasuring", .product(name: "IPC", package: "orch")],
            swiftSettings: settings
        ),
        // Static: what is measured is how orch starts a program, not how the loader does.
        .executableTarget(
            name: "agent",
            path: "Sources/Agent",
            cSettings: strictC,
            linkerSettings: [.unsafeFlags(["-static-executable"])]
        ),
        .target(name: "CStore", cSettings: strictC, linkerSettings: [.linkedLibrary("sqlite3")]),
        benchmark("start", "Start"),
        benchmark("runner", "RunnerCost"),
        benchmark("store", "Store", ["CStore"]),
        benchmark("land", "Land"),
        benchmark("verify", "Verify"),
        benchmark(
            "snapshot",
            "Snapshot",
            [.product(name: "Core", package: "orch"), .product(name: "Daemon", package: "orch")]
        ),
        benchmark("recovery", "Recovery", ["CStore"]),
        benchmark(
            "parse",
            "Parse",
            [.product(name: "Core", package: "orch"), .product(name: "Daemon", package: "orch")]
        ),
        benchmark("flood", "Flood"),
        benchmark("overhead", "Overhead"),
        // What a dashboard could cost at the least: a list, ncurses and one poll.
        .executableTarget(
            name: "plainlist",
            path: "Sources/PlainList",
            cSettings: strictC,
            linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]
        ),
        benchmark("dashboard", "Dashboard", ["CMeasuring", "plainlist"]),
    ]
)
