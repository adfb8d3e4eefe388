#!/bin/sh
# Writes the fixture of the newest schema: schema-N.sql, to be committed with the migration that made it.
# What lies here already is of released versions, and never written again.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ORCH_FIXTURE="$folder/orch.db" swift test --package-path ../../.. --filter DaemonTests.StoredFormatTests/aFixtureIsMade
version=$(sqlite3 "$folder/orch.db" 'PRAGMA user_version')
target="schema-$version.sql"
if [ -e "$target" ]; then
    echo "$target is there already; a released fixture is never changed" >&2
    exit 1
fi
{
    sqlite3 "$folder/orch.db" .dump
    echo "PRAGMA user_version = $version;"
    echo "PRAGMA application_id = $(sqlite3 "$folder/orch.db" 'PRAGMA application_id');"
} >"$target"
echo "wrote $target"
