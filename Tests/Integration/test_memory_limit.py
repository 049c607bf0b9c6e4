"""SECURITY, row 3: libzmq collects a message of many frames before it hands it over, so one client can make the hub buffer what
it likes. What bounds that is a limit on the service (MemoryMax in the unit): it ends the hub, the hub is started again, and
nothing that was acknowledged is lost. Here with a control group as systemd makes one."""

from __future__ import annotations

import functools
import os
import signal
import socket
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import Server

LIMIT = 400 << 20
FRAME = 1 << 20
GROUPS = Path("/sys/fs/cgroup")
# The older hierarchy has a directory for each resource, the newer one a file that names them.
LIMIT_FILES = [(GROUPS / "memory", "memory.limit_in_bytes"), (GROUPS, "memory.max")]


def make_group() -> Path:
    for parent, name in LIMIT_FILES:
        group = parent / f"mfh-test-{uuid.uuid4()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / name).write_text(str(LIMIT))
            return group
        except OSError:
            group.rmdir()
    raise OSError("no control group with a memory limit can be made")


@functools.cache
def problem() -> str | None:
    if os.geteuid() != 0:
        return "control groups are made by root"
    try:
        make_group().rmdir()
        return None
    except OSError as error:
        return str(error)


pytestmark = pytest.mark.skipif(problem() is not None, reason=str(problem()))


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Server]:
    group = make_group()
    server = Server(tmp_path / "store", prefix=["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$0" "$@"'])
    try:
        yield server
    finally:
        if server.is_running:
            server.kill()
        group.rmdir()


def flood(port: int, megabytes: int) -> None:
    """One message of many frames, none of them the last, in ZMTP 3.1 without security. Sent raw: a client's libzmq would keep
    it until it is whole."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31))
        receive(peer, 64)
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
        receive(peer, receive(peer, 2)[1])
        frame = b"\x03" + struct.pack(">Q", FRAME) + bytes(FRAME)
        for _ in range(megabytes):
            peer.sendall(frame)


def receive(peer: socket.socket, count: int) -> bytes:
    text = b""
    while len(text) < count:
        piece = peer.recv(count - len(text))
        if not piece:
            raise ConnectionError("closed")
        text += piece
    return text


def test_a_flood_of_frames_ends_the_hub_and_loses_nothing(limited: Server) -> None:
    limited.start()
    with Hub(limited.address, agent="tester") as hub:
        for number in range(20):
            hub.ask("put", key=f"k{number}", item={"content": "x"})
        told = hub.ask("checksum")
    with pytest.raises(OSError):
        flood(limited.port, 4 * LIMIT // FRAME)
    assert limited.process.wait(30) == -signal.SIGKILL
    limited.start()
    with Hub(limited.address, agent="tester") as hub:
        assert hub.ask("checksum") == told
        assert hub.ask("put", key="on", item={"content": "and on"})["stored"]
    limited.stop()


def test_what_the_limit_allows_does_not_end_it(limited: Server) -> None:
    limited.start()
    flood(limited.port, LIMIT // FRAME // 4)
    with Hub(limited.address, agent="tester") as hub:
        assert hub.ask("ping")["pong"]
    limited.stop()
