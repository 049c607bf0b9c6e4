"""`mfh undo`: compensating events for one agent's writes, against a model."""

from __future__ import annotations

import json
import random
import threading
import time

import mfh_tool
import pytest
from hub_client import Hub
from hub_server import Server

KEYS = ["a", "b/1", "b/2", "é/ö/\U0001f600", 'quote"back\\slash', "--agent", "c" * 1_024, "white space", "d", "e"]


def timeless(item: dict | None) -> dict | None:
    return item and {name: value for name, value in item.items() if name != "updated_at"}


def state(hub: Hub) -> dict[str, dict]:
    """What every key holds, without the moment at which the hub wrote it down."""
    return {key: timeless(item) for key, item in hub.ask("batch_get", keys=KEYS)["items"].items()}


def expected(events: list[dict], agent: str, start: int, now: dict[str, dict]) -> tuple[dict[str, dict], set[str]]:
    """What an undo should leave, and which keys it should leave alone: by the words of the help, key by key."""
    after, left = dict(now), set()
    for key in KEYS:
        own = [event for event in events if event["target_key"] == key]
        in_range = [event for event in own if event["sequence_number"] >= start]
        mine = [event["agent_id"] == agent for event in in_range]
        if not any(mine):
            continue
        last = max(index for index, is_mine in enumerate(mine) if is_mine)
        first = last
        while first > 0 and mine[first - 1]:
            first -= 1
        before = timeless(in_range[first]["previous_value"])
        if now.get(key) == before:
            continue
        if last < len(in_range) - 1:
            left.add(key)
        elif before is None:
            after.pop(key, None)
        else:
            after[key] = before
    return after, left


def workload(hub: Hub, choice: random.Random, steps: int) -> None:
    for step in range(steps):
        agent, key = choice.choice("ABC"), choice.choice(KEYS)
        match choice.randrange(8):
            case 0 | 1:
                hub.ask("delete", key=key, agent_id=agent)
            case 2:
                hub.ask("batch", agent_id=agent, operations=[
                    {"op": "put", "key": choice.choice(KEYS), "item": {"content": f"{step} {index}"}}
                    for index in range(3)])
            case 3:
                hub.ask("put", key=key, agent_id=agent, item={
                    "knowledge_id": "k", "title": "t", "content": {"n": step}, "category": "c", "other": 1.50})
            case _:
                hub.ask("put", key=key, agent_id=agent, item={"content": choice.choice(["x", f"{step}"])})


