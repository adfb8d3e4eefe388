import IPC

extension Canvas {
    /// What just happened, or else the keys that work now.
    mutating func drawKeys(_ layout: Layout) {
        let y = layout.keysRow
        let columns = model.size.columns
        if let message = model.message { return draw(message, y: y) }
        let shown = hintedKeys
        // The ways out and to the help are always shown, and stand last; the others while there is room.
        let always: Set<Action> = [.help, .quit, .back]
        var room = columns - 1 - shown.filter { always.contains($0.action) }.reduce(0) { $0 + hintWidth($1) + 2 }
        func fits(_ binding: KeyBinding) -> Bool {
            let width = hintWidth(binding)
            guard width <= room else { return false }
            room -= width + 2
            return true
        }
        let major = shown.filter { always.contains($0.action) || fits($0) }
        let minor = minorKeys.filter(fits)
        let end = major.firstIndex { always.contains($0.action) } ?? major.count
        var x = 1
        for binding in major[..<end] + minor + major[end...] { x += drawHint(binding, x: x, y: y) + 2 }
    }

    /// Those that work now and are known by who has used them once.
    private var minorKeys: [KeyBinding] {
        let context = model.keyContext
        return model.preferences.keys.bindings.filter { $0.contexts.contains(context) && $0.minorHint(model) != nil }
    }

    /// Those that work now and that the status bar has a word for.
    var hintedKeys: [KeyBinding] {
        let context = model.keyContext
        return model.preferences.keys.bindings.filter { $0.contexts.contains(context) && $0.hint(model) != nil }
    }

    /// A key and what it does; the columns that takes.
    mutating func drawHint(_ binding: KeyBinding, x start: Int, y: Int) -> Int {
        let isPossible = binding.obstacle(model) == nil
        put(binding.name, x: start, y: y, style: isPossible ? .key : .dim)
        let x = start + Text(binding.name).width + 1
        put(word(for: binding), x: x, y: y, style: isPossible ? .plain : .dim)
        screen.target(binding.action, x: start, y: y, columns: hintWidth(binding))
        return hintWidth(binding)
    }

    private func word(for binding: KeyBinding) -> String { binding.hint(model) ?? binding.minorHint(model) ?? "" }

    private mutating func draw(_ message: Message, y: Int) {
        let style: Style =
            switch message.kind {
            case .done: .done
            case .refused: .waiting
            case .failed: .failed
            }
        let columns = model.size.columns
        if KeyContext.writing.contains(model.keyContext), drawInFull(message, y: y, style: style) { return }
        let used = put(message.text, x: 1, y: y, columns: columns - 2, style: style)
        if let hint = message.hint, columns - used > 12 {
            say(" · \(hint)", x: 1 + used, y: y, columns: columns - used - 2)
        }
    }

    /// What is wrong with a text that is being written is told in full, over the last rows; false: one row is enough.
    private mutating func drawInFull(_ message: Message, y: Int, style: Style) -> Bool {
        let columns = model.size.columns
        let rows = Text([message.text, message.hint].compactMap(\.self).joined(separator: "; ")).flowed(to: columns - 2)
        let room = min(rows.count, 5)
        guard room > 1 else { return false }
        for (number, row) in rows.prefix(room).enumerated() {
            let rowY = y - room + 1 + number
            screen.fill(x: 0, y: rowY, columns: columns, style: .plain)
            screen.put(row, x: 1, y: rowY, style: style)
        }
        return true
    }

    func hintWidth(_ binding: KeyBinding) -> Int {
        Text(binding.name).width + 1 + word(for: binding).utf8.count
    }

    /// How many tickets are in which state, and whether the daemon is there.
    mutating func drawCounts(_ layout: Layout) {
        let y = layout.countsRow
        // What is typed has the row where messages stand.
        if model.keyContext == .prompt, let message = model.message { return draw(message, y: y) }
        let (connection, style) = connectionWords
        let room = model.size.columns - 2
        // A long reason to halt leaves room for the counts.
        let isHalt = model.connection == .live && model.trouble == nil && model.halted != nil
        let end = Text(connection).cut(to: isHalt ? max(room / 2, 8) : room)
        screen.put(end, x: 1 + room - end.width, y: y, style: style, glyphs: glyphs)
        let left = room - end.width - 2
        let groups = TicketGroup.allCases.filter { model.tickets.count(of: $0) > 0 }
        let long = groups.map { "\(model.tickets.count(of: $0)) \($0.look(glyphs: glyphs).word)" }
        let short = groups.map { "\(model.tickets.count(of: $0))" }
        let oldestAge = oldestWait
        let oldest = oldestAge.map { "oldest waits \($0.text)" } ?? ""
        let spent = model.spending.sentence
        let few = glyphs.isPlain ? long : short
        // What matters least goes first: the words, what is spent, and how long somebody has waited for.
        let candidates = [(long, [oldest, spent]), (few, [oldest, spent]), (few, [oldest]), (few, [])]
        let (texts, more) =
            candidates.first { texts, more in
                let counts = texts.reduce(0) { $0 + $1.utf8.count + 4 }
                return more.reduce(counts) { $1.isEmpty ? $0 : $0 + $1.utf8.count + 2 } <= left + 2
            } ?? candidates[candidates.count - 1]
        var x = 1
        for (group, text) in zip(groups, texts) {
            guard x + text.utf8.count + 2 <= left else { return }
            let look = group.look(glyphs: glyphs)
            put(look.glyph, x: x, y: y, style: look.style)
            put(text, x: x + 2, y: y, style: look.style)
            x += text.utf8.count + 4
        }
        if more.contains(oldest), let oldestAge {
            screen.nextChange = min(screen.nextChange ?? oldestAge.nextChange, oldestAge.nextChange)
            x += put(oldest, x: x, y: y, style: .waiting) + 2
        }
        if more.contains(spent) { put(spent, x: x, y: y, style: spendingStyle) }
    }

    /// Nearly all of the day's budget is worth a look, and nothing starts once it is gone.
    private var spendingStyle: Style {
        guard let part = model.spending.part, part >= 0.8 else { return .dim }
        return part >= 1 ? .failed : .waiting
    }

    /// For how long the ticket that has waited longest for a person has.
    private var oldestWait: Age? {
        model.tickets.longestWaiting.flatMap { Moment($0.waitsSince) }.map { Age(from: $0, to: model.now) }
    }

    private var haltWords: (String, Style)? {
        model.halted.map { ($0.isEmpty ? "halted" : "halted: \($0)", .waiting) }
    }

    private var connectionWords: (String, Style) {
        switch model.connection {
        case .connecting: ("connecting", .dim)
        case .live: model.trouble.map { ($0, .failed) } ?? haltWords ?? ("live", .done)
        case .lost(let reason):
            model.size.columns >= 80 ? ("daemon gone: \(reason); trying again", .failed) : ("daemon gone", .failed)
        }
    }
}
