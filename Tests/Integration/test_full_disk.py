"""A real hub on a real file system that is full: a small tmpfs, which takes root to mount."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import FREE_PORTS, STOP_SECONDS, Server, program

MIB = 1 << 20
DISK_BYTES = 40 * MIB
RESUME_SECONDS = 30


class Disk:
    """A file system of its own, with a file on it that takes up as much as the test wants."""

    def __init__(self, path: Path, size: int):
        self.path = path
        self.store = path / "store"
        self.ballast = path / "ballast"
        path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"no file system can be mounted here (it takes root): {mounted.stderr.strip()}")

    def fill(self, leaving: int = 0) -> None:
        with self.ballast.open("ab") as file:
            while (free := shutil.disk_usage(self.path).free - leaving) > 0:
                try:
                    file.write(b"\0" * min(free, MIB))
                    file.flush()
                except OSError:
                    break

    def free(self) -> None:
        self.ballast.unlink()

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_file())

    def unmount(self) -> None:
        subprocess.run(["umount", self.path], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk", DISK_BYTES)
    try:
        yield disk
    finally:
        disk.unmount()


def content(number: int) -> str:
    return f"{number}:" + "x" * 20_000


def write_until_refused(hub: Hub, acknowledged: list[int]) -> dict:
    for _ in range(4_000):
        number = len(acknowledged)
        reply = hub.reply("put", key=f"k{number}", item={"content": content(number)})
        if not reply["success"]:
            return reply
        acknowledged.append(number)
    raise AssertionError("the disk never got full")


def check_all(hub: Hub, acknowledged: list[int]) -> None:
    for start in range(0, len(acknowledged), 100):
        keys = [f"k{number}" for number in acknowledged[start : start + 100]]
        found = hub.ask("batch_get", keys=keys)["items"]
        for number in acknowledged[start : start + 100]:
            assert found[f"k{number}"]["content"] == content(number)


def test_a_full_disk_makes_the_hub_read_only_and_room_makes_it_writable_again(disk: Disk) -> None:
    server = Server(disk.store).start()
    acknowledged: list[int] = []
    try:
        with Hub(server.address) as hub:
            disk.fill(leaving=20 * MIB)
            for turn in range(2):
                refusal = write_until_refused(hub, acknowledged)
                assert refusal["code"] == "read_only", refusal
                for part in (str(disk.store), "No space left on device", "free some space"):
                    assert part in refusal["error"]
                again = hub.refusal("put", key="k0", item={"content": content(0)})
                assert again["code"] == "read_only"
                assert hub.ask("health")["status"] == "degraded"
                assert hub.ask("stats")["writes"] == "read_only"
                check_all(hub, acknowledged)
                # One of a later generation is being packed, and goes away when that finds no room.
                assert not [name for name in disk.names() if name.endswith("-0000.seg.tmp")]
                if turn == 1:
                    break
                disk.free()
                deadline = time.monotonic() + RESUME_SECONDS
                while not hub.reply("put", key="k0", item={"content": content(0)})["success"]:
                    assert time.monotonic() < deadline, f"writes did not go on: {server.log_text}"
                    time.sleep(0.05)
                assert hub.ask("health")["status"] == "healthy"
        # On the full disk, and with a snapshot for which there may be no room, the stop is a clean one.
        server.stop()
        assert not [name for name in disk.names() if name.endswith(".tmp")]
        server.start()
        assert any('"how":"resumed"' in line for line in server.log), server.log_text
        with Hub(server.address) as hub:
            check_all(hub, acknowledged)
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def test_a_store_that_has_no_room_is_not_made_and_is_made_once_there_is(disk: Disk) -> None:
    disk.fill(leaving=4 * MIB)
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", disk.store, *FREE_PORTS], capture_output=True, timeout=20)
    assert done.returncode == 74, done.stderr
    assert done.stdout == b""
    for part in (str(disk.store), "No space left on device", "free some space"):
        assert part in done.stderr.decode()
    assert disk.names() == ["LOCK"]
    disk.free()
    server = Server(disk.store).start()
    try:
        with Hub(server.address) as hub:
            assert hub.ask("put", key="k", item={"content": "x"})["revision"] == 1
        server.stop()
    finally:
        if server.is_running:
            server.kill()


@pytest.mark.skipif(
    shutil.which("strace") is None or os.geteuid() != 0, reason="a running hub is traced with strace, as root")
def test_after_a_failed_fsync_the_stop_ends_with_exit_74_and_the_next_start_has_all(tmp_path: Path) -> None:
    server = Server(tmp_path / "store").start()
    acknowledged: list[int] = []
    tracer = None
    try:
        with Hub(server.address) as hub:
            for number in range(20):
                hub.ask("put", key=f"k{number}", item={"content": content(number)})
                acknowledged.append(number)
            tracer = subprocess.Popen(
                ["strace", "-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=fdatasync", "-e",
                 "inject=fdatasync:error=EIO", "-p", str(server.process.pid)], stderr=subprocess.DEVNULL)
            refusal = write_until_refused(hub, acknowledged)
            assert refusal["code"] == "storage_error" and "Input/output error" in refusal["error"]
            assert hub.ask("health")["status"] == "unhealthy"
            assert hub.ask("stats")["writes"] == "storage_error"
            check_all(hub, acknowledged)
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 74, server.log_text
    finally:
        if server.is_running:
            server.kill()
        if tracer is not None:
            tracer.wait(STOP_SECONDS)
    server.start()
    try:
        with Hub(server.address) as hub:
            check_all(hub, acknowledged)
        server.stop()
    finally:
        if server.is_running:
            server.kill()
