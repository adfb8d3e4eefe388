"""Every tool of `orch mcp`, every error, cancellation, progress and the end, by the official Python SDK: drive.py BINARIES"""

import asyncio
import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys

from mcp import StdioServerParameters
from world import PATIENCE, World

VERSION = importlib.metadata.version("mcp")
MODERN = not VERSION.startswith("1.")


@contextlib.asynccontextmanager
async def connected(world, environment, mode=None):
    """The SDK's own client, as its users have it."""
    names = ("ORCH_RUN", "ORCH_TOKEN", "ORCH_SOCKET", "ORCH_STATE_DIR")
    given = {name: environment[name] for name in names if name in environment}
    parameters = StdioServerParameters(command=world.orch, args=["mcp"], env=given)
    if MODERN:
        from mcp import Client

        async with Client(parameters, mode=mode or "auto") as client:
            yield client
    else:
        from mcp import ClientSession
        from mcp.client.stdio import stdio_client

        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            yield session


def text(result):
    return "\n".join(part.text for part in result.content)


def details(result):
    return result.structured_content if MODERN else result.structuredContent


def is_error(result):
    return result.is_error if MODERN else result.isError


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


async def call(client, name, arguments=None, error=False, **more):
    result = await asyncio.wait_for(client.call_tool(name, arguments or {}, **more), PATIENCE)
    expect(bool(is_error(result)) == error, f"{name} {arguments}: {text(result)}")
    return result


async def listing(world, a):
    """What a model is told of the tools."""
    async with connected(world, a) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        expect(
            list(tools) == [
                "get_ticket", "claim_paths", "release_paths", "list_conflicts", "report_progress", "run_verifier",
                "ask_human", "complete",
            ],
            tools,
        )
        for tool in tools.values():
            schema = tool.input_schema if MODERN else tool.inputSchema
            expect(schema["type"] == "object" and tool.description, tool)
        hints = tools["get_ticket"].annotations
        expect((hints.read_only_hint if MODERN else hints.readOnlyHint) is True, hints)


async def looking(world, a):
    async with connected(world, a) as client:
        result = await call(client, "get_ticket")
        expect("Ticket A: Ticket A" in text(result) and "Do it." in text(result), text(result))
        expect(details(result)["ticket"]["locks"] == ["a.txt"], details(result))
        result = await call(client, "list_conflicts", {"paths": ["b/x"]})
        expect("- B " in text(result) and "IN CONFLICT: b/**" in text(result), text(result))


async def errors(world, a):
    """What is wrong is said so that a model can mend it."""
    async with connected(world, a) as client:
        for name, arguments, said in [
            ("claim_paths", {}, "claim_paths needs the argument `paths`: an array of 1 to 64 patterns"),
            ("claim_paths", {"paths": []}, "`paths` of claim_paths has to be an array of 1 to 64 patterns"),
            ("claim_paths", {"paths": "src"}, "has to be an array"),
            ("claim_paths", {"paths": ["/etc/passwd"]}, "/etc/passwd"),
            ("claim_paths", {"paths": ["x"], "wait": 3}, "has no argument `wait`; it takes `paths`, `wait_seconds`"),
            ("claim_paths", {"paths": ["x"], "wait_seconds": -1}, "a whole number from 0 to 3600"),
            ("claim_paths", {"paths": ["b/x"], "wait_seconds": 0}, "by B"),
            ("release_paths", {"paths": ["a.txt"]}, "it is a lock of the ticket's own"),
            ("release_paths", {"paths": ["never"]}, "you have not claimed it under this name"),
            ("report_progress", {"text": " "}, "a text that is not empty"),
            ("report_progress", {"text": "x", "percent": 101}, "a whole number from 0 to 100"),
            ("ask_human", {}, "ask_human needs the argument `question`"),
            ("complete", {"summary": 7}, "has to be a text"),
            ("get_ticket", {"id": "A"}, "it takes none"),
            ("approve", {}, "Unknown tool: approve. There are get_ticket"),
        ]:
            result = await call(client, name, arguments, error=True)
            expect(said in text(result), f"{name} {arguments}: {text(result)}")


