"""The long run: every kind of fault for as long as there is time, with counts that add up over runs.

    scripts/test-long [--minutes M] [--only kill,power,strace,simulated,linearizability,fuzz] [--seed SEED] [--jobs N]

The time is split evenly over the parts; what one leaves, the others get. Counts are printed while it runs and added to
docs/durability-totals.json and to the table in docs/durability.md, which are there to be committed. An interrupted run
keeps what it counted. Exit codes: 0 nothing was lost, 1 something was, 64 usage. What failed is printed and kept.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import loop_disk
import system_calls
from hub_server import ROOT
from reference_run import Broken
from strace_matrix import Matrix
from totals import Totals

PARTS = ("kill", "power", "strace", "simulated", "linearizability", "fuzz")
# A part that fails so often is given up.
FAILURES_MAX = 50
PROGRESS_SECONDS = 10
# Of the tests over the simulated disk in one process.
ROUNDS = 10


@dataclass
class Outcome:
    row: str
    count: int
    failure: str | None = None


@dataclass
class Run:
    seed: int
    jobs: int
    directory: Path
    totals: Totals
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    printed: float = 0.0

    def part(self, name: str, seconds: float) -> None:
        missing = MISSING[name]()
        if missing:
            print(f"{name}: left out: {missing}", flush=True)
            return
        print(f"{name}: {seconds / 60:.1f} minutes", flush=True)
        failed = 0
        for outcome in STEPS[name](self, time.monotonic() + seconds):
            self.take(name, outcome)
            failed += outcome.failure is not None
            if failed == FAILURES_MAX:
                print(f"{name}: given up after {failed} failures", flush=True)
                return

    def take(self, name: str, outcome: Outcome) -> None:
        self.totals.add(outcome.row, outcome.count, failures=outcome.failure is not None)
        self.counts[outcome.row] = self.counts.get(outcome.row, 0) + outcome.count
        if outcome.failure:
            self.failures.append(outcome.failure)
            print(f"{name}: FAILED: {outcome.failure}", flush=True)
        if time.monotonic() - self.printed > PROGRESS_SECONDS:
            self.printed = time.monotonic()
            print(f"{name}: {self.counts[outcome.row]} {outcome.row}", flush=True)


def in_parallel(work: Iterator[Callable[[], list[Outcome]]], jobs: int, deadline: float) -> Iterator[Outcome]:
    """The outcomes of pieces of work, `jobs` at a time, until there is no more work or no more time."""
    with ThreadPoolExecutor(jobs) as pool:
        running: set[Future] = set()
        while True:
            while len(running) < jobs and time.monotonic() < deadline and (piece := next(work, None)):
                running.add(pool.submit(piece))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                yield from one.result()


# --- Rounds of kills and power cuts


def rounds(run: Run, deadline: float, row: str, count: int, *options: str) -> Iterator[Outcome]:
    seeds = random.Random(f"{run.seed} {row}")

    def piece(seed: int) -> list[Outcome]:
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "kill-test", str(count), "--seed", str(seed), "--directory",
             run.directory, *options], capture_output=True, text=True)
        told = re.search(r"^(\d+) rounds and (\d+) ends", done.stdout, re.MULTILINE)
        if done.returncode == 0 and told:
            return [Outcome(row, int(told[1]) + int(told[2]))]
        return [Outcome(row, 0, f"kill-test {count} --seed {seed} {' '.join(options)}: {done.stderr.strip()[-2_000:]}")]

    pieces = (lambda seed=seeds.randrange(1 << 32): piece(seed) for _ in iter(int, 1))
    return in_parallel(pieces, run.jobs, deadline)


def kill(run: Run, deadline: float) -> Iterator[Outcome]:
    return rounds(run, deadline, "kill -9", 25)


def power(run: Run, deadline: float) -> Iterator[Outcome]:
    return rounds(run, deadline, "power cuts", 20, "--power")


# --- Faults at system calls


def strace(run: Run, deadline: float) -> Iterator[Outcome]:
    """All cases, once; a run that is cut short is taken up at the next one."""
    matrix = Matrix(Path(tempfile.mkdtemp(prefix="strace-", dir=run.directory)))
    cases = matrix.cases()
    start = run.totals.count("strace injections") % len(cases)
    print(f"strace: {len(cases)} cases, beginning with number {start + 1}", flush=True)

    def piece(case) -> list[Outcome]:
        try:
            matrix.check(case)
        except Broken as error:
            return [Outcome("strace injections", 1, str(error))]
        return [Outcome("strace injections", 1)]

    return in_parallel((lambda case=case: piece(case) for case in cases[start:] + cases[:start]), run.jobs, deadline)


# --- What is a program of its own

# What the programs say, and which row it counts for.
SAID = (
    (r"(\d+) power cuts, (\d+) of them followed by a second", "simulated power cuts"),
    (r"(\d+) deaths,", "simulated process deaths"),
    (r"(\d+) failing calls,", "simulated failing calls"),
    (r"(\d+) bits inverted", "bit flips"),
    (r"(\d+) executions, +\d+ a second", "fuzz executions"),
    (r"(\d+) linearizable histories", "linearizable histories"),
    (r"(\d+) seeded bugs caught", "seeded bugs"),
)


def counted(text: str) -> list[Outcome]:
    return [
        Outcome(row, sum(int(number) for number in found.groups()))
        for pattern, row in SAID for found in re.finditer(pattern, text)]


def program_run(name: str, command: list[str], environment: dict[str, str] | None = None) -> Iterator[Outcome]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    yield from counted(done.stdout)
    if done.returncode != 0:
        yield Outcome(name, 0, f"{' '.join(command)}: exit {done.returncode}: {(done.stdout + done.stderr)[-2_000:]}")


def simulated(run: Run, deadline: float) -> Iterator[Outcome]:
    """The Swift tests over the simulated disk, in rounds of which each has a workload of its own, until there is no time."""
    yield from simulated_tests("BitFlipTests|SnapshotBitFlipTests", 0)
    rounds = random.Random(run.seed)
    while time.monotonic() < deadline:
        yield from simulated_tests("CrashMatrixTests|FailingCallTests", rounds.randrange(1 << 20))


def simulated_tests(suites: str, first: int) -> Iterator[Outcome]:
    print(f"simulated: MFH_TEST_SCALE={ROUNDS} MFH_TEST_ROUND={first}", flush=True)
    return program_run(
        "simulated power cuts",
        ["swift", "test", "-c", "release", "-Xswiftc", "-enable-testing", "--skip-build", "--filter",
         suites],
        {**os.environ, "MFH_TEST_SCALE": str(ROUNDS), "MFH_TEST_ROUND": str(first)})


def linearizability(run: Run, deadline: float) -> Iterator[Outcome]:
    minutes = max(1, int((deadline - time.monotonic()) / 60))
    command = [str(ROOT / "scripts" / "linearizability"), "--minutes", str(minutes)]
    return program_run("linearizable histories", command)


def fuzz(run: Run, deadline: float) -> Iterator[Outcome]:
    """The script is told how long each target is to run."""
    targets = len(list((ROOT / "Fuzz" / "Corpus").iterdir()))
    seconds = max(1, int((deadline - time.monotonic()) / targets))
    return program_run("fuzz executions", [str(ROOT / "scripts" / "fuzz"), "all", str(seconds)])


def missing_script(name: str) -> Callable[[], str | None]:
    return lambda: None if (ROOT / "scripts" / name).exists() else f"there is no scripts/{name}"


def missing_crash_tests() -> str | None:
    found = any((ROOT / "Tests" / "LogStoreTests").glob("Crash/*.swift"))
    return None if found else "there are no tests over a simulated disk"


STEPS = {
    "kill": kill, "power": power, "strace": strace, "simulated": simulated,
    "linearizability": linearizability, "fuzz": fuzz,
}
MISSING = {
    "kill": lambda: None, "power": loop_disk.problem, "strace": system_calls.problem, "simulated": missing_crash_tests,
    "linearizability": missing_script("linearizability"), "fuzz": missing_script("fuzz"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--directory", type=Path, help="for the stores; default is a temporary directory")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        print(f"test-long: no part is called {sorted(unknown)[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    directory = Path(tempfile.mkdtemp(prefix="test-long-", dir=options.directory))
    run = Run(options.seed, max(1, options.jobs), directory, Totals())
    print(f"seed {run.seed}, stores in {directory}, version {run.totals.commit}", flush=True)
    end = time.monotonic() + options.minutes * 60
    for number, name in enumerate(parts):
        run.part(name, max(0.0, end - time.monotonic()) / (len(parts) - number))
    for row, count in run.counts.items():
        print(f"{row}: {count} in this run, {run.totals.count(row)} in all")
    if run.failures:
        print(f"{len(run.failures)} FAILED: see above; seed {run.seed}, stores kept in {directory}")
        return 1
    shutil.rmtree(directory)
    print("nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
