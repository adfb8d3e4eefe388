#!/bin/sh
# Prints the commit of this source: 40 digits, and `-modified` behind them where tracked files differ from it. `unknown`
# where the source is neither a git repository nor an archive that git has made.
set -eu
cd "$(dirname "$0")/.."

# What `git archive` puts here, which then is no longer a pattern.
archived='$Format:%H$'

# A repository around an unpacked archive is somebody else's.
if top=$(git rev-parse --show-toplevel 2>/dev/null) && [ "$top" = "$(pwd -P)" ]; then
    commit=$(git rev-parse --verify HEAD)
    [ -z "$(GIT_OPTIONAL_LOCKS=0 git status --porcelain --untracked-files=no)" ] || commit=$commit-modified
    echo "$commit"
else
    case $archived in
        *Format*) echo unknown ;;
        *) echo "$archived" ;;
    esac
fi
