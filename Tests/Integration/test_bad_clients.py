"""Clients that misbehave on the wire: the hub lives, stays small, and serves the others as if nothing were."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import zmq
from hub_client import Hub, Pipeline
from hub_server import Server
from zmtp import GREETING, READY, command, framed, shake_hands

MIB = 1 << 20


@contextmanager
def unharmed(server: Server, growth_mib: int = 128) -> Iterator[Hub]:
    """Around misbehaviour: another client is served before, meanwhile and after, and the hub's memory is bounded."""
    with Hub(server.address, "bystander") as bystander:
        bystander.ask("put", key="bystander", item={"content": "here before"})
        before = server.resident_bytes()
        yield bystander
        assert bystander.ask("get", key="bystander")["item"]["content"] == "here before"
        bystander.ask("put", key="bystander", item={"content": "and after"})
        assert server.is_running
        grown = server.resident_bytes() - before
        assert grown < growth_mib * MIB, f"the hub grew by {grown / MIB:.0f} MiB"


def answered(hub: Hub) -> int:
    """Requests for `get` and `put` that the hub has dealt with, by all clients."""
    counts = hub.ask("stats")["requests"]
    return counts["get"] + counts["put"] + counts.get("error_overloaded", 0)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.01)


def tcp(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def test_garbage_on_the_port(server: Server) -> None:
    source = random.Random(20_261_124)
    garbage = [
        b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        bytes(100_000),
        b"\xff" * 100_000, GREETING + b"\xff" * 10_000, GREETING + READY + b"\x02" + b"\xff" * 8 + b"x" * 10_000,
        GREETING + command(b"READY", b"\xff" * 200), GREETING + command(b"NOT A COMMAND", b""), GREETING * 10,
        *[source.randbytes(source.randrange(1, 20_000)) for _ in range(100)],
        *[GREETING + source.randbytes(source.randrange(1, 2_000)) for _ in range(100)],
    ]
    after_the_handshake = [source.randbytes(source.randrange(1, 2_000)) for _ in range(100)]
    with unharmed(server) as bystander:
        for number, text in enumerate(garbage):
            with tcp(server) as connection:
                try:
                    connection.sendall(text)
                except ConnectionError:
                    pass  # The hub may close the connection in the middle of it.
            if number % 50 == 0:
                assert bystander.ask("ping")["pong"]
        for text in after_the_handshake:
            with tcp(server) as connection:
                shake_hands(connection)
                connection.sendall(text)
        assert bystander.ask("stats")["keys"] == 1


def test_half_open_connections(server: Server) -> None:
    with ExitStack() as open_ones, unharmed(server) as bystander:
        for number in range(400):
            connection = open_ones.enter_context(tcp(server))
            connection.sendall([b"", GREETING[:10], GREETING, GREETING + READY[:7]][number % 4])
        for _ in range(100):
            assert bystander.ask("ping")["pong"]
        with Hub(server.address) as another:
            assert another.ask("ping")["pong"]


def test_clients_that_disappear_in_the_middle_of_a_request(server: Server) -> None:
    with unharmed(server) as bystander:
        for number in range(300):
            body = json.dumps({"action": "put", "key": f"gone/{number}", "item": {"content": "x" * 10_000}}).encode()
            with tcp(server) as connection:
                shake_hands(connection)
                connection.sendall(framed(body)[:-1])  # Everything but the last byte.
                if number % 3 == 0:  # A reset instead of an orderly end.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert bystander.ask("list_keys", prefix="gone/")["keys"] == []


def test_clients_that_disappear_before_the_reply(server: Server) -> None:
    with unharmed(server) as bystander:
        for number in range(200):
            with Pipeline(server.address) as client:
                for index in range(20):
                    client.send("put", key=f"left/{number}/{index}", item={"content": "x" * 1_000})
                if number % 2:  # Half of them wait for one reply, so that their requests have arrived.
                    assert client.receive()["success"]
        stored = bystander.ask("list_keys", prefix="left/", limit=10_000)["keys"]
        assert len(stored) >= 100
        assert bystander.ask("stats")["revision"] == 1 + len(stored)


class NeverReads:
    """A client that speaks ZMTP by hand, sends requests, and never takes a byte of the replies."""

    def __init__(self, server: Server):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", server.port))
        shake_hands(self.socket)

    def send(self, body: bytes, times: int) -> None:
        self.socket.sendall(framed(body) * times)


def test_a_client_that_never_reads_its_replies(server: Server) -> None:
    with unharmed(server) as bystander, ExitStack() as closing:
        bystander.ask("put", key="large", item={"content": "x" * 20_000})
        deaf = NeverReads(server)
        closing.callback(deaf.socket.close)
        read = json.dumps({"action": "get", "key": "large"}).encode()
        write = json.dumps({"action": "put", "key": "deaf", "item": {"content": "x"}}).encode()
        for _ in range(60):  # 12,000 requests, 120 MB of replies.
            deaf.send(read, 100)
            deaf.send(write, 100)
            assert bystander.ask("get", key="large")["found"]
            assert bystander.ask("put", key="mine", item={"content": "y"})["stored"]
        total = 60 * 100
        # Refused or decided, nothing was left lying.
        wait_for(lambda: answered(bystander) >= 2 * total)


def test_a_client_that_never_reads_replies_of_a_megabyte(server: Server) -> None:
    with unharmed(server, growth_mib=256) as bystander, ExitStack() as closing:
        bystander.ask("put", key="huge", item={"content": "x" * (1_000_000)})
        deaf = NeverReads(server)
        closing.callback(deaf.socket.close)
        for _ in range(40):  # 2,000 requests, 2 GB of replies.
            deaf.send(json.dumps({"action": "get", "key": "huge"}).encode(), 50)
            assert bystander.ask("ping")["pong"]
        assert bystander.ask("get", key="huge")["found"]


def test_a_client_beyond_its_requests_in_flight_is_told(server: Server) -> None:
    with Hub(server.address) as hub, Pipeline(server.address) as client:
        hub.ask("put", key="a", item={"content": "1"})
        # The first one waits, and so the others behind it.
        client.send("get", key="a", min_revision=2, wait_ms=30_000, request_id="first")
        for number in range(5_000):
            client.send("get", key="a", request_id=str(number))
        wait_for(lambda: hub.ask("stats")["requests"].get("error_overloaded", 0) == 905)
        assert hub.ask("put", key="b", item={"content": "2"})["revision"] == 2
        replies = [client.receive() for _ in range(5_001)]
        assert not client.has_reply(20)
        served = [reply["request_id"] for reply in replies if reply["success"]]
        assert served == ["first", *map(str, range(4_095))]
        refusals = [reply for reply in replies if not reply["success"]]
        assert {reply["code"] for reply in refusals} == {"overloaded"}
        assert all(reply["retry_after_ms"] > 0 for reply in refusals)


def test_many_clients_that_come_and_go_leave_nothing_behind(server: Server) -> None:
    with unharmed(server, growth_mib=64):
        for _ in range(300):
            with Hub(server.address) as client:
                assert client.ask("ping")["pong"]


def test_replies_pass_a_proxy(server: Server) -> None:
    """A REQ client behind a ROUTER-DEALER proxy, as in `zmq_proxy`."""
    context = zmq.Context()
    front, back, control = context.socket(zmq.ROUTER), context.socket(zmq.DEALER), context.socket(zmq.PAIR)
    port = front.bind_to_random_port("tcp://127.0.0.1")
    back.connect(server.address)
    control.bind("inproc://control")
    thread = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, control), daemon=True)
    thread.start()
    with Hub(f"tcp://127.0.0.1:{port}") as hub:
        assert hub.ask("put", key="through", item={"content": "a proxy"})["stored"]
        assert hub.ask("get", key="through")["item"]["content"] == "a proxy"
    steering = context.socket(zmq.PAIR)
    steering.connect("inproc://control")
    steering.send(b"TERMINATE")
    thread.join(20)
    context.destroy(linger=0)
