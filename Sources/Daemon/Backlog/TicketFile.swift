public import Core

/// Tickets read from files, and everything that is wrong with them.
public struct TicketBatch: Sendable {
    /// In the order of the files. Not to be enqueued while there are problems.
    public internal(set) var drafts: [TicketDraft] = []
    public internal(set) var problems: [FileProblem] = []

    /// Where the parts of each draft are.
    var places: [DraftPlaces] = []

    /// A problem with a draft that only the backlog or the configuration can know, at its place in the file.
    ///
    /// - Parameters:
    ///   - draft: its index in `drafts`.
    ///   - index: which element of the field, where that is a list.
    public func problem(draft: Int, field: TicketDraft.Field, index: Int? = nil, _ message: String) -> FileProblem {
        let places = places[draft]
        return FileProblem(file: places.file, at: places.place(of: field, index: index), message)
    }
}

/// Where the parts of a draft are in its file.
struct DraftPlaces: Sendable {
    let file: String
    let ticket: DocumentPlace
    var fields: [TicketDraft.Field: DocumentPlace] = [:]
    /// Of the elements of `depends_on` and `locks`.
    var elements: [TicketDraft.Field: [DocumentPlace]] = [:]

    func place(of field: TicketDraft.Field, index: Int? = nil) -> DocumentPlace {
        if let index, let places = elements[field], index < places.count { return places[index] }
        return fields[field] ?? ticket
    }
}

/// The only place that reads ticket files.
///
/// A file is YAML or JSON, of one ticket, a list of them, or an object whose `tickets` is such a list; YAML may have
/// several documents, JSON several values. A file whose name ends in `.json` is JSON alone. One whose name ends in `.md`
/// is a ticket as Markdown (`MarkdownTicket`).
///
/// Kinds are told as the core schema of YAML 1.2 does: `yes`, `on` and dates are text, `true`, `3` and `1.5` are not,
/// and a title of that kind has to be quoted. Ids are the exception: one written as a number, in `id` or `depends_on`,
/// is taken as it is spelled. A key without a value counts as left out.
public enum TicketFile {
    /// How many problems are told of before the rest is counted.
    static let maximumProblems = 100

    /// Reads one file; `name` is what its problems are told with.
    public static func parse(_ bytes: [UInt8], name: String) -> TicketBatch {
        finished([unchecked(bytes, name: name)])
    }

    /// Reads files, `-` being standard input, as one batch: ids and dependencies go across them.
    ///
    /// With `regularOnly`, pipes and devices are refused, which could keep the caller waiting for ever.
    public static func read(_ paths: [String], regularOnly: Bool = false) -> TicketBatch {
        finished(
            paths.map { path in
                let name = path == "-" && !regularOnly ? "standard input" : path
                func refusal(_ message: String) -> TicketBatch {
                    TicketBatch(problems: [FileProblem(file: name, message: message)])
                }
                return switch FileBytes.read(path, regularOnly: regularOnly) {
                case .bytes(let bytes): unchecked(bytes, name: name)
                case .missing: refusal("there is no such file")
                case .failed(let reason): refusal("the file \(reason)")
                }
            }
        )
    }

    /// Puts files together, and checks what goes across tickets.
    private static func finished(_ parts: [TicketBatch]) -> TicketBatch {
        var batch = TicketBatch()
        for part in parts {
            batch.drafts += part.drafts
            batch.places += part.places
            batch.problems += part.problems
        }
        batch.checkIds()
        batch.checkCycles()
        let more = batch.problems.count - maximumProblems
        if more > 0 {
            batch.problems.removeLast(more)
            let file = batch.problems.last?.file ?? ""
            batch.problems.append(FileProblem(file: file, message: "and \(more) more problems like these"))
        }
        return batch
    }

    private static func unchecked(_ bytes: [UInt8], name: String) -> TicketBatch {
        var batch = TicketBatch()
        do throws(FileProblems) {
            let source = try SourceText(bytes, name: name)
            let markdown = MarkdownTicket.isNamedAsOne(name) ? try MarkdownTicket(source, name: name) : nil
            let outcome =
                if let markdown { markdown.frontMatter.map(YAMLReader.read) ?? YAMLReader.Outcome() } else {
                    documents(source, name: name)
                }
            batch.problems = outcome.problems.map { FileProblem(file: name, at: $0.place, $0.message) }
            var reader = TicketReader(file: name)
            if let markdown {
                // What could not be read says nothing about the rest.
                if batch.problems.isEmpty { reader.readMarkdown(outcome.documents.first, markdown.body) }
            } else {
                for document in outcome.documents { reader.readDocument(document) }
            }
            batch.drafts = reader.drafts
            batch.places = reader.places
            batch.problems += reader.problems
            batch.problems.sort { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }
            if reader.isEmpty, batch.problems.isEmpty {
                batch.problems = [
                    FileProblem(file: name, message: "the file has no ticket; write one, such as `title: …`")
                ]
            }
        } catch {
            batch.problems = error.problems
        }
        return batch
    }

    private static func documents(_ source: SourceText, name: String) -> YAMLReader.Outcome {
        let first = source.bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let mustBeJSON = name.lowercased().hasSuffix(".json")
        guard mustBeJSON || first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            return YAMLReader.read(source)
        }
        // JSON proper goes first, because YAML's parser does not know all of JSON's escapes.
        var json = YAMLReader.Outcome()
        var parser = JSONDocumentParser(source.bytes)
        var isJSON = true
        do throws(JSONDocumentParser.Failure) {
            while let value = try parser.parseNext() { json.documents.append(value) }
        } catch {
            isJSON = false
            json.problems.append((error.place, error.message))
        }
        json.problems = parser.duplicates.map { ($0.place, $0.message) } + json.problems
        if isJSON || mustBeJSON { return json }
        let yaml = YAMLReader.read(source)
        let isYAML = !yaml.problems.contains { $0.message.hasPrefix("not YAML") }
        return isYAML || name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? yaml : json
    }
}

extension TicketBatch {
    fileprivate mutating func checkIds() {
        var first: [TicketID: Int] = [:]
        for (index, draft) in drafts.enumerated() {
            guard let id = draft.id else { continue }
            guard let other = first[id] else {
                first[id] = index
                continue
            }
            let place = places[other].place(of: .id)
            let there =
                places[other].file == places[index].file ? "line \(place.line)" : "\(places[other].file):\(place.line)"
            problems.append(
                problem(draft: index, field: .id, "the id \(quoted(id.text)) is already that of the ticket in \(there)")
            )
        }
    }

    fileprivate mutating func checkCycles() {
        var byId: [TicketID: Int] = [:]
        for (index, draft) in drafts.enumerated() {
            if let id = draft.id, byId[id] == nil { byId[id] = index }
        }
        let ids = drafts.compactMap(\.id)
        let cycles = DependencyCycles.find(from: ids, dependencies: { byId[$0].map { drafts[$0].dependsOn } ?? [] })
        for cycle in cycles {
            guard let index = byId[cycle[0]] else { preconditionFailure("a cycle goes through known tickets") }
            let element = drafts[index].dependsOn.firstIndex(of: cycle[1])
            problems.append(
                problem(
                    draft: index,
                    field: .dependsOn,
                    index: element,
                    "the dependencies go in a circle, \(DependencyCycles.describe(cycle)); take one of them away"
                )
            )
        }
    }
}
