"""Rounds of: clients write, the power of the disk is cut at a random moment, the disk is mounted anew, compare.

The clients and the comparison are those of `kill_rounds`; here the hub lives on for a moment with a disk that fails.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import kill_rounds
from hub_server import Server
from kill_rounds import Counts, Writer
from loop_disk import LoopDisk

LIFE_SECONDS = 0.3
# How long the hub may still talk to its clients after the cut.
AGONY_SECONDS = 0.05
# Each restart leaves a segment behind, so a disk is good for some rounds only.
ROUNDS_A_DISK = 20
DISK_MEGABYTES = 640


def run(directory: Path, rounds: int, seed: int, progress=lambda counts: None) -> Counts:
    """Raises LostWrite when anything is not as acknowledged."""
    counts = Counts()
    source = random.Random(seed)
    number = 0
    while counts.rounds < rounds:
        number += 1
        place = directory / f"disk-{number}"
        place.mkdir(parents=True)
        disk = LoopDisk(place, DISK_MEGABYTES)
        disk.mount()
        try:
            run_on(disk, min(ROUNDS_A_DISK, rounds - counts.rounds), source, counts, progress)
        finally:
            disk.unmount()
        disk.image.unlink()
    return counts


def run_on(disk: LoopDisk, rounds: int, source: random.Random, counts: Counts, progress) -> None:
    seed = source.randrange(1 << 32)
    writers = [Writer(number, seed, counts, disk_fails=True) for number in range(kill_rounds.CONNECTIONS)]
    server = Server(disk.place / "store").start()
    try:
        for _ in range(rounds):
            agony = source.choice([0.0, AGONY_SECONDS])
            starts = [source.uniform(0.0, kill_rounds.START_SECONDS) for _ in range(source.choice([0, 0, 0, 1]))]
            kill_rounds.one_round(
                server, writers, source.uniform(0.0, LIFE_SECONDS), lambda: mount_anew(disk, server, starts),
                end=lambda: cut(disk, server, agony))
            counts.rounds += 1
            counts.ended_starts += len(starts)
            progress(counts)
        kill_rounds.check_the_log(server, writers)
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def cut(disk: LoopDisk, server: Server, agony: float) -> None:
    disk.cut_power()
    time.sleep(agony)
    if not server.is_running:
        raise kill_rounds.LostWrite(f"the hub ended when its disk failed: {server.log_text}")
    server.kill()


def mount_anew(disk: LoopDisk, server: Server, starts: list[float]) -> None:
    """With the power going off again while the hub starts, at each of the moments."""
    for moment in starts:
        disk.unmount()
        disk.mount()
        server.launch()
        time.sleep(moment)
        disk.cut_power()
        server.kill()
    disk.unmount()
    disk.mount()
