"""`durability` in a reply is true: strace shows the fdatasync of the record before the reply leaves the process."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import Server

CALLS = "fdatasync,fsync,write,pwrite64,writev,pwritev,sendto,sendmsg"
PUTS = 20


@dataclass
class Call:
    name: str
    descriptor: str
    text: str
    began: int  # the numbers of the lines in the trace
    ended: int


class Trace:
    """`strace` on a running process. The test is skipped when it can not attach."""

    def __init__(self, pid: int, output: Path):
        self.output = output
        if shutil.which("strace") is None:
            pytest.skip("strace is not installed (apt-get install strace): the order of the calls is not checked")
        self.process = subprocess.Popen(
            ["strace", "-f", "-qqq", "-e", f"trace={CALLS}", "-s", "4096", "-o", output, "-p", str(pid)],
            stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 20
        while not self.is_attached(pid):
            if self.process.poll() is not None:
                pytest.skip(f"strace can not attach to a process here: {self.process.stderr.read().strip()}")
            assert time.monotonic() < until, "strace does not attach"
            time.sleep(0.01)

    @staticmethod
    def is_attached(pid: int) -> bool:
        """Whether each thread of the process is traced."""
        return all(
            re.search(r"^TracerPid:\t[1-9]", status.read_text(), re.MULTILINE)
            for status in Path(f"/proc/{pid}/task").glob("*/status"))

    def calls(self) -> list[Call]:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        calls: list[Call] = []
        unfinished: dict[str, Call] = {}
        for number, line in enumerate(self.output.read_text(errors="replace").splitlines()):
            thread, _, rest = line.partition(" ")
            rest = rest.lstrip()
            if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", rest):
                call = unfinished.pop(thread, None)
                if call:
                    call.ended, call.text = number, call.text + resumed[1]
            elif begun := re.match(r"(\w+)\((\d+)", rest):
                call = Call(begun[1], begun[2], rest, number, number)
                calls.append(call)
                if rest.endswith("<unfinished ...>"):
                    unfinished[thread] = call
        return calls


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
        trace = Trace(server.process.pid, output)
        for key in keys:
            hub.ask("put", key=key, item={"content": "durable?"}, request_id=key)
        calls = trace.calls()
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
