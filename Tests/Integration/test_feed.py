"""The change feed: `events` over the wire, `mfh events` and `mfh watch`."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import mfh_tool
import pytest
import zmq
from hub_client import Hub, Pipeline
from hub_server import Server, program


def follow(hub: Hub, start: int = 0, **fields: object) -> tuple[list[dict], int]:
    """All events from a revision on, page by page, and where it goes on."""
    events: list[dict] = []
    while True:
        page = hub.ask("events", from_revision=start, **fields)
        events += page["events"]
        start = page["next_revision"]
        if not page["more"]:
            return events, start


def workload(hub: Hub, choice: random.Random, steps: int) -> None:
    keys = ["a", "a/1", "a/2", "b", "é/ö", 'quote"back\\slash', "c" * 1_024]
    for step in range(steps):
        agent = choice.choice(["A", "B", "C"])
        key = choice.choice(keys)
        match choice.randrange(10):
            case 0 | 1:
                hub.ask("delete", key=key, agent_id=agent)
            case 2:
                hub.ask("put", key=key, item={"content": f"{step}"}, ttl_seconds=0.01, agent_id=agent)
            case 3:
                hub.ask("batch", agent_id=agent, operations=[
                    {"op": "put", "key": choice.choice(keys), "item": {"content": f"{step} {index}"}}
                    for index in range(choice.randrange(1, 6))])
            case _:
                hub.ask("put", key=key, item={"content": [step, "x" * choice.randrange(200)]}, agent_id=agent)


def test_the_feed_is_what_the_log_says(server: Server) -> None:
    """From every revision, by prefix, in pages of any size, across restarts: what logstore-dump prints, and no more."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    for round_number in range(3):
        with Hub(server.address) as hub:
            workload(hub, choice, 120)
            hub.ask("checksum")  # what is due has expired by now
        if round_number == 1:
            server.restart()
        else:
            server.kill()
            server.start()
    dumped = [{name: event[name] for name in event if name not in ("segment", "offset")} for event in server.dump()]
    with Hub(server.address) as hub:
        for start in range(len(dumped) + 3):
            prefix = choice.choice(["", "", "a", "a/", "é", "nothing"])
            events, behind = follow(hub, start, prefix=prefix, limit=choice.choice([1, 7, 50, 1_000]))
            assert events == [
                event for event in dumped
                if event["sequence_number"] >= start and event["target_key"].startswith(prefix)]
            assert behind == max(start, len(dumped) + 1)


def test_a_thousand_connections_wait_and_each_gets_the_event(server: Server) -> None:
    """Real connections, one for each reader, half of them with a prefix of their own."""
    contexts = [zmq.Context() for _ in range(2)]
    sockets = []
    for context in contexts:
        context.set(zmq.MAX_SOCKETS, 1_000)
    try:
        for number in range(1_000):
            socket = contexts[number % 2].socket(zmq.DEALER)
            socket.linger = 0
            socket.rcvtimeo = 30_000
            socket.connect(server.address)
            prefix = "all" if number % 2 else f"own/{number}"
            socket.send_multipart([b"", json.dumps(
                {"action": "events", "from_revision": 1, "prefix": prefix, "wait_ms": 30_000}).encode()])
            sockets.append(socket)
        with Hub(server.address) as hub:
            deadline = time.monotonic() + 30
            while hub.ask("stats")["feed_waiting"] < 1_000:
                assert time.monotonic() < deadline, "they never all wait"
                time.sleep(0.02)
            before = hub.ask("stats")["feed_read_bytes"]
            for number in range(50):
                hub.ask("put", key=f"other/{number}", item={"content": "x"})
            assert hub.ask("stats")["feed_read_bytes"] == before, "who waits for something else costs nothing"
            hub.ask("batch", operations=[
                {"op": "put", "key": key, "item": {"content": "x"}}
                for key in ["all/of/you", *(f"own/{number}/x" for number in range(0, 1_000, 2))]])
        for number, socket in enumerate(sockets):
            reply = json.loads(socket.recv_multipart()[-1])
            keys = [event["target_key"] for event in reply["result"]["events"]]
            if number % 2:
                assert keys == ["all/of/you"]
            else:
                # "own/1" is also how "own/10/x" begins.
                assert keys and all(key.startswith(f"own/{number}") for key in keys)
    finally:
        for context in contexts:
            context.destroy(linger=0)


def test_a_reader_that_does_not_read_costs_only_itself(server: Server) -> None:
    with Pipeline(server.address) as slow, Hub(server.address) as hub:
        slow.socket.rcvhwm = 1
        for number in range(100):
            hub.ask("put", key=f"k{number}", item={"content": "x" * 100_000})
        for _ in range(60):
            slow.send("events")
        for _ in range(20):
            assert len(hub.ask("events")["events"]) == 83
        assert hub.ask("ping")["pong"]
        assert server.resident_bytes() < 600 << 20


