"""The real programs: how a profile of each speaks with the fake model server, and what its tokens cost."""

import pathlib

# US dollars for a million tokens: what Claude Code reckons with by itself, and what Codex' profile is given as `prices`.
PRICES = {
    "claude": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75},
    "codex": {"input": 2, "output": 10, "cache_read": 0.2, "cache_write": 2},
}
KINDS = ("claude", "codex")
"""Those that every scenario is played with."""
MODELS = {"claude": "claude-sonnet-4-5", "codex": "gpt-5.5", "aider": "openai/gpt-5"}


def program(folder, kind):
    """Where pip has put the program of a kind."""
    pattern = {
        "claude": "claude/lib/python3*/site-packages/claude_agent_sdk/_bundled/claude",
        "codex": "codex/lib/python3*/site-packages/codex_cli_bin/bin/codex",
        "claude-acp": "claude-acp/bin/claude-code-acp",
        "gptme": "gptme/bin/gptme-acp",
        "aider": "aider/bin/aider",
    }[kind]
    found = sorted(pathlib.Path(folder).glob(pattern))
    if not found:
        raise SystemExit(f"agents: there is no {kind} below {folder}")
    return str(found[0].resolve())


def environment(kind, server):
    """Where its model is, as each is told."""
    if kind in ("claude", "claude-acp"):
        return {
            "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "not-a-key",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1",
        }
    return {
        "codex": {"FAKE_KEY": "not-a-key"},
        "gptme": {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "not-a-key", "MODEL": "openai/gpt-5"},
        "aider": {"OPENAI_API_BASE": f"{server.url}/v1", "OPENAI_API_KEY": "not-a-key"},
    }[kind]


def profile(kind, programs, server, shared, more):
    """A profile of orch's configuration, with an environment that all share; `more` is added to it."""
    made = {
        "kind": "acp" if kind in ("claude-acp", "gptme") else kind, "command": [program(programs, kind)], "timeLimit": "5m",
        "environment": environment(kind, server) | shared, "arguments": [],
    }
    if kind in MODELS:
        made["model"] = MODELS[kind]
    if kind == "codex":
        provider = {
            "name": '"fake"', "base_url": f'"{server.url}/v1"', "wire_api": '"responses"', "env_key": '"FAKE_KEY"',
        }
        made["arguments"] = ["-c", "model_provider=fake"]
        for key, value in provider.items():
            made["arguments"] += ["-c", f"model_providers.fake.{key}={value}"]
    made["arguments"] += more.get("arguments", [])
    made["environment"].update(more.get("environment", {}))
    return made | {key: value for key, value in more.items() if key not in made or isinstance(value, str)}


def prices():
    price = PRICES["codex"]
    return [{
        "model": "gpt-*", "input": price["input"], "output": price["output"], "cacheRead": price["cache_read"],
        "cacheWrite": price["cache_write"],
    }]


def cost(kind, tokens):
    """In US dollars, to the millionth."""
    return round(sum(tokens[name] * price for name, price in PRICES[kind].items()) / 1e6, 6)
