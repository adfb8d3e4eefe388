#!/bin/sh
# The tests under the address sanitizer and then under the thread sanitizer, with the programs they start. Ends with an
# error if a test fails, or if any process had something to report. Arguments go to `swift test`; ORCH_SANITIZERS says
# which sanitizers (address thread).
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
symbolizer=$(dirname "$(readlink -f "$(command -v swift)")")/llvm-symbolizer
[ -x "$symbolizer" ] || symbolizer=$(command -v llvm-symbolizer)

# Makes the object that gives a program its options, and shows that it works: a program with a bug for each sanitizer,
# started without any environment, must leave a report. Otherwise there could never be one.
prepare() { # sanitizer
    mkdir -p "$reports"
    chmod 1777 "$reports" # some tests run programs as another user
    rm -f "$reports"/*
    watches=""
    [ "$1" = address ] || watches=-DWATCHES_THREADS
    clang -O1 -Wall -Wextra -Werror $watches -DREPORTS="\"$reports\"" -DSYMBOLIZER="\"$symbolizer\"" \
        -DSUPPRESSIONS="\"$here/scripts/tsan.supp\"" -c scripts/sanitizer-options.c -o "$reports.o"
    said=$reports-check.log
    if ! swiftc -g -sanitize="$1" scripts/sanitizer-check.swift -Xlinker "$reports.o" -o "$reports-check" >"$said" 2>&1
    then
        cat "$said" >&2
        exit 1
    fi
    env -i "$reports-check" >"$said" 2>&1 || true
    if [ -z "$(ls "$reports")" ]; then
        echo "sanitize: the $1 sanitizer reports nothing here; $reports-check says:" >&2
        cat "$said" >&2
        exit 1
    fi
    rm -f "$reports"/*
}

build() { # sanitizer
    sanitizer=$1
    set -- -Xlinker "$reports.o"
    if [ "$sanitizer" = thread ]; then
        # Its runtime knows of Dispatch, and wants it also where a program does without.
        set -- "$@" -Xlinker -ldispatch -Xlinker -lBlocksRuntime
        for name in V9_lockSlowyys6UInt32VF V11_unlockSlowyyF; do
            # shellcheck disable=SC2016 # Swift's names have dollars
            set -- "$@" -Xlinker '--wrap=$s15Synchronization12_MutexHandle'"$name"
        done
    fi
    swift build --build-tests --scratch-path "$scratch" --sanitize "$sanitizer" "$@"
}

failed=""
for sanitizer in ${ORCH_SANITIZERS:-address thread}; do
    echo "== the $sanitizer sanitizer =="
    export ORCH_SANITIZER="$sanitizer"
    scratch=.build/sanitize-$sanitizer
    reports=$here/$scratch/reports
    prepare "$sanitizer"
    build "$sanitizer"
    # Histories of the simulator take long, and have neither pointers nor threads.
    ORCH_SEEDS=${ORCH_SEEDS:-10} \
        swift test --skip-build --scratch-path "$scratch" --sanitize "$sanitizer" "$@" ||
        failed="$failed; $sanitizer: a test failed"
    for report in "$reports"/*; do
        [ -e "$report" ] || continue
        printf '\n-- %s\n' "$report"
        cat "$report"
    done
    [ -z "$(ls "$reports")" ] || failed="$failed; $sanitizer: there are reports"
done
if [ -n "$failed" ]; then
    echo "sanitize: failed:${failed#;}"
    exit 1
fi
echo "sanitize: clean (${ORCH_SANITIZERS:-address thread}): every test passed, and no process had anything to report"
