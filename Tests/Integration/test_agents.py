"""Three agents at once, each a process of its own, and what the log tells of them afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hub_client import Hub, exact
from hub_server import Server

AGENTS = ("LearningManager", "ConversationManager", "KnowledgeManager")
OPERATIONS = 1_000


def run_agents(server: Server, directory: Path, seed: int) -> dict[str, dict]:
    reports = {name: directory / f"{name}.json" for name in AGENTS}
    program = Path(__file__).with_name("agent_process.py")
    processes = [
        subprocess.Popen([sys.executable, program, server.address, name, str(seed), str(OPERATIONS), report])
        for name, report in reports.items()]
    try:
        assert [process.wait(120) for process in processes] == [0, 0, 0]
    finally:
        for process in processes:
            process.kill()
    return {name: json.loads(report.read_text()) for name, report in reports.items()}


def test_three_agents_share_one_hub(server: Server, tmp_path: Path) -> None:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    reports = run_agents(server, tmp_path, seed)
    assert [failure for report in reports.values() for failure in report["failures"]] == []
    assert sum(report["succeeded"] for report in reports.values()) == 3 * OPERATIONS

    expected = sorted(
        ({**event, "agent": name} for name, report in reports.items() for event in report["events"]),
        key=lambda event: event["revision"])
    told = [exact(line) for line in server.dump_lines()]
    assert [event["sequence_number"] for event in told] == [("number", str(n)) for n in range(1, len(expected) + 1)]
    latest: dict[str, dict | None] = {}
    for event, want in zip(told, expected, strict=True):
        told_of = (event["event_type"], event["target_key"], event["agent_id"])
        assert told_of == (want["type"], want["key"], want["agent"])
        assert event["previous_value"] == latest.get(want["key"])
        if want["item"] is None:
            assert event["payload"] is None
        else:
            sent = exact(json.dumps(want["item"]))
            assert {name: event["payload"][name] for name in sent} == sent
        latest[want["key"]] = event["payload"]
    for name in AGENTS:
        own = [event for event in expected if event["agent"] == name]
        assert [event["sequence_number"] for event in server.dump("--agent", name)] == [e["revision"] for e in own]
    times = [event["timestamp"] for event in told]
    assert times == sorted(times)

    live = {key: payload for key, payload in latest.items() if payload is not None}
    with Hub(server.address) as hub:
        stats, checksum = hub.ask("stats"), hub.ask("checksum")
        assert stats["keys"] == checksum["keys"] == len(live)
        assert Counter(event["type"] for event in expected) == Counter(
            {name: count for name, count in stats["events"].items() if count})
    server.restart()
    with Hub(server.address) as hub:
        assert hub.ask("checksum") == checksum
        for key, payload in live.items():
            assert exact(hub.get_raw(key)) == payload
