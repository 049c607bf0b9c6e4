"""Faults at every system call of the reference run: the Nth call on some file fails, or the process dies there.

Three phases are run under `strace`: a hub makes its store and stops ("create"), takes writes and stops ("serve"), or
recovers a store that was left by a kill ("recover"). A run without faults counts the calls. `strace` counts for each
thread by itself, so a site stands for the Nth call of every thread that comes so far.
"""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import system_calls
from hub_server import NotStarted, Server
from reference_run import Broken, Client, check_after_restart, check_end, contents, options
from system_calls import Call, Trace

NAME_CALLS = ("openat", "renameat", "unlinkat", "mkdirat", "mkdir", "fsync", "getdents64")
FILE_CALLS = ("pwrite64", "fdatasync", "pread64", "fstat", "newfstatat", "ftruncate", "flock")
FAULTS = {
    "openat": ("EIO", "EMFILE", "EINTR", "SIGKILL"), "renameat": ("EIO", "ENOSPC", "SIGKILL"),
    "unlinkat": ("EIO", "SIGKILL"), "mkdirat": ("ENOSPC", "SIGKILL"), "mkdir": ("ENOSPC", "SIGKILL"),
    "fsync": ("EIO", "SIGKILL"), "getdents64": ("EIO",), "pwrite64": ("EIO", "ENOSPC", "EINTR", "SIGKILL"),
    "fdatasync": ("EIO", "ENOSPC", "SIGKILL"), "pread64": ("EIO", "EINTR"), "fstat": ("EIO",), "newfstatat": ("EIO",),
    "ftruncate": ("EIO",), "flock": ("EIO",),
}
PHASES = ("create", "serve", "recover")
SMALL, LARGE = 60, 12


@dataclass(frozen=True)
class Case:
    phase: str
    call: str
    target: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"{self.phase}: {self.fault} at {self.call} {self.number} of {self.target}"

    @property
    def injection(self) -> str:
        kind = "signal" if self.fault == "SIGKILL" else "error"
        return f"inject={self.call}:{kind}={self.fault}:when={self.number}"


def paths(store: Path, target: str, known_snapshots: list[str]) -> list[Path]:
    """The files that a target stands for."""
    if target == "names":
        return [store, store / "segments", store / "snapshots"]
    if target == "manifest":
        names = ["MANIFEST-A", "MANIFEST-B"]
    elif target == "snapshot":
        names = ["snapshots/next.snap", *known_snapshots]
    elif target == "lock":
        names = ["LOCK"]
    else:
        names = [f"segments/{int(target.split()[1]):010}-0000.seg"]
    return [store / (name + suffix) for name in names for suffix in ("", ".tmp")]


def target_of(call: Call, store: Path) -> str | None:
    if call.name in NAME_CALLS:
        return "names"
    file = re.search(re.escape(f"<{store}/") + r"([^>]*)>", call.text)
    if file is None:
        return None
    name = file[1].removesuffix(".tmp")
    if segment := re.match(r"segments/(\d+)-", name):
        return f"segment {int(segment[1])}"
    return {"MANIFEST-A": "manifest", "MANIFEST-B": "manifest", "LOCK": "lock"}.get(
        name, "snapshot" if name.startswith("snapshots/") else None)


