"""What goes wrong between an agent and its model, and what an agent leaves behind: each has its end, and nothing survives it."""

import datetime
import re
import zlib

import processes
from scenarios import costs_agree, expect

LIMIT = 40
"""Seconds that a run may take; it is ended then, and has half a minute to be gone on a loaded machine."""

# Retries are few and short.
CLAUDE = {
    "timeLimit": f"{LIMIT}s",
    "environment": {
        "CLAUDE_CODE_MAX_RETRIES": "2", "API_TIMEOUT_MS": "4000", "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "10000",
    },
}
CODEX = {
    "timeLimit": f"{LIMIT}s",
    "arguments": [
        "-c", "model_providers.fake.request_max_retries=2", "-c", "model_providers.fake.stream_max_retries=2",
        "-c", "model_providers.fake.stream_idle_timeout_ms=4000",
    ],
}
PROFILES = {
    "claude": ("claude", CLAUDE),
    "codex": ("codex", CODEX),
    "claude-keyless": ("claude", {"environment": {"ANTHROPIC_API_KEY": ""}}),
    "codex-keyless": ("codex", {"environment": {"FAKE_KEY": ""}}),
}


class End:
    """How a ticket is to end: its state, what its reason says, and what its agent is to have said on the way."""

    def __init__(self, state, reason, said=(), exact=False):
        self.state, self.reason, self.said, self.exact = state, reason, said, exact


def lands(*said, exact=False):
    return End("merged", "landed as", said, exact)


def fails(reason, *said):
    return End("needs_human_review", reason, said)


LATE = fails("ran into its time limit")


def left(command):
    """A script that starts a command which would outlive everything; its number is put in for each run."""
    return f"leave?cmd={command}"


DETACHED = "<%2Fdev%2Fnull+>%2Fdev%2Fnull+2>%261+%26".replace("<", "%3C").replace(">", "%3E")