def test_an_undo_leaves_what_the_model_says(server: Server, hub: Hub) -> None:
    """Three agents at random, one is undone from a random revision; then again, and nothing more changes."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    # A workload may come to nothing: it deletes what is not there.
    hub.ask("put", key="first", agent_id="A", item={"content": "x"})
    for _ in range(25):
        workload(hub, choice, choice.randrange(1, 25))
        agent = choice.choice("ABC")
        events = hub.ask("events", limit=10_000)["events"]
        start = choice.randrange(max(1, len(events) - 40), len(events) + 1)
        before = state(hub)
        wanted, left = expected(events, agent, start, before)
        options = ["undo", "--agent", agent, "--from-revision", start, "--format", "json"]
        looked = mfh_tool.run(server.address, *options, "--dry-run").lines
        assert state(hub) == before and hub.ask("stats")["revision"] == len(events)
        lines = mfh_tool.run(server.address, *options).lines
        assert state(hub) == wanted
        plan = [line for line in lines if "would" in line]
        assert plan == looked
        assert {line["key"] for line in plan if line["would"] == "leave"} == left
        assert all(line["changed_by"] not in (agent, None) for line in plan if line["would"] == "leave")
        done = [line for line in lines if "did" in line]
        touched = [key for key in KEYS if before.get(key) != wanted.get(key)]
        assert sorted(line["key"] for line in done) == sorted(touched)
        revision = hub.ask("stats")["revision"]
        assert sorted(line["revision"] for line in done) == list(range(len(events) + 1, revision + 1))
        again = mfh_tool.run(server.address, *options).lines
        assert hub.ask("stats")["revision"] == revision and not [line for line in again if "did" in line]
        written = hub.ask("events", from_revision=len(events) + 1, limit=10_000)["events"]
        assert all(event["agent_id"] == "mfh-undo" and event["correlation_id"] == "undo" for event in written)


def test_an_undo_can_be_undone(server: Server, hub: Hub) -> None:
    hub.ask("put", key="a", item={"content": "good"}, agent_id="B")
    hub.ask("put", key="a", item={"content": "bad"}, agent_id="A")
    hub.ask("put", key="b/1", item={"content": "new"}, agent_id="A")
    before = state(hub)
    mfh_tool.run(server.address, "undo", "--agent", "A", "--from-revision", 2)
    assert state(hub)["a"]["content"] == "good" and "b/1" not in state(hub)
    mfh_tool.run(server.address, "undo", "--agent", "mfh-undo", "--from-revision", 0, code=64)
    mfh_tool.run(server.address, "undo", "--agent", "mfh-undo", "--from-revision", 0, "--as", "operator")
    assert state(hub) == before


def test_since_is_the_first_event_of_that_time(server: Server, hub: Hub) -> None:
    hub.ask("put", key="a", item={"content": "1"}, agent_id="A")
    time.sleep(0.01)
    hub.ask("put", key="a", item={"content": "2"}, agent_id="A")
    moment = hub.ask("events")["events"][1]["timestamp"]
    ran = mfh_tool.run(server.address, "undo", "--agent", "A", "--since", moment)
    assert "1 restored" in ran.output and state(hub)["a"]["content"] == "1"


def test_items_that_expire(server: Server, hub: Hub) -> None:
    """What has expired by now is not put back; that an agent's item expired is the agent's doing."""
    hub.ask("put", key="a", item={"content": "short"}, agent_id="B", ttl_seconds=0.3)
    hub.ask("put", key="a", item={"content": "mine"}, agent_id="A")
    hub.ask("put", key="b/1", item={"content": "kept"}, agent_id="B")
    hub.ask("put", key="b/1", item={"content": "gone"}, agent_id="A", ttl_seconds=0.2)
    hub.ask("put", key="d", item={"content": "long"}, agent_id="B", ttl_seconds=3_600)
    hub.ask("put", key="d", item={"content": "mine"}, agent_id="A")
    time.sleep(0.4)
    ran = mfh_tool.run(server.address, "undo", "--agent", "A", "--from-revision", 0, "--format", "json")
    plan = {line["key"]: line for line in ran.lines if "would" in line}
    assert plan["a"]["would"] == "delete" and "expired" in plan["a"]["why"]
    found = state(hub)
    assert "a" not in found and found["b/1"]["content"] == "kept"
    assert found["d"]["content"] == "long" and found["d"]["expiry_timestamp"]


def test_more_than_a_batch_of_large_items(server: Server, hub: Hub) -> None:
    for start in range(0, 2_500, 500):
        hub.ask("batch", agent_id="A", operations=[
            {"op": "put", "key": f"k{number}", "item": {"content": "new"}} for number in range(start, start + 500)])
    for number in range(8):
        for agent in "BA":
            hub.ask("put", key=f"large{number}", item={"content": agent * 900_000}, agent_id=agent)
    ran = mfh_tool.run(server.address, "undo", "--agent", "A", "--from-revision", 1)
    assert "8 restored, 2500 deleted" in ran.output
    assert hub.ask("stats")["keys"] == 8
    assert hub.ask("get", key="large7")["item"]["content"] == "B" * 900_000
    assert "0 restored, 0 deleted" in mfh_tool.run(server.address, "undo", "--agent", "A", "--from-revision", 1).output


def test_keys_that_change_while_they_are_undone(server: Server) -> None:
    """Others write all the time: whatever the undo wrote was of the agent when it was written."""
    keys = [f"k{number}" for number in range(300)]
    with Hub(server.address) as hub:
        hub.ask("batch", agent_id="B", operations=[
            {"op": "put", "key": key, "item": {"content": "good"}} for key in keys])
        hub.ask("batch", agent_id="A", operations=[
            {"op": "put", "key": key, "item": {"content": "bad"}} for key in keys])
    stop = threading.Event()

    def disturb() -> None:
        with Hub(server.address, agent="C") as other:
            choice = random.Random(7)
            while not stop.is_set():
                other.ask("put", key=choice.choice(keys), item={"content": "later"})

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        time.sleep(0.02)
        mfh_tool.run(server.address, "undo", "--agent", "A", "--from-revision", 301)
    finally:
        stop.set()
        thread.join()
    with Hub(server.address) as hub:
        newest: dict[str, str] = {}
        start = 0
        while True:
            page = hub.ask("events", from_revision=start)
            for event in page["events"]:
                if event["agent_id"] == "mfh-undo":
                    assert newest[event["target_key"]] == "A" and event["payload"]["content"] == "good"
                newest[event["target_key"]] = event["agent_id"]
            start = page["next_revision"]
            if not page["more"]:
                break
        assert "A" not in newest.values()


@pytest.mark.parametrize("options", [
    ["--from-revision", "1"], ["--agent", "A"], ["--agent", "A", "--from-revision", "1", "--since", "x"],
    ["--agent", "A", "--from-revision", "1", "--as", "A"], ["--agent", "A", "--from-revision", "1", "--as", ""]])
def test_wrong_command_lines(server: Server, options: list[str]) -> None:
    ran = mfh_tool.run(server.address, "undo", *options, code=64)
    assert len(ran.errors.splitlines()) == 1 and not ran.output


def test_writes_without_a_name(server: Server) -> None:
    with Hub(server.address) as hub:
        hub.ask("put", key="a", item={"content": "1"}, agent_id="B")
        hub.ask("put", key="a", item={"content": "2"})
        hub.ask("put", key="b/1", item={"content": "x"}, agent_id="B", ttl_seconds=0.01)
        time.sleep(0.1)
        hub.ask("checksum")
        ran = mfh_tool.run(server.address, "undo", "--agent", "", "--from-revision", 0, "--format", "json")
        assert [json.dumps(line["key"]) for line in ran.lines if "did" in line] == ['"a"']
        assert state(hub)["a"]["content"] == "1" and "b/1" not in state(hub)
