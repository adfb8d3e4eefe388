#!/bin/sh
# Does docs/quickstart.md word for word: scripts/quickstart.sh [PROGRAMS]
# Each block of shell in it is executed, in a home directory of its own; each line of its blocks of text has to be a line
# of what that prints. PROGRAMS is where orch is; without it, it is taken from PATH.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || PATH=$(cd "$1" && pwd):$PATH

scratch=$(mktemp -d "${TMPDIR:-/tmp}/orch-quickstart.XXXXXX")
clean_up() {
    status=$?
    trap - EXIT
    # Where it failed half way, a daemon may be left.
    ORCH_STATE_DIR=$scratch/orch-quickstart/state orch quit --on-stop halt >/dev/null 2>&1 || true
    chmod -R u+w "$scratch"
    rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

blocks() { awk -v kind="$1" '$0 == "```" kind { on = 1; next } $0 == "```" { on = 0 } on' docs/quickstart.md; }
blocks sh >"$scratch/quickstart"
[ -s "$scratch/quickstart" ] || { echo "quickstart: docs/quickstart.md has no blocks of shell" >&2; exit 1; }

# Nothing of the user's but PATH.
if ! (cd "$scratch" && env -i HOME="$scratch" PATH="$PATH" LANG=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
    sh -eu "$scratch/quickstart") >"$scratch/said" 2>&1; then
    cat "$scratch/said"
    echo "quickstart: a step of docs/quickstart.md failed" >&2
    exit 1
fi
cat "$scratch/said"
blocks text >"$scratch/expected"
while IFS= read -r line; do
    grep -qxF -- "$line" "$scratch/said" && continue
    echo "quickstart: docs/quickstart.md shows a line that was not printed: $line" >&2
    exit 1
done <"$scratch/expected"
[ ! -e "$scratch/orch-quickstart" ] || { echo "quickstart: something is left in $scratch" >&2; exit 1; }
