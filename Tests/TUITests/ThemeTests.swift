import CTerm
import Testing

@testable import TUI

/// What a role looks like, by theme and by what the terminal can show.
struct ThemeTests {
    @Test(arguments: [
        ("red", Colour.indexed(1)), ("bright-red", .indexed(9)), ("grey", .indexed(8)), ("gray", .indexed(8)),
        ("default", .terminal), ("0", .indexed(0)), ("255", .indexed(255)),
        ("#ff8000", .rgb(red: 255, green: 128, blue: 0)), ("#FF8000", .rgb(red: 255, green: 128, blue: 0)),
    ])
    func coloursAreRead(_ word: String, _ expected: Colour) { #expect(Colour(word) == expected) }

    @Test(arguments: [
        "", "256", "-1", "+1", "#fff", "#gggggg", "#+fffff", "#ff80000", "bright-", "bright-grey", "Red", "é",
    ])
    func whatIsNoColourIsRefused(_ word: String) { #expect(Colour(word) == nil) }

    private static let depths: [ColourDepth] = [.none, .eight, .sixteen, .indexed, .direct(palette: 8)]

    @Test(arguments: [
        //                 none  8   16  256  direct
        (Colour.terminal, [-1, -1, -1, -1, -1]),
        (.indexed(3), [-1, 3, 3, 3, 3]),
        (.indexed(9), [-1, 1, 9, 9, 0xFF0000]),
        (.indexed(114), [-1, 2, 10, 114, 0x87D787]),
        (.rgb(red: 255, green: 0, blue: 0), [-1, 1, 9, 196, 0xFF0000]),
        (.rgb(red: 250, green: 250, blue: 250), [-1, 7, 15, 231, 0xFAFAFA]),
        (.rgb(red: 128, green: 128, blue: 128), [-1, 7, 8, 244, 0x808080]),
        (.rgb(red: 0, green: 0, blue: 0), [-1, 0, 0, 16, 0]),
        // Numbers below eight are places in the palette.
        (.rgb(red: 0, green: 0, blue: 5), [-1, 0, 0, 16, 8]),
    ])
    func everyDepthShowsTheNearest(_ colour: Colour, _ expected: [Int32]) {
        #expect(Self.depths.map { colour.number(at: $0) } == expected)
    }

    @Test func aTerminalsColoursSayHowDeepItIs() {
        #expect(
            [0, 2, 8, 16, 88, 256, 1 << 24].map { ColourDepth(colours: $0, palette: 8) }
                == [.none, .none, .eight, .sixteen, .sixteen, .indexed, .direct(palette: 8)]
        )
    }

    /// The whole table of one theme: what is drawn in which colours, and how.
    private func table(_ choice: String, on background: Theme.Background? = nil, depth: ColourDepth) throws -> String {
        let palette = Palette(try ThemeChoice(choice).theme(on: background), depth: depth)
        return Style.Role.allCases.map { role in
            let look = palette.look(of: Style(role: role))
            var words = ["\(role)"]
            if look.foreground >= 0 { words.append("\(look.foreground)") }
            if look.background >= 0 { words.append("on \(look.background)") }
            for (name, bit) in [
                ("bold", CT_BOLD), ("dim", CT_DIM), ("reverse", CT_REVERSE), ("underline", CT_UNDERLINE),
            ]
            where look.attributes & UInt32(bit) != 0 {
                words.append(name)
            }
            return words.joined(separator: " ")
        }.joined(separator: "\n")
    }

    @Test func withoutColourWeightTells() throws {
        let expected = """
            plain
            title bold
            heading dim
            dim dim
            rule dim
            key bold
            tab bold
            working
            landing bold
            waiting bold
            stopped
            failed bold
            done
            approved
            stale bold
            added
            removed
            hunk dim
            file bold
            tool
            match bold underline
            """
        #expect(try table("", depth: .none) == expected)
        #expect(try table("dark", depth: .none) == expected)
        for depth in Self.depths { #expect(try table("mono", depth: depth) == expected) }
    }

    @Test func eightColoursAreEnough() throws {
        let expected = """
            plain
            title bold
            heading dim
            dim dim
            rule dim
            key bold
            tab bold
            working 6
            landing 4 bold
            waiting 3 bold
            stopped 3
            failed 1 bold
            done 2
            approved 2
            stale 1 bold
            added 2
            removed 1
            hunk 6
            file bold
            tool 5
            match 0 on 3
            """
        for depth in [ColourDepth.eight, .sixteen] { #expect(try table("", depth: depth) == expected) }
        // Where the background is not known, the same eight are what can be read on any.
        for depth in [ColourDepth.indexed, .direct(palette: 8)] { #expect(try table("", depth: depth) == expected) }
    }

    @Test func aKnownBackgroundHasColoursOfItsOwn() throws {
        #expect(try table("auto", on: .dark, depth: .indexed) == table("dark", depth: .indexed))
        #expect(try table("auto", on: .light, depth: .indexed) == table("light", depth: .indexed))
        let dark = try table("dark", depth: .indexed)
        #expect(dark.contains("\nfailed 203 bold\n"))
        #expect(dark.contains("\nmatch 16 on 221") || dark.hasSuffix("\nmatch 16 on 221"))
        #expect(try table("light", depth: .direct(palette: 8)).contains("\nfailed \(0xD70000) bold\n"))
    }

    /// The contrast that WCAG asks for of text; rules are no text.
    @Test(arguments: [(Theme.Name.dark, UInt32(0x1E1E1E)), (.dark, 0), (.light, 0xFFFFFF), (.light, 0xFDF6E3)])
    func everyRoleCanBeRead(_ name: Theme.Name, _ background: UInt32) {
        let theme = Theme(name)
        for role in Style.Role.allCases where role != .rule {
            let look = theme[role].rich
            if look.foreground == .terminal { continue }
            let behind = look.background == .terminal ? Colour(rgb: background) : look.background
            let pair = [look.foreground.luminance, behind.luminance].sorted()
            let contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
            #expect(contrast >= 4, "\(role) in \(name): \(contrast)")
        }
    }

    @Test func theSelectedRowIsReversedAndNeverDim() {
        for depth in Self.depths {
            let palette = Palette(Theme(.auto), depth: depth)
            for role in Style.Role.allCases {
                let attributes = palette.look(of: Style(role: role).selected).attributes
                #expect(attributes & UInt32(CT_REVERSE) != 0 && attributes & UInt32(CT_DIM) == 0)
            }
        }
    }

    @Test func singleRolesAreTheUsers() throws {
        let changed = try table(
            " dark , failed = bold underline #ff5f5f, match=black on bright-yellow,added=reverse,dim=default",
            depth: .indexed
        )
        for line in ["failed 203 bold underline", "match 0 on 11", "added reverse", "dim", "done 114"] {
            #expect(changed.split(separator: "\n").contains { $0 == line }, "\(line)")
        }
        // What is said by colour alone is gone without; attributes stay.
        #expect(try table("failed=underline red", depth: .none).contains("\nfailed underline\n"))
        #expect(try ThemeChoice("").name == .auto)
        #expect(try ThemeChoice("mono").name == .mono)
    }

    @Test(arguments: [
        ("darc", "there is no theme named \"darc\"", "themes: auto, dark, light, mono; a role is ROLE=LOOK"),
        ("faild=red", "a theme has no role named \"faild\"", "roles: plain, title, heading"),
        (
            "failed=redd", "\"redd\", in the look of the role failed, is neither a colour nor an attribute",
            "colours: default"
        ),
        ("failed=#ff", "\"#ff\", in the look of the role failed, is neither", "#rrggbb; attributes: bold, dim"),
        (
            "failed=red blue", "the look of the role failed, \"red blue\", has not one colour in each place",
            "for example"
        ),
        ("failed=red on", "the look of the role failed, \"red on\", has not one colour in each place", "for example"),
        ("failed=", "the look of the role failed is empty", "for example failed=bold red on black"),
    ])
    func aMistakeIsNamed(_ choice: String, _ message: String, _ hint: String) {
        let problem = #expect(throws: ThemeChoice.Problem.self) { try ThemeChoice(choice) }
        #expect(problem?.message.hasPrefix(message) == true, "\(problem?.message ?? "")")
        #expect(problem?.hint.contains(hint) == true, "\(problem?.hint ?? "")")
    }

    @Test func theBackgroundIsToldByTheEnvironmentOrTheTerminal() {
        for (variable, expected): (String, Theme.Background?) in [
            ("15;0", .dark), ("0;15", .light), ("0;default;7", .light), ("15;default;8", .dark), ("", nil),
            ("0;", .dark),
            ("15;default", nil), ("1;99", nil),
        ] { #expect(Theme.Background(colorfgbg: variable) == expected, "\(variable)") }
        for (colour, expected): (UInt32, Theme.Background) in [
            (0, .dark), (0xFFFFFF, .light), (0x1E1E1E, .dark), (0xFDF6E3, .light), (0x002B36, .dark),
            (0x808080, .light),
            (0x6C6C6C, .dark),
        ] { #expect(Theme.Background(Colour(rgb: colour)) == expected, "\(String(colour, radix: 16))") }
    }
}
