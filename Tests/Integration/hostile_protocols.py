"""Abuse of HTTP/2 on gRPC's port and of HTTP/1: streams that are reset as soon as they are opened, headers without an end, headers
that grow a thousandfold, floods of control frames, requests that come byte by byte."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import http2
from hostile_connections import Held, ports
from hostile_figures import MIB, Memory, Report
from hostile_overload import ratio
from hostile_probe import Probe
from hub_server import Server
from web import Web

PART = "protocols"
LIMIT_SECONDS = 10


class Flood:
    """Sends pieces to a port until it has sent so many bytes, over as many connections as that takes; the hub may end each."""

    def __init__(self, port: int, seconds: float = LIMIT_SECONDS, reads: bool = False):
        self.port = port
        self.reads = reads
        self.until = time.monotonic() + seconds
        self.connections = self.ended = self.bytes = 0

    def run(self, opening: bytes, pieces: Callable[[int], bytes], count: int) -> int:
        """`count` pieces. Returns how many were sent: the rest did not go out in time."""
        sent = 0
        while sent < count and time.monotonic() < self.until:
            sent += self._one(opening, pieces, count - sent)
        return sent

    def _one(self, opening: bytes, pieces: Callable[[int], bytes], count: int) -> int:
        self.connections += 1
        number = 0
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            try:
                connection.sendall(opening)
                while number < count and time.monotonic() < self.until:
                    text = pieces(number)
                    connection.sendall(text)
                    self.bytes += len(text)
                    number += 1
                    if self.reads:
                        self._read(connection)
            except OSError:
                self.ended += 1
        return number

    @staticmethod
    def _read(connection: socket.socket) -> None:
        connection.settimeout(0.0)
        try:
            while connection.recv(1 << 16):
                pass
        except BlockingIOError:
            pass
        finally:
            connection.settimeout(2)


OPENING = http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0)
RESETS = 50


def resets(number: int) -> bytes:
    """Streams that are opened and reset at once."""
    head = http2.call_headers("Get")
    text = b""
    for index in range(RESETS):
        stream = 2 * (number * RESETS + index) + 1
        text += http2.frame(http2.HEADERS, http2.END_HEADERS, stream, head)
        text += http2.frame(http2.RESET, 0, stream, b"\0\0\0\x08")
    return text


def continuations(number: int) -> bytes:
    """One block of headers that never ends."""
    first = http2.frame(http2.HEADERS, 0, 1, http2.call_headers("Get")) if number == 0 else b""
    return first + http2.frame(http2.CONTINUATION, 0, 1, http2.field(f"x-{number}", "y" * 8_000))


def many_headers(number: int) -> bytes:
    fields = b"".join(http2.field(f"x-{index}", "y" * 40) for index in range(250))
    return http2.frame(http2.HEADERS, http2.END_HEADERS, 2 * number + 1, http2.call_headers("Get") + fields)


def hpack_bomb(number: int) -> bytes:
    """One header of 4 kB that is remembered, then named 10,000 times: 40 MB of headers in 14 kB."""
    remembered = http2.field("x", "y" * 3_900, index=True) if number == 0 else b""
    return http2.frame(
        http2.HEADERS, http2.END_HEADERS, 2 * number + 1, http2.call_headers("Get") + remembered + http2.indexed(62) * 10_000)


def pings(number: int) -> bytes:
    return http2.frame(http2.PING, 0, 0, struct.pack(">Q", number)) * 500


def settings(number: int) -> bytes:
    return http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535)) * 500


def empty_data(number: int) -> bytes:
    first = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call_headers("Put")) if number == 0 else b""
    return first + http2.frame(http2.DATA, 0, 1) * 500


def windows(number: int) -> bytes:
    return http2.frame(http2.WINDOW, 0, 0, struct.pack(">I", 1)) * 500


FLOODS: list[tuple[str, Callable[[int], bytes], int, int, str]] = [
    ("streams opened and reset", resets, 100_000 // RESETS, RESETS, "streams"),
    ("CONTINUATION without an end", continuations, 20_000, 1, "frames"),
    ("250 headers on every stream", many_headers, 20_000, 1, "streams"),
    ("HPACK bombs of 40 MB", hpack_bomb, 2_000, 1, "bombs"),
    ("PING, replies not read", pings, 1_000, 500, "frames"),
    ("SETTINGS, replies not read", settings, 1_000, 500, "frames"),
    ("empty DATA", empty_data, 1_000, 500, "frames"),
    ("WINDOW_UPDATE", windows, 1_000, 500, "frames"),
]


def huge_headers(port: int, seconds: float) -> dict[str, object]:
    """Requests whose head is a megabyte, one after the other."""
    until = time.monotonic() + seconds
    told: dict[str, int] = {}
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            try:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n" + b"".join(
                    f"x-{number}: {'y' * 1_000}\r\n".encode() for number in range(1_000)) + b"\r\n")
                answer = connection.recv(4_096)
            except OSError:
                answer = b""
        what = answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"
        told[what] = told.get(what, 0) + 1
    return {"answers": told}


def run(report: Report, server: Server, seconds: float) -> None:
    windows_of: dict[str, tuple[float, float]] = {}
    figures: dict[str, tuple[dict[str, object], int]] = {}
    port = ports(server)
    idle_bytes = server.resident_bytes()
    with Probe(server.addresses) as probe:
        begin = time.monotonic()
        time.sleep(seconds)
        idle = [(begin, time.monotonic())]

        def step(name: str, work: Callable[[], dict[str, object]]) -> None:
            memory = Memory(server.process.pid, idle_bytes)
            memory.begin()
            begin = time.monotonic()
            told = work()
            windows_of[name] = (begin, time.monotonic())
            figures[name] = (told, memory.growth())

        for name, pieces, count, each, unit in FLOODS:
            def work() -> dict[str, object]:
                flood = Flood(port["grpc"])
                sent = flood.run(OPENING, pieces, count)
                return {unit: sent * each, "connections": flood.connections, "ended_by_hub": flood.ended}
            step(name, work)
        step("heads of 1 MB over http", lambda: huge_headers(port["http"], min(seconds, LIMIT_SECONDS)))

        def slow() -> dict[str, object]:
            held = Held(port["http"], 500, [b"GET /livez HTTP/1.1\r\nX-Slow: "], drips=True)
            ended = held.end(40)
            return {"opened": held.opened["opened"], "ended_by_hub": ended["closed"], "last_after_s": round(ended["last"], 1)}
        step("500 heads that come byte by byte", slow)
    for name, (told, growth) in figures.items():
        report.add(PART, name, "grows by less than 256 MiB", growth < 256 * MIB, **told, growth_mib=growth // MIB,
                   seconds=round(windows_of[name][1] - windows_of[name][0], 2))
        if windows_of[name][1] - windows_of[name][0] >= 1:
            ratio(report, PART, probe, name, idle, windows_of[name], 2, ("put", "get", "page"))
    slow_told = figures["500 heads that come byte by byte"][0]
    report.add(PART, "heads that come byte by byte", "all are ended", slow_told["ended_by_hub"] == slow_told["opened"])
    report.add(PART, "afterwards", "all ports answer", Web(server.addresses["http"]).get("/readyz").status == 200)
