"""`durability` in a reply is true: strace shows the fdatasync of the record before the reply leaves the process."""

from __future__ import annotations

from pathlib import Path

import pytest
import system_calls
from hub_client import Hub
from hub_server import Server
from system_calls import Call, Trace

pytestmark = pytest.mark.skipif(system_calls.problem() is not None, reason=str(system_calls.problem()))

CALLS = "fdatasync,fsync,write,pwrite64,writev,pwritev,sendto,sendmsg"
PUTS = 20


def order_is_kept(calls: list[Call], key: str) -> bool:
    """Whether a record with `key` was written to a file, that file then synced, and only then the reply sent.

    The reply bears the key as its request id; nothing else that leaves the process does.
    """
    written = [call for call in calls if call.name in ("pwrite64", "pwritev", "write", "writev") and key in call.text]
    sent = [call for call in calls if call.name in ("sendto", "sendmsg") and key in call.text]
    if not written or not sent:
        return False
    return any(
        call.name in ("fdatasync", "fsync") and call.descriptor == written[0].descriptor
        and call.text.rstrip().endswith("= 0") and call.began > written[0].ended and call.ended < sent[0].began
        for call in calls)


def trace_puts(server: Server, output: Path) -> tuple[list[Call], list[str]]:
    keys = [f"proof-{number:04}" for number in range(PUTS)]
    with Hub(server.address) as hub:
        hub.ask("ping")
        trace = Trace(server.process.pid, output, "-e", f"trace={CALLS}", "-s", "4096")
        for key in keys:
            hub.ask("put", key=key, item={"content": "durable?"}, request_id=key)
        calls = trace.end()
        assert hub.ask("stats")["keys"] == PUTS
    return calls, keys


def test_the_record_is_synced_before_the_reply_leaves(server: Server, tmp_path: Path) -> None:
    calls, keys = trace_puts(server, tmp_path / "trace")
    assert [key for key in keys if not order_is_kept(calls, key)] == []


def test_the_check_notices_a_missing_sync(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--durability", "none").start()
    try:
        calls, keys = trace_puts(server, tmp_path / "trace")
        assert [key for key in keys if order_is_kept(calls, key)] == []
        assert all(any(key in call.text for call in calls if call.name.startswith("send")) for key in keys)
        with Hub(server.address) as hub:
            assert hub.ask("put", key="k", item={"content": "c"})["durability"] == "none"
        server.stop()
    finally:
        if server.is_running:
            server.kill()
