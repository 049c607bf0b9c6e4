"""One agent as a process of its own: sequential mixed reads and writes, each checked, and a report of what it did.

    agent_process.py ADDRESS AGENT SEED OPERATIONS REPORT

The report is JSON: what succeeded, what failed, and each event that the agent's writes made, by revision.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from hub_client import Hub, exact, raw_item

KINDS = ("memory", "session", "knowledge")


class Agent:
    def __init__(self, address: str, name: str, seed: int):
        self.hub = Hub(address, name)
        self.name = name
        self.source = random.Random(f"{seed} {name}")
        self.mine: dict[str, tuple[dict, int]] = {}  # key: the item as sent, its revision
        self.events: list[dict] = []
        self.failures: list[str] = []
        self.count = 0

    def item(self, kind: str, key: str) -> dict:
        text = self.source.choice(["plain", "čeština", "日本", "🌿", 'quo"te\\', "line\nbreak"]) + f" {self.count}"
        details = {"n": self.count, "x": self.source.random(), "deep": [[{"a": None}], True, text]}
        if kind == "session":
            return {"session_id": key, "context": details, "conversation_history": [text], "active": False}
        if kind == "knowledge":
            return {
                "knowledge_id": key, "title": text, "content": details, "category": "test",
                "confidence_score": round(self.source.random(), 3)}
        return {"content": self.source.choice([text, details, [text]]), "metadata": details, "tags": [text]}

    def step(self) -> None:
        """One operation."""
        kind = self.source.choice(KINDS)
        key = f"{self.name}/{kind}/{self.source.randrange(60)}"
        getattr(self, self.source.choices(
            ["put", "put_shared", "delete", "batch", "get", "exists", "list_keys", "batch_get"],
            [30, 5, 8, 5, 35, 5, 5, 7])[0])(key, kind)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError(what)

    def wrote(self, event_type: str, key: str, revision: int, item: dict | None) -> None:
        self.events.append({"revision": revision, "type": event_type, "key": key, "item": item})

    # --- Writes

    def put(self, key: str, kind: str) -> None:
        item = self.item(kind, key)
        # Half of the writes have a condition, which holds because the keys are this agent's own.
        condition = {"if_revision": self.mine[key][1] if key in self.mine else 0} if self.source.random() < 0.5 else {}
        result = self.hub.ask("put", key=key, item=item, **condition)
        self.expect(result["created"] is (key not in self.mine), "created")
        self.wrote("CREATE" if result["created"] else "UPDATE", key, result["revision"], item)
        self.mine[key] = (item, result["revision"])

    def put_shared(self, key: str, kind: str) -> None:
        key = f"shared/{kind}/{self.source.randrange(3)}"
        item = self.item(kind, key)
        result = self.hub.ask("put", key=key, item=item)
        self.wrote("CREATE" if result["created"] else "UPDATE", key, result["revision"], item)

    def delete(self, key: str, kind: str) -> None:
        result = self.hub.ask("delete", key=key)
        self.expect(result["found"] is (key in self.mine), "found")
        if key in self.mine:
            self.wrote("DELETE", key, result["revision"], None)
            del self.mine[key]

    def batch(self, key: str, kind: str) -> None:
        keys = [f"{key}/{part}" for part in "abc"]
        items = [self.item(kind, part) for part in keys]
        result = self.hub.ask(
            "batch", operations=[{"op": "put", "key": part, "item": item} for part, item in zip(keys, items)])
        for part, item, done in zip(keys, items, result["results"]):
            self.wrote("CREATE" if done["created"] else "UPDATE", part, done["revision"], item)
            self.mine[part] = (item, done["revision"])

    # --- Reads

    def check(self, key: str, stored: dict) -> None:
        sent = exact(json.dumps(self.mine[key][0]))
        for name, value in sent.items():
            self.expect(stored[name] == value, f"{key}: {name} is {stored[name]!r}, not {value!r}")

    def get(self, key: str, kind: str) -> None:
        if self.mine and self.source.random() < 0.8:
            key = self.source.choice(list(self.mine))
        reply = self.hub.send_bytes(self.hub.request("get", {"key": key}))
        result = json.loads(reply)["result"]
        self.expect(result["found"] is (key in self.mine), "found")
        if key in self.mine:
            self.expect(result["revision"] == self.mine[key][1], "revision")
            self.check(key, exact(raw_item(reply)))

    def exists(self, key: str, kind: str) -> None:
        self.expect(self.hub.ask("exists", key=key)["exists"] is (key in self.mine), "exists")

    def list_keys(self, key: str, kind: str) -> None:
        prefix = f"{self.name}/{kind}/"
        keys = self.hub.ask("list_keys", prefix=prefix, limit=10_000)["keys"]
        self.expect(keys == sorted(mine for mine in self.mine if mine.startswith(prefix)), "list_keys")

    def batch_get(self, key: str, kind: str) -> None:
        keys = self.source.sample(sorted(self.mine), min(8, len(self.mine))) + ["nobody/has/this"]
        result = exact(self.hub.send_bytes(self.hub.request("batch_get", {"keys": keys})))["result"]
        self.expect(result["missing_keys"] == ["nobody/has/this"], "missing_keys")
        for found in keys[:-1]:
            self.check(found, result["items"][found])

    # --- All of it

    def run(self, operations: int) -> dict:
        succeeded = 0
        for self.count in range(operations):
            try:
                self.step()
                succeeded += 1
            except Exception as error:
                self.failures.append(f"operation {self.count}: {type(error).__name__}: {error}")
        return {"succeeded": succeeded, "failures": self.failures, "events": self.events, "keys": len(self.mine)}


if __name__ == "__main__":
    address, name, seed, operations, report = sys.argv[1:]
    Path(report).write_text(json.dumps(Agent(address, name, int(seed)).run(int(operations))))
