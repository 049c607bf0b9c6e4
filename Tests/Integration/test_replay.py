"""logstore-replay as an operator uses it, with real hubs before and after."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from hub_client import Hub
from hub_server import NotStarted, Server, program
from store_tools import flip, last_object, replay, run, same, segments, told, verify, write_past

import pytest


def started(directory: Path) -> Server:
    return Server(directory).start()


def test_to_a_revision_from_a_live_store(server: Server, hub: Hub, tmp_path: Path) -> None:
    past = write_past(hub, 40)
    for number, moment in enumerate(past[::8]):
        target = tmp_path / f"target{number}"
        assert same(replay(server.directory, target, "--to-revision", moment["revision"]), moment)
        assert same(verify(target), moment)
        restored = started(target)
        with Hub(restored.address, agent="tester") as other:
            assert told(other) == moment
            assert other.ask("put", key="on", item={"content": "and on"})["revision"] == moment["revision"] + 1
        restored.stop()
    assert told(hub) == past[-1]


def test_to_a_time(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 5)
    moment = told(hub)
    at = hub.ask("ping")["timestamp"]
    time.sleep(0.01)
    write_past(hub, 5, seed=2)
    assert same(replay(server.directory, tmp_path / "target", "--to-time", at), moment)
    done = run("logstore-replay", server.directory, "--target", tmp_path / "all", "--to-time", "2999-01-01T00:00:00Z",
        "--format", "json")
    assert same(last_object(done), told(hub)) and "in the future" in done.stderr
    done = run("logstore-replay", server.directory, "--target", tmp_path / "none", "--to-time", "1999-01-01T00:00:00Z",
        "--format", "json")
    assert last_object(done) == {"revision": 0, "keys": 0, "checksum": "0" * 32, "events": 0}
    assert "before the first event" in done.stderr
    empty = started(tmp_path / "none")
    with Hub(empty.address, agent="tester") as other:
        assert other.ask("put", key="a", item={"content": "b"})["revision"] == 1
    empty.stop()


def test_without_an_agent(server: Server, hub: Hub, tmp_path: Path) -> None:
    hub.ask("put", key="shared", item={"content": "good"}, agent_id="good")
    hub.ask("put", key="shared", item={"content": "bad"}, agent_id="rogue", request_id="r1")
    hub.ask("put", key="own", item={"content": "bad"}, agent_id="rogue")
    hub.ask("put", key="own", item={"content": "on top"}, agent_id="good")
    hub.ask("put", key="gone", item={"content": "bad"}, agent_id="rogue")
    hub.ask("delete", key="gone", agent_id="good")
    found = replay(server.directory, tmp_path / "target", "--exclude-agent", "rogue")
    assert found["revision"] == 6 and found["voided"] == 4 and found["keys"] == 2
    restored = started(tmp_path / "target")
    with Hub(restored.address, agent="tester") as other:
        assert other.ask("get", key="shared")["item"]["content"] == "good"
        assert other.ask("get", key="own")["item"]["content"] == "on top"
        assert other.ask("exists", key="gone") == {"exists": False}
        assert told(other)["checksum"] == found["checksum"]
        # What was left out is done anew when it comes again.
        repeated = other.ask("put", key="shared", item={"content": "bad"}, agent_id="rogue", request_id="r1")
        assert repeated["revision"] == 7
    events = restored.dump("--to-revision", "6")
    assert [event["event_type"] for event in events] == ["CREATE", "VOID", "VOID", "CREATE", "VOID", "VOID"]
    assert [event["agent_id"] for event in events] == ["good", "rogue", "rogue", "good", "rogue", "good"]
    assert all(event["payload"] is None for event in events if event["event_type"] == "VOID")
    restored.stop()
    assert verify(tmp_path / "target")["sound"] is True


def test_events_keep_their_ids(server: Server, hub: Hub, tmp_path: Path) -> None:
    """In the feed and in the dump: they are the same events."""
    write_past(hub, 20)
    events = hub.ask("events", from_revision=1)["events"]
    replay(server.directory, tmp_path / "target")
    restored = started(tmp_path / "target")
    with Hub(restored.address, agent="tester") as other:
        assert other.ask("events", from_revision=1)["events"] == events
        other.ask("put", key="new", item={"content": "new"})
        told_of = other.ask("events", from_revision=1)["events"]
    assert [event["event_id"] for event in restored.dump()] == [event["event_id"] for event in told_of]
    restored.stop()


def test_dry_run_makes_nothing(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 10)
    assert same(replay(server.directory, tmp_path / "target", "--dry-run"), told(hub))
    assert not (tmp_path / "target").exists()
    assert "dry run" in run("logstore-replay", server.directory, "--dry-run").stdout
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    replay(server.directory, tmp_path / "full", "--dry-run", code=73)


def test_refusals(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 10)
    newest = told(hub)["revision"]
    target = tmp_path / "target"
    done = run("logstore-replay", server.directory, "--target", target, "--to-revision", newest + 1, code=66)
    assert f"the newest is {newest}" in done.stderr and len(done.stderr.splitlines()) == 1 and not target.exists()
    run("logstore-replay", tmp_path / "missing", "--target", target, code=66)
    for inside in (server.directory, server.directory / "restored"):
        assert "the source" in run("logstore-replay", server.directory, "--target", inside, code=73).stderr
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    assert "not empty" in run("logstore-replay", server.directory, "--target", full, code=73).stderr
    assert [file.name for file in full.iterdir()] == ["file"]
    run("logstore-replay", server.directory, "--target", full / "file" / "below", code=73)
    for wrong in (["--to-revision", "x"], ["--to-time", "yesterday"], ["--to-revision", "1", "--to-time", "2026-01-01"],
            ["--exclude-agent", ""], ["--format", "xml"]):
        run("logstore-replay", server.directory, "--target", target, *wrong, code=64)
    run("logstore-replay", server.directory, code=64)
    replay(server.directory, target)
    assert "not empty" in run("logstore-replay", server.directory, "--target", target, code=73).stderr


def test_damage(server: Server, hub: Hub, tmp_path: Path) -> None:
    past = write_past(hub, 30)
    server.stop()
    flip(segments(server.directory)[0], 8_000)
    target = tmp_path / "target"
    done = run("logstore-replay", server.directory, "--target", target, code=65)
    assert "segment 1 offset" in done.stderr and "--salvage" in done.stderr and not target.exists() and not done.stdout
    found = replay(server.directory, target, "--salvage", code=65)
    assert found["lost_revisions"] > 0 and found["revision"] == past[-1]["revision"]
    salvaged = verify(target)
    assert salvaged["checksum"] == found["checksum"] and salvaged["gaps"] == 1
    # A point before the damage needs no salvage.
    assert same(replay(server.directory, tmp_path / "early", "--to-revision", past[2]["revision"]), past[2])
    flip(segments(server.directory)[0], 8_000)
    server.start()


def test_a_killed_replay_leaves_no_store(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 40)
    target = tmp_path / "target"
    # Stopped at its first write to a segment, by the limit of a file's size: SIGXFSZ ends it as SIGKILL would.
    ended = subprocess.run(
        ["bash", "-c", 'ulimit -f 4; exec "$0" "$@"', program("logstore-replay"), server.directory, "--target", target],
        capture_output=True, check=False)
    assert ended.returncode == -signal.SIGXFSZ
    assert (target / "UNFINISHED").exists()
    with pytest.raises(NotStarted) as refusal:
        started(target)
    assert refusal.value.code == 73 and "did not come to its end" in refusal.value.log
    run("logstore-dump", target, code=66)
    run("logstore-verify", target, code=66)
    assert same(replay(server.directory, target), told(hub))
    assert not (target / "UNFINISHED").exists() and same(verify(target), told(hub))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a file system")
def test_a_full_disk(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 40)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        done = run("logstore-replay", server.directory, "--target", small / "target", code=74)
        assert "No space left" in done.stderr and list(small.iterdir()) == []
        # A mount point is a target like any other.
        run("logstore-replay", server.directory, "--target", small, code=74)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
