#!/bin/sh
# Drives Claude Code and Codex, the real programs, under the daemon, with a fake model server behind them; both are installed
# from PyPI into .build/agents. The first argument is where orch is; the others are handed on:
# scripts/agents.sh .build/debug, or: scripts/agents.sh .build/debug soak 10. ONLY=codex-steer plays what has that in its name.
set -eu
cd "$(dirname "$0")/.."

for agent in claude=claude-agent-sdk==0.2.186 codex=openai-codex==0.163.0; do
    place=.build/agents/${agent%%=*}
    package=${agent#*=}
    if [ "$(cat "$place/installed" 2>/dev/null)" != "$package" ]; then
        rm -rf "$place"
        mkdir -p .build/agents
        python3 -m venv "$place"
        "$place/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
        echo "$package" >"$place/installed"
    fi
done
binaries=$1
shift
PYTHONDONTWRITEBYTECODE=1 exec python3 Tests/RealAgents/drive.py "$binaries" .build/agents "$@"
