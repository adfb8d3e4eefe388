"""The real programs: how a profile of each speaks with the fake model server, and what its tokens cost."""

import pathlib

# US dollars for a million tokens: what Claude Code reckons with by itself, and what Codex' profile is given as `prices`.
PRICES = {
    "claude": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75},
    "codex": {"input": 2, "output": 10, "cache_read": 0.2, "cache_write": 2},
}
MODELS = {"claude": "claude-sonnet-4-5", "codex": "gpt-5.5"}
KINDS = tuple(MODELS)


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


def profile(kind, programs, server, environment, more):
    """A profile of orch's configuration; `more` is added to it."""
    common = {"kind": kind, "command": [program(programs, kind)], "timeLimit": "5m", "arguments": []}
    if kind in MODELS:
        common["model"] = MODELS[kind]
    if kind == "claude-acp":
        common["kind"] = "acp"
        common["environment"] = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "not-a-key", "IS_SANDBOX": "1", **environment}
    elif kind == "gptme":
        common["kind"] = "acp"
        common["environment"] = {
            "OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "not-a-key", "MODEL": "openai/gpt-5", **environment,
        }
    elif kind == "aider":
        common["model"] = "openai/gpt-5"
        common["environment"] = {"OPENAI_API_BASE": f"{server.url}/v1", "OPENAI_API_KEY": "not-a-key", **environment}
    elif kind == "claude":
        common["environment"] = {
            "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "not-a-key",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1", **environment,
        }
    else:
        provider = {
            "name": '"fake"', "base_url": f'"{server.url}/v1"', "wire_api": '"responses"', "env_key": '"FAKE_KEY"',
        }
        common["environment"] = {"FAKE_KEY": "not-a-key", **environment}
        common["arguments"] = ["-c", "model_provider=fake"]
        for key, value in provider.items():
            common["arguments"] += ["-c", f"model_providers.fake.{key}={value}"]
    common["arguments"] += more.get("arguments", [])
    common["environment"].update(more.get("environment", {}))
    return common | {key: value for key, value in more.items() if key not in common or isinstance(value, str)}


def prices():
    price = PRICES["codex"]
    return [{
        "model": "gpt-*", "input": price["input"], "output": price["output"], "cacheRead": price["cache_read"],
        "cacheWrite": price["cache_write"],
    }]


def cost(kind, tokens):
    """In US dollars, to the millionth."""
    return round(sum(tokens[name] * price for name, price in PRICES[kind].items()) / 1e6, 6)
