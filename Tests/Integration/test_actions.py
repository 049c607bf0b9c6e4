"""Every action, asked the way a client in the field does."""

from __future__ import annotations

import time

import pytest
from hub_client import Hub, exact
from hub_server import Server


def test_a_first_conversation(hub: Hub) -> None:
    assert hub.ask("put", key="garden/wish", item={"content": "a lemon tree"}) == {
        "stored": True, "created": True, "revision": 1, "durability": "fsync"}
    found = hub.ask("get", key="garden/wish")
    assert found["found"] is True and found["revision"] == 1
    assert found["item"]["content"] == "a lemon tree"
    assert hub.ask("list_keys", prefix="garden/") == {"keys": ["garden/wish"], "count": 1, "more": False}
    assert hub.ask("delete", key="garden/wish") == {"deleted": True, "found": True, "revision": 2}
    assert hub.ask("get", key="garden/wish") == {"found": False, "item": None, "revision": 0}


def test_each_kind_of_item_gets_its_defaults(hub: Hub) -> None:
    hub.ask("put", key="m", item={"content": ["a", {"b": 1}]})
    hub.ask("put", key="s", item={"session_id": "s"})
    hub.ask("put", key="k", item={"knowledge_id": "k", "title": "T", "content": {"x": 1}, "category": "c"})
    memory, session, knowledge = (hub.ask("get", key=key)["item"] for key in "msk")
    assert memory.pop("timestamp").endswith("Z")
    assert memory == {
        "key": "m", "content": ["a", {"b": 1}], "memory_type": "conversation", "updated_at": None, "metadata": {},
        "tags": [], "source_agent": None, "expiry_timestamp": None}
    assert session.pop("created_at").endswith("Z") and session.pop("last_activity").endswith("Z")
    assert session == {
        "session_id": "s", "user_id": None, "context": {}, "conversation_history": [], "preferences": {},
        "active": True}
    assert knowledge.pop("created_at").endswith("Z")
    assert knowledge == {
        "knowledge_id": "k", "title": "T", "content": {"x": 1}, "category": "c", "confidence_score": 1.0,
        "updated_at": None, "source": None, "related_items": [], "access_count": 0, "last_accessed": None}
    assert hub.ask("stats")["items"] == {"memory_item": 1, "session": 1, "knowledge": 1}


def test_exists_and_list_keys_page_through_a_prefix(hub: Hub) -> None:
    keys = [f"list/{number:03}" for number in range(250)]
    hub.ask("batch", operations=[{"op": "put", "key": key, "item": {"content": key}} for key in keys])
    hub.ask("put", key="other", item={"content": "no"})
    assert hub.ask("exists", key="list/000") == {"exists": True}
    assert hub.ask("exists", key="list/") == {"exists": False}
    seen: list[str] = []
    more = True
    while more:
        page = hub.ask("list_keys", prefix="list/", limit=60, start_after=seen[-1] if seen else "")
        assert page["count"] == len(page["keys"]) <= 60
        seen += page["keys"]
        more = page["more"]
    assert seen == keys
    assert hub.ask("list_keys")["count"] == 100
    assert len(hub.ask("list_keys", limit=10_000)["keys"]) == 251


def test_batch_get_tells_found_and_missing(hub: Hub) -> None:
    hub.ask("put", key="a", item={"content": "A"})
    hub.ask("put", key="b", item={"content": "B"})
    result = hub.ask("batch_get", keys=["b", "nothing", "a"])
    assert {key: item["content"] for key, item in result["items"].items()} == {"a": "A", "b": "B"}
    assert result["revisions"] == {"a": 1, "b": 2}
    assert result["missing_keys"] == ["nothing"]
    assert (result["total_requested"], result["found_count"], result["revision"]) == (3, 2, 2)


def test_a_batch_is_all_or_nothing(hub: Hub) -> None:
    hub.ask("put", key="a", item={"content": "x"})
    result = hub.ask("batch", operations=[
        {"op": "put", "key": "b", "item": {"content": "one"}},
        {"op": "put", "key": "b", "item": {"content": "two"}},
        {"op": "delete", "key": "a"},
        {"op": "delete", "key": "never was"}])
    assert result["revision"] == 4
    assert result["results"] == [
        {"stored": True, "created": True, "revision": 2, "durability": "fsync"},
        {"stored": True, "created": False, "revision": 3, "durability": "fsync"},
        {"deleted": True, "found": True, "revision": 4},
        {"deleted": False, "found": False, "revision": 4}]
    assert hub.ask("get", key="b")["item"]["content"] == "two"
    refusal = hub.refusal("batch", operations=[
        {"op": "put", "key": "c", "item": {"content": "c"}},
        {"op": "put", "key": "b", "item": {"content": "three"}, "if_revision": 2}])
    assert (refusal["code"], refusal["index"], refusal["current"]["revision"]) == ("conflict", 1, 3)
    assert refusal["current"]["item"]["content"] == "two"
    assert hub.ask("exists", key="c") == {"exists": False}
    assert hub.ask("stats")["revision"] == 4


def test_conditions(hub: Hub) -> None:
    assert hub.ask("put", key="c", item={"content": "first"}, if_revision=0)["created"]
    refusal = hub.refusal("put", key="c", item={"content": "second"}, if_revision=0)
    assert refusal["code"] == "conflict"
    assert refusal["current"]["revision"] == 1 and refusal["current"]["item"]["content"] == "first"
    assert hub.ask("put", key="c", item={"content": "second"}, if_revision=1)["revision"] == 2
    assert hub.refusal("delete", key="c", if_revision=1)["code"] == "conflict"
    assert hub.ask("delete", key="c", if_revision=2)["deleted"]
    refusal = hub.refusal("put", key="c", item={"content": "third"}, if_revision=2)
    assert refusal["current"] == {"revision": 0, "item": None}


