"""What is too large: a frame, a message or a body of a gigabyte, bombs of JSON, the largest replies and requests, many at once.
After each the hub lives, and it has grown by less than 256 MiB."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import http2
from grpc_client import Calls, pb
from hostile_figures import MIB, Memory, Report
from hub_client import Hub, Pipeline
from hub_server import Server
from web import Web
from zmtp import shake_hands

GIGABYTE = 1 << 30
GROWTH_MAX = 256 * MIB
PART = "memory"
_idle: dict[str, int] = {}


@contextmanager
def watched(
        report: Report, server: Server, what: str, figures: dict[str, object], growth_max: int = GROWTH_MAX) -> Iterator[None]:
    # Above what a hub takes that has just been started, whatever came before.
    memory = Memory(server.process.pid, _idle[server.address])
    memory.begin()
    begin = time.monotonic()
    yield
    seconds = time.monotonic() - begin
    growth = memory.growth()
    with Hub(server.address, "tester") as hub:
        lives = hub.ask("ping")["pong"]
    report.add(
        PART, what, f"grows by less than {growth_max // MIB} MiB", lives and growth < growth_max, growth_mib=round(growth / MIB, 1),
        seconds=round(seconds, 2), **figures)


def pour(connection: socket.socket, total: int) -> tuple[int, bool]:
    """Sends zeros until it is all there or the other side ends it. How many bytes, and whether it was ended."""
    block = bytes(MIB)
    sent = 0
    connection.settimeout(20)
    try:
        while sent < total:
            sent += connection.send(block)
        return sent, False
    except OSError:
        return sent, True


def frame_of_a_gigabyte(server: Server) -> dict[str, object]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        shake_hands(connection)
        connection.sendall(b"\x01\x00\x02" + GIGABYTE.to_bytes(8, "big"))
        sent, ended = pour(connection, GIGABYTE)
    return {"sent_mib": sent // MIB, "ended": ended}


def message_of_a_gigabyte(server: Server) -> dict[str, object]:
    with http2.Connection(grpc_port(server)) as connection:
        connection.pump(0.2)
        connection.begin(1, "Put")
        sent = connection.data(1, b"\0" + GIGABYTE.to_bytes(4, "big") + bytes(64 * MIB), seconds=20)
        connection.pump(1)
        return {"sent_kib": sent // 1_024, "ended": connection.is_over(1)}


def body_of_a_gigabyte(server: Server) -> dict[str, object]:
    with Web(server.addresses["http"]).connect() as connection:
        connection.sendall(f"POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: {GIGABYTE}\r\n\r\n".encode())
        sent, ended = pour(connection, GIGABYTE)
    return {"sent_mib": sent // MIB, "ended": ended}


def grpc_port(server: Server) -> int:
    return int(server.addresses["grpc"].rsplit(":", 1)[1])


SIZE = 4 * MIB - 1_000
# Requests of almost 4 MiB that are little work to make and may be much to read.
BOMBS: dict[str, Callable[[], str]] = {
    "a deep array": lambda: "[" * SIZE,
    "a deep object": lambda: '{"a":' * (SIZE // 5),
    "a number of 4 million digits": lambda: '{"content":{"n":' + "9" * (SIZE - 100) + "}}",
    "an exponent of 4 million digits": lambda: '{"content":{"n":1e' + "9" * (SIZE - 100) + "}}",
    "500,000 names": lambda: '{"content":{' + ",".join(f'"{n:x}":0' for n in range(420_000)) + "}}",
    "2 million zeros": lambda: '{"content":[' + ",".join(["0"] * (SIZE // 2 - 100)) + "]}",
    "1.4 million empty objects": lambda: '{"content":[' + ",".join(["{}"] * (SIZE // 3 - 100)) + "]}",
    "700,000 escapes": lambda: '{"content":"' + "\\u0041" * (SIZE // 6 - 100) + '"}',
}


def bomb_over_zeromq(server: Server, item: str) -> str:
    with Hub(server.address, "tester") as hub:
        reply = json.loads(hub.send_bytes(b'{"action":"put","key":"bomb","item":' + item.encode() + b"}"))
        return "stored" if reply["success"] else reply["code"]


def bomb_over_grpc(server: Server, item: str) -> str:
    with Calls(server.addresses["grpc"], "tester", None, ("grpc.use_local_subchannel_pool", 1)) as calls:
        try:
            calls.put(key="bomb", item_json=item)
            return "stored"
        except grpc.RpcError as error:
            return dict(error.trailing_metadata() or ()).get("mfh-code", error.code().name)


def bombs(report: Report, server: Server) -> None:
    for name, make in BOMBS.items():
        item = make()
        for transport, throw in (("zmq", bomb_over_zeromq), ("grpc", bomb_over_grpc)):
            told: dict[str, object] = {}
            with watched(report, server, f"{name} over {transport}, 16 at once", told):
                with ThreadPoolExecutor(16) as pool:
                    answers = list(pool.map(lambda _: throw(server, item), range(16)))
                told["answers"] = {answer: answers.count(answer) for answer in set(answers)}


def largest_items(server: Server) -> list[str]:
    keys = [f"large/{number}" for number in range(1_024)]
    with Pipeline(server.address, "tester") as hub:
        body = "x" * (MIB - 400)
        for start in range(0, len(keys), 16):
            for key in keys[start:start + 16]:
                hub.send("put", key=key, item={"content": body})
            for _ in keys[start:start + 16]:
                reply = hub.receive()
                assert reply["success"], reply
    return keys


def start_anew(server: Server) -> None:
    """What a hub takes that was just started on this store is what growth is counted from."""
    server.restart()
    _idle[server.address] = server.resident_bytes()


def large_batch_get(report: Report, server: Server) -> None:
    keys = largest_items(server)
    start_anew(server)
    told: dict[str, object] = {}
    with watched(report, server, "batch_get of 1,024 items of 1 MiB over zmq", told), Hub(server.address) as hub:
        told["answer"] = hub.reply("batch_get", keys=keys).get("code", "success")
    told = {}
    with watched(report, server, "the same over grpc", told), Calls(server.addresses["grpc"]) as calls:
        try:
            calls.batch_get(*keys)
            told["answer"] = "success"
        except grpc.RpcError as error:
            told["answer"] = dict(error.trailing_metadata() or ()).get("mfh-code", error.code().name)
    for transport in ("zmq", "grpc"):
        told = {}
        with watched(report, server, f"32 of 3 such items at once over {transport}", told):
            answers = at_once(server, transport, keys[:3], 32)
            told["answers"] = {answer: answers.count(answer) for answer in set(answers)}


def at_once(server: Server, transport: str, keys: list[str], count: int) -> list[str]:
    def ask(_: int) -> str:
        if transport == "zmq":
            with Hub(server.address) as hub:
                return hub.reply("batch_get", keys=keys).get("code", "success")
        with Calls(server.addresses["grpc"], "tester", None, ("grpc.use_local_subchannel_pool", 1)) as calls:
            try:
                calls.batch_get(*keys)
                return "success"
            except grpc.RpcError as error:
                return dict(error.trailing_metadata() or ()).get("mfh-code", error.code().name)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def unfinished_calls(report: Report, server: Server, connections: int, streams: int) -> None:
    """Calls with messages of 8 MiB of which the last byte never comes."""
    message = http2.message(pb.PutRequest(key="k", item_json="x" * (8 * MIB - 100)).SerializeToString())
    told: dict[str, object] = {}
    with watched(report, server, f"{connections * streams} unfinished calls of 8 MiB over grpc", told):
        sent = [0] * connections
        over = [0] * connections

        def send(number: int) -> None:
            with http2.Connection(grpc_port(server)) as connection:
                connection.pump(0.2)
                for stream in range(1, 2 * streams, 2):
                    connection.begin(stream, "Put")
                    sent[number] += connection.data(stream, message[:-1], seconds=3)
                connection.pump(0.5)
                over[number] = sum(connection.is_over(stream) for stream in range(1, 2 * streams, 2))

        threads = [threading.Thread(target=send, args=[number]) for number in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told["sent_mib"] = sum(sent) // MIB
        told["ended"] = sum(over)


def waiting_calls(report: Report, server: Server, connections: int) -> None:
    """As many calls as a connection may have, on many connections, each with a little of a request that never comes whole."""
    told: dict[str, object] = {}
    # All that the limit lets in, and the refusals of as many again, at once.
    with watched(report, server, f"{connections} connections with 256 calls that never begin", told, 2 * GROWTH_MAX):
        opened = [http2.Connection(grpc_port(server)) for _ in range(connections)]
        body = b"\0\0\0\x20\0" + bytes(3_000)
        for connection in opened:
            connection.pump()
            for stream in range(1, 513, 2):
                connection.begin(stream, "Put")
                connection.send(http2.frame(http2.DATA, 0, stream, body[:max(0, min(3_000, connection.windows[0]))]))
                connection.windows[0] -= 3_000
                if connection.windows[0] < 3_000:
                    connection.pump(0.005)
        for connection in opened:
            connection.pump(0.02)
        told["calls"] = connections * 256
        told["refused"] = sum(
            connection.is_over(stream) for connection in opened for stream in range(1, 513, 2))
        for connection in opened:
            connection.socket.close()


def run(report: Report, server: Server) -> None:
    _idle[server.address] = server.resident_bytes()
    for what, call in (
            ("a frame of 1 GB over zmq", frame_of_a_gigabyte), ("a message of 1 GB over grpc", message_of_a_gigabyte),
            ("a body of 1 GB over http", body_of_a_gigabyte)):
        told: dict[str, object] = {}
        with watched(report, server, what, told):
            told.update(call(server))
    bombs(report, server)
    unfinished_calls(report, server, 8, 16)
    large_batch_get(report, server)
    start_anew(server)
    waiting_calls(report, server, 100)
