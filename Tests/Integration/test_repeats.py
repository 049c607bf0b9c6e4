"""A write that is repeated with its request id gives the first outcome, whatever happened in between."""

from __future__ import annotations

import pytest
from hub_client import Hub
from hub_server import Server

WRITES = [
    ("put", {"key": "a", "item": {"content": "first"}, "request_id": "one"}),
    ("put", {"key": "a", "item": {"content": "second"}, "if_revision": 1, "request_id": "two"}),
    ("batch", {"operations": [
        {"op": "put", "key": "b", "item": {"content": "b"}}, {"op": "delete", "key": "a"},
        {"op": "delete", "key": "nothing"}], "request_id": "three"}),
    ("delete", {"key": "b", "request_id": "four"}),
]


def results(hub: Hub) -> list[dict]:
    return [hub.ask(action, **fields) for action, fields in WRITES]


@pytest.mark.parametrize("ending", ["none", "SIGTERM", "kill -9"])
def test_repeats_change_nothing(server: Server, ending: str) -> None:
    with Hub(server.address, "writer") as hub:
        first = results(hub)
        checksum = hub.ask("checksum")
        if ending == "none":
            assert results(hub) == first
    if ending == "SIGTERM":
        server.restart()
    if ending == "kill -9":
        server.kill()
        server.start()
    with Hub(server.address, "writer") as hub:
        assert results(hub) == first
        assert hub.ask("checksum") == checksum
        different = {**WRITES[0][1], "item": {"content": "not the first"}}
        assert hub.refusal("put", **different)["code"] == "invalid_request"
    # The id is the agent's own: another agent may use it too.
    with Hub(server.address, "another") as hub:
        assert hub.ask("put", **WRITES[0][1])["revision"] == checksum["revision"] + 1
    assert len(server.dump()) == checksum["revision"] + 1
