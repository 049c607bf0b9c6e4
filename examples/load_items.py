"""Loads items from a file of JSON lines into a hub.

Each line is one of

    {"key": "a/key", "item": {...}, "agent_id": "who wrote it"}
    {"session_id": "a/key", ...}      an item by itself; its key is its `key`, else its `session_id`,
                                      else its `knowledge_id`

`agent_id` names the writer in both forms, and is not a part of the item; `--agent` stands in where a line has none.
Blank lines are skipped. The text of an item is sent as it is in the file, so numbers keep all their digits.

With `--verify` every item is read back: what the file gave must be what the hub has (times as instants). When a key
is in the file more than once, its last line counts.

Exit codes: 0 done, 64 usage, 65 a line was refused or read back differently, 66 no such file, 69 no answer from
the hub.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import NoReturn

import zmq

DONE, USAGE, BAD_DATA, NO_INPUT, UNAVAILABLE = 0, 64, 65, 66, 69
TIMES = {"timestamp", "updated_at", "created_at", "last_activity", "last_accessed", "expiry_timestamp"}
WINDOW_MAX = 4_096  # what a hub takes from one connection, unless it is configured otherwise


class LineError(Exception):
    """A line that is no item."""


@dataclass
class Entry:
    line: int
    key: str
    agent: str
    item: str  # the JSON text, as in the file


def fail(code: int, message: str) -> NoReturn:
    print(f"load_items: {message}", file=sys.stderr)
    sys.exit(code)


# --- Reading the file


def digits(text: str) -> tuple[str, str]:
    return ("number", text)


# Numbers are kept as their digits, so that 1.0 is not 1.00 and nothing is rounded.
EXACT = json.JSONDecoder(parse_int=digits, parse_float=digits)


def exact(text: str | bytes):
    return EXACT.decode(text if isinstance(text, str) else text.decode())


def members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as the text that it is."""
    space = " \t\r\n"
    found: dict[str, str] = {}

    def skip(position: int) -> int:
        while position < len(text) and text[position] in space:
            position += 1
        return position

    position = skip(skip(0) + 1)
    while text[position] != "}":
        name, position = EXACT.raw_decode(text, position)
        start = skip(skip(position) + 1)
        _, position = EXACT.raw_decode(text, start)
        if name in found:
            raise LineError(f'the name "{name}" is there twice')
        found[name] = text[start:position]
        position = skip(position)
        if text[position] == ",":
            position = skip(position + 1)
    return found


