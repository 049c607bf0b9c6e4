"""Power cuts of a real file system under load: nothing that was acknowledged is lost. `scripts/test-long` runs more."""

from __future__ import annotations

import os
import random
from pathlib import Path

import loop_disk
import power_rounds
import pytest
from hub_server import Server
from loop_disk import LoopDisk
from reference_run import Client, contents

pytestmark = pytest.mark.skipif(loop_disk.problem() is not None, reason=str(loop_disk.problem()))


def test_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    counts = power_rounds.run(tmp_path, rounds=5, seed=seed)
    print(counts)
    assert counts.acknowledged > 50


@pytest.mark.parametrize(("mode", "is_kept"), [("fsync", True), ("none", False)])
def test_the_cut_takes_what_was_not_synced(tmp_path: Path, mode: str, is_kept: bool) -> None:
    """So the rounds above would notice an fsync that is missing."""
    disk, client = LoopDisk(tmp_path, 64), Client()
    disk.mount()
    server = Server(disk.place / "store", "--durability", mode).start()
    try:
        client.write(server, contents(20, 0))
        disk.cut_power()
        server.kill()
        disk.unmount()
        disk.mount()
        server.start()
        if is_kept:
            client.check(server)
        else:
            with pytest.raises(AssertionError, match="holds None, acknowledged was"):
                client.check(server)
        server.stop()
    finally:
        if server.is_running:
            server.kill()
        disk.unmount()
