#!/bin/sh
# The tests under the address sanitizer and then under the thread sanitizer; ends with an error if either finds
# anything. Arguments go to `swift test`.
set -eu
cd "$(dirname "$0")/.."

# XCTest itself leaks a little at its end.
export ASAN_OPTIONS=detect_leaks=0
export TSAN_OPTIONS="halt_on_error=0"
for sanitizer in ${ORCH_SANITIZERS:-address thread}; do
    echo "== the $sanitizer sanitizer =="
    scratch=.build/sanitize-$sanitizer
    swift build --build-tests --scratch-path "$scratch" --sanitize "$sanitizer"
    swift test --skip-build --scratch-path "$scratch" --sanitize "$sanitizer" "$@"
done
