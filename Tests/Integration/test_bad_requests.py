"""Requests that are wrong: each is answered once, with the right code, and stores nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import zmq
from hub_client import Hub, Pipeline, refused
from hub_server import Server

MIB = 1 << 20
PUT = {"action": "put", "key": "k", "item": {"content": "c"}}


def put(**changes: object) -> bytes:
    return json.dumps({**PUT, **changes}).encode()


def item(**fields: object) -> bytes:
    return put(item={"content": "c", **fields})


def session(**fields: object) -> bytes:
    return put(item={"session_id": "s", **fields})


def knowledge(**fields: object) -> bytes:
    return put(item={"knowledge_id": "k", "title": "t", "content": "c", "category": "c", **fields})


def request(action: str, **fields: object) -> bytes:
    return json.dumps({"action": action, **fields}).encode()


SYNTAX = {
    "nothing": b"", "white space": b"  \n", "no JSON": b"hello", "cut short": b'{"action":"put"',
    "two values": b"{}{}", "a trailing comma": b'{"action":"ping",}', "single quotes": b"{'action':'ping'}",
    "a comment": b'{"action":"ping"}//', "a byte order mark": b'\xef\xbb\xbf{"action":"ping"}',
    "NaN": b'{"action":"ping","x":NaN}', "Infinity": b'{"action":"ping","x":-Infinity}',
    "a leading zero": b'{"action":"ping","x":01}', "a control character": b'{"action":"pi\nng"}',
    "a bad escape": rb'{"action":"\x41"}', "a lone surrogate": rb'{"action":"ping","x":"\ud800"}',
    "a name twice": b'{"action":"ping","action":"put"}', "a name twice, spelt otherwise": rb'{"a":1,"\u0061":2}',
    "a name twice, deep inside": b'{"action":"put","key":"k","item":{"content":{"a":1,"a":2}}}',
    "invalid UTF-8": b'{"action":"ping","x":"\xff"}', "overlong UTF-8": b'{"action":"ping","x":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"action":"ping","x":"\xed\xa0\x80"}',
    "a cut character": b'{"action":"ping","x":"\xe2\x82"}',
    "10,000 arrays deep": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 deep in an item": put(item="?").replace(b'"?"', b"[" * 10_000 + b"]" * 10_000),
    "1,000,000 openings": b"[" * 1_000_000,
    "65 deep": b'{"action":"ping","x":' + b"[" * 64 + b"]" * 64 + b"}",
    "noise": bytes(range(256)) * 16, "zero bytes": bytes(1_000),
}

FIELDS = {
    "an array": b"[]", "a number": b"1", "a string": b'"ping"', "null": b"null", "no action": b"{}",
    "an action that is a number": b'{"action":1}', "an action that is null": b'{"action":null}',
    "no key": request("get"), "a key that is a number": request("get", key=1), "a null key": request("get", key=None),
    "an array for a key": request("delete", key=["a"]), "no item": request("put", key="k"),
    "a null item": request("put", key="k", item=None),
    "an empty key": request("get", key=""), "a key of white space": request("put", key=" \t ", item={"content": "c"}),
    "a control character in a key": request("put", key="a\nb", item={"content": "c"}),
    "a zero byte in a key": request("put", key="a\0b", item={"content": "c"}),
    "if_revision negative": put(if_revision=-1), "if_revision a fraction": put(if_revision=1.5),
    "if_revision a string": put(if_revision="1"), "if_revision beyond 64 bits": put(if_revision=1 << 64),
    "ttl_seconds 0": put(ttl_seconds=0), "ttl_seconds negative": put(ttl_seconds=-1),
    "ttl_seconds a string": put(ttl_seconds="1"), "ttl_seconds for ever": put(ttl_seconds=1e300),
    "ttl_seconds and expiry_timestamp": put(
        ttl_seconds=1, item={"content": "c", "expiry_timestamp": "2999-01-01T00:00:00Z"}),
    "agent_id a number": put(agent_id=1), "request_id an object": put(request_id={}),
    "correlation_id an array": put(correlation_id=[]),
    "prefix a number": request("list_keys", prefix=1), "start_after null-like": request("list_keys", start_after=False),
    "limit 0": request("list_keys", limit=0), "limit a string": request("list_keys", limit="1"),
    "limit negative": request("list_keys", limit=-1), "limit a fraction": request("list_keys", limit=1.5),
    "no keys": request("batch_get"), "keys a string": request("batch_get", keys="a"),
    "keys of numbers": request("batch_get", keys=["a", 1]),
    "keys with an empty one": request("batch_get", keys=["a", ""]),
    "no operations": request("batch"), "operations an object": request("batch", operations={}),
    "no operation": request("batch", operations=[]),
    "an operation that is a string": request("batch", operations=["put"]),
    "an operation without op": request("batch", operations=[{"key": "a"}]),
    "an unknown op": request("batch", operations=[{"op": "get", "key": "a"}]),
    "an operation without key": request("batch", operations=[{"op": "delete"}]),
    "an operation without item": request("batch", operations=[{"op": "put", "key": "a"}]),
    "min_revision a string": request("get", key="a", min_revision="1"),
    "wait_ms too long": request("get", key="a", min_revision=9, wait_ms=30_001),
}

ITEMS = {
    "a string": put(item="c"), "an array": put(item=["c"]), "a number": put(item=1), "no content": put(item={}),
    "content null": put(item={"content": None}), "content a number": put(item={"content": 1}),
    "content true": put(item={"content": True}), "another key": item(key="other"), "a key that is a number": item(key=1),
    "memory_type a number": item(memory_type=1), "memory_type in capitals": item(memory_type="Episode"),
    "memory_type empty": item(memory_type=""), "memory_type too long": item(memory_type="x" * 65),
    "timestamp a number": item(timestamp=1), "timestamp nonsense": item(timestamp="yesterday"),
    "timestamp on 30 February": item(timestamp="2026-02-30T00:00:00Z"), "metadata an array": item(metadata=[]),
    "metadata a string": item(metadata="m"), "tags a string": item(tags="t"), "tags of numbers": item(tags=[1]),
    "source_agent a number": item(source_agent=1), "expiry_timestamp a number": item(expiry_timestamp=1),
    "item_type unknown": item(item_type="thing"), "item_type a number": item(item_type=1),
    "session_id a number": session(session_id=1), "session_id empty": session(session_id=""),
    "session_id null": put(item={"session_id": None}), "session context a string": session(context="c"),
    "session history a string": session(conversation_history="h"),
    "session history of numbers": session(conversation_history=[1]),
    "session preferences an array": session(preferences=[]), "session active a string": session(active="true"),
    "session user_id a number": session(user_id=1), "session last_activity nonsense": session(last_activity="now"),
    "knowledge without title": put(item={"knowledge_id": "k", "content": "c", "category": "c"}),
    "knowledge without content": put(item={"knowledge_id": "k", "title": "t", "category": "c"}),
    "knowledge without category": put(item={"knowledge_id": "k", "title": "t", "content": "c"}),
    "knowledge content an array": knowledge(content=[]), "knowledge title a number": knowledge(title=1),
    "confidence above 1": knowledge(confidence_score=1.01), "confidence below 0": knowledge(confidence_score=-0.1),
    "confidence a string": knowledge(confidence_score="1"), "access_count negative": knowledge(access_count=-1),
    "access_count a fraction": knowledge(access_count=0.5), "related_items a string": knowledge(related_items="a"),
    "source an object": knowledge(source={}), "last_accessed a number": knowledge(last_accessed=1),
}

TOO_LARGE = {
    "a key of 1,025 bytes": request("put", key="k" * 1_025, item={"content": "c"}),
    "a key of 1,026 bytes in 513 characters": request("get", key="é" * 513),
    "an item of more than 1 MiB": put(item={"content": "c" * MIB}),
    "a request of more than 4 MiB": put(item={"content": "c" * (4 * MIB)}),
    "a request of almost 8 MiB": b" " * (8 * MIB - 1),
    "an agent_id of 257 bytes": put(agent_id="a" * 257), "a request_id of 257 bytes": put(request_id="r" * 257),
    "a correlation_id of 257 bytes": put(correlation_id="c" * 257),
    "a batch of 1,025": request("batch", operations=[{"op": "delete", "key": "a"}] * 1_025),
    "a batch_get of 1,025": request("batch_get", keys=["a"] * 1_025),
    "a list of 10,001": request("list_keys", limit=10_001),
}

UNKNOWN = {name: request(name) for name in ["", "PUT", "put ", "drop_table", "__proto__", "action", "x" * 10_000]}

CASES = [
    pytest.param(body, code, id=f"{code}: {name[:40]}")
    for code, bodies in [
        ("invalid_json", SYNTAX), ("invalid_request", FIELDS), ("invalid_item", ITEMS), ("too_large", TOO_LARGE),
        ("unknown_action", UNKNOWN)]
    for name, body in bodies.items()]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One hub for all cases: it has to survive them all, and to have stored nothing in the end."""
    server = Server(tmp_path_factory.mktemp("bad") / "store").start()
    before = server.resident_bytes()
    try:
        yield server
        assert server.is_running, server.log_text
        with Hub(server.address) as hub:
            stats = hub.ask("stats")
        assert (stats["revision"], stats["keys"]) == (0, 0)
        assert server.resident_bytes() - before < 128 * MIB
        server.stop()
        assert server.dump() == []
    finally:
        if server.is_running:
            server.kill()


