#!/bin/sh
# Writes the commit of this source into a finished program, which says it to `--version`: scripts/stamp.sh PROGRAM
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?usage: stamp.sh PROGRAM}

section=$(mktemp)
trap 'rm -f "$section"' EXIT
"$here/commit.sh" | tr -d '\n' >"$section"
# The section is as long as it is.
truncate -s 64 "$section"
objcopy --update-section .orch.commit="$section" "$program"
