#!/bin/sh
# The demo: a scratch repository with a small Perl project and its tests, five tickets, three scripted agents. Exits 0
# only if exactly what should land has landed. Leaves nothing behind.
set -eu

bin=$(cd "${1:?usage: run.sh DIRECTORY-OF-ORCH}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/orch-demo.XXXXXX")
PATH=$bin:$PATH
# Nothing of the user's: neither configuration nor state nor identity.
ORCH_STATE_DIR=$scratch/state ORCH_CONFIG=$scratch/config.json
export PATH ORCH_STATE_DIR ORCH_CONFIG
unset ORCH_SOCKET
[ -n "${HOME:-}" ] || { HOME=$scratch && export HOME; }

clean_up() {
    status=$?
    trap - EXIT INT TERM
    orch quit --on-stop halt >/dev/null 2>&1 || true
    # The daemon has ended when its lock is free.
    [ -e "$ORCH_STATE_DIR/daemon.lock" ] && flock "$ORCH_STATE_DIR/daemon.lock" true
    chmod -R u+w "$scratch" 2>/dev/null || true
    rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }

say "A scratch repository with a small Perl project"
mkdir "$scratch/stats"
cp -R "$here/project/." "$scratch/stats"
cd "$scratch/stats"
git init -q -b main
mkdir .orch
cat >.orch/config.json <<'JSON'
{
  "verifiers": [{ "name": "test", "command": ["prove", "-l", "t"], "timeout": "1m" }],
  "approve": "auto",
  "maxFixAttempts": 1
}
JSON
git add -A
git -c user.name="The demo" -c user.email=demo@localhost commit -qm "A small statistics module"
cat >"$ORCH_CONFIG" <<JSON
{
  "agents": 3,
  "defaultProfile": "script",
  "profiles": { "script": { "kind": "command", "command": ["$here/agent.sh"], "timeLimit": "5m" } }
}
JSON
prove -l t
orch init --trust

say "Five tickets, three agents"
if [ -t 0 ] && [ -t 1 ]; then
    printf 'Watch it in the dashboard? (q leaves it) [y/N] '
    read -r answer || answer=n
else
    answer=n
fi
ended=0
case $answer in
[yY]*)
    orch run --wait "$here/tickets.yaml" >"$scratch/progress" 2>&1 &
    following=$!
    # The dashboard needs a daemon, which `run` starts.
    until orch status >/dev/null 2>&1 || ! kill -0 "$following" 2>/dev/null; do sleep 0.1; done
    orch tui || true
    wait "$following" || ended=$?
    cat "$scratch/progress"
    ;;
*) orch run --wait "$here/tickets.yaml" || ended=$? ;;
esac

say "What landed on main"
git --no-pager log --graph --format='%h %s  %(trailers:key=Orch-Ticket,separator=%x2C)' main

say "And what did not"
orch list

say "The project's own tests on main"
prove -l t

say "The outcome"
landed=$(git log --format='%(trailers:key=Orch-Ticket,valueonly)' main | sed '/^$/d' | sort | tr '\n' ' ')
waiting=$(orch list --json | tr '{' '\n' | sed -n 's/.*"id":"\([^"]*\)".*"state":"needs_human_review".*/\1/p' | tr '\n' ' ')
echo "landed: $landed"
echo "waits for a human: $waiting"
if [ "$landed" = "csv document median range " ] && [ "$waiting" = "faster " ] && [ "$ended" -eq 1 ]; then
    echo "As expected: four tickets have landed, and the one that breaks the tests has not."
else
    echo "demo: this is not the expected outcome (exit $ended)" >&2
    exit 1
fi
