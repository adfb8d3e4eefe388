#!/bin/sh
# Runs a Python program with pyte, a terminal in Python, which is installed from PyPI into .build/screens.
set -eu
cd "$(dirname "$0")/.."

python=.build/screens/bin/python
if ! "$python" -c 'import pyte' 2>/dev/null; then
    mkdir -p .build
    python3 -m venv .build/screens
    "$python" -m pip install --quiet --disable-pip-version-check pyte
fi
exec env PYTHONDONTWRITEBYTECODE=1 "$python" "$@"