async def locks(world, a, b):
    """Granted, waited for with progress, granted when it is let go of; and a cycle is refused."""
    async with connected(world, a) as first, connected(world, b) as second:
        result = await call(first, "claim_paths", {"paths": ["docs/**"]})
        expect(details(result)["outcome"] == "granted", details(result))
        expect(world.ticket("A")["locks"] == ["a.txt", "docs/**"], world.ticket("A"))
        heard = []

        async def progress(done, total, message):
            heard.append((done, total, message))

        waiting = asyncio.create_task(
            call(second, "claim_paths", {"paths": ["docs/x"], "wait_seconds": 50}, progress_callback=progress)
        )
        await asyncio.to_thread(
            world.wait, "B to wait", lambda: world.ticket("B").get("claim", {}).get("patterns") == ["docs/x"]
        )
        expect("waits for docs/x" in world.ticket("B")["reason"], world.ticket("B"))
        refused = await call(first, "claim_paths", {"paths": ["b/x"]}, error=True)
        expect("B holds it, and waits for what this ticket holds" in text(refused), text(refused))
        while not heard:
            await asyncio.sleep(0.05)
        expect("behind A (running)" in heard[0][2] and heard[0][1] == 50, heard)
        result = await call(first, "release_paths", {"paths": ["docs/**"]})
        expect(details(await waiting)["outcome"] == "granted", "B")
        expect([done for done, _, _ in heard] == sorted({done for done, _, _ in heard}), heard)
        # What the work changes is kept.
        worktree = world.ticket("B")["worktree"]
        os.makedirs(f"{worktree}/docs")
        with open(f"{worktree}/docs/x", "w") as file:
            file.write("b\n")
        result = await call(second, "release_paths", {"paths": ["docs/x"]}, error=True)
        expect("your work changes docs/x" in text(result), text(result))
        os.remove(f"{worktree}/docs/x")
        await call(second, "release_paths", {"paths": ["docs/x"]})


async def cancellation(world, a, b):
    """Who gives up waits no longer; nor does one whose connection ends, or whose time is over."""
    async with connected(world, a) as client:
        waiting = asyncio.create_task(client.call_tool("claim_paths", {"paths": ["b/x"], "wait_seconds": 600}))
        await asyncio.to_thread(world.wait, "A to wait", lambda: "claim" in world.ticket("A"))
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        if MODERN:
            await asyncio.to_thread(world.wait, "A to give up", lambda: "claim" not in world.ticket("A"))
        # The connection is as good as before.
        await call(client, "get_ticket")
    await asyncio.to_thread(world.wait, "A to have gone", lambda: "claim" not in world.ticket("A"))
    async with connected(world, a) as client:
        result = await call(client, "claim_paths", {"paths": ["b/x"], "wait_seconds": 1})
        expect(details(result)["outcome"] == "timed_out" and "were not free in time" in text(result), text(result))


async def people(world, a):
    async with connected(world, a) as client:
        asking = asyncio.create_task(call(client, "ask_human", {"question": "Left or right?", "wait_seconds": 50}))
        await asyncio.to_thread(world.wait, "the question", lambda: "question" in world.ticket("A"))
        status = world.run("status")
        expect("the agent asks: `Left or right?`" in status, status)
        expect("orch answer A" in world.run("show", "A"), world.run("show", "A"))
        world.run("answer", "A", "left", "please")
        expect(text(await asking) == "A human answers: left please", text(await asking))
        result = await call(client, "ask_human", {"question": "Anybody?", "wait_seconds": 1})
        expect("Nobody has answered in time" in text(result), text(result))
        refused = world.run("answer", "A", "late", check=False)
        expect(refused.returncode == 4 and "it asks nothing" in refused.stderr, refused)
        await call(client, "report_progress", {"text": "half of it", "percent": 50})
        expect(world.ticket("A")["progress"]["percent"] == 50, world.ticket("A"))
        expect("Not noted" in text(await call(client, "report_progress", {"text": "more"})), "too soon")
        await call(client, "complete", {"summary": "Did all of it."})
        expect(json.loads(world.run("show", "A", "--json"))["summary"] == "Did all of it.", "summary")


async def verifier(world, a):
    async with connected(world, a) as client:
        result = await call(client, "run_verifier")
        expect(details(result)["status"] == "PASS", text(result))
        with open(f"{world.ticket('A')['worktree']}/a.txt", "w") as file:
            file.write("wrong\n")
        result = await call(client, "run_verifier")
        expect(details(result)["status"] == "FAIL" and "wrong" in text(result), text(result))
        expect(world.ticket("A")["state"] == "running", world.ticket("A"))


