"""Memories of the older service become items of the hub: docs/operations/migration.md."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hub_client import Hub
from hub_server import ROOT, Server
from store_tools import run

MEMORY = {
    "memory_id": "mem-1", "content": "note ü \"quoted\"\n", "memory_type": "general", "memory_tier": "long",
    "importance": 0.255, "access_count": 7, "last_accessed_at": 1754590000.25, "created_at": 1754580000.000007,
    "expires_at": 4000000000.5, "metadata": {"n": 0}, "tags": ["a", "b"], "relationships": {"mem-2": "similar"},
    "parent_id": "mem-0", "created_by": "Agent0",
}
BARE = {"memory_id": "mem-2", "content": "bare", "created_at": 1754580000}


def test_a_memory_becomes_an_item_and_is_never_overwritten(server: Server, hub: Hub, tmp_path: Path) -> None:
    source, operations = tmp_path / "memories.jsonl", tmp_path / "operations.jsonl"
    source.write_text("".join(json.dumps(memory) + "\n" for memory in (MEMORY, BARE)))
    with operations.open("w") as file:
        subprocess.run(["jq", "-c", "-f", ROOT / "examples/memories_to_batch.jq", source], stdout=file, check=True)
    load = ["mfh", "batch", operations, "--agent", "migration", "--hub", server.address]
    run(*load, "--request-id", "one")
    item = hub.ask("get", key="mem-1")["item"]
    assert item == {
        "key": "mem-1", "content": MEMORY["content"], "memory_type": "general",
        "timestamp": "2025-08-07T15:20:00.000007Z", "updated_at": None, "tags": ["a", "b"], "source_agent": "Agent0",
        "expiry_timestamp": "2096-10-02T07:06:40.500000Z", "metadata": {
            "n": 0, "memory_tier": "long", "importance": 0.255, "access_count": 7, "last_accessed_at": 1754590000.25,
            "relationships": {"mem-2": "similar"}, "parent_id": "mem-0"}}
    bare = hub.ask("get", key="mem-2")["item"]
    assert bare["timestamp"] == "2025-08-07T15:20:00.000000Z" and bare["metadata"]["importance"] == 0.5
    # Again with its id it changes nothing; as a new write it meets what is there, and is refused as a whole.
    run(*load, "--request-id", "one")
    hub.ask("put", key="mem-2", item={"content": "of an agent that has moved"})
    hub.ask("delete", key="mem-1")
    assert "line 2" in run(*load, "--request-id", "two", code=73).stderr
    assert hub.ask("get", key="mem-2")["item"]["content"] == "of an agent that has moved"
    assert not hub.ask("exists", key="mem-1")["exists"]
