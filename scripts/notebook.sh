#!/bin/sh
# Executes metrics/analysis.ipynb from its first cell to its last, on its sample, and shows that it has drawn what it
# draws. What it needs is installed from PyPI into .build/notebook; ARGS: a file to keep the executed notebook in.
set -eu
cd "$(dirname "$0")/.."

python=.build/notebook/bin/python
if ! "$python" -c 'import nbclient, ipykernel, pandas, matplotlib' 2>/dev/null; then
    mkdir -p .build
    python3 -m venv .build/notebook
    "$python" -m pip install --quiet --disable-pip-version-check nbclient ipykernel pandas matplotlib
fi
exec "$python" scripts/notebook.py metrics/analysis.ipynb "$@"