async def restart(world, a):
    """A daemon that dies in the middle of a wait: the next one is asked, and answers."""
    async with connected(world, a) as client:
        asking = asyncio.create_task(call(client, "ask_human", {"question": "Still there?", "wait_seconds": 55}))
        claiming = asyncio.create_task(client.call_tool("claim_paths", {"paths": ["b/x"], "wait_seconds": 55}))
        await asyncio.to_thread(world.wait, "both", lambda: {"question", "claim"} <= world.ticket("A").keys())
        world.kill()
        world.start()
        world.run("answer", "A", "yes")
        expect(text(await asking) == "A human answers: yes", "answered after the restart")
        world.release("B")
        await asyncio.to_thread(world.wait, "B to land", lambda: world.ticket("B")["state"] != "running")
        world.run("cancel", "B")
        result = await asyncio.wait_for(claiming, PATIENCE)
        expect(details(result)["outcome"] == "granted", text(result))


async def strangers(world, a, b):
    """A token is for one run, and as long as that is under way."""
    async with connected(world, {**a, "ORCH_TOKEN": b["ORCH_TOKEN"]}) as client:
        expect("not the token of run A.1" in text(await call(client, "get_ticket", error=True)), "another's")
    done = subprocess.run([world.orch, "mcp"], env=world.environment, capture_output=True, text=True)
    expect(done.returncode == 2 and "ORCH_RUN and ORCH_TOKEN" in done.stderr, done)
    log = (world.folder / "daemon.log").read_text()
    expect(a["ORCH_TOKEN"] not in log, "the token is in the log")


async def over(world, a):
    async with connected(world, a) as client:
        world.release("A")
        # Its work does not pass, and the next run has a token of its own.
        await asyncio.to_thread(world.wait, "A to be tested", lambda: world.ticket("A")["run"] != "A.1")
        result = await call(client, "get_ticket", error=True)
        expect("run A.1 is over" in text(result) and "end your work here" in text(result), text(result))


def ends(world, a):
    """It ends when its input does, and on either signal, whatever it is at."""
    environment = {**world.environment, **{name: a[name] for name in ("ORCH_RUN", "ORCH_TOKEN", "ORCH_SOCKET")}}
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"},
    }}
    wait = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "claim_paths", "arguments": {"paths": ["b/x"], "wait_seconds": 600},
    }}
    for how in (None, signal.SIGINT, signal.SIGTERM):
        server = subprocess.Popen(
            [world.orch, "mcp"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for message in (hello, wait):
            server.stdin.write(json.dumps(message) + "\n")
            server.stdin.flush()
        expect(json.loads(server.stdout.readline())["result"]["protocolVersion"] == "2024-11-05", "hello")
        world.wait("it to wait", lambda: "claim" in world.ticket("A"))
        if how is None:
            server.stdin.close()
        else:
            server.send_signal(how)
        expect(server.wait(PATIENCE) == 0, f"{how}: {server.returncode}")
        world.wait("it to wait no longer", lambda: "claim" not in world.ticket("A"))
    # What was asked before the input ended is answered.
    say = {**wait, "params": {"name": "list_conflicts"}}
    done = subprocess.run(
        [world.orch, "mcp"], env=environment, input=f"{json.dumps(hello)}\n{json.dumps(say)}\n", capture_output=True,
        text=True, timeout=PATIENCE,
    )
    expect(len(done.stdout.splitlines()) == 2 and done.returncode == 0, done)


async def main(world):
    a, b = world.file("A", "a.txt"), world.file("B", "b/**")
    await listing(world, a)
    if MODERN:
        async with connected(world, a, mode="legacy") as client:
            await call(client, "get_ticket")
        async with connected(world, a, mode="2026-07-28") as client:
            await call(client, "get_ticket")
    await looking(world, a)
    await errors(world, a)
    await locks(world, a, b)
    await cancellation(world, a, b)
    await people(world, a)
    await verifier(world, a)
    await strangers(world, a, b)
    ends(world, a)
    await restart(world, a)
    await over(world, a)


if __name__ == "__main__":
    place = World(sys.argv[1])
    try:
        asyncio.run(main(place))
        print(f"mcp {VERSION}: every tool answered as it should")
    finally:
        place.close()
