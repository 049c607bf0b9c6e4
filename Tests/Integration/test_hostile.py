"""The limits that hostile clients run into, each by itself. What they do together, and for long, is measured by `scripts/hostile`."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import hostile_memory
import http2
import pytest
import zmtp
from grpc_client import Calls, pb, text
from hostile_connections import raise_file_limit
from hostile_protocols import OPENING, continuations, hpack_bomb
from hub_client import Hub, Pipeline
from hub_server import Server
from secured import raw_connection
from slow_disk import slow_disk
from web import Web, until

MIB = 1 << 20
EDGES = ("--grpc-port", "auto", "--metrics-port", "auto")
OWN = ("grpc.use_local_subchannel_pool", 1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "store", *EDGES).start()
    yield server
    assert server.is_running, server.log_text
    server.stop()


def still_answers(server: Server) -> None:
    with Calls(server.addresses["grpc"], "other", None, OWN) as calls, Hub(server.address) as hub:
        assert calls.put(key="after", item=text("x")).success
        assert hub.ask("get", key="after")["found"]
    assert Web(server.addresses["http"]).get("/readyz").status == 200


def port(server: Server, transport: str) -> int:
    return int(server.addresses[transport].rsplit(":", 1)[1])


# --- Connections


@pytest.mark.parametrize(("transport", "count", "half"), [("grpc", 4_200, http2.PREFACE[:10]), ("http", 600, b"GET /livez HTT")])
def test_more_half_open_connections_than_there_may_be_keep_nobody_out(
        served: Server, transport: str, count: int, half: bytes) -> None:
    if raise_file_limit() < 2 * count:
        pytest.skip("too few files may be open")
    with Calls(served.addresses["grpc"], "faithful", None, OWN) as faithful:
        states: list[grpc.ChannelConnectivity] = []
        faithful.channel.subscribe(states.append)
        assert faithful.put(key="before", item=text("x")).success
        until(lambda: grpc.ChannelConnectivity.READY in states, "it is connected")
        held = []
        for number in range(count):
            held.append(socket.create_connection(("127.0.0.1", port(served, transport)), timeout=20))
            held[-1].sendall(half if number % 2 else b"")
        still_answers(served)
        # Who had asked for something before has not been put out for them.
        assert faithful.get(key="before").found
        assert states[-1] == grpc.ChannelConnectivity.READY and states.count(states[-1]) == 1
        name = f'mfh_connections_ended_total{{connection_type="{transport}",limit="count"}}'
        assert Web(served.addresses["http"]).metrics()[name] >= count - (4_096 if transport == "grpc" else 512)
        for connection in held:
            connection.close()


def test_a_hub_that_has_run_out_of_files_accepts_again_when_there_are_some(tmp_path: Path) -> None:
    few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (150, 150))}
    server = Server(tmp_path / "store", *EDGES, process=few).start()
    for transport in ("grpc", "http"):
        held = []
        for _ in range(200):
            held.append(socket.create_connection(("127.0.0.1", port(server, transport)), timeout=20))
        files = f"/proc/{server.process.pid}/fd"
        until(lambda: len(os.listdir(files)) >= 149, "it has no file left")
        for connection in held:
            connection.close()
        until(lambda: len(os.listdir(files)) < 100, "it has some again")
        still_answers(server)
    server.stop()


def test_nothing_listens_but_the_three_ports(served: Server) -> None:
    """SECURITY, row 15."""
    sockets = {
        os.readlink(link).removeprefix("socket:[").removesuffix("]")
        for link in Path(f"/proc/{served.process.pid}/fd").iterdir() if os.readlink(link).startswith("socket:")}
    listening = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{served.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in sockets and (table.startswith("udp") or fields[3] == "0A"):
                address, number = fields[1].split(":")
                listening.add((table, address, int(number, 16)))
    assert listening == {("tcp", "0100007F", port(served, transport)) for transport in ("zmq", "grpc", "http")}


# --- Size


def test_nobody_can_claim_the_name_of_the_next_client(served: Server) -> None:
    """libzmq aborts when a name that it is about to give is taken; unseeded it begins with the first number of rand()."""
    first_of_rand = 0x6B8B4567
    with contextlib.ExitStack() as claims:
        for number in range(64):
            claim = claims.enter_context(raw_connection(served))
            zmtp.shake_hands(claim, b"\0" + struct.pack(">I", first_of_rand + number))
        for _ in range(64):
            with Hub(served.address) as hub:
                assert hub.ask("ping")


@pytest.mark.parametrize(
    "send", [hostile_memory.frame_of_a_gigabyte, hostile_memory.message_of_a_gigabyte, hostile_memory.body_of_a_gigabyte])
def test_a_gigabyte_is_not_waited_for(served: Server, send) -> None:
    before = served.resident_bytes()
    assert send(served)["ended"]
    assert served.resident_bytes() - before < 32 * MIB
    still_answers(served)


def test_requests_that_are_not_complete_are_bounded_together(served: Server) -> None:
    message = http2.message(pb.PutRequest(key="k", item_json="x" * (8 * MIB - 100)).SerializeToString())
    web = Web(served.addresses["http"])
    connections = [http2.Connection(port(served, "grpc")) for _ in range(3)]
    before = served.resident_bytes()
    for number, connection in enumerate(connections):
        connection.pump(0.1)
        for stream in (1, 3, 5):
            connection.begin(stream, "Put")
            connection.data(stream, message[:-1])
        # Two of a connection fit, of three connections four.
        until(lambda: connection.pump(0.02) or connection.is_over(5), "the third one is refused")
        assert connection.is_over(1) == connection.is_over(3) == (number == 2)
    # They are told why, and need not send the rest.
    assert [kind for kind, _, _ in connections[0].heard[5]] == [http2.HEADERS, http2.RESET]
    assert served.resident_bytes() - before < 160 * MIB
    samples = web.metrics()
    assert 30 * MIB < samples["mfh_grpc_request_bytes"] <= 32 * MIB
    assert samples["mfh_grpc_calls_refused_total"] == 5
    # Others have what is small, and what is large when there is room again.
    still_answers(served)
    with Calls(served.addresses["grpc"], "other", None, OWN) as calls:
        with pytest.raises(grpc.RpcError) as caught:
            calls.put(key="large", item=text("x" * MIB))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        told = dict(caught.value.trailing_metadata())
        assert (told["mfh-code"], told["mfh-retry-after-ms"]) == ("overloaded", "50")
        for connection in connections:
            connection.socket.close()
        until(lambda: web.metrics()["mfh_grpc_request_bytes"] == 0, "it is given back")
        assert calls.put(key="large", item=text("x" * (MIB - 300))).success


@pytest.mark.parametrize("pieces", [continuations, hpack_bomb])
def test_headers_without_measure_end_their_connection(served: Server, pieces) -> None:
    before = served.resident_bytes()
    with socket.create_connection(("127.0.0.1", port(served, "grpc")), timeout=20) as connection:
        with pytest.raises(OSError):
            connection.sendall(OPENING)
            for number in range(20_000):
                connection.sendall(pieces(number))
    assert served.resident_bytes() - before < 32 * MIB
    still_answers(served)


# --- Number


def limited(tmp_path: Path) -> Server:
    path = tmp_path / "mfh.yaml"
    path.write_text("resilience: {bulkhead: {max_concurrent: 4, max_queue_size: 4}}\n")
    return Server(tmp_path / "store", "--config", str(path), *EDGES).start()


def test_those_who_wait_by_choice_leave_room_for_writes(tmp_path: Path) -> None:
    server = limited(tmp_path)
    with Hub(server.address) as hub, Pipeline(server.address) as waiting, Calls(server.addresses["grpc"]) as calls:
        for number in range(10):
            # Each envelope is a client of its own.
            waiting.send_frames([b"%d" % number, b"", waiting.request(
                "get", {"key": "k", "min_revision": 1, "wait_ms": 30_000})])
        replies = [json.loads(waiting.receive_frames()[-1]) for _ in range(6)]
        assert {reply["code"] for reply in replies} == {"overloaded"}
        assert all(reply["retry_after_ms"] > 0 for reply in replies)
        with pytest.raises(grpc.RpcError) as caught:
            calls.get(key="k", min_revision=1, wait_ms=30_000)
        assert dict(caught.value.trailing_metadata())["mfh-code"] == "overloaded"
        assert hub.ask("put", key="k", item={"content": "x"})["revision"] == 1
        assert all(json.loads(waiting.receive_frames()[-1])["success"] for _ in range(4))
        assert calls.get(key="k", min_revision=1).found
    server.stop()


def test_floods_are_refused_and_nobody_else(tmp_path: Path) -> None:
    """The disk is so slow that two clients who send on, together, have more under way than may wait."""
    path = tmp_path / "mfh.yaml"
    path.write_text("resilience: {bulkhead: {max_concurrent: 32, max_queue_size: 32}}\n")
    server = Server(tmp_path / "store", "--config", str(path), *EDGES, prefix=slow_disk(20)).start()
    seen = {"success": 0, "overloaded": 0}
    over = threading.Event()

    def flood() -> None:
        with Pipeline(server.address) as client:
            under_way = 0
            while under_way or not over.is_set():
                while under_way < 40 and not over.is_set():
                    client.send("put", key="flood", item={"content": "x"})
                    under_way += 1
                reply = client.receive()
                under_way -= 1
                assert reply["success"] or reply["retry_after_ms"] > 0
                seen["success" if reply["success"] else reply["code"]] += 1

    with Hub(server.address) as hub, Calls(server.addresses["grpc"]) as calls, ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(flood) for _ in range(2)]
        try:
            until(lambda: seen["overloaded"] > 100, "the floods are refused")
            for number in range(20):
                assert hub.ask("put", key=f"other/{number}", item={"content": "x"})["created"]
                assert calls.put(key=f"other/grpc/{number}", item=text("x")).success
        finally:
            over.set()
        for ended in floods:
            ended.result(20)
        assert seen["success"] > 100, seen
        assert hub.ask("list_keys", prefix="other/")["count"] == 40
    server.stop()


def test_more_calls_than_there_may_be_are_refused(tmp_path: Path) -> None:
    server = limited(tmp_path)
    with http2.Connection(port(server, "grpc")) as connection:
        connection.pump(0.1)
        for stream in range(1, 17, 2):
            connection.begin(stream, "Get")
        connection.wait_for_pong()
        web = Web(server.addresses["http"])
        with Calls(server.addresses["grpc"]) as calls:
            assert is_refused(calls)
        assert not any(connection.is_over(stream) for stream in range(1, 17, 2))
        assert web.metrics()["mfh_grpc_calls_refused_total"] == 1
    with Calls(server.addresses["grpc"]) as calls:
        until(lambda: not is_refused(calls), "there is room again")
    server.stop()


def is_refused(calls: Calls) -> bool:
    try:
        calls.exists(key="k")
        return False
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert dict(error.trailing_metadata())["mfh-code"] == "overloaded"
        return True
