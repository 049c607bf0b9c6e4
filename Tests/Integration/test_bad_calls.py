"""gRPC's port and those who mean it ill: whatever comes, it is answered or the connection is closed."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_client import Calls, pb, text
from hub_client import Hub
from hub_server import Server

GARBAGE = int(os.environ.get("MFH_GARBAGE_MESSAGES", "300"))
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
METHODS = {
    "Get": pb.GetRequest(key="k", agent_id="a", at_revision=1), "Put": pb.PutRequest(
        key="k", item=pb.MemoryItem(text_content="x", metadata={"a": "b"}, tags=["t"]), if_revision=3, ttl_seconds=1.5),
    "Delete": pb.DeleteRequest(key="k", if_revision=9), "BatchGet": pb.BatchGetRequest(keys=["a", "b"]),
    "Exists": pb.ExistsRequest(key="k"), "ListKeys": pb.ListKeysRequest(prefix="p", limit=3),
    "GetHealth": pb.HealthRequest(), "History": pb.HistoryRequest(key="k", limit=2), "Checksum": pb.ChecksumRequest(),
    "Batch": pb.BatchRequest(operations=[
        pb.BatchOperation(put=pb.BatchPut(key="k", item_json='{"content":"x"}')),
        pb.BatchOperation(delete=pb.BatchDelete(key="l"))]),
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "store", "--grpc-port", "auto").start()
    try:
        yield server
        assert server.is_running, server.log_text
        server.stop()
    finally:
        if server.is_running:
            server.kill()


@pytest.fixture
def source() -> random.Random:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    return random.Random(seed)


def still_answers(served: Server) -> None:
    with Calls(served.addresses["grpc"]) as calls, Hub(served.address) as hub:
        assert calls.put(key="after", item=text("x")).success
        assert hub.ask("get", key="after")["found"]


def mutated(source: random.Random, message: bytes) -> bytes:
    bytes_ = bytearray(message)
    for _ in range(source.randrange(1, 6)):
        kind = source.randrange(4)
        place = source.randrange(len(bytes_) + 1)
        if kind == 0:
            bytes_.insert(place, source.randrange(256))
        elif kind == 1 and bytes_:
            bytes_[place % len(bytes_)] = source.randrange(256)
        elif kind == 2:
            del bytes_[place:]
        else:
            bytes_[place:place] = source.randbytes(source.randrange(20))
    return bytes(bytes_)


def test_malformed_messages_are_answered(served: Server, source: random.Random) -> None:
    told: Counter[str] = Counter()
    with Calls(served.addresses["grpc"]) as calls:
        for _ in range(GARBAGE):
            name, message = source.choice(list(METHODS.items()))
            bad = source.randbytes(source.randrange(400)) if source.random() < 0.3 else mutated(
                source, message.SerializeToString())
            try:
                calls.raw(f"/memory_fusion.MemoryFusionService/{name}", bad)
                told["OK"] += 1
            except grpc.RpcError as error:
                told[error.code().name] += 1
    print(f"{GARBAGE} malformed messages: {dict(told)}")
    assert set(told) <= {"OK", "INVALID_ARGUMENT", "ABORTED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert told["INVALID_ARGUMENT"] > GARBAGE // 4
    still_answers(served)


def frame(source: random.Random) -> bytes:
    """One HTTP/2 frame, more or less."""
    payload = source.randbytes(source.choice([0, 4, 5, 6, 8, 30, 200]))
    length = len(payload) if source.random() < 0.8 else source.randrange(1 << 24)
    stream = source.choice([0, 1, 2, 3, 5, 0x7FFFFFFF, source.randrange(1 << 31)])
    return struct.pack(">I", length)[1:] + bytes([source.randrange(12), source.randrange(256)]) + struct.pack(
        ">I", stream) + payload


def garbage(source: random.Random) -> bytes:
    kind = source.randrange(5)
    settings = b"\0\0\0\4\0\0\0\0\0"
    if kind == 0:
        return source.randbytes(source.randrange(1, 2_000))
    if kind == 1:
        return b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    if kind == 2:
        return PREFACE[: source.randrange(1, len(PREFACE))]
    if kind == 3:
        return PREFACE + settings + b"".join(frame(source) for _ in range(source.randrange(1, 20)))
    return mutated(source, PREFACE + settings + frame(source))


def ends(connection: socket.socket, say: Callable[[], object]) -> bool:
    """Whether the hub closes it, by itself or once the client has no more to say."""
    connection.settimeout(10)
    try:
        say()
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def closed(served: Server, message: bytes) -> bool:
    host, port = served.addresses["grpc"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        return ends(connection, lambda: connection.sendall(message))


def test_malformed_connections_are_closed(served: Server, source: random.Random) -> None:
    open_ = 0
    for _ in range(GARBAGE):
        message = garbage(source)
        if not closed(served, message):
            open_ += 1
            print(f"stays open: {message[:200]!r}")
    print(f"{GARBAGE} malformed connections, {open_} stayed open")
    assert open_ == 0
    still_answers(served)


def test_streams_that_are_reset_at_once_do_no_harm(served: Server) -> None:
    """Rapid reset: streams are opened and reset as fast as the socket takes them."""
    host, port = served.addresses["grpc"].rsplit(":", 1)
    # :method POST, :scheme http, :path of four bytes, by HPACK's static table; then the reset.
    head = bytes([0x83, 0x86, 0x44, 4]) + b"/x/y"
    before = served.resident_bytes()
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.settimeout(5)
            parts = [PREFACE + b"\0\0\0\4\0\0\0\0\0"]
            for stream in range(1, 40_000, 2):
                parts.append(struct.pack(">I", len(head))[1:] + b"\1\5" + struct.pack(">I", stream) + head)
                parts.append(b"\0\0\4\3\0" + struct.pack(">I", stream) + b"\0\0\0\x08")
            try:
                connection.sendall(b"".join(parts))
            except OSError:
                pass  # it is closed on us, and may be
    still_answers(served)
    assert served.resident_bytes() - before < 256 << 20


def test_a_bomb_of_headers_is_refused(served: Server) -> None:
    with Calls(served.addresses["grpc"]) as calls:
        for size in (100_000, 1_000_000):
            with pytest.raises(grpc.RpcError):
                calls.stub.Exists(
                    pb.ExistsRequest(key="k"), timeout=10, metadata=[(f"x-{number}", "y" * 1_000) for number in range(size // 1_000)])
    still_answers(served)


def test_half_open_connections_do_not_keep_others_out(served: Server) -> None:
    host, port = served.addresses["grpc"].rsplit(":", 1)
    held = [socket.create_connection((host, int(port)), timeout=20) for _ in range(300)]
    for connection in held[:100]:
        connection.sendall(PREFACE[:10])
    still_answers(served)
    for connection in held:
        connection.close()
