#!/bin/sh
# Builds orch and what measures it, and prints figures: all of them, or those named.
#   scripts/bench.sh [start|runner|store|durability|land|verify|snapshot|recovery|bus|scheduling|flood|dashboard|parse|overhead]…
# TMPDIR says where the repositories and databases of the measurements lie.
set -eu
cd "$(dirname "$0")/.."

all="start runner store durability land verify snapshot recovery bus scheduling flood dashboard parse overhead"
# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $all
for name in "$@"; do
    case " $all " in
        *" $name "*) ;;
        *)
            echo "bench: there is no benchmark '$name'; known: $all" >&2
            exit 2
            ;;
    esac
done

build() { # what to build, and swift build's other arguments
    echo "bench: building $1" >&2
    shift
    log=$(mktemp)
    if ! swift build -c release "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
}
build "orch" --product orch
build "orch-runner" --product orch-runner
# Without its cache, SwiftPM notices files that have come to orch, which is another package here.
build "the benchmarks" --package-path Benchmarks --disable-build-manifest-caching

programs=$(swift build -c release --show-bin-path)
benchmarks=$(swift build -c release --package-path Benchmarks --show-bin-path)
failed=0
for name in "$@"; do
    printf '\n== %s ==\n' "$name"
    case $name in
        bus | scheduling) "$benchmarks/$name" || failed=1 ;;
        durability) "$benchmarks/store" "$programs" --durability || failed=1 ;;
        *) "$benchmarks/$name" "$programs" || failed=1 ;;
    esac
done
exit $failed
