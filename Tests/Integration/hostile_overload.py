"""Ten times as many requests as the hub takes: what becomes of those that are taken, of the others, and of the hub."""

from __future__ import annotations

import time

from hostile_figures import MIB, Memory, Report, milliseconds, quantile
from hostile_load import Load, Outcome, run_load
from hostile_probe import Probe, problems, spread
from hub_server import Server

CONNECTIONS = 64
JUST_BELOW = 0.8
OVERLOAD = 10


def phase(server: Server, agents: list[str], rate: float, seconds: float) -> tuple[Outcome, float, float]:
    load = Load(server.port, agents, rate=rate, seconds=seconds)
    begin = time.monotonic()
    load.begin()
    outcome = load.end()
    # The probe counts as long as requests come.
    return outcome, begin, begin + outcome.seconds


def ratio(report: Report, part: str, probe: Probe, what: str, idle: list[tuple[float, float]], attack: tuple[float, float],
          bound: float | None = None, kinds: tuple[str, ...] = ()) -> None:
    """A row for each transport: the probe's P99 meanwhile, and without."""
    for transport in probe.samples:
        quiet = [sample for begin, end in idle for sample in probe.between(transport, begin, end, *kinds)]
        hurt = probe.between(transport, *attack, *kinds)
        before, meanwhile = spread(quiet), spread(hurt)
        if not quiet or not hurt:
            report.add(part, f"{what}: others over {transport}", "they are served", False, served=len(hurt))
            continue
        factor = round(meanwhile["p99"] / before["p99"], 2)
        failed = problems(hurt)
        report.add(
            part, f"{what}: others over {transport}", f"P99 < {bound} x" if bound else "",
            bound is None or (factor < bound and not failed), p50=f"{before['p50']} -> {meanwhile['p50']}",
            p99=f"{before['p99']} -> {meanwhile['p99']} ms", ratio=factor, count=meanwhile["count"],
            **({"not_served": failed} if failed else {}))


def run(report: Report, server: Server, seconds: float) -> None:
    part = "overload"
    agents = [f"load-{number}" for number in range(CONNECTIONS)]
    memory = Memory(server.process.pid)
    warm = run_load(server.port, agents, window=256, seconds=2)
    taken = run_load(server.port, agents, window=256, seconds=4)
    capacity = taken.rate(len(taken.accepted))
    report.add(part, "what the hub takes", connections=CONNECTIONS, accepted_per_s=capacity, warm_up=warm.rate(len(warm.accepted)))
    with Probe(server.addresses) as probe:
        idle_begin = time.monotonic()
        time.sleep(seconds)
        idle = [(idle_begin, time.monotonic())]
        below, *at_1x = phase(server, agents, capacity * JUST_BELOW, seconds)
        memory.begin()
        above, *at_10x = phase(server, agents, capacity * OVERLOAD, seconds * 2)
        samples = list(memory.samples)
        growth = memory.growth()
        after, *at_end = phase(server, agents, capacity * JUST_BELOW, seconds)
        begin = time.monotonic()
        time.sleep(seconds / 2)
        idle.append((begin, time.monotonic()))
    report.add(part, f"{JUST_BELOW} x: the load", "none is refused", not below.refused, **below.figures())
    report.add(part, f"{OVERLOAD} x: the load", "all are answered", above.unanswered == 0, **above.figures())
    if above.refused:
        report.add(
            part, f"{OVERLOAD} x: refusals", "overloaded, each with a time to try again",
            set(above.codes) == {"overloaded"} and len(above.hints) == len(above.refused), **above.codes,
            retry_after_ms=f"{min(above.hints)}..{max(above.hints)}")
    report.add(part, f"{JUST_BELOW} x again: the load", "none is refused", not after.refused, **after.figures())
    half = (at_10x[0] + at_10x[1]) / 2
    first = [size for at, size in samples if at < half]
    second = [size for at, size in samples if at >= half]
    report.add(
        part, f"{OVERLOAD} x: memory", "grows by less than 256 MiB", growth < 256 * MIB, growth_mib=growth // MIB,
        first_half_mib=max(first) // MIB, second_half_mib=max(second) // MIB, before_mib=memory.before // MIB)
    ratio(report, part, probe, f"{JUST_BELOW} x", idle, tuple(at_1x))
    ratio(report, part, probe, f"{OVERLOAD} x", [tuple(at_1x)], tuple(at_10x), 2)
    ratio(report, part, probe, f"{JUST_BELOW} x again", [tuple(at_1x)], tuple(at_end), 2)
