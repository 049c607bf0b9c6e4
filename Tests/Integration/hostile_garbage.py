"""Ten thousand malformed messages on each transport: each is answered, or its connection is closed; none ends the hub."""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Callable

import test_bad_calls
import test_http
from hostile_connections import ports
from hostile_figures import MIB, Memory, Report
from hub_client import Hub, Pipeline
from hub_server import Server
from web import Web
from zmtp import GREETING, READY, framed, shake_hands

PART = "malformed"
PIECES = [
    b'{"action":"put","key":"k","item":{"content":"x"}}', b'{"action":"get","key":"k","at_revision":1}',
    b'{"action":"batch","operations":[{"op":"put","key":"a","item":{"content":1}}]}', b'{"action":"events","limit":3}',
    b'{"action":"list_keys","prefix":"\\ud83d\\ude00","limit":1e2}', b'{"action":"history","key":"k"}',
]


def mutated(source: random.Random) -> bytes:
    text = bytearray(source.choice(PIECES))
    for _ in range(source.randrange(1, 5)):
        place = source.randrange(len(text) + 1)
        kind = source.randrange(4)
        if kind == 0:
            text.insert(place, source.randrange(256))
        elif kind == 1:
            text[place % len(text)] = source.randrange(256)
        elif kind == 2:
            text = text[:max(1, place)]
        else:
            text[place:place] = source.choice([b"{", b"[", b'"', b"\\", b"1e999999", b"\x00", b'"action":1,', b"\xff\xfe"])
    return bytes(text)


def zmq_bodies(server: Server, source: random.Random, count: int) -> dict[str, int]:
    """Every one gets a reply on the connection that it came on."""
    told: Counter[str] = Counter()
    with Pipeline(server.address, "hostile") as hub:
        for _ in range(count):
            frames = [b"", source.randbytes(source.randrange(300)) if source.random() < 0.2 else mutated(source)]
            if source.random() < 0.1:
                frames.append(b"one frame more")
            hub.send_frames(frames)
            told[hub.receive().get("code", "success")] += 1
    return dict(told)


def is_closed(port: int, message: bytes, shakes_hands: bool = False) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        def say() -> None:
            if shakes_hands:
                shake_hands(connection)
            connection.sendall(message)

        return test_bad_calls.ends(connection, say)


def zmtp_bytes(source: random.Random) -> tuple[bytes, bool]:
    kind = source.randrange(6)
    if kind == 0:
        return source.randbytes(source.randrange(1, 2_000)), False
    if kind == 1:
        return GREETING + source.randbytes(source.randrange(1, 500)), False
    if kind == 2:
        whole = bytearray(GREETING + READY + framed(PIECES[0]))
        for _ in range(source.randrange(1, 6)):
            whole[source.randrange(len(whole))] = source.randrange(256)
        return bytes(whole), False
    if kind == 3:
        return (GREETING + READY + framed(PIECES[0]))[:source.randrange(1, 150)], False
    if kind == 4:
        return source.randbytes(source.randrange(1, 500)), True
    return b"\x01\x00" * source.randrange(1, 2_000) + framed(mutated(source)), True


def connections(port: int, source: random.Random, count: int, make: Callable[[random.Random], tuple[bytes, bool]]) -> dict[str, int]:
    told: Counter[str] = Counter()
    for _ in range(count):
        message, shakes = make(source)
        told["closed" if is_closed(port, message, shakes) else "left open"] += 1
    return dict(told)


def grpc_messages(server: Server, source: random.Random, count: int) -> dict[str, int]:
    import grpc
    from grpc_client import Calls

    told: Counter[str] = Counter()
    with Calls(server.addresses["grpc"], "hostile") as calls:
        for _ in range(count):
            name, message = source.choice(list(test_bad_calls.METHODS.items()))
            bad = source.randbytes(source.randrange(400)) if source.random() < 0.3 else test_bad_calls.mutated(
                source, message.SerializeToString())
            try:
                calls.raw(f"/memory_fusion.MemoryFusionService/{name}", bad)
                told["OK"] += 1
            except grpc.RpcError as error:
                told[error.code().name] += 1
    return dict(told)


def http_requests(server: Server, source: random.Random, count: int) -> dict[str, int]:
    told: Counter[str] = Counter()
    web = Web(server.addresses["http"])
    for _ in range(count):
        try:
            answer = test_http.answers(web, test_http.garbage(source))
        except AssertionError:
            told["left open"] += 1
            continue
        told[answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"] += 1
    return dict(told)


def run(report: Report, server: Server, count: int, seed: int) -> None:
    source = random.Random(seed)
    port = ports(server)
    report.add(PART, "seed", seed=seed)
    steps: list[tuple[str, Callable[[], dict[str, int]]]] = [
        ("messages over zmq", lambda: zmq_bodies(server, source, count)),
        ("connections to zmq", lambda: connections(port["zmq"], source, count, zmtp_bytes)),
        ("messages over grpc", lambda: grpc_messages(server, source, count)),
        ("connections to grpc", lambda: connections(
            port["grpc"], source, count, lambda source: (test_bad_calls.garbage(source), False))),
        ("requests over http", lambda: http_requests(server, source, count)),
    ]
    for name, work in steps:
        memory = Memory(server.process.pid)
        memory.begin()
        told = work()
        growth = memory.growth()
        report.add(
            PART, f"{count} malformed {name}", "each is answered or closed",
            server.is_running and sum(told.values()) == count and "left open" not in told, **told, growth_mib=growth // MIB)
    with Hub(server.address, "tester") as hub:
        lives = hub.ask("put", key="after", item={"content": "x"})["stored"]
    report.add(PART, "afterwards", "requests are served", lives)
