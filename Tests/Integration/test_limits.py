"""What the operating system may refuse: space, files, memory, permissions, a second process. Nothing is lost by it."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import loop_disk
import pytest
from hub_client import Hub
from hub_server import FREE_PORTS, NotStarted, Server, program
from loop_disk import LoopDisk, command
from reference_run import LARGE_BYTES, Client, check_after_restart, check_end, contents, options

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
needs_loop_disk = pytest.mark.skipif(loop_disk.problem() is not None, reason=str(loop_disk.problem()))
MEGABYTE = 1 << 20
NOBODY = 65_534
REFUSALS = {"storage_error", "read_only"}


def limited(kind: int, value: int) -> dict:
    """For Popen: the process starts with a limit that it can not raise."""
    return {"preexec_fn": lambda: resource.setrlimit(kind, (value, value))}


def run_limited(server: Server, client: Client, texts: Iterator[str]) -> int:
    """Start, write, stop; how the hub ended."""
    try:
        server.start()
        client.write(server, texts)
        code = server.end() if server.is_running else server.process.wait()
        check_end(code, server.whole_log(), killed=False)
        return code
    except NotStarted as error:
        check_end(error.code, error.log, killed=False)
        return error.code
    finally:
        if server.is_running:
            server.kill()


def write_until_it_works(server: Server, client: Client) -> None:
    before = client.acknowledgements
    until = time.monotonic() + 20
    while client.acknowledgements == before:
        assert time.monotonic() < until, f"no write goes through: {client.codes}"
        client.write(server, iter(["again?"]))
        time.sleep(0.02)


# --- Limits of the process


@pytest.mark.parametrize("limit", [1_024, 3 * MEGABYTE, 8 * MEGABYTE, 10 * MEGABYTE])
def test_a_limit_of_file_size_is_an_error_and_no_signal(tmp_path: Path, limit: int) -> None:
    client, extra = Client(), options(tmp_path)
    code = run_limited(
        Server(tmp_path / "store", *extra, process=limited(resource.RLIMIT_FSIZE, limit)), client, contents(10, 12))
    assert (code, client.acknowledgements) == (74, 0) if limit < 8 * MEGABYTE else client.acknowledgements > 10
    assert set(client.codes) <= REFUSALS and (client.codes or not client.acknowledgements)
    check_after_restart(tmp_path / "store", client, extra)


def test_with_too_few_files_a_hub_says_so(tmp_path: Path) -> None:
    """Each limit from the least with which a program can be loaded at all."""
    codes = [
        run_limited(
            Server(tmp_path / f"store-{limit}", process=limited(resource.RLIMIT_NOFILE, limit)), Client(), iter(["x"]))
        for limit in range(4, 64, 5)]
    assert codes[0] != 0 and codes[-1] == 0


def test_when_clients_have_all_files_the_log_waits_for_one(tmp_path: Path) -> None:
    client, extra = Client(), options(tmp_path)
    server = Server(tmp_path / "store", *extra, process=limited(resource.RLIMIT_NOFILE, 64)).start()
    crowd = []
    try:
        with Hub(server.address, "reference") as hub:
            hub.ask("ping")
            crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
            wait_for(lambda: len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) == 64)
            for number in range(12):
                assert client.put(server, hub, f"key-{number}", f"{number} " + "x" * LARGE_BYTES)
            assert client.codes and set(client.codes) <= REFUSALS
        for connection in crowd:
            connection.close()
        write_until_it_works(server, client)
        client.check(server)
        server.stop()
    finally:
        for connection in crowd:
            connection.close()
        if server.is_running:
            server.kill()
    check_after_restart(tmp_path / "store", client, extra)


def wait_for(holds) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("megabytes", [110, 170, 210])
def test_running_out_of_memory_is_no_worse_than_a_crash(tmp_path: Path, megabytes: int) -> None:
    """Any end will do, also that of a killed process."""
    client, extra = Client(), options(tmp_path)
    server = Server(
        tmp_path / "store", *extra, process=limited(resource.RLIMIT_AS, megabytes * MEGABYTE) | {"cwd": tmp_path})
    try:
        server.start()
        client.write(server, contents(10, 20))
    except NotStarted:
        pass
    finally:
        if server.is_running:
            server.kill()
    check_after_restart(tmp_path / "store", client, extra)


# --- Space


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """28 MiB: two segments, and not the third, however small it is made."""
    place = tmp_path / "small"
    place.mkdir()
    command("mount", "-t", "tmpfs", "-o", "size=28m", "none", place)
    try:
        yield place
    finally:
        command("umount", place)


@needs_root
@pytest.mark.parametrize("ending", ["more space", "SIGTERM", "kill -9"])
def test_a_full_disk_loses_nothing(small_disk: Path, tmp_path: Path, ending: str) -> None:
    client, extra = Client(), options(tmp_path)
    server = Server(small_disk / "store", *extra).start()
    try:
        client.write(server, contents(10, 34))
        assert client.codes and set(client.codes) <= REFUSALS and client.acknowledgements > 20
        client.check(server)
        if ending == "more space":
            command("mount", "-o", "remount,size=200m", small_disk)
            write_until_it_works(server, client)
        if ending == "kill -9":
            server.kill()
        else:
            check_end(server.end(), server.whole_log(), killed=False)
    finally:
        if server.is_running:
            server.kill()
    # With the disk still as full as it was: it starts, or says why not, and breaks nothing.
    run_limited(Server(small_disk / "store", *extra), client, contents(2, 0))
    command("mount", "-o", "remount,size=200m", small_disk)
    check_after_restart(small_disk / "store", client, extra)


@needs_root
def test_a_start_on_a_disk_without_space_says_so(small_disk: Path, tmp_path: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(27 * MEGABYTE))
    assert run_limited(Server(small_disk / "store"), Client(), iter([])) in (73, 74)
    ballast.unlink()
    check_after_restart(small_disk / "store", Client(), options(tmp_path))


# --- Permissions


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    disk = LoopDisk(tmp_path, 128)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()


@needs_loop_disk
def test_a_disk_that_becomes_read_only_loses_nothing(disk: LoopDisk, tmp_path: Path) -> None:
    """The kernel turns a file system read-only, under a running hub, when it finds an error in it."""
    client, extra = Client(), options(tmp_path)
    store = disk.place / "store"
    server = Server(store, *extra).start()
    try:
        client.write(server, contents(20, 2))
        assert not client.codes
        Path(f"/sys/fs/ext4/{disk.device}/trigger_fs_error").write_text("a test asked for it\n")
        client.write(server, contents(20, 2))
        assert client.codes and set(client.codes) <= REFUSALS and client.acknowledged_after_error == 0
        client.check(server)
        check_end(server.end(), server.whole_log(), killed=False)
    finally:
        if server.is_running:
            server.kill()
    assert run_limited(Server(store, *extra), client, iter([])) == 74
    disk.unmount()
    disk.mount()
    check_after_restart(store, client, extra)


@needs_loop_disk
def test_a_read_only_mount_is_refused_and_can_be_inspected(disk: LoopDisk, tmp_path: Path) -> None:
    client, extra = Client(), options(tmp_path)
    store = disk.place / "store"
    assert run_limited(Server(store, *extra), client, contents(20, 0)) == 0
    command("mount", "-o", "remount,ro", disk.place)
    server = Server(store, *extra)
    assert run_limited(server, client, iter([])) == 74
    client.check_log(server)
    command("mount", "-o", "remount,rw", disk.place)
    check_after_restart(store, client, extra)


@pytest.fixture
def owned_by_nobody() -> Iterator[tuple[Path, dict]]:
    """A directory for a store, and for Popen: its owner, who is not root, whom no mode keeps out."""
    parent = Path(tempfile.mkdtemp(prefix="mfh-mode-"))
    parent.chmod(0o755)
    store = parent / "store"
    store.mkdir()
    as_user = {}
    if os.geteuid() == 0:
        shutil.chown(store, NOBODY, NOBODY)
        as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        yield store, as_user
    finally:
        shutil.rmtree(parent)


@pytest.mark.parametrize("mode", [0o500, 0o000])
@pytest.mark.parametrize("part", ["", "segments"])
def test_a_directory_without_permission_ends_with_exit_77(owned_by_nobody, mode: int, part: str) -> None:
    store, as_user = owned_by_nobody
    client = Client()
    server = Server(store, process=as_user).start()
    client.write(server, contents(5, 0))
    # The start behind a crash writes in every directory.
    server.kill()
    (store / part).chmod(mode)
    assert run_limited(server, client, iter([])) == 77
    (store / part).chmod(0o700)
    check_after_restart(store, client, [])


# --- Two processes


def test_of_many_hubs_on_a_directory_one_is_ready(tmp_path: Path) -> None:
    store = tmp_path / "store"
    servers = [
        subprocess.Popen(
            [program("mfh-server"), "--data-dir", store, *FREE_PORTS], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        for _ in range(6)]
    try:
        ready = [server for server in servers if server.stdout.readline().startswith("ready")]
        others = [server for server in servers if server not in ready]
        assert len(ready) == 1
        assert [server.wait(20) for server in others] == [75] * 5
        assert all("is held by another process" in server.stderr.read() for server in others)
        # The kill frees the directory.
        ready[0].kill()
        ready[0].wait()
        Server(store).start().stop()
    finally:
        for server in servers:
            server.kill()
            server.wait()


def test_a_refused_hub_spends_less_than_100_ms(server: Server) -> None:
    """Of work, so that a busy machine does not matter."""
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [program("mfh-server"), "--data-dir", server.directory, *FREE_PORTS], capture_output=True,
            timeout=20)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 75
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.1


def test_no_file_of_the_store_is_handed_to_a_child(server: Server) -> None:
    """A lock that a child inherits would outlive the hub."""
    process = Path(f"/proc/{server.process.pid}")
    checked = 0
    for one in (process / "fd").iterdir():
        # The hub works while it is looked at: a file may be closed in between.
        with contextlib.suppress(FileNotFoundError):
            name = str(one.readlink())
            told = (process / "fdinfo" / one.name).read_text().splitlines()
            flags = next(line for line in told if line.startswith("flags:"))
            if str(server.directory) in name:
                checked += 1
                assert int(flags.split()[1], 8) & os.O_CLOEXEC, name
    assert checked >= 3
