"""The past of a key, asked the way a client in the field does, on a hub that runs and one that was started again."""

from __future__ import annotations

import random
import time
from pathlib import Path

from hub_client import Hub
from hub_server import Server

KEYS = ["a", "b", "c/é", "d"]


def check(hub: Hub, states: list[dict]) -> None:
    """Every key at every revision is what the model says, and the histories are the differences."""
    for revision, state in enumerate(states):
        for key in KEYS:
            found = hub.ask("get", key=key, at_revision=revision)
            content = found["item"]["content"] if found["found"] else None
            assert content == state.get(key), (key, revision)
    for key in KEYS:
        events: list[dict] = []
        more, before = True, 1 << 62
        while more:
            page = hub.ask("history", key=key, limit=7, before_revision=before)
            events += page["events"]
            more, before = page["more"], events[-1]["sequence_number"] if events else 0
        changes = [r for r in range(1, len(states)) if states[r].get(key) != states[r - 1].get(key)]
        assert [event["sequence_number"] for event in events] == changes[::-1]
        for event in events:
            revision = event["sequence_number"]
            then, before_it = states[revision].get(key), states[revision - 1].get(key)
            assert (event["payload"] or {}).get("content") == then
            assert (event["previous_value"] or {}).get("content") == before_it
            assert event["target_key"] == key and event["agent_id"] == "tester"


def test_every_revision_of_a_random_workload_reads_as_it_was(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    server = Server(tmp_path / "store").start()
    try:
        states: list[dict] = [{}]
        for _ in range(2):
            with Hub(server.address, agent="tester") as hub:
                for number in range(120):
                    key, state = chance.choice(KEYS), dict(states[-1])
                    if chance.random() < 0.3:
                        if hub.ask("delete", key=key)["deleted"]:
                            del state[key]
                            states.append(state)
                    else:
                        state[key] = f"{len(states)}"
                        assert hub.ask("put", key=key, item={"content": state[key]})["revision"] == len(states)
                        states.append(state)
                check(hub, states)
            server.stop()
            server = Server(tmp_path / "store").start()
        with Hub(server.address, agent="tester") as hub:
            check(hub, states)
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def test_at_time_leaves_out_what_had_expired_and_at_revision_does_not(hub: Hub) -> None:
    revision = hub.ask("put", key="k", item={"content": "short"}, ttl_seconds=0.2)["revision"]
    written = hub.reply("ping")["timestamp"]
    time.sleep(0.4)
    later = hub.reply("ping")["timestamp"]
    assert hub.ask("get", key="k", at_time=written)["item"]["content"] == "short"
    assert hub.ask("get", key="k", at_time=later) == {"found": False, "item": None, "revision": 0}
    assert hub.ask("get", key="k", at_revision=revision)["found"] is True
    assert hub.ask("get", key="k", at_time="1999-12-31T23:59:59+01:00")["found"] is False
    assert [event["event_type"] for event in hub.ask("history", key="k")["events"]][-1] == "CREATE"


def test_the_future_and_two_moments_are_refused(hub: Hub) -> None:
    hub.ask("put", key="k", item={"content": "x"})
    for moment in ({"at_revision": 2}, {"at_time": "2999-01-01T00:00:00Z"}, {"at_time": "soon"}, {"at_revision": -1},
                   {"at_revision": 1, "at_time": "2020-01-01T00:00:00Z"}):
        assert hub.refusal("get", key="k", **moment)["code"] == "invalid_request", moment
    assert hub.refusal("history", key="k", limit=10_001)["code"] == "too_large"
    assert hub.refusal("history", key="k", before_revision="3")["code"] == "invalid_request"
    assert hub.ask("get", key="k", at_revision=1, min_revision=1)["revision"] == 1
