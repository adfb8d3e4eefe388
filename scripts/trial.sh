#!/bin/sh
# Twenty tickets on each of two real projects, and real pushes over ssh: scripts/trial.sh PROGRAMS [PROJECT…]
# PROGRAMS is where orch is. Projects are itsdangerous and humanize, whose source distributions pip downloads, and `ssh`;
# all of them, if none is named. KILLS=n kills the daemon n times during each project, at moments that SEED=n repeats.
# KEEP=1 keeps what was made. Exits with 0 only if everything is as it should be.
set -eu
programs=$(cd "${1:?usage: trial.sh PROGRAMS [PROJECT…]}" && pwd)
shift
[ $# -gt 0 ] || set -- itsdangerous humanize ssh
here=$(cd "$(dirname "$0")" && pwd)
for program in python3 git; do
    command -v "$program" >/dev/null || { echo "trial: there is no $program on your PATH" >&2; exit 1; }
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/orch-trial.XXXXXX")
clean_up() {
    status=$?
    trap - EXIT
    if [ -n "${KEEP:-}" ]; then echo "trial: kept in $scratch"; else
        chmod -R u+w "$scratch"
        rm -rf "$scratch"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of the user's: neither configuration nor state nor identity. pip keeps its own configuration.
PATH=$programs:$PATH
export PATH
unset ORCH_SOCKET ORCH_STATE_DIR ORCH_CONFIG PYTHONPATH

# The source distribution and the tests' requirements of a project.
fetch() {
    python3 -m venv "$1/venv"
    plan=$(cd "$here/trial" && python3 -B -c "
from $project""_project import PROJECT
print(PROJECT.name + '==' + PROJECT.version, *PROJECT.requirements)")
    source=${plan%% *}
    # shellcheck disable=SC2086 # several words
    "$1/venv/bin/pip" install -q ${plan#* }
    "$1/venv/bin/pip" download -q --no-binary :all: --no-deps -d "$1/sdist" "$source"
}

failed=
for project in "$@"; do
    folder=$scratch/$project
    mkdir -p "$folder/home" "$folder/work"
    printf '[user]\n\tname = A human\n\temail = human@localhost\n' >"$folder/home/.gitconfig"
    if [ "$project" = ssh ]; then
        "$here/trial/ssh.sh" "$folder" || failed="$failed $project"
        continue
    fi
    [ -e "$here/trial/${project}_project.py" ] || { echo "trial: there is no project $project" >&2; exit 2; }
    fetch "$folder"
    env HOME="$folder/home" ORCH_STATE_DIR="$folder/state" ORCH_CONFIG="$folder/config.json" \
        python3 -B "$here/trial/trial.py" "$project" "$folder/work" "$folder"/sdist/*.tar.gz "$folder/venv/bin/python" \
        || failed="$failed $project"
done
[ -z "$failed" ] || { echo "trial: not as it should be:$failed" >&2; exit 1; }
echo "trial: everything is as it should be ($*)"
