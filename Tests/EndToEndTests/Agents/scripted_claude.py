#!/usr/bin/env python3
"""An agent that speaks Claude Code's bidirectional stream-json, and does what its messages say.

Lines of a message that begin with DO are carried out, one after the other:

    DO write PATH TEXT     writes a file, as by the tool Write
    DO ask PATH TEXT       the same, after asking for leave
    DO run COMMAND         runs a command, as by the tool Bash
    DO await               waits for a further message, and says what it has heard
    DO gate NAME           waits at the test's gate of that name, as by the tool Bash
    DO spend IN OUT USD    reports so many tokens and dollars with the turn's result
    DO say TEXT
    DO fail TEXT           ends the turn as a failure of the provider's
    DO linger              stays alive after its input has ended
    DO forget              its session cannot be resumed
    DO die                 ends without a result
    DO babble MEGABYTES    prints what is no message, between messages: a line of so many megabytes among it
    DO break               dies in the middle of a line

What it has heard in a session it remembers in HOME, so that a resumed one can say so.
"""
import json, os, queue, subprocess, sys, threading, time, uuid

arguments = sys.argv[1:]


def option(name):
    for index, argument in enumerate(arguments):
        if argument == name:
            return arguments[index + 1]
        if argument.startswith(name + "="):
            return argument[len(name) + 1:]
    return None


