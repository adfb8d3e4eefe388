#!/bin/sh
# Drives `orch mcp` with the official Python SDK of the Model Context Protocol, in the newest version of either of its eras;
# both are installed from PyPI into .build. Arguments are handed on: scripts/tools.sh .build/debug
set -eu
cd "$(dirname "$0")/.."

for version in 1.30.0 2.3.0; do
    python=.build/mcp-$version/bin/python
    if ! "$python" -c 'import mcp' 2>/dev/null; then
        mkdir -p .build
        python3 -m venv ".build/mcp-$version"
        "$python" -m pip install --quiet --disable-pip-version-check "mcp==$version"
    fi
    PYTHONDONTWRITEBYTECODE=1 "$python" Tests/Tools/drive.py "$@"
done