def parse(number: int, text: str, agent: str) -> Entry:
    try:
        value = exact(text)
    except (ValueError, RecursionError) as error:
        raise LineError(f"this is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise LineError("a line must be a JSON object")
    parts = members(text)
    writer = value.get("agent_id", agent)
    if not isinstance(writer, str):
        raise LineError('"agent_id" must be a string')
    if "item" in value:
        key, item = value.get("key"), parts["item"]
    else:
        names = [name for name in ("key", "session_id", "knowledge_id") if name in value]
        key = value[names[0]] if names else None
        item = "{" + ",".join(f"{json.dumps(name)}:{part}" for name, part in parts.items() if name != "agent_id") + "}"
    if not isinstance(key, str):
        raise LineError('no key: give "key" and "item", or an item with "key", "session_id" or "knowledge_id"')
    return Entry(number, key, writer, item)


def read(path: str, agent: str) -> Iterator[Entry]:
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                if not text.strip():
                    continue
                try:
                    yield parse(number, text, agent)
                except LineError as error:
                    fail(BAD_DATA, f"{path}, line {number}: {error}")
    except UnicodeDecodeError as error:
        fail(BAD_DATA, f"{path} is not UTF-8: {error}")
    except OSError as error:
        fail(NO_INPUT, f"can not read {path}: {error.strerror}")


# --- Talking to the hub


class Hub:
    """A DEALER socket: many requests under way, replies in the order of the requests."""

    def __init__(self, address: str, window: int, timeout: float):
        self.address, self.window, self.timeout = address, window, timeout
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvtimeo = int(timeout * 1_000)
        self.key = os.environ.get("MFH_API_KEY")
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            fail(USAGE, f"--hub {address}: {error}")

    def send(self, **fields) -> None:
        self.send_text(json.dumps(fields))

    def send_text(self, request: str) -> None:
        if self.key:
            request = request[:-1] + f',"api_key":{json.dumps(self.key)}}}'
        self.socket.send_multipart([b"", request.encode()])

    def receive(self) -> bytes:
        try:
            return self.socket.recv_multipart()[-1]
        except zmq.Again:
            fail(UNAVAILABLE, f"no answer from {self.address} within {self.timeout:g} s: is a hub running there?")

    def pipeline(
        self, entries: Iterable[Entry], send: Callable[[Entry], None], take: Callable[[Entry, bytes], None]
    ) -> None:
        waiting: deque[Entry] = deque()
        for entry in entries:
            if len(waiting) == self.window:
                take(waiting.popleft(), self.receive())
            send(entry)
            waiting.append(entry)
        while waiting:
            take(waiting.popleft(), self.receive())


class Progress:
    def __init__(self, what: str):
        self.what, self.count, self.shown = what, 0, sys.stderr.isatty()

    def step(self) -> None:
        self.count += 1
        if self.shown and self.count % 500 == 0:
            print(f"\r{self.what} {self.count}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# --- Comparing


def instant(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def difference(given: dict, stored: dict) -> str | None:
    """The first field that the hub has differently. Fields that were left out or null have the hub's default."""
    for name, value in given.items():
        if value is None or name == "key":
            continue
        # The hub sets this one itself when it replaces an item.
        if name == "updated_at" and stored.get(name) is not None and "content" in stored:
            continue
        if name not in stored:
            return f'the hub has no "{name}"'
        same = stored[name] == value
        if not same and name in TIMES and isinstance(value, str) and isinstance(stored[name], str):
            same = instant(stored[name]) == instant(value)
        if not same:
            return f'"{name}" is {json.dumps(stored[name])}, the file has {json.dumps(value)}'
    return None


# --- The two passes


def load(hub: Hub, entries: Iterable[Entry], path: str) -> tuple[dict[str, Entry], int]:
    """Puts everything. Gives what was stored, by key, and how many lines were refused."""
    run, progress = uuid.uuid4().hex, Progress("stored")
    stored: dict[str, Entry] = {}
    refused = 0

    def send(entry: Entry) -> None:
        head = json.dumps(
            {"action": "put", "key": entry.key, "agent_id": entry.agent, "request_id": f"{run}-{entry.line}"})
        hub.send_text(f'{head[:-1]},"item":{entry.item}}}')

    def take(entry: Entry, reply: bytes) -> None:
        nonlocal refused
        answer = json.loads(reply)
        progress.step()
        if answer["success"]:
            stored.pop(entry.key.strip(), None)
            stored[entry.key.strip()] = entry
            return
        refused += 1
        print(f"load_items: {path}, line {entry.line}: {answer['code']}: {answer['error']}", file=sys.stderr)

    hub.pipeline(entries, send, take)
    progress.end()
    return stored, refused


def verify(hub: Hub, stored: dict[str, Entry], path: str) -> int:
    """Reads everything back. Gives how many items are not what the file says."""
    progress, wrong = Progress("verified"), 0

    def take(entry: Entry, reply: bytes) -> None:
        nonlocal wrong
        answer = exact(reply)
        progress.step()
        if not answer["success"]:
            problem = f"{answer['code']}: {answer['error']}"
        elif not answer["result"]["found"]:
            problem = "it is not there"
        else:
            problem = difference(exact(entry.item), answer["result"]["item"])
        if problem:
            wrong += 1
            print(f"load_items: {path}, line {entry.line}, key {entry.key}: {problem}", file=sys.stderr)

    hub.pipeline(stored.values(), lambda entry: hub.send(action="get", key=entry.key), take)
    progress.end()
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: fail(USAGE, f"{message}; see --help")  # type: ignore[method-assign]
    parser.add_argument("file", help="JSON lines; - is standard input")
    hub, agent = os.environ.get("MFH_HUB", "tcp://127.0.0.1:5713"), os.environ.get("MFH_AGENT", "load_items")
    parser.add_argument("--hub", default=hub, help="its address [MFH_HUB; %(default)s]")
    parser.add_argument("--agent", default=agent, help="the writer of lines that name none [MFH_AGENT; %(default)s]")
    parser.add_argument("--window", type=int, default=256, help="requests under way at a time [%(default)s]")
    parser.add_argument("--timeout", type=float, default=10, help="seconds to wait for a reply [%(default)s]")
    parser.add_argument("--verify", action="store_true", help="read everything back and compare")
    options = parser.parse_args()
    if not 1 <= options.window <= WINDOW_MAX:
        parser.error(f"--window is from 1 to {WINDOW_MAX}")
    connection = Hub(options.hub, options.window, options.timeout)
    stored, refused = load(connection, read(options.file, options.agent), options.file)
    wrong = verify(connection, stored, options.file) if options.verify else 0
    print(f"{len(stored)} items stored" + (f", {len(stored) - wrong} read back equal" if options.verify else ""))
    if refused or wrong:
        fail(BAD_DATA, f"{refused} lines refused, {wrong} items read back differently")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
