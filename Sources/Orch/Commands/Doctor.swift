import ArgumentParser
import IPC

struct Doctor: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that everything orch needs is there; exit status 1 if something is missing."
    )

    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let findings = try Examination(global, repository, console).findings()
        let isWell = findings.allSatisfy { $0.level != .fail }
        if global.json {
            console.write(json: [
                "ok": .bool(isWell),
                "checks": .array(
                    findings.map { finding in
                        var object: JSONObject = [
                            "name": .string(finding.name), "level": .string(finding.level.rawValue),
                            "message": .string(finding.message),
                        ]
                        object["hint"] = finding.hint.map(JSONValue.string)
                        return .object(object)
                    }
                ),
            ])
            return isWell ? .done : .failed
        }
        let width = findings.map(\.name.count).max() ?? 0
        for finding in findings {
            let level = finding.level.rawValue + String(repeating: " ", count: 4 - finding.level.rawValue.count)
            let shown = console.styled(level, finding.level.style)
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            console.write("\(shown)  \(name)  \(SafeText.line(finding.message))")
            if let hint = finding.hint {
                console.write("\(String(repeating: " ", count: width + 8))→ \(SafeText.line(hint))")
            }
        }
        return isWell ? .done : .failed
    }
}
