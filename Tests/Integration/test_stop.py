"""How a hub stops, who may open its directory, and what it tells when it can not start."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

import zmq
from hub_client import Hub, Pipeline
from hub_server import FREE_PORTS, STOP_SECONDS, Server, program


def test_what_was_accepted_is_answered_when_the_hub_stops(server: Server) -> None:
    with Pipeline(server.address) as client, Hub(server.address) as other:
        client.send("put", key="first", item={"content": "1"}, request_id="first")
        # This one waits, and the hundred behind it with it.
        client.send("get", key="first", min_revision=1_000_000, wait_ms=30_000, request_id="waiting")
        for number in range(100):
            client.send("put", key=f"late/{number}", item={"content": "x"}, request_id=f"late-{number}")
            client.send("get", key="first", request_id=f"read-{number}")
        assert client.receive()["request_id"] == "first"
        # All of it came in one piece with the first; answers to another client show that the hub has gone on since.
        for _ in range(200):
            other.ask("ping")
        server.process.send_signal(signal.SIGTERM)
        replies = [client.receive() for _ in range(201)]
        assert server.process.wait(STOP_SECONDS) == 0
    ids = [reply["request_id"] for reply in replies]
    assert ids == ["waiting", *(f"{kind}-{number}" for number in range(100) for kind in ("late", "read"))]
    assert replies[0]["code"] == "lagging"
    assert {reply.get("code") for reply in replies[1:]} <= {None, "shutting_down"}
    stored = {reply["request_id"] for reply in replies if reply["success"] and reply["action"] == "put"}
    # What was said to be stored is, and nothing else.
    server.start()
    with Hub(server.address) as hub:
        keys = hub.ask("list_keys", prefix="late/", limit=1_000)["keys"]
        assert {key.replace("/", "-") for key in keys} == stored


def test_it_stops_while_clients_keep_asking(server: Server) -> None:
    acknowledged: dict[str, list[str]] = {}

    def write(name: str) -> None:
        done = acknowledged.setdefault(name, [])
        with Pipeline(server.address) as client:
            client.socket.reconnect_ivl = -1
            sent = 0
            while True:
                while sent - len(done) < 20:
                    client.send("put", key=f"{name}/{sent}", item={"content": "x"})
                    sent += 1
                while not client.has_reply(50):
                    if not server.is_running:
                        return
                if not client.receive()["success"]:
                    return
                done.append(f"{name}/{len(done)}")

    threads = [threading.Thread(target=write, args=[f"w{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 4 or any(len(done) < 50 for done in acknowledged.values()):
        assert all(thread.is_alive() for thread in threads)
        time.sleep(0.01)
    server.stop()
    for thread in threads:
        thread.join()
    server.start()
    with Hub(server.address) as hub:
        for done in acknowledged.values():
            for start in range(0, len(done), 1_000):
                assert hub.ask("batch_get", keys=done[start : start + 1_000])["missing_keys"] == []


def test_a_second_hub_on_the_directory_is_refused_at_once(server: Server) -> None:
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", server.directory, *FREE_PORTS], capture_output=True, timeout=20)
    assert done.returncode == 75
    assert done.stdout == b"" and b"another process" in done.stderr
    with Hub(server.address) as hub:
        assert hub.ask("ping")["pong"]


def test_the_directory_is_free_again_after_kill_9(server: Server) -> None:
    server.kill()
    server.start()


def test_a_port_that_is_taken_ends_with_exit_69(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", tmp_path / "other", *FREE_PORTS, "--zmq-port", str(server.port)],
        capture_output=True, timeout=20)
    assert done.returncode == 69
    assert str(server.port).encode() in done.stderr


def test_a_request_of_another_kind_of_socket_is_answered(server: Server) -> None:
    """REQ_RELAXED and REQ_CORRELATE put a frame of their own before the delimiter."""
    with Hub(server.address) as hub:
        hub.socket.setsockopt(zmq.REQ_RELAXED, 1)
        hub.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        for _ in range(3):
            hub.socket.send(hub.request("ping", {}))
            hub.socket.send(hub.request("ping", {}))
            assert b"pong" in hub.socket.recv()