# --- mfh events


def test_mfh_events_pages_by_itself(server: Server, hub: Hub) -> None:
    for start in range(0, 2_500, 500):
        hub.ask("batch", operations=[
            {"op": "put", "key": f"{'even' if number % 2 == 0 else 'odd'}/{number}", "item": {"content": "x"}}
            for number in range(start, start + 500)], agent_id="A" if start < 1_000 else "B")
    everything = mfh_tool.run(server.address, "events", "--all", "--format", "json")
    assert [event["sequence_number"] for event in everything.lines] == list(range(1, 2_501))
    assert everything.lines == follow(hub)[0] and not everything.errors
    first = mfh_tool.run(server.address, "events")
    assert len(first.output.splitlines()) == 101 and "--from-revision 101" in first.errors
    part = mfh_tool.run(
        server.address, "events", "--from-revision", 900, "--prefix", "odd/", "--limit", 1_200, "--format", "json")
    assert [event["sequence_number"] for event in part.lines] == list(range(900, 2_501, 2)) and not part.errors
    mine = mfh_tool.run(server.address, "events", "--by", "B", "--limit", 1_300, "--format", "json")
    assert [event["sequence_number"] for event in mine.lines] == list(range(1_001, 2_301))
    assert "--from-revision 2301" in mine.errors
    since = everything.lines[1_700]["timestamp"]
    late = mfh_tool.run(server.address, "events", "--since", since, "--all", "--format", "json")
    assert late.lines == [event for event in everything.lines if event["timestamp"] >= since]


@pytest.mark.parametrize("options, code", [
    (["--limit", "0"], 64), (["--all", "--limit", "3"], 64), (["--from-revision", "-1"], 64),
    (["--from-revision", "1", "--since", "2026-01-01T00:00:00Z"], 64), (["--since", "yesterday"], 65),
    (["--prefix", "p" * 1_025], 65)])
def test_mfh_events_refuses(server: Server, options: list[str], code: int) -> None:
    ran = mfh_tool.run(server.address, "events", *options, code=code)
    assert len(ran.errors.splitlines()) == 1 and not ran.output


# --- mfh watch


def test_watch_goes_on_behind_the_last_event_across_restarts(server: Server) -> None:
    with Hub(server.address) as hub:
        hub.ask("put", key="before", item={"content": "x"})
    with mfh_tool.Watch(server.address, "--from-revision", 0) as watch:
        assert watch.revisions(1) == [1]
        port = server.port
        expected = 2
        for kill in (False, True, False):
            with Hub(server.address) as hub:
                for _ in range(25):
                    hub.ask("put", key="k", item={"content": "x"})
            assert watch.revisions(25) == list(range(expected, expected + 25))
            expected += 25
            server.kill() if kill else server.stop()
            server.options = ("--zmq-port", str(port))
            server.start()
        with Hub(server.address) as hub:
            hub.ask("put", key="k", item={"content": "x"})
        assert watch.revisions(1) == [expected]
        assert "trying again" in watch.message()
        assert watch.end(signal.SIGTERM) == 0


def test_watch_begins_with_what_comes_next_and_keeps_to_its_prefix(server: Server, hub: Hub) -> None:
    for _ in range(3):
        hub.ask("put", key="a/old", item={"content": "x"})
    with mfh_tool.Watch(server.address, "--prefix", "a/") as watch:
        deadline = time.monotonic() + 20
        while hub.ask("stats")["feed_waiting"] == 0:
            assert time.monotonic() < deadline, "it never waits"
            time.sleep(0.01)
        hub.ask("put", key="b", item={"content": "x"})
        hub.ask("put", key="a/new", item={"content": "x"}, agent_id="B")
        event = watch.event()
        assert event["sequence_number"] == 5 and event["target_key"] == "a/new" and event["agent_id"] == "B"
        assert watch.end(signal.SIGINT) == 0
        assert watch.process.stderr.read() == b""


def test_watch_ends_when_nobody_reads(server: Server, hub: Hub) -> None:
    hub.ask("put", key="k", item={"content": "x"})
    done = subprocess.run(
        f"{{ '{program('mfh')}' watch --from-revision 0 --format json --hub {server.address}; echo $? >&2; }} | head -1",
        shell=True, capture_output=True, timeout=mfh_tool.WAIT_SECONDS, check=True)
    assert json.loads(done.stdout)["sequence_number"] == 1 and done.stderr == b"0\n"


def test_watch_of_a_hub_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    mfh_tool.run("tcp://127.0.0.1:9", "watch", "--timeout", "0.5", code=69)
