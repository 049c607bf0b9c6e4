"""What a run against hostile clients measures: quantiles, memory, and rows that hold or do not."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MIB = 1 << 20


def quantile(values: Sequence[float], share: float) -> float:
    """The exact one: of all values, the smallest that `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 2)


@dataclass
class Row:
    part: str
    what: str
    figures: dict[str, object]
    # What was promised, in words; empty where nothing was.
    bound: str = ""
    holds: bool = True


@dataclass
class Report:
    as_json: bool
    rows: list[Row] = field(default_factory=list)

    def add(self, part: str, what: str, bound: str = "", holds: bool = True, **figures: object) -> None:
        row = Row(part, what, figures, bound, bool(holds))
        self.rows.append(row)
        if self.as_json:
            print(json.dumps(asdict(row)), flush=True)
            return
        verdict = f"  [{'holds' if row.holds else 'BROKEN'}: {bound}]" if bound else ""
        told = "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
        print(f"{part:<12} {what:<44} {told}{verdict}", flush=True)

    @property
    def broken(self) -> list[Row]:
        return [row for row in self.rows if not row.holds]


class Memory:
    """The resident memory of a process: how high it was since `begin`, told by the kernel where it lets itself be asked,
    otherwise looked at twenty times a second."""

    def __init__(self, pid: int, idle: int | None = None):
        """`idle`: what growth is counted from; without it, what there is when it begins."""
        self.folder = Path(f"/proc/{pid}")
        self.idle = idle
        self.samples: list[tuple[float, int]] = []
        self.before = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def _field(self, name: str) -> int:
        for line in (self.folder / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1_024
        raise RuntimeError(f"no {name}")

    def now(self) -> int:
        return self._field("VmRSS")

    def begin(self) -> None:
        now = self.now()
        self.before = now if self.idle is None else self.idle
        self.samples = [(time.monotonic(), now)]
        try:
            (self.folder / "clear_refs").write_text("5")
        except OSError:
            pass
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            try:
                self.samples.append((time.monotonic(), self.now()))
            except OSError:
                return

    def growth(self) -> int:
        """Ends it. How far the process was above that, at its highest."""
        self._stop.set()
        self._thread.join()
        high = max(size for _, size in self.samples)
        try:
            peak = self._field("VmHWM")
            if peak < high + 512 * MIB:
                high = max(high, peak)
        except OSError:
            pass
        return high - self.before


def wait_until(condition: Callable[[], object], seconds: float) -> float | None:
    """After how many seconds it comes true; None: it does not."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            return None
        time.sleep(0.02)
    return time.monotonic() - begin
