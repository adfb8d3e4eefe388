#!/bin/sh
# Drives Claude Code and Codex, the real programs, under the daemon, with a fake model server behind them; both are installed
# from PyPI into .build/agents. The first argument is where orch is; the others are handed on:
# scripts/agents.sh .build/debug, or: scripts/agents.sh .build/debug soak 10. ONLY=codex-steer plays what has that in its name.
# scripts/agents.sh .build/debug others installs aider and two that speak ACP instead, which takes minutes, and drives those.
set -eu
cd "$(dirname "$0")/.."

agents='claude=claude-agent-sdk==0.2.186 codex=openai-codex==0.163.0'
[ "${2:-}" != others ] ||
    agents='claude-acp=claude-code-acp==0.5.1,agent-client-protocol==0.10.1 gptme=gptme[acp]==0.35.1 aider=aider-chat==0.86.2'
for agent in $agents; do
    place=.build/agents/${agent%%=*}
    package=${agent#*=}
    if [ "$(cat "$place/installed" 2>/dev/null)" != "$package" ]; then
        rm -rf "$place"
        mkdir -p .build/agents
        python3 -m venv "$place"
        # shellcheck disable=SC2046 # several packages, between commas
        "$place/bin/python" -m pip install --quiet --disable-pip-version-check $(echo "$package" | tr , ' ')
        echo "$package" >"$place/installed"
    fi
done
binaries=$1
shift
PYTHONDONTWRITEBYTECODE=1 exec python3 Tests/RealAgents/drive.py "$binaries" .build/agents "$@"