def emit(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


home = os.path.join(os.environ["HOME"], ".scripted")
os.makedirs(home, exist_ok=True)
session = option("--resume")
heard = []
if session:
    memory = os.path.join(home, session)
    if not os.path.exists(memory):
        emit(type="result", subtype="error_during_execution", is_error=True, session_id=session, num_turns=0,
             errors=["No conversation found with session ID: " + session])
        sys.exit(1)
    heard = json.load(open(memory))
else:
    session = str(uuid.uuid4())
memory = os.path.join(home, session)
messages, answers = queue.Queue(), queue.Queue()
interrupted = threading.Event()
total = 0.0


def listen():
    for line in sys.stdin:
        event = json.loads(line)
        if event["type"] == "user":
            messages.put(event)
        elif event["type"] == "control_response":
            answers.put(event["response"])
        elif event["type"] == "control_request":
            kind = event["request"]["subtype"]
            emit(type="control_response",
                 response={"subtype": "success", "request_id": event["request_id"], "response": {}})
            if kind == "interrupt":
                interrupted.set()
    messages.put(None)


def take(event):
    """Echoes a message, as a sign that it has been taken in, and remembers it."""
    text = event["message"]["content"]
    if not isinstance(text, str):
        text = "".join(block.get("text", "") for block in text)
    heard.append(text)
    json.dump(heard, open(memory, "w"))
    emit(**{**event, "type": "user", "session_id": session, "isReplay": True,
            "uuid": event.get("uuid") or str(uuid.uuid4())})
    return text


count = 0


def say(text):
    global count
    count += 1
    emit(type="assistant", session_id=session, parent_tool_use_id=None, uuid=str(uuid.uuid4()),
         message={"id": f"msg_{os.getpid()}_{count}", "type": "message", "role": "assistant", "model": "scripted",
                  "content": [{"type": "text", "text": text}],
                  "usage": {"input_tokens": 0, "output_tokens": 0}})


def begin(name, given):
    global count
    count += 1
    call = f"toolu_{os.getpid()}_{count}"
    emit(type="assistant", session_id=session, parent_tool_use_id=None, uuid=str(uuid.uuid4()),
         message={"id": f"msg_{os.getpid()}_{count}", "type": "message", "role": "assistant", "model": "scripted",
                  "content": [{"type": "tool_use", "id": call, "name": name, "input": given}],
                  "usage": {"input_tokens": 0, "output_tokens": 0}})
    return call


def end(call, text, is_error=False):
    emit(type="user", session_id=session, parent_tool_use_id=None, uuid=str(uuid.uuid4()),
         message={"role": "user",
                  "content": [{"type": "tool_result", "tool_use_id": call, "content": text, "is_error": is_error}]})


def babble(megabytes):
    """What is no text, no JSON, or JSON of another shape; all of it beside what goes to the other stream."""
    shapes = [b"", b"\x00", b"\xff\xfe\xfd", b"plain text", b"[]", b"42", b'"text"', b"null", b"{}", b'{"type":7}', b"{" * 300,
              b'{"type":"assistant"}', b'{"type":"assistant","message":[]}', b'{"type":"user","message":{"content":{"a":1}}}',
              b'{"type":"assistant","message":{"id":9,"content":[null,7,{"type":"text"},{"type":"tool_use","input":[]}]}}',
              b'{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"caf\xe9 \xc3"}]}}',
              b'{"type":"stream_event","event":null}', b'{"type":"system","subtype":["init"],"session_id":{}}',
              b'{"type":"control_request","request":7}', b'{"type":"control_response"}', b'{"type":"of tomorrow","x":1}',
              b'{"type":"assistant","message":' + b"[" * 200 + b"]" * 200 + b"}"]
    for shape in shapes:
        sys.stdout.buffer.write(shape[:5])
        sys.stdout.flush()
        sys.stderr.buffer.write(b"\xff" + shape[:20] + b"\n")
        sys.stderr.flush()
        sys.stdout.buffer.write(shape[5:] + b"\n")
    sys.stdout.buffer.write(b'{"type":"assistant","message":"')
    for _ in range(megabytes):
        sys.stdout.buffer.write(b"x" * (1 << 20))
    sys.stdout.buffer.write(b'"}\n')
    sys.stdout.flush()


class Interrupted(Exception):
    pass


def wait(what):
    """The next of a queue; or the end of the turn, when it is interrupted meanwhile."""
    while True:
        if interrupted.is_set():
            raise Interrupted()
        try:
            return what.get(timeout=0.02)
        except queue.Empty:
            continue


def write(path, text):
    full = os.path.abspath(path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    open(full, "w").write(text + "\n")


def leave(path, text, call):
    """Whether the write is let through; what was answered otherwise."""
    request = f"req_{os.getpid()}_{count}"
    emit(type="control_request", request_id=request,
         request={"subtype": "can_use_tool", "tool_name": "Write", "tool_use_id": call,
                  "input": {"file_path": os.path.abspath(path), "content": text}})
    while True:
        answer = wait(answers)
        if answer["request_id"] == request:
            return answer["response"]


def turn(text):
    usage, cost, failure = {"input_tokens": 0, "output_tokens": 0}, 0.0, None
    emit(type="system", subtype="init", session_id=session, cwd=os.getcwd(), model="scripted", tools=[],
         mcp_servers=[], permissionMode="default", claude_code_version="0.0.1", uuid=str(uuid.uuid4()))
    linger, done = False, "Done."
    try:
        for line in text.splitlines():
            if not line.startswith("DO "):
                continue
            word, _, rest = line[3:].partition(" ")
            path, _, content = rest.partition(" ")
            if word == "write":
                call = begin("Write", {"file_path": os.path.abspath(path), "content": content})
                write(path, content)
                end(call, "File created successfully at: " + path)
            elif word == "ask":
                call = begin("Write", {"file_path": os.path.abspath(path), "content": content})
                answer = leave(path, content, call)
                if answer["behavior"] == "allow":
                    write(path, content)
                    end(call, "File created successfully at: " + path)
                else:
                    end(call, answer["message"], is_error=True)
                    say("denied: " + answer["message"])
            elif word == "run":
                call = begin("Bash", {"command": rest})
                ended = subprocess.run(rest, shell=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
                end(call, ended.stdout + ended.stderr, is_error=ended.returncode != 0)
            elif word == "await":
                event = wait(messages)
                if event is not None:
                    say("heard: " + take(event))
            elif word == "gate":
                call = begin("Bash", {"command": "gate " + rest})
                gate = queue.Queue()
                threading.Thread(target=lambda: gate.put(open(f"{os.environ['WORLD']}/gates/{rest}").read()),
                                 daemon=True).start()
                wait(gate)
                end(call, "open")
            elif word == "spend":
                given, taken, dollars = rest.split()
                usage = {"input_tokens": int(given), "output_tokens": int(taken)}
                cost = float(dollars)
            elif word == "recall":
                say("I remember: " + " | ".join(heard[:-1]))
            elif word == "say":
                say(rest)
                done = rest
            elif word == "fail":
                failure = rest
            elif word == "linger":
                linger = True
            elif word == "forget":
                os.unlink(memory)
            elif word == "die":
                os._exit(0)
            elif word == "babble":
                babble(int(rest))
            elif word == "break":
                sys.stdout.write('{"type":"result","subtype":"success","is_error":false,"result":"Do')
                sys.stdout.flush()
                os.kill(os.getpid(), 9)
    except Interrupted:
        interrupted.clear()
        result(usage, cost, subtype="error_during_execution", is_error=True, terminal_reason="aborted_tools",
               errors=["interrupted"])
        return False
    if failure:
        result(usage, cost, subtype="success", is_error=True, terminal_reason="api_error", api_error_status=529,
               result="API Error: " + failure)
    else:
        result(usage, cost, subtype="success", is_error=False, result=done)
    return linger


def result(usage, cost, **more):
    global total
    total += cost
    full = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, **usage}
    models = {"scripted": {"inputTokens": full["input_tokens"], "outputTokens": full["output_tokens"],
                           "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0, "costUSD": cost}}
    emit(type="result", session_id=session, num_turns=1, duration_ms=1, duration_api_ms=1, total_cost_usd=total,
         usage=full, modelUsage=models, model_usage_since_last_result=models, permission_denials=[],
         uuid=str(uuid.uuid4()), **more)


threading.Thread(target=listen, daemon=True).start()
lingers = False
while True:
    event = messages.get()
    if event is None:
        break
    lingers = turn(take(event)) or lingers
while lingers:
    time.sleep(60)
