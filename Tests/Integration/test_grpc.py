"""gRPC: the same memories, rules and errors as over ZeroMQ."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import system_calls
from grpc import StatusCode
from grpc_client import Calls, delete_of, pb, put_of, refused, text, trailers
from hub_client import Hub
from hub_server import FREE_PORTS, Server, program
from web import Web, until

MIB = 1 << 20
ITEMS = {
    "text": {"content": "x"},
    "object": {"content": {"a": [1, 2.50, {"b": None}], "c": "d"}},
    "array": {"content": ["a", 1, None]},
    "characters": {"content": "a\"b\\c\n\t\u0001 é 語 😀 </script>", "tags": ["é", ""], "metadata": {"ключ": "значение"}},
    "metadata": {"content": "x", "metadata": {"s": "t", "n": 1, "b": True, "z": None, "o": {"a": [1]}, "e": ""}},
    "full": {
        "content": "x", "memory_type": "episode", "timestamp": "2025-08-07T17:30:00.5Z", "metadata": {"a": "b"},
        "tags": ["t", "u"], "source_agent": "other", "expiry_timestamp": "2099-01-01T00:00:00Z"},
    "unknown": {"content": "x", "vendor": {"deep": [{"n": 1}]}, "n": 3},
    "session": {"session_id": "s", "user_id": "u", "context": {"a": 1}, "conversation_history": ["k"], "extra": 1},
    "typed session": {"item_type": "session", "session_id": "s"},
    "knowledge": {"knowledge_id": "k", "title": "t", "content": {"a": 1}, "category": "c", "confidence_score": 0.25},
}
DIGITS = (
    b'{"action":"put","key":"d","item":{"content":{"n":[1.0,1.00,-0.0,1e400,12345678901234567890123456789,'
    b'0.1000000000000000055511151231257827,1E+2]},"metadata":{"n":1.2300},"extra":10000000000000000000000.5}}')


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "store", "--grpc-port", "auto", "--metrics-port", "auto").start()
    try:
        yield server
        server.stop()
    finally:
        if server.is_running:
            server.kill()


@pytest.fixture
def calls(served: Server) -> Iterator[Calls]:
    with Calls(served.addresses["grpc"]) as calls:
        yield calls


@pytest.fixture
def hub(served: Server) -> Iterator[Hub]:
    with Hub(served.address, agent="tester") as hub:
        yield hub


# --- What is written on one side reads the same on the other


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_put_over_zeromq_reads_the_same(calls: Calls, hub: Hub, name: str) -> None:
    revision = hub.ask("put", key="k", item=ITEMS[name])["revision"]
    stored = hub.get_raw("k")
    told = calls.get(key="k")
    assert told.found and told.revision == revision
    assert told.item_json.encode() == stored
    many = calls.batch_get("k", "none")
    assert many.items["k"].item_json.encode() == stored
    assert many.revisions["k"] == revision and list(many.missing_keys) == ["none"]
    item = json.loads(stored)
    if "session_id" in item or "knowledge_id" in item:
        assert told.item.json_content.encode() == stored and told.item.key == "k"
        return
    if isinstance(item["content"], str):
        assert told.item.text_content == item["content"]
    else:
        assert json.loads(told.item.json_content) == item["content"]
    assert (told.item.key, told.item.memory_type, told.item.timestamp) == ("k", item["memory_type"], item["timestamp"])
    assert list(told.item.tags) == item["tags"]
    assert dict(told.item.metadata) == {
        key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for key, value in item["metadata"].items()}
    assert (told.item.source_agent or None) == item["source_agent"]
    assert (told.item.expiry_timestamp or None) == item["expiry_timestamp"]
    assert not told.item.HasField("item_json"), "who changes a field of this item and puts it back means the field"


def test_numbers_keep_their_digits(calls: Calls, hub: Hub) -> None:
    assert json.loads(hub.send_bytes(DIGITS))["success"]
    stored = hub.get_raw("d")
    for digits in (b"1.00", b"-0.0", b"1e400", b"12345678901234567890123456789", b"1E+2", b"10000000000000000000000.5"):
        assert digits in stored
    told = calls.get(key="d")
    assert told.item_json.encode() == stored
    assert told.item.metadata["n"] == "1.2300" and '"n":[1.0,1.00,-0.0,1e400,' in told.item.json_content
    calls.put(key="e", item_json=told.item_json.replace('"key":"d"', '"key":"e"'))
    assert hub.get_raw("e").replace(b'"key":"e"', b'"key":"d"') == stored


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_put_over_grpc_as_json_is_stored_as_over_zeromq(calls: Calls, hub: Hub, name: str) -> None:
    now = "2026-01-01T00:00:00.000000Z"
    item = {**ITEMS[name], "timestamp": now, "created_at": now, "last_activity": now}
    hub.ask("put", key="k", item=item)
    stored = hub.get_raw("k")
    sent = json.dumps(item, ensure_ascii=False)
    for number, fields in enumerate((
            {"item_json": sent}, {"item": pb.MemoryItem(item_json=sent)},
            {"item_json": sent, "item": text("not this")},
            {"item": pb.MemoryItem(item_json=sent, text_content="not this", memory_type="nor-this")})):
        calls.delete(key="k")
        answer = calls.put(key="k", **fields)
        assert answer.success and answer.created and answer.durability == "fsync"
        assert hub.get_raw("k") == stored, number


def test_plain_fields_are_stored_as_a_memory(calls: Calls, hub: Hub) -> None:
    calls.put(key="k", item=text(
        "hello", memory_type="episode", timestamp="2025-08-07T17:30:00Z", metadata={"b": "2", "a": "1"}, tags=["t"],
        source_agent="me", expiry_timestamp="2099-01-01T00:00:00Z"))
    item = hub.ask("get", key="k")["item"]
    assert item == {
        "key": "k", "content": "hello", "memory_type": "episode", "timestamp": "2025-08-07T17:30:00.000000Z",
        "updated_at": None, "metadata": {"a": "1", "b": "2"}, "tags": ["t"], "source_agent": "me",
        "expiry_timestamp": "2099-01-01T00:00:00.000000Z"}
    calls.put(key="k", item=pb.MemoryItem(json_content='{"a": [1.50]}'))
    assert b'"content":{"a":[1.50]}' in hub.get_raw("k")
    assert hub.ask("get", key="k")["item"]["memory_type"] == "conversation"


@pytest.mark.parametrize("name", ["text", "object", "array", "characters", "full", "session", "typed session", "knowledge"])
def test_what_was_read_can_be_put_back(calls: Calls, hub: Hub, name: str) -> None:
    hub.ask("put", key="k", item=ITEMS[name])
    before = hub.ask("get", key="k")["item"]
    calls.put(key="k", item=calls.get(key="k").item)
    after = hub.ask("get", key="k")["item"]
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert ("updated_at" in after) == ("updated_at" in before)
    assert hub.ask("stats")["items"] == {
        "memory_item": 0, "session": 0, "knowledge": 0,
        ("session" if "session" in name else "knowledge" if name == "knowledge" else "memory_item"): 1}


def test_a_memory_whose_content_looks_like_a_session_stays_a_memory(calls: Calls, hub: Hub) -> None:
    calls.put(key="k", item=pb.MemoryItem(json_content='{"session_id":"s"}', memory_type="session"))
    item = hub.ask("get", key="k")["item"]
    assert item["content"] == {"session_id": "s"} and item["memory_type"] == "session"
    hub.ask("put", key="l", item={"content": {"session_id": "s"}})
    calls.put(key="l", item=calls.get(key="l").item)
    assert hub.ask("get", key="l")["item"]["content"] == {"session_id": "s"}


def test_who_wrote_is_told_on_both_sides(calls: Calls, hub: Hub) -> None:
    calls.put(key="k", item=text("x"), agent_id="over-grpc", correlation_id="c-1")
    event = hub.ask("history", key="k")["events"][0]
    assert (event["agent_id"], event["correlation_id"]) == ("over-grpc", "c-1")
    hub.ask("put", key="k", item={"content": "y"}, agent_id="over-zeromq")
    newest, oldest = calls.history(key="k").events
    assert (newest.agent_id, newest.event_type, newest.revision, newest.sequence_number) == ("over-zeromq", "UPDATE", 2, 2)
    assert json.loads(newest.payload)["content"] == "y" and json.loads(newest.previous_value)["content"] == "x"
    assert oldest.event_type == "CREATE" and not oldest.HasField("previous_value") and oldest.correlation_id == "c-1"
    assert newest.event_id == hub.ask("history", key="k")["events"][0]["event_id"]


# --- The methods


def test_delete_exists_and_the_past(calls: Calls) -> None:
    first = calls.put(key="k", item=text("x")).revision
    assert calls.exists(key="k").exists and not calls.exists(key="l").exists
    gone = calls.delete(key="k")
    assert gone.success and gone.found and gone.revision == first + 1
    again = calls.delete(key="k")
    assert again.success and not again.found and again.revision == first + 1
    absent = calls.get(key="k")
    assert not absent.found and not absent.HasField("item") and not absent.HasField("item_json") and absent.revision == 0
    assert calls.get(key="k", at_revision=first).item.text_content == "x"
    at = calls.history(key="k").events[-1].timestamp
    assert calls.get(key="k", at_time=at).item.text_content == "x"
    assert not calls.exists(key="k", min_revision=2).exists


def test_keys_are_listed_in_pages(calls: Calls) -> None:
    calls.batch(*[put_of(f"k{number:03}", item=text("x")) for number in range(250)])
    calls.put(key="other", item=text("x"))
    page = calls.list_keys(prefix="k")
    assert len(page.keys) == 100 and page.more
    page = calls.list_keys(prefix="k", limit=200, start_after=page.keys[-1])
    assert [page.keys[0], page.keys[-1], page.more] == ["k100", "k249", False]


def test_a_batch_is_all_or_nothing(calls: Calls, hub: Hub) -> None:
    calls.put(key="old", item=text("x"))
    done = calls.batch(
        put_of("a", item=text("x")), put_of("b", item_json='{"session_id":"s"}'), delete_of("old"), delete_of("none"),
        put_of("a", item=text("y"), if_revision=2))
    assert [result.WhichOneof("result") for result in done.results] == ["put", "put", "delete", "delete", "put"]
    assert [done.results[0].put.created, done.results[4].put.created] == [True, False]
    assert [done.results[2].delete.found, done.results[3].delete.found] == [True, False]
    assert done.revision == 5 == hub.ask("checksum")["revision"]
    error = refused(
        lambda: calls.batch(put_of("c", item=text("x")), put_of("a", item=text("z"), if_revision=1)),
        StatusCode.ABORTED, "conflict")
    assert trailers(error)["mfh-index"] == "1" and trailers(error)["mfh-current-revision"] == "5"
    assert not calls.exists(key="c").exists
    refused(lambda: calls.batch(), StatusCode.INVALID_ARGUMENT, "invalid_request")
    refused(lambda: calls.batch(pb.BatchOperation()), StatusCode.INVALID_ARGUMENT, "invalid_request")


def test_checksum_and_health_are_those_of_the_hub(calls: Calls, hub: Hub) -> None:
    calls.put(key="k", item=text("x"))
    told, same = calls.checksum(), hub.ask("checksum")
    assert (told.revision, told.keys, told.checksum) == (same["revision"], same["keys"], same["checksum"])
    health, same = calls.health(), hub.ask("health")
    assert (health.status, health.service) == ("healthy", same["service"])
    assert {name: component.healthy for name, component in health.components.items()} == {
        name: component["healthy"] for name, component in same["components"].items()}
    assert health.components["log"].info["durability"] == "fsync"


def test_a_time_to_live(calls: Calls) -> None:
    calls.put(key="k", item=text("x"), ttl_seconds=0.2)
    assert calls.get(key="k").item.expiry_timestamp
    until(lambda: not calls.exists(key="k").exists, "it expires")
    refused(lambda: calls.put(key="k", item=text("x"), ttl_seconds=0), StatusCode.INVALID_ARGUMENT, "invalid_request")
    refused(lambda: calls.put(key="k", item=text("x"), ttl_seconds=-1), StatusCode.INVALID_ARGUMENT, "invalid_request")
    refused(
        lambda: calls.put(key="k", item=text("x"), ttl_seconds=float("nan")), StatusCode.INVALID_ARGUMENT,
        "invalid_request")
    calls.put(key="k", item=text("x"), ttl_seconds=1e-5)
    refused(lambda: calls.put(key="k", item=text("x"), ttl_seconds=1e300), StatusCode.INVALID_ARGUMENT, "invalid_request")


# --- Errors


def test_a_conflict_names_the_current_revision(calls: Calls) -> None:
    calls.put(key="k", item=text("x"))
    error = refused(lambda: calls.put(key="k", item=text("y"), if_revision=0), StatusCode.ABORTED, "conflict")
    assert trailers(error)["mfh-current-revision"] == "1"
    error = refused(lambda: calls.delete(key="l", if_revision=9), StatusCode.ABORTED, "conflict")
    assert trailers(error)["mfh-current-revision"] == "0"
    assert calls.put(key="k", item=text("y"), if_revision=1).revision == 2


def test_a_repeat_changes_nothing(calls: Calls, hub: Hub) -> None:
    def put(content: str) -> int:
        return calls.put(key="k", item=text(content, metadata={"b": "1", "a": "2", "c": "3"}), request_id="r").revision

    assert put("x") == put("x") == 1
    refused(lambda: put("y"), StatusCode.INVALID_ARGUMENT, "invalid_request")
    repeated = hub.ask(
        "put", key="k", item={"content": "x", "metadata": {"a": "2", "b": "1", "c": "3"}}, request_id="q")
    assert repeated["revision"] == 2


@pytest.mark.parametrize(("fields", "code"), [
    ({"key": "", "item": {"text_content": "x"}}, "invalid_request"),
    ({"key": "a\0b", "item": {"text_content": "x"}}, "invalid_request"),
    ({"key": "k"}, "invalid_request"),
    ({"key": "k", "item": {}}, "invalid_item"),
    ({"key": "k", "item": {"text_content": "x", "memory_type": "NO"}}, "invalid_item"),
    ({"key": "k", "item": {"text_content": "x", "timestamp": "yesterday"}}, "invalid_item"),
    ({"key": "k", "item": {"text_content": "x", "key": "another"}}, "invalid_item"),
    ({"key": "k", "item": {"json_content": "{"}}, "invalid_json"),
    ({"key": "k", "item": {"json_content": "1"}}, "invalid_item"),
    ({"key": "k", "item_json": ""}, "invalid_json"),
    ({"key": "k", "item_json": "[]"}, "invalid_item"),
    ({"key": "k", "item_json": '{"content":"x","content":"y"}'}, "invalid_json"),
    ({"key": "k", "item_json": '{"content":' + "[" * 80 + "]" * 80 + "}"}, "invalid_json"),
    ({"key": "k", "item_json": '{"content":"x"},"key":"other"'}, "invalid_json"),
    ({"key": "k", "item_json": '{"content":"x"},"ttl_seconds":5'}, "invalid_json"),
    ({"key": "k", "item": {"item_json": '{"content":"x"},"ttl_seconds":5'}}, "invalid_json"),
    ({"key": "k", "item": {"json_content": '{"a":1},"memory_type":"episode"'}}, "invalid_json"),
    ({"key": "k", "item_json": '{"content":"x"}},{"action":"delete"'}, "invalid_json"),
    ({"key": "k", "item": {"item_json": '{"content":"\\ud800"}'}}, "invalid_json"),
    ({"key": "k" * 1_025, "item": {"text_content": "x"}}, "too_large"),
    ({"key": "k", "item": {"text_content": "x"}, "agent_id": "a" * 257}, "too_large"),
    ({"key": "k", "item": {"text_content": "x" * MIB}}, "too_large"),
])
def test_what_is_wrong_with_a_put(calls: Calls, fields: dict, code: str) -> None:
    if "item" in fields:
        fields = {**fields, "item": pb.MemoryItem(**fields["item"])}
    status = StatusCode.RESOURCE_EXHAUSTED if code == "too_large" else StatusCode.INVALID_ARGUMENT
    refused(lambda: calls.put(**fields), status, code)
    assert calls.checksum().revision == 0


def test_what_is_wrong_with_a_read(calls: Calls) -> None:
    calls.put(key="k", item=text("x"))
    wrong = StatusCode.INVALID_ARGUMENT
    refused(lambda: calls.get(key="k", at_revision=99), wrong, "invalid_request")
    refused(lambda: calls.get(key="k", at_revision=1, at_time="2025-01-01T00:00:00Z"), wrong, "invalid_request")
    refused(lambda: calls.get(key="k", at_time="then"), wrong, "invalid_request")
    refused(lambda: calls.list_keys(limit=-1), wrong, "invalid_request")
    refused(lambda: calls.list_keys(limit=10_001), StatusCode.RESOURCE_EXHAUSTED, "too_large")
    refused(lambda: calls.batch_get(*["k"] * 1_025), StatusCode.RESOURCE_EXHAUSTED, "too_large")
    refused(lambda: calls.get(key="k", min_revision=99, wait_ms=50), StatusCode.UNAVAILABLE, "lagging")


def test_the_sizes_of_messages_are_limited(calls: Calls) -> None:
    whole = '{"content":"' + "x" * (MIB - 300) + '"}'
    calls.put(key="k", item_json=whole)
    assert calls.get(key="k").item.text_content == "x" * (MIB - 300)
    # Up to 8 MiB is answered by the hub; of what is larger the stream is ended.
    refused(lambda: calls.put(key="k", item=text("x" * 5 * MIB)), StatusCode.RESOURCE_EXHAUSTED, "too_large")
    with pytest.raises(grpc.RpcError) as caught:
        calls.put(key="k", item=text("x" * 9 * MIB))
    assert caught.value.code() in (StatusCode.RESOURCE_EXHAUSTED, StatusCode.CANCELLED)
    for number in range(6):
        calls.put(key=f"b{number}", item_json=whole)
    assert len(calls.batch_get("b0", "b1", "b2").items) == 3
    refused(
        lambda: calls.batch_get(*[f"b{number}" for number in range(6)]), StatusCode.RESOURCE_EXHAUSTED, "too_large")
    assert calls.get(key="b0").found


def test_a_key_of_the_api_is_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "canary-0123456789abcdef0123456789"
    file = tmp_path / "mfh.yaml"
    file.write_text(f"security: {{api_key: {key}}}\n")
    server = Server(tmp_path / "store", "--grpc-port", "auto", "--config", str(file), "--log-level", "trace").start()
    try:
        address = server.addresses["grpc"]
        with Calls(address, key=key) as known:
            assert known.put(key="k", item=text("x")).success
            assert known.watch(from_revision=1).next().events[0].target_key == "k"
            known.metadata = [("authorization", "bEaReR " + key)]
            assert known.get(key="k").found
            for metadata in (
                    None, [("authorization", "Bearer " + key[:-1])], [("authorization", key)], [("authorization", "Bearer ")],
                    [("authorization", "Basic " + key)], [("api_key", key)]):
                known.metadata = metadata
                for call in (
                        lambda: known.get(key="k"), lambda: known.put(key="k", item=text("y")), known.health,
                        known.checksum, lambda: known.watch(from_revision=1).next()):
                    refused(call, StatusCode.UNAUTHENTICATED, "unauthorized")
            known.metadata = None
            with pytest.raises(grpc.RpcError) as missing:
                known.get(key="k")
            assert "authorization: Bearer" in missing.value.details(), "how a key is sent here"
        # Whether it is up may be asked by anybody.
        with Calls(address) as stranger:
            assert stranger.check() == 1
        server.stop()
        assert key not in server.whole_log()
    finally:
        if server.is_running:
            server.kill()


def test_there_are_no_other_methods(calls: Calls) -> None:
    for method in (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/grpc.channelz.v1.Channelz/GetServers",
            "/memory_fusion.MemoryFusionService/Drop", "/memory_fusion.memoryfusionservice/Get", "/x", "/a/b"):
        with pytest.raises(grpc.RpcError) as caught:
            calls.raw(method, b"")
        assert caught.value.code() == StatusCode.UNIMPLEMENTED, method


# --- Time


def test_a_deadline_ends_a_call_that_waits_for_the_disk(served: Server, calls: Calls, tmp_path: Path) -> None:
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    calls.put(key="k", item=text("x"))
    slow = system_calls.Trace(
        served.process.pid, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=700000")
    start = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        calls.put(key="k", item=text("y"), timeout=0.2)
    assert caught.value.code() == StatusCode.DEADLINE_EXCEEDED and time.monotonic() - start < 0.6
    # Reads do not wait for it.
    assert calls.get(key="k").item.text_content == "x"
    slow.detach()
    until(lambda: calls.get(key="k").item.text_content == "y", "it had been decided, and is done")


def test_a_deadline_ends_a_call_that_waits_for_a_revision(calls: Calls) -> None:
    start = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub.Get(pb.GetRequest(key="k", min_revision=9, wait_ms=20_000), timeout=0.2)
    assert caught.value.code() == StatusCode.DEADLINE_EXCEEDED and time.monotonic() - start < 5


# --- Health


def test_the_standard_health_service(calls: Calls) -> None:
    assert [calls.check(name) for name in ("", "memory_fusion.MemoryFusionService", "grpc.health.v1.Health")] == [1, 1, 1]
    with pytest.raises(grpc.RpcError) as caught:
        calls.check("nobody")
    assert caught.value.code() == StatusCode.NOT_FOUND
    assert calls.watch_health().next().status == 1
    assert calls.watch_health("nobody").next().status == 3


def test_health_follows_the_hub(tmp_path: Path) -> None:
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    server = Server(tmp_path / "store", "--grpc-port", "auto").start()
    try:
        with Calls(server.addresses["grpc"]) as calls:
            watch = calls.watch_health()
            assert watch.next().status == 1
            fault = system_calls.Trace(
                server.process.pid, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO")
            refused(lambda: calls.put(key="k", item=text("x")), StatusCode.DATA_LOSS, "storage_error")
            assert watch.next().status == 2
            assert calls.check() == 2
            assert calls.health().status == "unhealthy"
            fault.detach()
    finally:
        server.kill()


# --- The feed


def test_watch_gives_what_was_and_what_comes(calls: Calls, hub: Hub) -> None:
    for number in range(5):
        hub.ask("put", key=f"a/{number}", item={"content": number * "x" + "y"})
        hub.ask("put", key=f"b/{number}", item={"content": "z"})
    watch = calls.watch(prefix="a/")
    page = watch.next()
    assert [event.revision for event in page.events] == [1, 3, 5, 7, 9]
    assert page.next_revision == 11 and page.revision == 10 and page.epoch == hub.ask("ping")["epoch"]
    hub.ask("put", key="b/9", item={"content": "x"})
    calls.put(key="a/9", item=text("new"), agent_id="w")
    page = next(page for page in watch if page.events)
    assert [(event.revision, event.target_key, event.agent_id) for event in page.events] == [(12, "a/9", "w")]
    assert json.loads(page.events[0].payload)["content"] == "new"
    watch.cancel()
    rest = calls.watch(from_revision=page.next_revision)
    hub.ask("delete", key="a/9")
    page = next(page for page in rest if page.events)
    assert [(event.event_type, event.revision) for event in page.events] == [("DELETE", 13)]
    since = calls.watch(from_time="2100-01-01T00:00:00Z")
    since.cancel()


def test_watch_gives_each_event_once_and_in_order(calls: Calls) -> None:
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        for page in calls.watch(limit=7):
            seen.extend(event.revision for event in page.events)
            assert not page.events or page.next_revision == page.events[-1].revision + 1
            if page.next_revision > 2_000:
                done.set()
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for number in range(0, 2_000, 100):
        calls.batch(*[put_of(f"k{number + offset}", item=text("x")) for offset in range(100)])
    assert done.wait(20)
    assert seen == list(range(1, 2_001))


def test_pages_of_large_events_fit_into_what_clients_take(served: Server) -> None:
    with Calls(served.addresses["grpc"]) as writer:
        for number in range(6):
            writer.put(key=f"k{number}", item=text("x" * (MIB - 1_000)))
    channel = grpc.insecure_channel(served.addresses["grpc"])  # with the limit that clients have by themselves
    seen: list[int] = []
    watch = channel.unary_stream(
        "/memory_fusion.MemoryFusionService/Watch", pb.WatchRequest.SerializeToString, pb.WatchResponse.FromString)
    for page in watch(pb.WatchRequest(), timeout=20):
        seen += [event.revision for event in page.events]
        if page.next_revision == 7:
            break
    assert seen == [1, 2, 3, 4, 5, 6]
    channel.close()


def test_a_watch_that_is_refused_says_why(calls: Calls) -> None:
    refused(lambda: calls.watch(limit=-1).next(), StatusCode.INVALID_ARGUMENT, "invalid_request")
    refused(lambda: calls.watch(from_time="then").next(), StatusCode.INVALID_ARGUMENT, "invalid_request")
    refused(lambda: calls.watch(prefix="p" * 1_025).next(), StatusCode.RESOURCE_EXHAUSTED, "too_large")


def test_watchers_that_have_gone_are_forgotten(served: Server, calls: Calls) -> None:
    web = Web(served.addresses["http"])
    watches = [calls.watch() for _ in range(20)]
    for watch in watches:
        watch.next()
    until(lambda: web.metrics()["mfh_concurrent_requests"] == 20, "they wait for events")
    for watch in watches:
        watch.cancel()
    calls.put(key="k", item=text("x"))
    until(lambda: web.metrics()["mfh_concurrent_requests"] == 0, "nobody waits")


def test_many_watchers_of_one_connection_wait_for_events_together(calls: Calls) -> None:
    calls.put(key="k", item=text("x"))
    watches = [calls.watch() for _ in range(60)]
    for watch in watches:
        assert watch.next().next_revision == 2
    time.sleep(2.5)  # longer than anybody waits for room
    calls.put(key="k", item=text("y"))
    for watch in watches:
        assert watch.next().next_revision == 3
        watch.cancel()


def test_readers_that_do_not_read_take_little_memory(served: Server, calls: Calls) -> None:
    for number in range(24):
        calls.put(key=f"k{number}", item=text("x" * (MIB - 1_000)))
    before = served.resident_bytes()
    watches = [calls.watch(60) for _ in range(64)]

    def is_full() -> bool:
        try:
            return not calls.get(key="k0").found
        except grpc.RpcError:
            return True

    # What this connection does not take is its own affair.
    until(is_full, "the connection has no room for replies any more")
    refused(lambda: calls.get(key="k0"), StatusCode.RESOURCE_EXHAUSTED, "overloaded")
    assert served.resident_bytes() - before < 256 * MIB
    assert calls.exists(key="k0").exists
    with Calls(served.addresses["grpc"], "other", None, ("grpc.use_local_subchannel_pool", 1)) as other:
        assert other.get(key="k0").found
    for watch in watches:
        watch.cancel()


# --- Connections, ports, stop


def test_connections_are_counted(served: Server) -> None:
    web = Web(served.addresses["http"])
    name = 'mfh_active_connections{connection_type="grpc"}'
    assert web.metrics()[name] == 0
    with Calls(served.addresses["grpc"]) as calls:
        calls.exists(key="k")
        assert web.metrics()[name] == 1
        assert web.metrics()['mfh_requests_total{operation="exists",status="success"}'] == 1
    until(lambda: web.metrics()[name] == 0, "it is closed")


def test_a_port_that_is_taken_ends_with_69(served: Server, tmp_path: Path) -> None:
    port = served.addresses["grpc"].rsplit(":", 1)[1]
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", tmp_path / "other", *FREE_PORTS, "--grpc-port", port],
        capture_output=True, timeout=20)
    assert done.returncode == 69 and done.stdout == b""
    assert port.encode() in done.stderr and b"--grpc-port" in done.stderr
    Server(tmp_path / "other").start().stop()


def test_the_hub_runs_with_grpc_alone(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--zmq-port", "0", "--grpc-port", "auto").start()
    try:
        assert list(server.addresses) == ["grpc"]
        with Calls(server.addresses["grpc"]) as calls:
            assert calls.put(key="k", item=text("x")).revision == 1
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def test_a_stop_under_load_answers_what_it_accepted(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--grpc-port", "auto").start()
    stored: list[str] = []
    other: list[str] = []

    def write(writer: int, calls: Calls) -> None:
        for number in range(100_000):
            try:
                calls.put(key=f"{writer}-{number}", item=text("x"))
                stored.append(f"{writer}-{number}")
            except grpc.RpcError as error:
                other.append(error.code().name)
                return

    try:
        with Calls(server.addresses["grpc"]) as calls:
            watch, health = calls.watch(60), calls.watch_health()
            watch.next()
            assert health.next().status == 1
            writers = [threading.Thread(target=write, args=[writer, calls]) for writer in range(8)]
            for writer in writers:
                writer.start()
            until(lambda: len(stored) > 200, "they write")
            start = time.monotonic()
            server.stop()
            assert time.monotonic() - start < 5
            for writer in writers:
                writer.join()
            with pytest.raises(grpc.RpcError) as caught:
                for _ in watch:
                    pass
            assert caught.value.code() == StatusCode.UNAVAILABLE
            assert [answer.status for answer in health] == [2]
        assert set(other) <= {"UNAVAILABLE"}
        server.start()
        with Hub(server.address) as hub:
            for begin in range(0, len(stored), 1_000):
                assert hub.ask("batch_get", keys=stored[begin : begin + 1_000])["missing_keys"] == []
        server.stop()
    finally:
        if server.is_running:
            server.kill()
