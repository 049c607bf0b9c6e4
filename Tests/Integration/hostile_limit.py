"""Ten times what a limit of the hub lets in, while the processor has time to spare: the disk is slow, and of what waits for it
there may be so much. Here the times are the hub's own, and not those of a machine that is shared with the load."""

from __future__ import annotations

import time
from pathlib import Path

from hostile_figures import MIB, Memory, Report, milliseconds, quantile
from hostile_load import Outcome, run_load
from hostile_overload import JUST_BELOW, OVERLOAD, dropped, limited, phase, ratio, refusals
from hostile_probe import Probe
from hub_server import Server
from slow_disk import slow_disk

DISK_MILLISECONDS = 40
# What may wait, of all clients together.
WAITING = 256
# Few who send on and on, and many of whom each sends a request now and then.
FLOODS = 16
CROWD = 1_024
CHUNK = 4
FACTOR_MAX = 2
REFUSED_MILLISECONDS = 20


def p99(outcome: Outcome) -> float:
    return quantile(outcome.accepted, 0.99)


def accepted(report: Report, part: str, what: str, below: Outcome, above: Outcome) -> None:
    factor = round(p99(above) / p99(below), 2)
    report.add(
        part, f"{what}: what is accepted", f"P99 < {FACTOR_MAX} x that of {JUST_BELOW} x", factor < FACTOR_MAX,
        p99=f"{milliseconds(p99(below))} -> {milliseconds(p99(above))} ms", ratio=factor,
        accepted=f"{below.rate(len(below.accepted))} -> {above.rate(len(above.accepted))} a second")


def run(report: Report, directory: Path, seconds: float) -> None:
    part = "hub limit"
    server = limited(
        directory, "slow-disk", f"{{bulkhead: {{max_concurrent: {WAITING // 2}, max_queue_size: {WAITING // 2}}}}}",
        slow_disk(DISK_MILLISECONDS))
    try:
        overload(report, part, server, seconds)
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def overload(report: Report, part: str, server: Server, seconds: float) -> None:
    floods = [f"flood-{number}" for number in range(FLOODS)]
    crowd = [f"crowd-{number}" for number in range(CROWD)]
    # As many under way as may be before any is refused: each of n clients may have 1/(n+1).
    window = WAITING // (FLOODS + 1) // CHUNK * CHUNK
    taken = run_load(server.port, floods, window=window, chunk=CHUNK, seconds=seconds / 2)
    capacity = taken.rate(len(taken.accepted))
    report.add(
        part, f"what is taken of {FLOODS} clients", "none is refused", not taken.refused, **taken.figures(),
        disk_ms=DISK_MILLISECONDS, may_wait=WAITING)
    memory = Memory(server.process.pid)
    with Probe(server.addresses) as probe:
        begin = time.monotonic()
        time.sleep(seconds)
        idle = [(begin, time.monotonic())]
        below, *at_1x = phase(server, floods, capacity * JUST_BELOW, seconds, chunk=CHUNK)
        memory.begin()
        before = dropped(server)
        above, *at_10x = phase(server, floods, capacity * OVERLOAD, seconds, chunk=CHUNK)
        lost = dropped(server) - before
        growth = memory.growth()
        after, *_ = phase(server, floods, capacity * JUST_BELOW, seconds, chunk=CHUNK)
    few = f"{OVERLOAD} x by {FLOODS}"
    report.add(part, f"{JUST_BELOW} x: the load", **below.figures())
    report.add(
        part, f"{few}: the load", "each is answered, or counted as dropped", above.unanswered == lost, **above.figures(),
        dropped=lost)
    accepted(report, part, few, below, above)
    refusals(report, part, few, above)
    report.add(part, f"{few}: memory", "grows by less than 128 MiB", growth < 128 * MIB, growth_mib=growth // MIB)
    ratio(report, part, probe, f"{JUST_BELOW} x", idle, tuple(at_1x))
    ratio(report, part, probe, few, [tuple(at_1x)], tuple(at_10x), FACTOR_MAX)
    report.add(
        part, f"{JUST_BELOW} x again: the load", "as before", p99(after) < FACTOR_MAX * p99(below), **after.figures())
    many_clients(report, part, server, crowd, capacity, seconds)


def many_clients(
        report: Report, part: str, server: Server, crowd: list[str], capacity: float, seconds: float) -> None:
    """None of them asks for much, so none can be told from those who should be served: some are refused, and at once."""
    below, *_ = phase(server, crowd, capacity * JUST_BELOW, seconds, chunk=1)
    above, *_ = phase(server, crowd, capacity * OVERLOAD, seconds, chunk=1)
    many = f"{OVERLOAD} x by {CROWD}"
    report.add(part, f"{many}: the load", "each is answered", above.unanswered == 0, **above.figures())
    accepted(report, part, many, below, above)
    refusals(report, part, many, above)
    median = milliseconds(quantile(above.refused or [0.0], 0.5))
    report.add(
        part, f"{many}: a refusal comes at once", f"P50 < {REFUSED_MILLISECONDS} ms, the disk takes more",
        bool(above.refused) and median < REFUSED_MILLISECONDS, p50=median)
