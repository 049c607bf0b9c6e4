"""What the hub does beside its clients when it is asked to: snapshots, and packing sealed segments."""

from __future__ import annotations

import time
from pathlib import Path

import mfh_tool
from hub_client import Hub, Pipeline
from hub_server import Server
from store_tools import same, told, verify

WAIT_SECONDS = 60
WORDS = "the agent keeps what it has found under a short name so that nobody has to ask for it again".split()


def item(number: int) -> dict:
    return {"content": " ".join(WORDS[(number * 7 + step) % len(WORDS)] for step in range(60)), "tags": [f"t{number}"]}


def fill(server: Server, count: int, agent: str) -> None:
    with Pipeline(server.address, agent=agent) as pipeline:
        for start in range(0, count, 500):
            operations = [
                {"op": "put", "key": f"packed/{number}", "item": item(number)}
                for number in range(start, min(start + 500, count))]
            pipeline.send("batch", operations=operations)
            assert pipeline.receive()["success"]


def test_a_snapshot_is_taken_on_demand(server: Server, hub: Hub) -> None:
    for number in range(50):
        hub.ask("put", key=f"k{number}", item=item(number))
    names = set((server.directory / "snapshots").glob("*.snap"))
    result = mfh_tool.run(server.address, "snapshot", "--format", "json").lines[0]
    assert result["snapshot_revision"] == result["revision"] == 50 and not result["error"]
    assert set((server.directory / "snapshots").glob("*.snap")) - names
    # Nothing new, nothing to do.
    assert hub.ask("snapshot")["running"] is False
    assert "snapshot  50" in mfh_tool.run(server.address, "snapshot").output
    before = told(hub)
    server.kill()
    server.start()
    with Hub(server.address, agent="tester") as again:
        assert told(again) == before


def test_sealed_segments_are_packed_and_nothing_changes(tmp_path: Path) -> None:
    settings = tmp_path / "hub.yaml"
    settings.write_text("storage:\n  segment_bytes: 16 MiB\n  compression: none\n")
    server = Server(tmp_path / "store", "--config", str(settings)).start()
    try:
        fill(server, 40_000, "writer")
        with Hub(server.address, agent="tester") as hub:
            before = told(hub)
            pages = hub.ask("events", from_revision=1, limit=500)
            old = hub.ask("stats")
            assert hub.ask("compact")["segments_to_pack"] > 0
            end = time.monotonic() + WAIT_SECONDS
            while (state := hub.ask("compact"))["running"] or state["segments_to_pack"]:
                assert time.monotonic() < end and not state["error"], state
                time.sleep(0.1)
            assert state["segments_packed"] >= 1
            new = hub.ask("stats")
            assert new["packed_bytes_after"] < new["packed_bytes_before"] // 2
            assert new["log_bytes"] < old["log_bytes"]
            assert "all sealed segments are packed" in mfh_tool.run(server.address, "compact").output

            def check(hub: Hub) -> None:
                assert told(hub) == before
                assert hub.ask("events", from_revision=1, limit=500) == pages
                for number in range(0, 40_000, 997):
                    found = hub.ask("get", key=f"packed/{number}")
                    assert found["item"]["content"] == item(number)["content"]
                    assert hub.ask("history", key=f"packed/{number}")["events"][0]["sequence_number"] == number + 1

            check(hub)
            assert hub.ask("put", key="packed/0", item=item(1))["created"] is False
            assert hub.ask("get", key="packed/0", at_revision=1)["item"]["content"] == item(0)["content"]
            before, pages = told(hub), hub.ask("events", from_revision=1, limit=500)
        assert list((server.directory / "segments").glob("*-0001.seg"))
        assert same(verify(server.directory), before)
        server.kill()
        server.start()
        with Hub(server.address, agent="tester") as hub:
            assert told(hub) == before
            assert hub.ask("get", key="packed/1")["item"]["content"] == item(1)["content"]
        server.stop()
        assert same(verify(server.directory), before)
    finally:
        if server.is_running:
            server.kill()
