"""The reference run: one client that writes, knows what was acknowledged, and compares after a restart.

The writes fill the first segment, so that the run also makes, seals and takes up segments; the stop takes a snapshot.
One write is under way at a time: so each acknowledgement needs an fsync of its own.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from hub_client import Hub
from hub_server import Server, STOP_SECONDS

KEYS = 37
LARGE_BYTES = 850_000
OPTIONS_TEXT = "storage:\n  segment_bytes: 16 MiB\n"
# How a hub may end that met a fault of its disk: in good order, or with an exit code that says so.
GOOD_ENDS = (0, 69, 73, 74, 77)


class Broken(AssertionError):
    """The hub broke its promise."""


def options(directory: Path) -> list[str]:
    """Small segments; the file is written to `directory`."""
    file = directory / "small-segments.yaml"
    file.write_text(OPTIONS_TEXT)
    return ["--config", str(file)]


def contents(small: int, large: int) -> Iterator[str]:
    """`small` short ones before `large` long ones, and a few after."""
    for number in range(small):
        yield f"{number} short"
    for number in range(large):
        yield f"{number} long " + chr(ord("a") + number % 26) * LARGE_BYTES
    for number in range(small // 4):
        yield f"{number} short again"


@dataclass
class Client:
    """What one writer knows of the hub's state."""

    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)  # key: content, revision
    # What else a key may hold: writes that were answered with an error or not at all, since the last acknowledgement.
    possible: dict[str, list[str]] = field(default_factory=dict)
    acknowledgements: int = 0
    acknowledged_after_error: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    serial: int = 0

    def write(self, server: Server, texts: Iterator[str]) -> None:
        """Until all is written or the hub has ended."""
        with Hub(server.address, "reference") as hub:
            for text in texts:
                self.serial += 1
                if not self.put(server, hub, f"key-{self.serial % KEYS}", f"{self.serial} {text}"):
                    return

    def put(self, server: Server, hub: Hub, key: str, content: str) -> bool:
        """False when the hub ended."""
        self.possible.setdefault(key, []).append(content)
        hub.socket.send(hub.request("put", {"key": key, "item": {"content": content}}))
        reply = answer(server, hub)
        if reply is None:
            return False
        if not reply["success"]:
            self.codes[reply["code"]] = self.codes.get(reply["code"], 0) + 1
            return True
        self.acknowledgements += 1
        self.acknowledged_after_error += bool(self.codes)
        self.acknowledged[key] = (content, reply["result"]["revision"])
        self.possible[key] = []
        return True

    def check(self, server: Server) -> None:
        """What was acknowledged is there, byte for byte, and nothing that was not sent."""
        with Hub(server.address, "reference") as hub:
            for key in self.possible:
                result = hub.ask("get", key=key)
                found = result["item"] and result["item"]["content"]
                content, revision = self.acknowledged.get(key, (None, 0))
                if found == content:
                    if result["revision"] != revision:
                        raise Broken(f"{key} has revision {result['revision']}, acknowledged was {revision}")
                elif found not in self.possible[key]:
                    raise Broken(f"{key} holds {str(found)[:40]}, acknowledged was {str(content)[:40]}")

    def check_log(self, server: Server) -> None:
        """The log is whole, and tells each acknowledged write that was not replaced."""
        told = server.dump()
        if [event["sequence_number"] for event in told] != list(range(1, len(told) + 1)):
            raise Broken("the revisions in the log have gaps")
        for key, (content, revision) in self.acknowledged.items():
            if len(told) < revision or told[revision - 1]["payload"]["content"] != content:
                raise Broken(f"the log does not tell revision {revision}, which wrote {key}")


def answer(server: Server, hub: Hub) -> dict | None:
    """The reply; None when the hub ended without one."""
    for _ in range(STOP_SECONDS * 10):
        if hub.socket.poll(100, zmq.POLLIN):
            return json.loads(hub.socket.recv())
        # What it had sent before it died may still be on its way.
        if not server.is_running:
            return json.loads(hub.socket.recv()) if hub.socket.poll(100, zmq.POLLIN) else None
    raise Broken(f"no answer in {STOP_SECONDS} s: {server.log_text}")


def check_end(code: int, log: str, killed: bool) -> None:
    """The hub ended as it should, or by the kill that was asked for."""
    if killed and code == -signal.SIGKILL:
        return
    if code not in GOOD_ENDS:
        raise Broken(f"the hub ended with {code}: {log}")
    reasons = [line for line in log.splitlines() if '"level":"critical"' in line or line.startswith("mfh-server:")]
    if len(reasons) != (0 if code == 0 else 1):
        raise Broken(f"exit {code} with {len(reasons)} lines that say why: {log}")


def check_after_restart(directory: Path, client: Client, extra: list[str]) -> None:
    """Without faults all is well again."""
    server = Server(directory, *extra).start()
    try:
        client.check(server)
        client.write(server, iter(["after the restart"]))
        if not client.acknowledged[f"key-{client.serial % KEYS}"][0].endswith("after the restart"):
            raise Broken(f"no write goes through after the restart: {client.codes}")
        client.check_log(server)
        server.stop()
    finally:
        if server.is_running:
            server.kill()