# Name, script, the end with Claude Code, with Codex (None: it knows no such thing), and whether CI plays it.
CASES = [
    # What passes: the agent tries again, and its work lands.
    ("429-once", "fault?kind=http&status=429", lands("limited", exact=True), lands("limited", exact=True), True),
    ("529-twice", "fault?kind=http&status=529&times=2", lands("retrying", exact=True), lands(exact=True), False),
    ("500-twice", "fault?kind=http&status=500&times=2", lands("retrying", exact=True), lands(exact=True), False),
    ("html-once", "fault?kind=html&status=502", lands("retrying", exact=True), lands(exact=True), False),
    ("reset-once", "fault?kind=reset", lands("retrying", exact=True), lands(exact=True), False),
    # Codex waits for the head of an answer for ever.
    ("hang-once", "fault?kind=hang", lands("retrying"), LATE, False),
    ("hang-in-the-middle-once", "fault?kind=hang_mid", lands(), lands("retrying"), False),
    ("truncated-once", "fault?kind=truncate", lands("retrying"), lands("retrying"), True),
    ("ended-early-once", "fault?kind=end_early", lands(), lands("retrying"), False),
    ("error-in-the-stream-once", "fault?kind=error_event", lands(), fails("at capacity"), False),
    ("garbage-once", "fault?kind=garbage", lands(), lands(), False),
    ("slow", "slow", lands(), lands(), False),
    # What does not.
    ("429", "fault?kind=http&status=429&times=-1", fails("429", "limited"), fails("429", "limited"), True),
    ("529", "fault?kind=http&status=529&times=-1", fails("529", "retrying"), fails("529", "retrying"), False),
    ("500", "fault?kind=http&status=500&times=-1", fails("500", "retrying"), fails("high demand", "retrying"), True),
    ("400", "fault?kind=http&status=400&times=-1", fails("400"), fails("a fault that was asked for"), False),
    ("401", "fault?kind=http&status=401&times=-1", fails("401"), fails("401"), True),
    ("403", "fault?kind=http&status=403&times=-1", fails("403"), fails("403"), False),
    ("html", "fault?kind=html&status=502&times=-1", fails("502"), fails("502"), True),
    ("html-as-an-answer", "fault?kind=html&status=200&times=-1", fails("HTML page"), fails("stream"), False),
    ("reset", "fault?kind=reset&times=-1", fails("ECONNRESET"), fails("stream"), False),
    ("hang", "fault?kind=hang&times=-1", fails("timed out"), LATE, True),
    # What has come of an answer by then Claude takes for all of it.
    ("hang-in-the-middle", "fault?kind=hang_mid&times=-1", lands(), fails("idle timeout"), False),
    ("truncated", "fault?kind=truncate&times=-1", lands(), fails("stream"), False),
    ("ended-early", "fault?kind=end_early&times=-1", lands(), fails("stream"), False),
    ("error-in-the-stream", "fault?kind=error_event&times=-1", lands(), fails("at capacity"), False),
    ("garbage", "fault?kind=garbage&times=-1", lands(), lands(), True),
    # It goes on by itself after a refusal, and after an answer that was cut.
    ("refusal", "stops?reason=refusal", lands(), None, True),
    ("cut", "stops?reason=max_tokens", lands(), None, False),
    ("incomplete", "stops?reason=incomplete", None, fails("max_output_tokens"), True),
    ("endless", "endless", LATE, LATE, True),
    # What it leaves running.
    ("child", left("sleep+NUMBER+%26"), lands(), lands(), False),
    ("daemon", left(f"setsid+sleep+NUMBER+{DETACHED}"), lands(), lands(), False),
    ("unmarked-daemon", left(f"env+-i+setsid+sleep+NUMBER+{DETACHED}"), lands(), lands(), True),
    # Claude waits for what it has in the background, and orch with it, for as long as the run may take.
    ("background", "background?cmd=tail+-f+-s+NUMBER+/dev/null", LATE, None, False),
    # Codex goes on without a command that takes long.
    ("endless-command", left("tail+-f+-s+NUMBER+/dev/null"), LATE, lands(), False),
    ("no-key", "tool", fails("Not logged in"), fails("FAKE_KEY"), True),
]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def play(world, kind, name, case, script, end):
    number = 70_000_000 + zlib.crc32(name.encode()) % 10_000_000
    profile = f"{kind}-keyless" if case == "no-key" else kind
    world.file(name, profile, f"SCRIPT:{script.replace('NUMBER', str(number))}#{name}")
    row = world.until(name, "merged", "needs_human_review", patience=LIMIT + 90)
    alive = world.of(name) | processes.alive(f"\0{number}\0")
    expect(not alive, f"alive after the end: {alive}")
    expect(row["state"] == end.state and re.search(end.reason, row["reason"]), f"{row['state']}: {row['reason']}")
    runs = world.agent_runs(name)
    expect(len(runs) == 1, f"it took runs {runs}")
    said = {event["event"] for event in world.said(runs[0])}
    expect(said.issuperset(end.said), f"its agent has said {sorted(said)}, not {end.said}")
    ends = [event for event in world.events(name) if event["event"] in ("run.started", "run.ended") and event["run"] == runs[0]]
    lasted = moment(ends[-1]["time"]) - moment(ends[0]["time"])
    expect(lasted < LIMIT + 30, f"it took {lasted:.0f} s")
    if case == "no-key":
        expect(lasted < LIMIT, f"it was found out after {lasted:.0f} s only")
    if end.exact:
        costs_agree(world, kind, name, name)
    return f"{row['state']}: {row['reason'][:110]}"


def jobs(everything):
    """Name, and what is to be done with a world and that name."""
    found = []
    for case, script, claude, codex, is_common in CASES:
        for kind, end in (("claude", claude), ("codex", codex)):
            if end is not None and (is_common or everything):
                found.append((
                    f"{kind}-{case}",
                    lambda world, name, kind=kind, case=case, script=script, end=end: play(world, kind, name, case, script, end),
                ))
    return found