@pytest.fixture(scope="module")
def dealer(shared: Server) -> Iterator[Pipeline]:
    with Pipeline(shared.address) as dealer:
        yield dealer


@pytest.mark.parametrize(("body", "code"), CASES)
def test_a_bad_request_gets_one_error(dealer: Pipeline, body: bytes, code: str) -> None:
    dealer.send_frames([b"", body])
    # The reply to this one shows that nothing more came for the bad one: replies come in order.
    dealer.send("ping")
    reply = refused(dealer.receive())
    assert reply["code"] == code, reply["error"]
    assert len(reply["error"]) < 2_000
    if code == "invalid_json":
        assert reply["action"] is None
    assert dealer.receive()["result"]["pong"] is True


FRAMES = {
    "an envelope without a body": [b""],
    "two bodies": [b"", b'{"action":"ping"}', b'{"action":"ping"}'],
    "a thousand bodies": [b"", *[b"{}"] * 1_000],
    "a thousand frames without a delimiter": [b"x"] * 1_000,
    "a thousand empty frames": [b""] * 1_000,
    "the delimiter too late": [*[b"x"] * 9, b"", b'{"action":"ping"}'],
    "big frames": [b"", *[b" " * MIB] * 20],
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_message_of_wrong_frames_gets_one_error(shared: Server, name: str) -> None:
    with Pipeline(shared.address) as dealer:
        dealer.send_frames(FRAMES[name])
        dealer.send("ping")
        replies = [json.loads(dealer.receive_frames()[-1]) for _ in range(2)]
        # Two envelopes: their replies may come in any order.
        codes = sorted(reply.get("code", "fine") for reply in replies)
        assert codes == ["fine", "invalid_request"]
        assert not dealer.has_reply(20)


@pytest.mark.parametrize(
    "envelope", [[b""], [b"id", b""], [*[b"hop"] * 6, b""], []], ids=["REQ", "proxied", "7 frames", "none"])
def test_the_reply_has_the_envelope_of_the_request(shared: Server, envelope: list[bytes]) -> None:
    with Pipeline(shared.address) as dealer:
        dealer.send_frames([*envelope, b'{"action":"ping"}'])
        *frames, body = dealer.receive_frames()
        assert frames == envelope
        assert json.loads(body)["result"]["pong"] is True


def test_a_frame_beyond_8_mib_closes_that_connection_only(shared: Server) -> None:
    with Hub(shared.address) as other, Pipeline(shared.address) as dealer:
        dealer.socket.reconnect_ivl = -1
        monitor = dealer.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        assert other.ask("ping")["pong"]
        dealer.send_frames([b"", b" " * (8 * MIB + 1)])
        assert monitor.poll(10_000), "the connection is still open"
        assert not dealer.has_reply(20)
        assert other.ask("ping")["pong"]
