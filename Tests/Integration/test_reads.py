"""Recorded reads: what two agents read, told by logstore-dump from a hub that runs, was killed, or was stopped."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import Server
from store_tools import run

CONFIGURATION = "audit:\n  reads: true\n  reads_max_bytes: 1 MiB\n"


def told(store: Path, *options: object) -> list[tuple]:
    lines = run("logstore-dump", store, "--type", "READ", "--format", "json", *options).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        assert event["event_type"] == "READ" and event["sequence_number"] is None
        assert event["payload"] is None and event["previous_value"] is None
    return [(event["agent_id"], event["action"], event["target_key"], event["revision"]) for event in events]


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    path = tmp_path / "hub.yaml"
    path.write_text(CONFIGURATION)
    return path


def test_reads_by_two_agents_are_told_exactly_and_in_order(tmp_path: Path, configured: Path) -> None:
    store = tmp_path / "store"
    server = Server(store, "--config", str(configured)).start()
    try:
        with Hub(server.address, agent="planner") as planner, Hub(server.address, agent="critic") as critic:
            for key in ("a/1", "a/2", "b"):
                planner.ask("put", key=key, item={"content": key})
            planner.ask("get", key="a/1", correlation_id="run")
            critic.ask("exists", key="b")
            middle = critic.reply("ping")["timestamp"]
            critic.ask("batch_get", keys=["a/2", "none"])
            planner.ask("history", key="b")
            planner.ask("proof", key="a/2")
            critic.ask("list_keys", prefix="a/")
            critic.ask("events", from_revision=1)
            expected = [
                ("planner", "get", "a/1", 1), ("critic", "exists", "b", 3), ("critic", "batch_get", "a/2", 2),
                ("critic", "batch_get", "none", None), ("planner", "history", "b", 3), ("planner", "proof", "a/2", 2),
                ("critic", "list_keys", "a/", None), ("critic", "events", "", 3),
            ]
            assert planner.ask("stats")["reads_recorded"] == len(expected)
            # While the hub runs: within a second or so of the read.
            deadline = time.monotonic() + 20
            while len(told(store)) < len(expected) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert told(store) == expected
            assert told(store, "--agent", "critic") == [event for event in expected if event[0] == "critic"]
            assert told(store, "--key", "b") == [expected[i] for i in (1, 4, 7)]
            assert told(store, "--prefix", "a/") == [expected[i] for i in (0, 2, 5, 6, 7)]
            assert told(store, "--since", middle) == expected[2:]
            assert told(store, "--until", middle) == expected[:2]
            assert told(store, "--reverse", "--limit", 3) == expected[:-4:-1]
            # They take no revision and are in no feed.
            assert planner.ask("checksum")["revision"] == 3
            critic.ask("get", key="last")
        server.stop()
        assert told(store)[8:] == [("critic", "get", "last", None)]
        run("logstore-verify", store)
        # A restart goes on; a kill takes what had not been written yet, and is no damage.
        server.start()
        with Hub(server.address, agent="late") as late:
            for _ in range(50):
                late.ask("get", key="b")
            server.kill()
        rest = told(store)[9:]
        assert rest == [("late", "get", "b", 3)] * len(rest)
        server.start()
        with Hub(server.address) as hub:
            assert hub.ask("checksum")["revision"] == 3
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def test_nothing_is_recorded_unless_it_is_asked_for(tmp_path: Path) -> None:
    store = tmp_path / "store"
    server = Server(store).start()
    with Hub(server.address) as hub:
        hub.ask("get", key="a")
    server.stop()
    done = run("logstore-dump", store, "--type", "READ", "--format", "json")
    assert done.stdout == "" and "audit.reads" in done.stderr
    assert not os.path.exists(store / "reads")
