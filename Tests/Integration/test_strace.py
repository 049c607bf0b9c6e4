"""A sample of the faults at system calls, some of each kind. `scripts/test-long --only strace` runs all."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import system_calls
from hub_server import Server
from reference_run import Broken, Client, check_end, contents
from strace_matrix import Case, Matrix

pytestmark = pytest.mark.skipif(system_calls.problem() is not None, reason=str(system_calls.problem()))
SAMPLE = 24


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(tmp_path_factory.mktemp("strace"))


@pytest.fixture(scope="module")
def cases(matrix: Matrix) -> list[Case]:
    return matrix.cases()


def test_a_fault_at_any_call_loses_nothing(matrix: Matrix, cases: list[Case]) -> None:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    source = random.Random(seed)
    kinds: dict[tuple, list[Case]] = {}
    for case in cases:
        kinds.setdefault((case.phase, case.call, case.target), []).append(case)
    sample = [source.choice(of_a_kind) for of_a_kind in source.sample(list(kinds.values()), SAMPLE)]
    met = sum(matrix.check(case) for case in sample)
    assert met > SAMPLE // 2


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_nothing_is_acknowledged_after_the_log_has_failed(matrix: Matrix, call: str) -> None:
    """The fifth of the reference run's own writes, exactly."""
    assert matrix.check(Case("serve", call, "segment 1", 5, "EIO"))


def test_every_call_on_every_file_has_cases(cases: list[Case]) -> None:
    found = {(case.phase, case.call, case.target) for case in cases}
    for phase, segment in (("create", 1), ("serve", 1), ("serve", 2), ("recover", 3)):
        for call in ("pwrite64", "fdatasync"):
            assert {(phase, call, target) for target in (f"segment {segment}", "manifest", "snapshot")} <= found
        assert {(phase, call, "names") for call in ("openat", "renameat", "unlinkat", "fsync")} <= found
    assert {("recover", "pread64", target) for target in ("segment 1", "segment 2", "manifest", "snapshot")} <= found


def test_the_check_notices_an_acknowledgement_without_fsync(tmp_path: Path) -> None:
    server, client = Server(tmp_path / "store", "--durability", "none").start(), Client()
    try:
        # The files beside the log are synced all the same.
        segment = str(tmp_path / "store" / "segments" / "0000000001-0000.seg")
        trace = system_calls.Trace(
            server.process.pid, tmp_path / "trace", "-y", "-e", "trace=fdatasync", "-P", segment)
        client.write(server, contents(5, 0))
        calls = trace.end()
        server.stop()
    finally:
        if server.is_running:
            server.kill()
    failed = "fdatasync(7) = -1 EIO (Input/output error) (INJECTED)"
    calls.append(system_calls.Call("1", "fdatasync", "7", failed, 1, 1))
    with pytest.raises(Broken, match="acknowledged with 0 fsyncs"):
        Matrix.check_trace(Case("serve", "fdatasync", "segment 1", 1, "EIO"), client, calls)


@pytest.mark.parametrize(("code", "log", "killed"), [
    (-6, "", False), (-9, "", False), (65, '{"level":"critical"}', False), (74, "", False), (1, "trap", False),
    (74, '{"level":"critical"}\n{"level":"critical"}', False), (0, '{"level":"critical"}', False), (-11, "", True)])
def test_the_check_notices_a_bad_end(code: int, log: str, killed: bool) -> None:
    with pytest.raises(Broken):
        check_end(code, log, killed)


@pytest.mark.parametrize("change", [
    lambda client: client.acknowledged.update({"key-1": ("other", 1)}),
    lambda client: client.acknowledged.update({"key-1": (client.acknowledged["key-1"][0], 2)}),
    lambda client: client.acknowledged.update({"key-30": ("never", 30)}) or client.possible.update({"key-30": []})])
def test_the_check_notices_what_is_lost(server: Server, change) -> None:
    client = Client()
    client.write(server, contents(5, 0))
    client.check(server)
    client.check_log(server)
    change(client)
    with pytest.raises(Broken):
        client.check(server)
    with pytest.raises(Broken):
        client.check_log(server)