def test_unicode_survives_in_keys_and_items(hub: Hub) -> None:
    texts = [
        "žluťoučký kůň", "日本語のメモ", "🌿🍓👩‍🌾", "e\u0301 is not é", "\u202eright to left", "\U0010ffff",
        "a\u0000b\t\n\"\\/"]
    for number, text in enumerate(texts):
        key = f"unicode/{number}/" + text.translate({ord(character): "-" for character in "\0\t\n"})
        hub.ask("put", key=key, item={"content": text, "tags": [text], "metadata": {text: text}})
        item = hub.ask("get", key=key)["item"]
        assert (item["content"], item["tags"], item["metadata"], item["key"]) == (text, [text], {text: text}, key)


@pytest.mark.parametrize("number", [
    "0.1000000000000000055511151231257827021181583404541015625", "12345678901234567890123456789012345678901234567890",
    "-0", "-0.0", "1e400", "1E+2", "1.00", "9007199254740993", "1e-999", "9" * 5_000])
def test_numbers_keep_their_digits(hub: Hub, number: str) -> None:
    body = '{"action":"put","key":"n","item":{"content":{"value":%s},"metadata":{"list":[%s]}}}' % (number, number)
    assert b'"success":true' in hub.send_bytes(body.encode())
    item = exact(hub.get_raw("n"))
    assert item["content"] == {"value": ("number", number)}
    assert item["metadata"] == {"list": [("number", number)]}


def test_unknown_fields_are_kept_byte_for_byte(hub: Hub) -> None:
    body = r'{"action":"put","key":"u","item":{"content":"c","my field":{"z":[1.50,"\u00e9\/"],"a":null}}}'
    hub.send_bytes(body.encode())
    assert rb'"my field":{"z":[1.50,"\u00e9\/"],"a":null}' in hub.get_raw("u")


def test_a_due_key_is_absent_and_its_expiry_is_an_event(server: Server, hub: Hub) -> None:
    hub.ask("put", key="brief", item={"content": "soon gone"}, ttl_seconds=0.2)
    hub.ask("put", key="session", item={"session_id": "s", "expiry_timestamp": "2001-01-01T00:00:00Z"})
    assert hub.ask("exists", key="session") == {"exists": False}
    stored = hub.ask("get", key="brief")["item"]
    assert stored is None or stored["expiry_timestamp"].endswith("Z")
    until = time.monotonic() + 20
    while hub.ask("stats")["events"]["EXPIRE"] < 2:
        assert time.monotonic() < until, "the hub does not sweep what has expired"
        time.sleep(0.05)
    assert hub.ask("get", key="brief") == {"found": False, "item": None, "revision": 0}
    assert hub.ask("put", key="brief", item={"content": "again"}, if_revision=0)["created"]
    told = [(event["event_type"], event["target_key"]) for event in server.dump()]
    assert sorted(told[:4]) == [("CREATE", "brief"), ("CREATE", "session"), ("EXPIRE", "brief"), ("EXPIRE", "session")]
    assert told[4:] == [("CREATE", "brief")]


def test_ping_health_and_stats(hub: Hub) -> None:
    assert hub.ask("ping")["pong"] is True and hub.ask("ping")["epoch"] == 1
    health = hub.ask("health")
    assert health["status"] == "healthy" and all(part["healthy"] for part in health["components"].values())
    hub.ask("put", key="a", item={"content": "x" * 1_000})
    stats = hub.ask("stats")
    assert (stats["revision"], stats["durable_revision"], stats["keys"]) == (1, 1, 1)


def test_request_and_agent_ids_are_told(server: Server, hub: Hub) -> None:
    reply = hub.reply("put", key="a", item={"content": "1"}, request_id="r-1", correlation_id="c-1", agent_id="Ünï")
    assert reply["request_id"] == "r-1"
    assert hub.reply("get", key="a", request_id="r-2")["request_id"] == "r-2"
    assert hub.refusal("get", key="", request_id="r-3")["request_id"] == "r-3"
    [event] = server.dump()
    assert (event["agent_id"], event["correlation_id"]) == ("Ünï", "c-1")


def test_the_checksum_is_that_of_the_state_and_survives_a_restart(server: Server) -> None:
    with Hub(server.address) as hub:
        empty = hub.ask("checksum")["checksum"]
        hub.ask("put", key="a", item={"content": "1"})
        hub.ask("put", key="b", item={"content": "2"})
        full = hub.ask("checksum")
        hub.ask("delete", key="b")
        hub.ask("delete", key="a")
        assert hub.ask("checksum")["checksum"] == empty == "0" * 32
        hub.ask("put", key="a", item={"content": "1"})
        before = hub.ask("checksum")
    assert full["keys"] == 2 and full["checksum"] != before["checksum"]
    server.restart()
    with Hub(server.address) as hub:
        assert hub.ask("checksum") == before


def test_min_revision_waits_and_then_says_lagging(hub: Hub) -> None:
    hub.ask("put", key="a", item={"content": "1"})
    assert hub.ask("get", key="a", min_revision=1)["found"]
    assert hub.refusal("get", key="a", min_revision=2, wait_ms=30)["code"] == "lagging"
