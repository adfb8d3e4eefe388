#!/bin/sh
# Builds and runs the tests; arguments go to `swift test`. Printed are how many suites have passed, and all that failed, which
# is said once more at the end, where it is found; every line of the runner is in .build/test.log.
set -eu
cd "$(dirname "$0")/.."

swift build --build-tests
log=.build/test.log
status=$(mktemp)
trap 'rm -f "$status"' EXIT

# Leaves out what has started or passed. Arguments in such a line may hold line breaks: it goes on until it is over.
outcomes() {
    awk '
        /^(◇|✔)/ { hidden = 1 }
        /^✔ Suite / && ++passed % 25 == 0 { print passed " suites have passed"; fflush() }
        /^✘|^✔ Test run / { hidden = 0 }
        !hidden { print; fflush() }
        hidden && /(started|seconds)\.$/ { hidden = 0 }
    '
}

{
    swift test --skip-build "$@" 2>&1 && code=0 || code=$?
    echo "$code" >"$status"
} | tee "$log" | outcomes
code=$(cat "$status")
if [ "$code" -ne 0 ]; then
    printf '\nfailed, all of it in %s:\n' "$log"
    grep --no-group-separator -A 12 -E 'recorded an issue|error: |Fatal error' "$log" | grep -v -E '^(✔|◇) ' || tail -n 40 "$log"
fi
exit "$code"
