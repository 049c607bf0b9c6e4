"""kill -9 at random moments: nothing that was acknowledged is lost. `scripts/kill-test` runs many more rounds of it."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import kill_rounds
import pytest
from hub_server import Server
from kill_rounds import Counts, LostWrite, Write, Writer


def test_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    counts = kill_rounds.run(tmp_path / "store", rounds=10, seed=seed)
    print(counts)
    assert counts.acknowledged > 100


def test_a_store_that_was_put_back_is_noticed(tmp_path: Path) -> None:
    """The same rounds against a hub that really has lost something: its directory is swapped for an older copy."""
    store, copy = tmp_path / "store", tmp_path / "copy"
    writers = [Writer(number, 1, Counts()) for number in range(2)]
    server = Server(store).start()
    try:
        kill_rounds.one_round(server, writers, 0.2)
        server.stop()
        shutil.copytree(store, copy)
        server.start()

        def put_back() -> None:
            shutil.rmtree(store)
            copy.rename(store)

        with pytest.raises(LostWrite, match="acknowledged is"):
            kill_rounds.one_round(server, writers, 0.5, put_back)
    finally:
        if server.is_running:
            server.kill()


class Answers:
    """Stands in for a hub that has lost something, to see that the check notices."""

    def __init__(self, contents: dict[str, str], revisions: dict[str, int]):
        self.contents, self.revisions = contents, revisions

    def ask(self, action: str, **_: object) -> dict:
        if action == "list_keys":
            return {"keys": sorted(self.contents)}
        items = {key: {"content": content} for key, content in self.contents.items()}
        return {"items": items, "revisions": self.revisions}


@pytest.mark.parametrize(("contents", "revisions"), [
    ({}, {}),
    ({"writer-0/1": "old"}, {"writer-0/1": 1}),
    ({"writer-0/1": "new"}, {"writer-0/1": 3}),
    ({"writer-0/1": "new", "writer-0/3": "half of a batch"}, {"writer-0/1": 2, "writer-0/3": 3}),
    ({"writer-0/1": "new", "writer-0/4": "the second without the first"}, {"writer-0/1": 2, "writer-0/4": 3}),
])
def test_the_check_notices_what_is_lost(contents: dict[str, str], revisions: dict[str, int]) -> None:
    writer = Writer(0, 0, Counts())
    writer.state, writer.revisions = {"writer-0/1": "new"}, {"writer-0/1": 2}
    writer.waiting.append(Write("batch", {}, {"writer-0/2": "half", "writer-0/3": "half of a batch"}))
    writer.waiting.append(Write("put", {}, {"writer-0/4": "the second without the first"}))
    with pytest.raises(LostWrite):
        writer.check(Answers(contents, revisions))
