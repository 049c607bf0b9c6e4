"""Ten thousand connections on a port that say nothing, or half a greeting, and one client that asks for much and reads nothing:
what others notice, and how long it is put up with."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import selectors
import socket
import threading
import time
from typing import Any

import http2
from hostile_figures import MIB, Memory, Report, wait_until
from hostile_overload import ratio
from hostile_probe import Probe
from hub_client import Hub
from hub_server import Server
from zmtp import GREETING, READY, framed, shake_hands

_processes = multiprocessing.get_context("spawn")

# The beginning of a ClientHello of TLS 1.3 that announces 512 bytes.
HALF_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20)
# What the connections say, in turn, before they fall silent.
HALVES = {
    "zmq": [b"", GREETING[:10], GREETING, GREETING + READY[:7]],
    "grpc": [b"", http2.PREFACE[:10], http2.PREFACE, HALF_HELLO],
    "http": [b"", b"GET /livez HTT", b"GET /livez HTTP/1.1\r\nHost: h\r\n", b"POST /health HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"],
}


def raise_file_limit() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class _Holder:
    """Opens them without waiting for any, and looks on."""

    def __init__(self, port: int, count: int, halves: list[bytes]):
        self.halves = halves
        self.selector = selectors.DefaultSelector()
        self.waiting: dict[int, bytes] = {}
        self.opened: dict[int, socket.socket] = {}
        self.refused = self.closed = 0
        self.begin = self.last = time.monotonic()
        for number in range(count):
            connection = socket.socket()
            connection.setblocking(False)
            # A range of addresses: each has ports of its own.
            connection.bind((f"127.0.1.{1 + number % 200}", 0))
            result = connection.connect_ex(("127.0.0.1", port))
            if result not in (0, errno.EINPROGRESS):
                raise OSError(result, os.strerror(result))
            self.waiting[connection.fileno()] = halves[number % len(halves)]
            self.selector.register(connection, selectors.EVENT_WRITE)
            if number % 100 == 99:
                self.step(0)

    def step(self, wait: float) -> None:
        for key, _ in self.selector.select(wait):
            connection = key.fileobj
            if key.fd in self.waiting:
                self._connected(connection)
            else:
                self._heard(connection)

    def _connected(self, connection: socket.socket) -> None:
        half = self.waiting.pop(connection.fileno())
        self.last = time.monotonic()
        try:
            if half:
                connection.send(half)
            elif number := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, os.strerror(number))
        except OSError:
            self.refused += 1
            self._forget(connection)
            return
        self.opened[connection.fileno()] = connection
        self.selector.modify(connection, selectors.EVENT_READ)

    def _heard(self, connection: socket.socket) -> None:
        try:
            if connection.recv(4_096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.opened.pop(connection.fileno())
        self._forget(connection)
        self.closed += 1
        self.last = time.monotonic()

    def _forget(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        connection.close()

    def drip(self) -> None:
        for connection in self.opened.values():
            try:
                connection.send(b"x")
            except OSError:
                pass


def _hold(port: int, count: int, halves: list[bytes], drips: bool, pipe: Any) -> None:
    raise_file_limit()
    holder = _Holder(port, count, halves)
    while holder.waiting and time.monotonic() - holder.last < 2:
        holder.step(0.1)
    pipe.send({
        "opened": count - holder.refused - len(holder.waiting), "kept_waiting": len(holder.waiting),
        "seconds": time.monotonic() - holder.begin})
    next_drip = time.monotonic()
    while not pipe.poll() and (holder.opened or holder.waiting):
        holder.step(0.2)
        if drips and time.monotonic() > next_drip:
            next_drip = time.monotonic() + 2
            holder.drip()
    pipe.send({
        "closed": holder.closed + holder.refused, "open": len(holder.opened) + len(holder.waiting),
        "last": holder.last - holder.begin})


class Held:
    """So many connections to a port, held by a process of its own until the hub has closed them or `end` is called."""

    def __init__(self, port: int, count: int, halves: list[bytes], drips: bool = False):
        self.pipe, there = _processes.Pipe()
        self.process = _processes.Process(target=_hold, args=(port, count, halves, drips, there), daemon=True)
        self.process.start()
        if not self.pipe.poll(120):
            raise RuntimeError("the connections are not opened")
        self.opened: dict[str, Any] = self.pipe.recv()

    def end(self, seconds: float = 0) -> dict[str, Any]:
        """Waits at most so long for the hub to close them all, then gives up. Says how many it closed, and when the last."""
        if not self.pipe.poll(seconds):
            self.pipe.send("end")
        told = self.pipe.recv()
        self.process.join(20)
        return told


class Deaf:
    """A client that asks for much and reads nothing, as long as it may."""

    def __init__(self, server: Server, key: str):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", server.port))
        shake_hands(self.socket)
        self.asked = 0
        self._stop = threading.Event()
        self._request = framed(json.dumps({"action": "get", "key": key}).encode()) * 20
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.socket.sendall(self._request)
                self.asked += 20
            except OSError:
                pass
            self._stop.wait(0.05)

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        self.socket.close()


def ports(server: Server) -> dict[str, int]:
    return {name: int(address.rsplit(":", 1)[1]) for name, address in server.addresses.items()}


def files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def half_open(report: Report, server: Server, transport: str, count: int, seconds: float, patience: float) -> None:
    part = "half-open"
    what = f"{count} on {transport}"
    memory = Memory(server.process.pid)
    with Probe(server.addresses) as probe:
        idle = [(time.monotonic(), time.monotonic() + seconds)]
        time.sleep(seconds)
        before = files(server)
        memory.begin()
        begin = time.monotonic()
        held = Held(ports(server)[transport], count, HALVES[transport])
        opened = time.monotonic()
        most = files(server) - before
        # As many of them as the hub holds are there for this long, and the probe's connections come on top.
        time.sleep(seconds)
        attack = (opened, time.monotonic())
        ended = wait_until(lambda: files(server) <= before + 8, patience)
        told = held.end()
        growth = memory.growth()
    report.add(
        part, what, f"the hub has none of them after {patience:.0f} s", ended is not None,
        opened=held.opened["opened"], kept_waiting=held.opened["kept_waiting"], opened_in_s=round(opened - begin, 1),
        held_at_once=most, ended_by_hub=told["closed"],
        all_ended_after_s=None if ended is None else round(ended + attack[1] - begin, 1))
    report.add(part, f"{what}: memory", "grows by less than 256 MiB", growth < 256 * MIB, growth_mib=growth // MIB)
    ratio(report, part, probe, f"{what}, opening", idle, (begin, opened), None, ("put", "get", "page"))
    ratio(report, part, probe, what, idle, attack, 2, ("put", "get", "page"))
    new(report, part, probe, what, (begin, attack[1]))


def new(report: Report, part: str, probe: Probe, what: str, attack: tuple[float, float]) -> None:
    """Whether clients that come meanwhile are let in."""
    for transport in ("zmq", "grpc"):
        samples = probe.between(transport, *attack, "new")
        bad = [sample for sample in samples if sample.problem]
        slowest = max((sample.seconds for sample in samples), default=0)
        report.add(
            part, f"{what}: new clients over {transport}", "all are served", bool(samples) and not bad,
            served=len(samples) - len(bad), not_served=len(bad), slowest_ms=round(slowest * 1_000))


def stalled(report: Report, server: Server, seconds: float) -> None:
    part = "stalled"
    memory = Memory(server.process.pid)
    with Hub(server.address, "tester") as hub:
        hub.ask("put", key="stalled/large", item={"content": "x" * 1_000_000})
    with Probe(server.addresses) as probe:
        begin = time.monotonic()
        time.sleep(seconds)
        idle = [(begin, time.monotonic())]
        memory.begin()
        begin = time.monotonic()
        deaf = Deaf(server, "stalled/large")
        time.sleep(seconds)
        attack = (begin, time.monotonic())
        deaf.end()
        growth = memory.growth()
    report.add(part, "one that asks for 1 MB each and reads nothing", "grows by less than 256 MiB", growth < 256 * MIB,
               asked=deaf.asked, growth_mib=growth // MIB)
    ratio(report, part, probe, "one stalled reader", idle, attack, 2, ("put", "get", "page"))


def run(report: Report, server: Server, count: int, seconds: float, patience: float) -> None:
    for transport in HALVES:
        half_open(report, server, transport, count, seconds, patience)
    stalled(report, server, seconds)
