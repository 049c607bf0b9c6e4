"""The examples do what the README says, on the sample that ships with them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import ROOT, Server

EXAMPLES = ROOT / "examples"
SAMPLE = EXAMPLES / "conversation.jsonl"


def example(name: str, *arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)


def load(server: Server, *arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return example("load_items.py", *arguments, "--hub", server.address, text=text)


def kind(item: dict) -> str:
    return "session" if "session_id" in item else "knowledge" if "knowledge_id" in item else "memory_item"


def key(line: dict) -> str:
    return next(line[name] for name in ("key", "session_id", "knowledge_id") if name in line)


def test_the_sample_is_loaded_listed_counted_and_told(server: Server, hub: Hub) -> None:
    done = load(server, SAMPLE, "--verify")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    assert done.stdout == f"{len(lines)} items stored, {len(lines)} read back equal\n"
    keys = sorted((key(line) for line in lines), key=str.encode)
    assert hub.ask("list_keys", prefix="garden/", limit=1_000)["keys"] == keys
    turns = [one for one in keys if one.startswith("garden/session-1/")]
    assert hub.ask("list_keys", prefix="garden/session-1/")["keys"] == turns and len(turns) == 10
    counts = Counter(kind(line.get("item", line)) for line in lines)
    assert set(counts) == {"memory_item", "session", "knowledge"}
    stats = hub.ask("stats")
    assert stats["items"] == counts and stats["keys"] == len(lines)
    told = server.dump()
    assert [(event["event_type"], event["target_key"], event["agent_id"]) for event in told] == [
        ("CREATE", key(line), line["agent_id"]) for line in lines]
    assert "agent_id" not in hub.ask("get", key="garden/session-3")["item"]


def test_verify_notices_a_difference(server: Server) -> None:
    sys.path.insert(0, str(EXAMPLES))
    try:
        from load_items import difference, exact
    finally:
        sys.path.pop(0)
    stored = exact('{"content":{"n":1.0},"tags":[],"timestamp":"2026-01-01T10:00:00.000000Z","updated_at":null}')
    for given in ['{"content":{"n":1.0}}', '{"timestamp":"2026-01-01T11:00:00+01:00"}',
                  '{"timestamp":"2026-01-01T10:00:00"}', '{"tags":null}']:
        assert difference(exact(given), stored) is None
    for given in ['{"content":{"n":1.00}}', '{"content":{"n":1}}', '{"content":{"n":"1.0"}}', '{"extra":1}',
                  '{"tags":[""]}', '{"timestamp":"2026-01-01T10:00:00.000001Z"}']:
        assert difference(exact(given), stored) is not None


@pytest.mark.parametrize("arguments", [[], ["--window", 1], ["--window", 4_096]])
def test_every_digit_arrives(server: Server, hub: Hub, arguments: list) -> None:
    line = '{"key":"n%d","item":{"content":{"v":1.%s},"metadata":{"big":%s}}}\n'
    text = "".join(line % (number, "0" * 30 + str(number), "9" * 40) for number in range(500))
    done = load(server, "-", "--verify", *arguments, text=text)
    assert (done.returncode, done.stdout) == (0, "500 items stored, 500 read back equal\n")
    assert b'{"v":1.' + b"0" * 30 + b"7}" in hub.get_raw("n7") and b"9" * 40 in hub.get_raw("n7")


def test_agent_and_order_of_lines(server: Server, hub: Hub) -> None:
    text = '{"key":"a","item":{"content":"1"}}\n\n{"key":" a ","item":{"content":"2"},"agent_id":"other"}\n'
    done = load(server, "-", "--verify", "--agent", "me", text=text)
    assert (done.returncode, done.stdout) == (0, "1 items stored, 1 read back equal\n")
    assert [event["agent_id"] for event in server.dump()] == ["me", "other"]
    assert hub.ask("get", key="a")["item"]["content"] == "2"


@pytest.mark.parametrize(("text", "said"), [
    ("nonsense\n", "line 1: this is not JSON"), ("\n[]\n", "line 2: a line must be a JSON object"),
    ('{"content":"c"}\n', "line 1: no key"), ('{"key":1,"item":{}}\n', "line 1: no key"),
    ('{"key":"a","key":"b","item":{}}\n', 'the name "key" is there twice'),
    ('{"key":"a","item":{},"agent_id":1}\n', "agent_id"),
    ('{"key":"a","item":{"content":"c"}}\n{"key":"b","item":{}}\n', "line 2: invalid_item"),
    ("[" * 100_000 + "\n", "line 1: this is not JSON"),
])
def test_bad_lines_are_named(server: Server, text: str, said: str) -> None:
    done = load(server, "-", text=text)
    assert done.returncode == 65
    assert said in done.stderr and "Traceback" not in done.stderr


def test_exit_codes_of_the_loader(server: Server, tmp_path: Path) -> None:
    assert load(server, tmp_path / "missing").returncode == 66
    assert load(server, SAMPLE, "--window", 0).returncode == 64
    assert load(server).returncode == 64
    unheard = example("load_items.py", SAMPLE, "--hub", "tcp://127.0.0.1:1", "--timeout", 0.2)
    assert unheard.returncode == 69 and "no answer" in unheard.stderr


def test_the_first_conversation(server: Server) -> None:
    load(server, SAMPLE)
    done = example("first_conversation.py", server.address)
    assert done.returncode == 0 and "Grow a lemon tree" in done.stdout and "garden/session-1" in done.stdout


def test_locomo_is_turned_into_items_of_three_kinds(server: Server, hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "made-up.json"
    file.write_text(json.dumps([{
        "sample_id": "talk-1",
        "conversation": {
            "speaker_a": "Ada", "speaker_b": "Ben", "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ada", "dia_id": "D1:1", "text": "Hello!"},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "Hi.", "query": "a wave"}],
            "session_2_date_time": "12:05 am on 9 May, 2023"},
        "observation": {"session_1_observation": {
            "Ben": [["Ben is brief.", "D1:2"], ["Ben waves.", ["D1:1", "D1:2"]]]}},
        "session_summary": {"session_1_summary": "They greet."}}]))
    lines = example("locomo_to_jsonl.py", file).stdout
    done = load(server, "-", "--verify", text=lines)
    assert (done.returncode, done.stdout) == (0, "5 items stored, 5 read back equal\n")
    turn = hub.ask("get", key="talk-1/session_1/D1:2")["item"]
    assert (turn["content"], turn["source_agent"], turn["metadata"]["query"]) == ("Hi.", "Ben", "a wave")
    assert turn["timestamp"] == "2023-05-08T13:56:00.000000Z"
    assert hub.ask("stats")["items"] == {"memory_item": 2, "session": 1, "knowledge": 2}
    assert [event["agent_id"] for event in server.dump()] == ["Ada", "Ada", "Ben", "Ben", "Ben"]


def test_the_log_can_be_read_while_it_is_written(server: Server) -> None:
    """Each reading is a beginning of the log, no shorter than what was acknowledged before it."""
    acknowledged = 0
    stopped = threading.Event()

    def write() -> None:
        nonlocal acknowledged
        with Hub(server.address, "writer") as hub:
            while not stopped.is_set():
                acknowledged = hub.ask("put", key=f"k{acknowledged % 50}", item={"content": "x" * 500})["revision"]

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(10):
            before = acknowledged
            told = server.dump()
            assert [event["sequence_number"] for event in told] == list(range(1, len(told) + 1))
            assert len(told) >= before
            assert all(event["agent_id"] == "writer" for event in told)
    finally:
        stopped.set()
        thread.join()
    assert len(server.dump()) == acknowledged > 0
