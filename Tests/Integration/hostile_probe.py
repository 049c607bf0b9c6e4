"""Well-behaved clients beside hostile ones: one on each transport, each in a process of its own, one request at a time and
about a hundred a second. What they wait is the measure of all that is done to the hub."""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import dataclass
from typing import Any

from hostile_figures import milliseconds, quantile

# A spawned process has none of its parent's sockets and threads.
_processes = multiprocessing.get_context("spawn")
KEYS = 100
PAUSE_SECONDS = 0.01
NEW_EVERY_SECONDS = 0.25
SECONDS = 20.0


@dataclass
class Sample:
    kind: str
    begin: float
    seconds: float
    # "" for a success, else the hub's code or what went wrong.
    problem: str = ""


def _timed(kind: str, call: Any, samples: list[Sample]) -> None:
    begin = time.monotonic()
    try:
        problem = call() or ""
    except Exception as error:  # noqa: BLE001 - whatever it is, the client was not served
        problem = type(error).__name__
    samples.append(Sample(kind, begin, time.monotonic() - begin, problem))


def _zeromq(address: str, agent: str) -> dict[str, Any]:
    from hub_client import Hub

    hub = Hub(address, agent)
    hub.socket.rcvtimeo = int(SECONDS * 1_000)
    source = random.Random(1)

    def ask(action: str, **fields: Any) -> str:
        reply = hub.reply(action, **fields)
        return "" if reply["success"] else reply["code"]

    def new() -> str:
        with Hub(address, agent) as other:
            return "" if other.reply("ping")["success"] else "refused"

    return {
        "put": lambda: ask("put", key=f"probe/{source.randrange(KEYS)}", item={"content": "x" * 200}),
        "get": lambda: ask("get", key=f"probe/{source.randrange(KEYS)}"), "new": new}


def _grpc(address: str, agent: str) -> dict[str, Any]:
    from grpc_client import Calls, text

    own = ("grpc.use_local_subchannel_pool", 1)
    calls = Calls(address, agent, None, own)
    source = random.Random(2)

    def new() -> None:
        with Calls(address, agent, None, own) as other:
            other.exists(key="probe/0")

    return {
        "put": lambda: calls.put(key=f"probe/{source.randrange(KEYS)}", item=text("x" * 200)) and None,
        "get": lambda: calls.get(key=f"probe/{source.randrange(KEYS)}") and None, "new": new}


def _http(address: str, agent: str) -> dict[str, Any]:
    from web import Web

    web = Web(address)

    def page(path: str) -> str:
        status = web.get(path).status
        return "" if status == 200 else str(status)

    # Each opens a connection of its own.
    return {"page": lambda: page("/readyz")}


CLIENTS = {"zmq": _zeromq, "grpc": _grpc, "http": _http}


def _run(transport: str, address: str, agent: str, pipe: Any, stop: Any) -> None:
    calls = CLIENTS[transport](address, agent)
    new = calls.pop("new", None)
    kinds = list(calls.items())
    # The first one connects, and imports what is imported late.
    for _, call in kinds:
        call()
    pipe.send("ready")
    samples: list[Sample] = []
    number, next_new = 0, time.monotonic()
    while not stop.is_set():
        kind, call = kinds[number % len(kinds)]
        number += 1
        _timed(kind, call, samples)
        if new and time.monotonic() >= next_new:
            next_new = time.monotonic() + NEW_EVERY_SECONDS
            _timed("new", new, samples)
        time.sleep(PAUSE_SECONDS)
    pipe.send(samples)


class Probe:
    """From `with` on until its end; `between` tells what was seen meanwhile."""

    def __init__(self, addresses: dict[str, str], transports: tuple[str, ...] = ("zmq", "grpc", "http"), agent: str = "probe"):
        self.stop = _processes.Event()
        self.samples: dict[str, list[Sample]] = {}
        self.members = []
        for transport in transports:
            here, there = _processes.Pipe()
            process = _processes.Process(
                target=_run, args=(transport, addresses[transport], agent, there, self.stop), daemon=True)
            self.members.append((transport, process, here))

    def __enter__(self) -> Probe:
        for _, process, _ in self.members:
            process.start()
        for transport, _, pipe in self.members:
            if not pipe.poll(60) or pipe.recv() != "ready":
                raise RuntimeError(f"the probe of {transport} is not served")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if self.stop.is_set():
            return
        self.stop.set()
        for transport, process, pipe in self.members:
            if pipe.poll(60):
                self.samples[transport] = pipe.recv()
            process.join(10)
            if process.is_alive():
                process.kill()

    def between(self, transport: str, begin: float, end: float, *kinds: str) -> list[Sample]:
        return [
            sample for sample in self.samples[transport]
            if begin <= sample.begin < end and (not kinds or sample.kind in kinds)]


def spread(samples: list[Sample]) -> dict[str, object]:
    """P50, P99 and how many, in milliseconds."""
    times = [sample.seconds for sample in samples]
    if not times:
        return {"p50": None, "p99": None, "count": 0}
    return {"p50": milliseconds(quantile(times, 0.5)), "p99": milliseconds(quantile(times, 0.99)), "count": len(times)}


def problems(samples: list[Sample]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sample in samples:
        if sample.problem:
            counts[sample.problem] = counts.get(sample.problem, 0) + 1
    return counts
