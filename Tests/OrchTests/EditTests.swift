import Foundation
import Glibc
import IPC
import Testing

/// `orch edit`, with a real daemon.
@Suite struct EditTests {
    /// Two agents at work on tickets that never end, so that what comes after them is queued.
    private func world() throws -> World {
        let world = try World(approve: "human", agent: "exec sleep 1000")
        try world.write("repo/t.yaml", "- {title: One}\n- {title: Two}\n")
        #expect(try world.orch("run", "t.yaml").status == 0)
        #expect(try world.orch("new", "Three", "--lock", "src/**").output == "T-3\n")
        return world
    }

    @Test func `options change a queued ticket, and what cannot be changed is said`() throws {
        let world = try world()
        let edit = try world.orch(
            "edit",
            "T-3",
            "--title",
            "Drei",
            "--priority",
            "-2",
            "--lock",
            "docs/**",
            "--lock",
            "resource:db",
            "--description",
            "Do it\n",
            "--json"
        )
        #expect(edit.status == 0, "\(edit.error)")
        #expect(try edit.json["priority"] == -2 && edit.json["title"] == "Drei")
        #expect(try edit.json["locks"] == ["docs/**", "resource:db"])
        #expect(try world.orch("show", "T-3").output.contains("Do it"))
        #expect(try world.orch("edit", "T-3", "--no-locks", "--json").json["locks"] == [])
        let told = try world.orch("edit", "T-3", "--priority", "1").output
        #expect(told.hasPrefix("T-3  queued: waits for "), "\(told)")

        #expect(try world.orch("edit", "T-3", "--depends-on", "T-1", "--json").json["depends_on"] == ["T-1"])
        let circle = try world.orch("edit", "T-3", "--depends-on", "T-3")
        #expect(circle.error.contains("tickets depend on each other in a circle: T-3 → T-3"), "\(circle.error)")
        #expect(try world.orch("edit", "T-3", "--no-depends-on", "--json").json["depends_on"] == [])

        let running = try world.orch("edit", "T-1", "--priority", "3")
        #expect(running.status == 5)
        #expect(running.error == "orch: cannot edit T-1: it is running\nhint: `orch stop T-1` first\n")
        let bad = try world.orch("edit", "T-3", "--title", " ")
        #expect(bad.status == 2 && bad.error.contains("the title is empty"), "\(bad.error)")
        #expect(try world.orch("edit", "T-3", "--agent", "nobody").error.contains("there is no agent profile `nobody`"))
        let nothing = try world.orch("edit", "T-3")
        #expect(nothing.status == 2 && nothing.error.contains("no terminal"), "\(nothing.error)")
    }

    @Test(.enabled(if: access("/usr/bin/script", X_OK) == 0, "needs script, for a terminal"))
    func `in the editor a problem comes back with its place, and nothing typed is lost`() throws {
        let world = try world()
        #expect(try world.orch("edit", "T-3", "--description", " First: *line*\n\n# Second\n").status == 0)
        // The first time it makes a mistake, the second time it is told of it and mends it.
        try world.write(
            "editor.sh",
            """
            #!/bin/sh
            set -e
            cat "$2" >> "$1/seen"
            if grep -q '^# problem: ' "$2"; then sed -i 's/high/5/' "$2"
            else sed -i 's/^priority: 0$/priority: high/; s/Second/Third/; s/^depends_on: .*/depends_on: [T-1]/' "$2"; fi
            """,
            mode: 0o755
        )
        func session(_ editor: String) throws -> World.Call {
            try world.shell(
                "TMPDIR='\(world.root)' VISUAL='\(editor)' script -qec \"$ORCH edit T-3\" /dev/null < /dev/null"
            )
        }
        let edit = try session("\(world.root)/editor.sh \(world.root)")
        #expect(edit.status == 0, "\(edit.output)")
        let seen = try world.read("seen")
        #expect(seen.hasPrefix("# T-3, queued."), "\(seen)")
        #expect(
            seen.contains(
                "# problem: line 4, column 11: `priority` is the text `high`; write a whole number, higher first\n# T-3,"
            ),
            "\(seen)"
        )
        let row = try world.orch("show", "T-3", "--json").json
        #expect(row["priority"] == 5)
        #expect(row["depends_on"] == ["T-1"])
        #expect(try world.orch("show", "T-3").output.contains("# Third"))
        func files() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: world.root).filter { $0.hasPrefix("orch-edit-") }
        }
        #expect(try files() == [])

        // An editor that changes nothing changes nothing; one that fails leaves the file, and it is named.
        #expect(try session("true").output.contains("nothing was changed"))
        #expect(try files() == [])
        try world.write("failing.sh", "#!/bin/sh\necho 'title: Typed' > \"$1\"; exit 1\n", mode: 0o755)
        let failed = try session("\(world.root)/failing.sh")
        let left = try files()
        #expect(left.count == 1 && failed.output.contains(left[0]), "\(failed.output)")
        #expect(try world.read(left[0]) == "title: Typed\n")
        #expect(try world.orch("show", "T-3", "--json").json["title"] == "Three")
    }
}
