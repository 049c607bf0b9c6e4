"""mfh backup: of hubs in use, again and again, and back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from pathlib import Path

from hub_client import Hub, Pipeline
from hub_server import Server, program
from store_tools import flip, last_object, replay, run, same, segments, told, verify, write_past


def backup(server: Server, target: Path, code: int = 0) -> dict:
    done = run("mfh", "backup", target, "--hub", server.address, "--format", "json", code=code)
    return last_object(done) if done.stdout else {}


def test_backup_and_restore(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 30)
    target = tmp_path / "backup"
    first = backup(server, target)
    assert same(first, told(hub)) and same(verify(target), told(hub))
    epoch = hub.ask("ping")["epoch"]
    moment = told(hub)
    write_past(hub, 10, seed=2)
    # Copied back and started, or replayed: the state of the backup.
    shutil.copytree(target, tmp_path / "restored")
    restored = Server(tmp_path / "restored").start()
    with Hub(restored.address, agent="tester") as other:
        assert told(other) == moment and other.ask("ping")["epoch"] == epoch + 1
        assert other.ask("put", key="on", item={"content": "and on"})["revision"] == moment["revision"] + 1
    restored.stop()
    assert same(replay(target, tmp_path / "replayed"), moment)
    assert same(backup(server, target), told(hub)) and same(verify(target), told(hub))


def test_only_what_is_new_is_copied(server: Server, hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    filler = {"content": "x" * 900_000}
    with Pipeline(server.address, agent="filler") as pipeline:
        for number in range(12):
            pipeline.send("put", key=f"big/{number}", item=filler)
            assert pipeline.receive()["success"]
    first = backup(server, target)
    assert first["copied_segments"] == 2 and first["kept_segments"] == 0
    hub.ask("put", key="a", item={"content": "b"})
    inodes = {file.name: file.stat().st_ino for file in segments(target)}
    second = backup(server, target)
    assert second["kept_segments"] == 1 and second["copied_segments"] == 1 and same(second, told(hub))
    assert segments(target)[0].stat().st_ino == inodes[segments(target)[0].name]
    # What has rotted in the backup is copied again.
    flip(segments(target)[0], 100_000)
    verify(target, code=65)
    assert backup(server, target)["copied_segments"] == 2
    assert same(verify(target), told(hub))


def test_while_clients_write(server: Server, tmp_path: Path) -> None:
    stop = threading.Event()

    def write(number: int) -> None:
        with Hub(server.address, agent=f"writer-{number}") as writer:
            count = 0
            while not stop.is_set():
                operations = [{"op": "put", "key": f"{number}/{count % 50}/{i}", "item": {"content": "x" * 400}}
                    for i in range(20)]
                writer.ask("batch", operations=operations)
                count += 1

    writers = [threading.Thread(target=write, args=[number]) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        last = 0
        for _ in range(6):
            result = backup(server, tmp_path / "backup")
            assert result["revision"] > last and same(verify(tmp_path / "backup"), {
                name: result[name] for name in ("revision", "keys", "checksum")})
            last = result["revision"]
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_a_killed_backup_leaves_the_earlier_one(server: Server, hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    write_past(hub, 20)
    backup(server, target)
    moment = told(hub)
    write_past(hub, 20, seed=2)
    for blocks in (0, 1, 8, 64, 512, 8_000):
        ended = subprocess.run(
            ["bash", "-c", f'ulimit -f {blocks}; exec "$0" "$@"', program("mfh"), "backup", target, "--hub",
             server.address],
            capture_output=True, check=False)
        assert ended.returncode == -signal.SIGXFSZ, ended.stderr
        assert same(verify(target), moment)
    assert same(backup(server, target), told(hub))
    assert not list((target / "segments").glob("*.tmp"))


def test_refusals(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 5)
    run("mfh", "backup", "--hub", server.address, code=64)
    for own in (server.directory, server.directory / "backup"):
        assert "the hub's own directory" in run("mfh", "backup", own, "--hub", server.address, code=73).stderr
    assert not (server.directory / "backup").exists()
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    assert "empty" in run("mfh", "backup", full, "--hub", server.address, code=73).stderr
    run("mfh", "backup", full / "file" / "below", "--hub", server.address, code=73)
    other = Server(tmp_path / "other").start()
    backup(other, tmp_path / "backup")
    assert "another store" in run("mfh", "backup", tmp_path / "backup", "--hub", server.address, code=73).stderr
    used = Server(tmp_path / "backup").start()
    run("mfh", "backup", tmp_path / "backup", "--hub", other.address, code=73)
    used.stop()
    other.stop()
    run("mfh", "backup", tmp_path / "late", "--hub", other.address, "--timeout", "0.5", code=69)
    assert not (tmp_path / "late").exists()


def test_a_hub_whose_directory_is_elsewhere(server: Server, hub: Hub, tmp_path: Path) -> None:
    """As seen from another host: the path is not there, or there is another store."""
    write_past(hub, 5)
    moved = tmp_path / "moved"
    server.directory.rename(moved)
    try:
        done = run("mfh", "backup", tmp_path / "backup", "--hub", server.address, code=66)
        assert "on the hub's host" in done.stderr and not (tmp_path / "backup").exists()
        other = Server(server.directory).start()
        done = run("mfh", "backup", tmp_path / "backup", "--hub", server.address, code=66)
        assert "on the hub's host" in done.stderr and not (tmp_path / "backup").exists()
        other.stop()
        shutil.rmtree(server.directory)
    finally:
        moved.rename(server.directory)
