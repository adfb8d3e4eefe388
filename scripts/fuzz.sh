#!/bin/sh
# Looks for bytes that break something, with libFuzzer and the address sanitizer: one target for some seconds, beginning
# with the corpus that the tests replay. What it finds lies in .build/fuzz/findings; put it into the corpus with a fix.
#   scripts/fuzz.sh TARGET [SECONDS]
set -eu
cd "$(dirname "$0")/.."

target=${1:?"usage: scripts/fuzz.sh TARGET [SECONDS]; targets: $(ls Tests/Fuzzing/Corpus | tr '\n' ' ')"}
seconds=${2:-300}
corpus=Tests/Fuzzing/Corpus/$target
[ -d "$corpus" ] || {
    echo "fuzz: there is no target '$target'; known: $(ls Tests/Fuzzing/Corpus | tr '\n' ' ')" >&2
    exit 2
}
swift build --scratch-path .build/fuzz --product orch-fuzz --sanitize fuzzer \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -DLIBFUZZER
mkdir -p ".build/fuzz/found/$target" .build/fuzz/findings
export ORCH_FUZZ_TARGET="$target" ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8
exec .build/fuzz/debug/orch-fuzz ".build/fuzz/found/$target" "$corpus" -max_total_time="$seconds" -max_len=4096 \
    -timeout=10 -rss_limit_mb=4096 -artifact_prefix=".build/fuzz/findings/$target-" -print_final_stats=1
