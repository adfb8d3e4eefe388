import GRDB

/// The tables, and how they came to be. A migration that has been released is never edited: append another.
enum Schema {
    /// What each version added, oldest first.
    private static let versions = [first, second, third, fourth, fifth, sixth, seventh]
    /// The version a database has when this program has opened it. It stands in the file's first page, so that an older
    /// orch can see that it is too old before it opens the file.
    static var version: Int { versions.count }

    static var migrator: DatabaseMigrator { migrator(to: version) }

    /// - Parameter last: for tests, which make databases as older versions left them.
    static func migrator(to last: Int) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (index, sql) in versions.prefix(last).enumerated() {
            let version = index + 1
            migrator.registerMigration("\(version)") { database in
                try database.execute(sql: sql)
                // The first version did not say which it was.
                if version > 1 { try database.execute(sql: "PRAGMA user_version = \(version)") }
            }
        }
        return migrator
    }

    /// Every table this version reads or writes.
    static let tables = [
        "counters", "daemon", "repositories", "agents", "tickets", "descriptions", "locks", "runs", "events",
        "passes", "usage",
    ]

    /// The file says whose it is, and its version: `orch` in ASCII.
    private static let second = "PRAGMA application_id = 0x6f726368;"

    /// What has passed, for every ticket of its repository.
    private static let third = """
        CREATE TABLE passes (
            repository TEXT NOT NULL REFERENCES repositories (id),
            tree TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            surroundings TEXT NOT NULL,
            ticket TEXT NOT NULL REFERENCES tickets (id),
            time INTEGER NOT NULL,
            PRIMARY KEY (repository, tree, fingerprint, surroundings)
        ) STRICT, WITHOUT ROWID;
        """

    /// People hold locks as well.
    private static let fourth = """
        CREATE TABLE held (
            fence INTEGER PRIMARY KEY CHECK (fence > 0),
            repository TEXT NOT NULL REFERENCES repositories (id),
            ticket TEXT REFERENCES tickets (id),
            person TEXT CHECK ((person IS NULL) != (ticket IS NULL)),
            pattern TEXT NOT NULL,
            body TEXT NOT NULL,
            UNIQUE (repository, pattern)
        ) STRICT;
        INSERT INTO held SELECT fence, repository, ticket, NULL, pattern, body FROM locks;
        DROP TABLE locks;
        ALTER TABLE held RENAME TO locks;
        CREATE INDEX locks_by_ticket ON locks (ticket);
        """

    /// A verifier's run knows the commit whose tree it judged; those from before do not.
    private static let fifth = "ALTER TABLE runs ADD COLUMN commit_id TEXT;"

    /// What one ticket went through is found without looking at what all the others did.
    private static let sixth = "CREATE INDEX events_by_ticket ON events (ticket) WHERE ticket IS NOT NULL;"

    /// What each run used on each day: every sum is one of these. Costs in millionths of a US dollar. And a run may end so that
    /// nobody knows what it came to.
    private static let seventh = """
        CREATE TABLE attempts (
            ticket TEXT NOT NULL REFERENCES tickets (id),
            number INTEGER NOT NULL CHECK (number > 0),
            name TEXT NOT NULL,
            stage TEXT NOT NULL CHECK (stage IN ('setup', 'work', 'verify')),
            tree TEXT,
            state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'passed', 'failed', 'stopped', 'timed_out',
                'lost', 'unknown')),
            requested INTEGER NOT NULL,
            started INTEGER,
            ended INTEGER CHECK ((ended IS NOT NULL) = (state NOT IN ('starting', 'running'))),
            outcome TEXT CHECK ((outcome IS NOT NULL) = (ended IS NOT NULL)),
            commit_id TEXT,
            PRIMARY KEY (ticket, number)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO attempts SELECT ticket, number, name, stage, tree, state, requested, started, ended, outcome, commit_id
            FROM runs;
        DROP TABLE runs;
        ALTER TABLE attempts RENAME TO runs;

        CREATE TABLE usage (
            ticket TEXT NOT NULL,
            run INTEGER NOT NULL,
            day INTEGER NOT NULL,
            profile TEXT NOT NULL,
            input INTEGER NOT NULL,
            output INTEGER NOT NULL,
            cache_read INTEGER NOT NULL,
            cache_write INTEGER NOT NULL,
            cost INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            PRIMARY KEY (ticket, run, day),
            FOREIGN KEY (ticket, run) REFERENCES runs (ticket, number)
        ) STRICT, WITHOUT ROWID;
        """

    /// Columns are what SQLite can hold us to; `body` is the whole value as JSON, which Core alone reads.
    private static let first = """
        CREATE TABLE counters (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            body TEXT NOT NULL
        ) STRICT;

        CREATE TABLE daemon (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            row TEXT NOT NULL
        ) STRICT;

        CREATE TABLE repositories (
            id TEXT NOT NULL PRIMARY KEY,
            path TEXT NOT NULL UNIQUE,
            target TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;

        CREATE TABLE agents (
            number INTEGER PRIMARY KEY CHECK (number > 0),
            ticket TEXT UNIQUE REFERENCES tickets (id),
            body TEXT NOT NULL
        ) STRICT;

        CREATE TABLE tickets (
            id TEXT NOT NULL PRIMARY KEY,
            serial INTEGER NOT NULL UNIQUE CHECK (serial > 0),
            repository TEXT NOT NULL REFERENCES repositories (id),
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'stopped', 'awaiting_approval', 'landing',
                'needs_human_review', 'merged', 'cancelled')),
            created INTEGER NOT NULL,
            since INTEGER NOT NULL,
            finished INTEGER CHECK ((finished IS NOT NULL) = (state IN ('merged', 'cancelled'))),
            evidence TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX tickets_by_state ON tickets (state);

        CREATE TABLE descriptions (
            ticket TEXT NOT NULL PRIMARY KEY REFERENCES tickets (id),
            text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 1048576)
        ) STRICT;

        -- No two tickets can hold the same pattern; that no two hold conflicting ones is for Core.
        CREATE TABLE locks (
            fence INTEGER PRIMARY KEY CHECK (fence > 0),
            repository TEXT NOT NULL REFERENCES repositories (id),
            ticket TEXT NOT NULL REFERENCES tickets (id),
            pattern TEXT NOT NULL,
            body TEXT NOT NULL,
            UNIQUE (repository, pattern)
        ) STRICT;
        CREATE INDEX locks_by_ticket ON locks (ticket);

        CREATE TABLE runs (
            ticket TEXT NOT NULL REFERENCES tickets (id),
            number INTEGER NOT NULL CHECK (number > 0),
            name TEXT NOT NULL,
            stage TEXT NOT NULL CHECK (stage IN ('setup', 'work', 'verify')),
            tree TEXT,
            state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'passed', 'failed', 'stopped', 'timed_out',
                'lost')),
            requested INTEGER NOT NULL,
            started INTEGER,
            ended INTEGER CHECK ((ended IS NOT NULL) = (state NOT IN ('starting', 'running'))),
            outcome TEXT CHECK ((outcome IS NOT NULL) = (ended IS NOT NULL)),
            PRIMARY KEY (ticket, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE events (
            seq INTEGER PRIMARY KEY CHECK (seq > 0),
            name TEXT NOT NULL,
            ticket TEXT,
            line BLOB NOT NULL
        ) STRICT;
        """
}