class Matrix:
    """Everything happens in `directory`, which the caller removes."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.options = options(directory)
        self.template, self.template_client = directory / "template", Client()
        self.make_template()

    def make_template(self) -> None:
        """A store as a kill leaves it, in its second segment, with a snapshot of what it held earlier."""
        server = Server(self.template, *self.options).start()
        try:
            self.template_client.write(server, contents(SMALL, 0))
            server.restart()
            self.template_client.write(server, contents(SMALL, LARGE))
        finally:
            server.kill()

    # --- Which cases there are

    def cases(self) -> list[Case]:
        found = []
        for phase in PHASES:
            store, trace = self.directory / "store", self.directory / "trace"
            self.run(phase, store, trace, ["-y", "-e", f"trace={','.join(NAME_CALLS + FILE_CALLS)}"])
            found += list(self.cases_in(phase, system_calls.read(trace), store))
            shutil.rmtree(store)
        return found

    @staticmethod
    def cases_in(phase: str, calls: list[Call], store: Path) -> Iterator[Case]:
        counts: Counter[tuple[str, str, str]] = Counter()
        for call in calls:
            # Libraries are opened as well.
            if str(store) in call.text and (target := target_of(call, store)):
                counts[call.name, target, call.thread] += 1
        most: dict[tuple[str, str], int] = {}
        for (name, target, _), count in counts.items():
            most[name, target] = max(count, most.get((name, target), 0))
        for (name, target), count in sorted(most.items()):
            for number in range(1, count + 1):
                for fault in FAULTS[name]:
                    yield Case(phase, name, target, number, fault)

    # --- One run

    def run(self, phase: str, store: Path, trace: Path, strace: list[str], killed: bool = False) -> tuple[Client, int]:
        """One phase under `strace`; what was acknowledged in it, and how the hub ended."""
        client = Client()
        if phase == "recover":
            shutil.copytree(self.template, store)
            client = Client(dict(self.template_client.acknowledged), dict(self.template_client.possible), serial=1_000)
        # The tracer is the grandchild, so that exit codes and signals are the hub's own.
        prefix = ["strace", "-D", "-f", "-qqq", *strace, "-o", trace]
        server = Server(store, *self.options, prefix=[] if phase == "serve" else prefix)
        tracer = None
        try:
            server.start()
            if phase == "serve":
                tracer = Trace(server.process.pid, trace, *strace)
            client.write(server, contents(SMALL, LARGE) if phase == "serve" else contents(3, 0))
            code = server.process.wait() if not server.is_running else server.end()
            check_end(code, server.whole_log(), killed)
        except NotStarted as error:
            code = error.code
            check_end(code, error.log, killed)
        finally:
            if server.is_running:
                server.kill()
            if tracer:
                tracer.detach()
        return client, code

    def check(self, case: Case) -> bool:
        """Runs a case; whether its fault was met with. Raises Broken when the hub broke its promise."""
        place = Path(tempfile.mkdtemp(prefix="case-", dir=self.directory))
        store, trace = place / "store", place / "trace"
        traced = sorted({case.call, "fdatasync"})
        strace = ["-y", "-e", f"trace={','.join(traced)}", "-e", case.injection]
        snapshots = [f"snapshots/{file.name}" for file in self.template.glob("snapshots/*.snap")]
        strace += [word for path in paths(store, case.target, snapshots) for word in ("-P", str(path))]
        try:
            client, code = self.run(case.phase, store, trace, strace, killed=case.fault == "SIGKILL")
            calls = system_calls.read(trace)
            self.check_trace(case, client, calls)
            if case.fault == "EINTR" and (code != 0 or client.codes):
                raise Broken(f"a call that a signal interrupts is not made again: exit {code}, {client.codes}")
            check_after_restart(store, client, self.options)
        except (AssertionError, RuntimeError) as error:
            raise Broken(f"{case}: {error}\nkept in {place}") from error
        shutil.rmtree(place)
        return code == -signal.SIGKILL or any(call.was_injected for call in calls)

    @staticmethod
    def check_trace(case: Case, client: Client, calls: list[Call]) -> None:
        """Each acknowledgement had an fsync of its own, and none came after one that failed."""
        is_of_the_log = (case.phase, case.call, case.target) == ("serve", "fdatasync", "segment 1")
        # Where the fault was not met with, the log went on in the next segment, whose calls are not traced.
        if not is_of_the_log or not any(call.was_injected for call in calls):
            return
        if client.acknowledged_after_error:
            raise Broken(f"{client.acknowledged_after_error} writes were acknowledged after a failed fsync")
        synced = sum(call.name == "fdatasync" and call.succeeded for call in calls)
        if client.acknowledgements > synced:
            raise Broken(f"{client.acknowledgements} writes were acknowledged with {synced} fsyncs")
