"""Erasure as operators do it: what was redacted is told no more, is in no file, and audits go on to hold."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import mfh_tool
from hub_client import Hub
from hub_server import Server
from store_tools import last_object, replay, run, same, told, verify

SECRET = "swordfish-4711"


def files_with(directory: Path, text: str) -> list[str]:
    return [str(path) for path in directory.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_key_is_erased_everywhere(server: Server, hub: Hub, tmp_path: Path) -> None:
    for number in range(200):
        hub.ask("put", key=f"k{number}", item={"content": f"what everybody may know, number {number}"})
    for version in range(3):
        hub.ask("put", key="user/7", item={"content": f"{SECRET} {version}"}, request_id=f"r{version}")
    proven = hub.ask("proof", key="user/7")["proof"]
    assert files_with(server.directory, SECRET)
    receipt = mfh_tool.run(server.address, "redact", "user/7", "--reason", "ticket 12", "--format", "json").lines[0]
    assert receipt["revisions"] == [201, 202, 203] and receipt["done"] and not receipt["still_held_by"]
    assert any(name.startswith("segments/") for name in receipt["held_by"])
    assert files_with(server.directory, SECRET) == []
    refusal = hub.reply("get", key="user/7")
    assert not refusal["success"] and refusal["code"] == "redacted" and "203" in refusal["error"]
    batch = hub.ask("batch_get", keys=["k1", "user/7", "nobody", "k2"])
    assert batch["redacted_keys"] == ["user/7"] and list(batch["items"]) == ["k1", "k2"]
    assert batch["revisions"]["user/7"] == 203 and batch["missing_keys"] == ["nobody"]
    assert mfh_tool.run(server.address, "history", "user/7").output.count("(redacted)") == 3
    events = hub.ask("history", key="user/7")["events"]
    assert [event["payload"] for event in events] == [None] * 3 and all(event["redacted"] for event in events)
    assert all(event["previous_value"] is None for event in events)
    conflict = hub.reply("put", key="user/7", item={"content": "x"}, if_revision=1)
    assert conflict["code"] == "conflict" and conflict["current"] == {"revision": 203, "item": None, "redacted": True}
    again = hub.ask("proof", key="user/7")["proof"]
    assert again["commitment"] == proven["commitment"] and again["leaf"] == proven["leaf"] and "payload" not in again
    before = told(hub)
    assert same(verify(server.directory), before)
    server.kill()
    server.start()
    with Hub(server.address, agent="tester") as reborn:
        assert told(reborn) == before
        assert reborn.reply("get", key="user/7")["code"] == "redacted"
        assert reborn.ask("put", key="user/7", item={"content": "new"})["created"] is False
        before = told(reborn)
    server.stop()
    assert same(verify(server.directory), before)
    assert same(replay(server.directory, tmp_path / "replayed"), before)
    assert same(verify(tmp_path / "replayed"), before)
    records = [json.loads(line) for line in run(
        "logstore-dump", server.directory, "--records", "--format", "json").stdout.splitlines()]
    told_of = [record for record in records if record["operation"] == "REDACTION"]
    assert [record["redaction"] for record in told_of] == [{"revisions": [201, 202, 203], "reason": "ticket 12"}]
    assert told_of[0]["agent_id"] == "mfh" and told_of[0]["key"] == "user/7"
    assert SECRET not in run("logstore-dump", server.directory, "--format", "json").stdout
    server.start()


def test_a_hub_that_died_before_it_erased(server: Server, hub: Hub, tmp_path: Path) -> None:
    """Nobody who reads its files tells what it had promised not to tell."""
    # Enough that the erasure takes longer than the kill.
    for number in range(24):
        hub.ask("put", key=f"k{number}", item={"content": "x" * 900_000})
    hub.ask("put", key="user/7", item={"content": SECRET})
    hub.ask("put", key="user/7", item={"content": f"{SECRET} again"})
    hub.ask("redact", key="user/7", reason="ticket 12")
    before = told(hub)
    # At once, and while the bytes are there.
    backup = tmp_path / "backup"
    run("mfh", "backup", backup, "--hub", server.address)
    assert same(verify(backup), before)
    server.kill()
    assert same(verify(server.directory), before)
    for options in (["--format", "json"], ["--format", "json", "--reverse"], [], ["--records", "--format", "json"]):
        assert SECRET not in run("logstore-dump", server.directory, *options).stdout
    assert same(replay(server.directory, tmp_path / "replayed"), before)
    replay(server.directory, tmp_path / "earlier", "--to-revision", 25)
    for store in (tmp_path / "replayed", tmp_path / "earlier"):
        assert files_with(store, SECRET) == [] and verify(store)["unerased_revisions"] == 0
    server.start()
    with Hub(server.address, agent="tester") as reborn:
        assert told(reborn) == before
        end = time.monotonic() + 60
        while not reborn.ask("erasure")["done"]:
            assert time.monotonic() < end
            time.sleep(0.05)
    again = last_object(run("mfh", "backup", backup, "--hub", server.address, "--format", "json"))
    assert same(again, before) and again["unerased_revisions"] == 0 and files_with(backup, SECRET) == []


def test_one_revision_is_erased(server: Server, hub: Hub) -> None:
    old = hub.ask("put", key="user/7", item={"content": SECRET})["revision"]
    hub.ask("put", key="user/7", item={"content": "harmless"})
    output = mfh_tool.run(server.address, "redact", "--revision", old, "--reason", "a slip").output
    assert "no file of the store has them any more" in output and "gone" in output
    assert hub.ask("get", key="user/7")["item"]["content"] == "harmless"
    assert hub.reply("get", key="user/7", at_revision=old)["code"] == "redacted"
    assert files_with(server.directory, SECRET) == []
    assert "nothing to erase" in mfh_tool.run(
        server.address, "redact", "--revision", old, "--reason", "again", code=66).errors


def test_what_can_not_be_erased_is_refused(server: Server, hub: Hub) -> None:
    hub.ask("put", key="user/7", item={"content": "x"})
    hub.ask("delete", key="user/7")
    for wrong in ({"revision": 2}, {"revision": 99}, {"revision": 0}, {}, {"key": "user/7", "revision": 1}, {"key": 7}):
        refusal = hub.reply("redact", reason="r", **wrong)
        assert refusal["code"] == "invalid_request", refusal
    for reason in ("", "x" * 1_025, 7, None):
        assert hub.reply("redact", key="user/7", reason=reason)["code"] == "invalid_request"
    mfh_tool.run(server.address, "redact", "user/7", "--revision", 1, "--reason", "both", code=64)
    mfh_tool.run(server.address, "redact", "user/7", code=64)
    assert hub.ask("redact", key="nobody", reason="r")["redacted"] == 0
    assert hub.ask("stats")["erasing_revisions"] == 0


FIXTURE = Path(__file__).parents[1] / "HubTests" / "Fixtures" / "version-2-closed"


def old_store(directory: Path) -> Path:
    """A store whose events are older than what a retention leaves alone."""
    shutil.copytree(FIXTURE, directory)
    (directory / "expected.txt").unlink()
    return directory


def test_a_retention_lets_old_versions_go_without_a_hub(tmp_path: Path) -> None:
    store = old_store(tmp_path / "store")
    before = verify(store)
    foreseen = run("logstore-compact", store, "--retention", "versions:1", "--format", "json", "--dry-run")
    assert verify(store) == before
    done = run("logstore-compact", store, "--retention", "versions:1", "--format", "json")
    floor = json.loads(done.stdout.splitlines()[0])["floor"]
    assert json.loads(foreseen.stdout.splitlines()[0])["floor"] == floor
    assert 0 < floor <= before["revision"]
    after = verify(store)
    assert same(after, {name: before[name] for name in ("revision", "keys", "checksum")})
    kinds = run("logstore-dump", store, "--records", "--format", "json").stdout
    assert '"DROPPED"' in kinds and '"DROPPED"' not in run("logstore-dump", store, "--format", "json").stdout
    summary = json.loads(run("logstore-dump", store, "--stats", "--format", "json").stdout)
    left = run("logstore-dump", store, "--format", "json").stdout.splitlines()
    assert summary["dropped_events"] == json.loads(foreseen.stdout.splitlines()[0])["events_to_drop"]
    assert summary["dropped_events"] == kinds.count('"DROPPED"') and summary["events"] == len(left)
    assert sum(summary["by_type"].values()) == sum(agent["events"] for agent in summary["by_agent"]) == len(left)
    assert f"{summary['dropped_events']} events that the retention has let go" in run("logstore-dump", store, "--stats").stdout
    run("logstore-compact", store, "--retention", "versions:0", code=64)
    run("logstore-replay", store, "--target", tmp_path / "early", "--to-revision", floor - 1, code=66)
    times = [json.loads(line)["timestamp"] for line in run("logstore-dump", FIXTURE, "--format", "json").stdout.splitlines()]
    run("logstore-replay", store, "--target", tmp_path / "early", "--to-time", times[floor // 2], code=66)
    assert not (tmp_path / "early").exists()


def test_a_hub_keeps_its_retention(tmp_path: Path) -> None:
    settings = tmp_path / "hub.yaml"
    settings.write_text("storage:\n  retention: versions:1\n")
    before = verify(old_store(tmp_path / "store"))
    server = Server(tmp_path / "store", "--config", str(settings)).start()
    try:
        with Hub(server.address, agent="tester") as hub:
            end = time.monotonic() + 60
            while not (stats := hub.ask("stats"))["floor"] or stats["retention_segments_left"]:
                assert time.monotonic() < end and not stats["retention_error"], stats
                time.sleep(0.05)
            assert same(told(hub), {name: before[name] for name in ("revision", "keys", "checksum")})
            refusal = hub.reply("events", from_revision=1)
            assert refusal["code"] == "revision_compacted" and str(stats["floor"]) in refusal["error"]
            assert hub.ask("events", from_revision=stats["floor"])["events"]
            key = "team-0/memory/0"
            # The floor is told before the last segment is written anew.
            while not (told_of := hub.ask("history", key=key))["more"]:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert told_of["events"][-1]["sequence_number"] < stats["floor"]
            history = mfh_tool.run(server.address, "history", key, "--format", "json", code=66)
            assert history.lines == told_of["events"] and f"from revision {stats['floor']} on" in history.errors
            assert mfh_tool.run(server.address, "history", key, code=66).output.count("\n") == 1 + len(told_of["events"])
            oldest = told_of["events"][-1]["sequence_number"]
            plan = mfh_tool.run(server.address, "redact", key, "--reason", "r", "--dry-run", "--format", "json").lines
            assert plan[0]["key"] == key and plan[0]["revisions"][0] == oldest
            # Below the floor the feed does not begin: what is still there is told of by its key.
            one = mfh_tool.run(server.address, "redact", "--revision", oldest, "--reason", "r", "--dry-run", code=66)
            assert "mfh redact <key> --dry-run" in one.errors
        server.stop()
    finally:
        if server.is_running:
            server.kill()
