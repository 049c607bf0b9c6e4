"""Many pipelined ZeroMQ clients in one process, written to the sockets by hand so that they cost little: as fast as the hub
answers them, or so many requests a second whatever it says."""

from __future__ import annotations

import json
import multiprocessing
import re
import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hostile_figures import milliseconds, quantile
from zmtp import framed, shake_hands

_processes = multiprocessing.get_context("spawn")
# What a reply says, in the order in which it says it.
TOLD = re.compile(rb'"success":(true|false)|"code":"([a-z_]+)"|"retry_after_ms":(\d+)')
CHUNK = 32
TICK_SECONDS = 0.002
DRAIN_SECONDS = 20.0


@dataclass
class Outcome:
    """Counts are of requests. Latencies run from the moment in which a request is handed to the socket."""

    seconds: float = 0.0
    offered: int = 0
    sent: int = 0
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    hints: list[int] = field(default_factory=list)
    unanswered: int = 0

    def rate(self, count: int) -> int:
        return round(count / self.seconds)

    def figures(self) -> dict[str, object]:
        told: dict[str, object] = {
            "offered_per_s": self.rate(self.offered), "sent_per_s": self.rate(self.sent),
            "accepted_per_s": self.rate(len(self.accepted))}
        if self.accepted:
            told |= {"p50": milliseconds(quantile(self.accepted, 0.5)), "p99": milliseconds(quantile(self.accepted, 0.99))}
        if self.refused:
            told |= {
                "refused_per_s": self.rate(len(self.refused)), "refused_p50": milliseconds(quantile(self.refused, 0.5)),
                "refused_p99": milliseconds(quantile(self.refused, 0.99))}
        return told


class Connection:
    """`chunk` requests are handed over at a time."""

    def __init__(self, port: int, agent: str, number: int, chunk: int):
        self.count = chunk
        self.socket = socket.socket()
        # What waits in the client's own kernel is the client's affair: it counts as offered, and not as sent.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        shake_hands(self.socket)
        self.socket.setblocking(False)
        self.chunk = b"".join(
            framed(json.dumps({
                "action": "put", "agent_id": agent, "key": f"load/{number}/{index}", "item": {"content": "x" * 100}}).encode())
            for index in range(chunk))
        self.out = b""
        self.waiting: deque[list] = deque()
        self.inbox = b""
        self.outstanding = 0

    def offer(self, outcome: Outcome) -> None:
        """One chunk, unless the one before has not left yet: then the hub does not even read it."""
        outcome.offered += self.count
        if self.out:
            return
        outcome.sent += self.count
        self.outstanding += self.count
        self.waiting.append([time.monotonic(), self.count])
        self.out = self.chunk
        self.flush()

    def flush(self) -> None:
        try:
            self.out = self.out[self.socket.send(self.out):]
        except BlockingIOError:
            pass

    def take(self, outcome: Outcome) -> None:
        try:
            part = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        if not part:
            raise ConnectionError("the hub closed a connection of the load")
        now = time.monotonic()
        text = self.inbox + part
        end = 0
        for found in TOLD.finditer(text):
            end = found.end()
            success, code, hint = found.groups()
            if success:
                first = self.waiting[0]
                (outcome.accepted if success == b"true" else outcome.refused).append(now - first[0])
                first[1] -= 1
                if first[1] == 0:
                    self.waiting.popleft()
                self.outstanding -= 1
            elif code:
                outcome.codes[code.decode()] = outcome.codes.get(code.decode(), 0) + 1
            else:
                outcome.hints.append(int(hint))
        # What is cut in two is looked at again with the rest.
        self.inbox = text[max(end, len(text) - 64):]


def _run(
        port: int, agents: list[str], rate: float | None, window: int, chunk: int, seconds: float, pipe: Any) -> None:
    connections = [Connection(port, agent, number, chunk) for number, agent in enumerate(agents)]
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    pipe.send("ready")
    pipe.recv()
    outcome = Outcome()
    begin = last = time.monotonic()
    due, turn = 0.0, 0

    def take(wait: float) -> None:
        for key, _ in selector.select(wait):
            key.data.take(outcome)
        for connection in connections:
            if connection.out:
                connection.flush()

    while (now := time.monotonic()) - begin < seconds:
        if rate is None:
            for connection in connections:
                if connection.outstanding + chunk <= window and not connection.out:
                    connection.offer(outcome)
        else:
            due += (now - last) * rate
            last = now
            while due >= chunk:
                due -= chunk
                turn += 1
                connections[turn % len(connections)].offer(outcome)
        take(TICK_SECONDS)
    outcome.seconds = time.monotonic() - begin
    end = time.monotonic() + DRAIN_SECONDS
    while any(connection.outstanding for connection in connections) and time.monotonic() < end:
        take(0.05)
    outcome.unanswered = sum(connection.outstanding for connection in connections)
    pipe.send(outcome)
    for connection in connections:
        connection.socket.close()


class Load:
    """`agents` names one for each connection. `rate` is of all together; without it each connection has `window` requests
    under way. They are sent `chunk` at a time, by a connection after the other."""

    def __init__(
            self, port: int, agents: list[str], rate: float | None = None, window: int = 64, chunk: int = CHUNK,
            seconds: float = 5.0):
        self.pipe, there = _processes.Pipe()
        self.seconds = seconds
        self.process = _processes.Process(target=_run, args=(port, agents, rate, window, chunk, seconds, there), daemon=True)
        self.process.start()
        if not self.pipe.poll(60) or self.pipe.recv() != "ready":
            raise RuntimeError("the load is not served")

    def begin(self) -> None:
        self.pipe.send("go")

    def end(self) -> Outcome:
        if not self.pipe.poll(self.seconds + 3 * DRAIN_SECONDS):
            self.process.kill()
            raise RuntimeError("the load does not end")
        outcome = self.pipe.recv()
        self.process.join()
        return outcome


def run_load(port: int, agents: list[str], **options: Any) -> Outcome:
    load = Load(port, agents, **options)
    load.begin()
    return load.end()
