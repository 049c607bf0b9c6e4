"""Ten times as many requests as the hub takes: what becomes of those that are taken, of the others, and of the hub."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from hostile_figures import MIB, Memory, Report
from hostile_load import Load, Outcome, run_load
from hostile_probe import Probe, problems, spread
from hub_client import Hub
from hub_server import Server

CONNECTIONS = 64
JUST_BELOW = 0.8
OVERLOAD = 10
# So fast is fast enough, whatever the ratio: where all share two processors, what takes a millisecond waits for others' turns.
FAST_MILLISECONDS = 10


def phase(
        server: Server, agents: list[str], rate: float, seconds: float, **options: int) -> tuple[Outcome, float, float]:
    load = Load(server.port, agents, rate=rate, seconds=seconds, **options)
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
        is_fast = factor < (bound or 0) or meanwhile["p99"] < FAST_MILLISECONDS
        report.add(
            part, f"{what}: others over {transport}", f"P99 < {bound} x or {FAST_MILLISECONDS} ms" if bound else "",
            bound is None or (is_fast and not failed), p50=f"{before['p50']} -> {meanwhile['p50']}",
            p99=f"{before['p99']} -> {meanwhile['p99']} ms", ratio=factor, count=meanwhile["count"],
            **({"not_served": failed} if failed else {}))


def limited(directory: Path, name: str, resilience: str, prefix: Sequence[str] = ()) -> Server:
    path = directory / f"{name}.yaml"
    path.write_text(f"resilience: {resilience}\n")
    options = ("--config", str(path), "--grpc-port", "auto", "--metrics-port", "auto")
    return Server(directory / name, *options, prefix=prefix).start()


def refusals(report: Report, part: str, what: str, outcome: Outcome) -> None:
    hints = outcome.hints or [0]
    report.add(
        part, f"{what}: refusals", "overloaded, each with a time to try again, and some",
        set(outcome.codes) == {"overloaded"} and len(outcome.hints) == len(outcome.refused), **outcome.codes,
        retry_after_ms=f"{min(hints)}..{max(hints)}")


def dropped(server: Server) -> int:
    with Hub(server.address, "tester") as hub:
        return hub.ask("stats")["requests"]["replies_dropped"]


def one_agent(report: Report, directory: Path, seconds: float) -> None:
    """Ten times what one agent may ask for, by that agent, on eight connections."""
    part = "agent limit"
    rate = 1_000
    server = limited(directory, "agent", f"{{agent: {{requests_per_second: {rate}, burst: 100}}}}")
    with Probe(server.addresses) as probe:
        begin = time.monotonic()
        time.sleep(seconds)
        idle = [(begin, time.monotonic())]
        outcome, *attack = phase(server, ["wild"] * 8, rate * OVERLOAD, seconds)
    report.add(
        part, f"{OVERLOAD} x of {rate} a second", f"{rate} a second are taken, all are answered",
        outcome.unanswered == 0 and 0.9 * rate < outcome.rate(len(outcome.accepted)) < 1.2 * rate, **outcome.figures())
    refusals(report, part, f"{OVERLOAD} x", outcome)
    ratio(report, part, probe, f"{OVERLOAD} x", idle, tuple(attack), 2)
    server.stop()


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
        before = dropped(server)
        above, *at_10x = phase(server, agents, capacity * OVERLOAD, seconds * 2)
        lost = dropped(server) - before
        samples = list(memory.samples)
        growth = memory.growth()
        after, *at_end = phase(server, agents, capacity * JUST_BELOW, seconds)
        begin = time.monotonic()
        time.sleep(seconds / 2)
        idle.append((begin, time.monotonic()))
    report.add(part, f"{JUST_BELOW} x: the load", "none is refused", not below.refused, **below.figures())
    # A client that sends on behind thousands of refusals loses some of them. Behind a gap, replies are taken for those of earlier
    # requests, and the times are longer than they were.
    report.add(
        part, f"{OVERLOAD} x: the load", "each is answered, or counted as dropped", above.unanswered == lost, **above.figures(),
        dropped=lost)
    if above.refused:
        refusals(report, part, f"{OVERLOAD} x", above)
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
    one_agent(report, server.directory.parent, seconds)
