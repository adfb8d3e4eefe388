#!/bin/sh
# Builds and runs the tests; arguments go to `swift test`. What failed is said once more at the end, where it is found.
set -eu
cd "$(dirname "$0")/.."

swift build --build-tests
log=$(mktemp)
status=$(mktemp)
trap 'rm -f "$log" "$status"' EXIT
{
    swift test --skip-build "$@" 2>&1 && code=0 || code=$?
    echo "$code" >"$status"
} | tee "$log"
code=$(cat "$status")
if [ "$code" -ne 0 ]; then
    printf '\nfailed:\n'
    grep -A 12 -E 'recorded an issue|error: |Fatal error' "$log" | grep -v -E '^(✔|◇) ' || tail -n 40 "$log"
fi
exit "$code"
