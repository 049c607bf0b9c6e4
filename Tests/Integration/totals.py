"""The counts of all long runs: docs/durability-totals.json, and the table of them in docs/durability.md."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from hub_server import ROOT

FILE = ROOT / "docs" / "durability-totals.json"
DOCUMENT = ROOT / "docs" / "durability.md"
HEADER = "| what | count | failures | last run | version |"


def version() -> str:
    """The last commit that changed the programs; with a plus when they have changed since."""
    programs = ["Sources", "Package.swift"]
    log = ["git", "log", "-1", "--format=%h", "--", *programs]
    last = subprocess.run(log, cwd=ROOT, capture_output=True, text=True)
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *programs], cwd=ROOT).returncode != 0
    return (last.stdout.strip() or "unknown") + ("+" if changed else "")


class Totals:
    """`runs` has one entry for each row, day and version; what is added is in the files at once."""

    def __init__(self, file: Path = FILE, document: Path = DOCUMENT):
        self.file, self.document = file, document
        self.commit = version()
        self.runs: list[dict] = []
        self.read()

    def read(self) -> None:
        self.runs = json.loads(self.file.read_text())["runs"] if self.file.exists() else []

    def count(self, row: str) -> int:
        return sum(run["count"] for run in self.runs if run["part"] == row)

    def add(self, row: str, count: int, failures: int) -> None:
        name = {"part": row, "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "commit": self.commit}
        with locked(self.file.parent):
            self.read()
            run = next((run for run in self.runs if name.items() <= run.items()), None)
            if run is None:
                run = {**name, "count": 0, "failures": 0}
                self.runs.append(run)
            run["count"] += count
            run["failures"] += int(failures)
            self.write()

    def write(self) -> None:
        lines = ",\n".join("  " + json.dumps(run) for run in self.runs)
        replace(self.file, '{"runs": [\n' + lines + "\n]}\n")
        replace(self.document, with_table(self.document.read_text(), self.table()))

    def table(self) -> list[str]:
        rows = [HEADER, "|---|---|---|---|---|"]
        for part in dict.fromkeys(run["part"] for run in self.runs):
            of_part = [run for run in self.runs if run["part"] == part]
            failures = sum(run["failures"] for run in of_part)
            rows.append(
                f"| {part} | {self.count(part):,} | {failures} | {of_part[-1]['date']} | {of_part[-1]['commit']} |")
        return rows


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Two long runs may add at the same time."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace(file: Path, text: str) -> None:
    """A run may be interrupted at any moment."""
    temporary = file.with_suffix(".tmp")
    temporary.write_text(text)
    os.replace(temporary, file)


def with_table(document: str, table: list[str]) -> str:
    """The document with its table of totals exchanged."""
    lines = document.split("\n")
    start = lines.index(HEADER)
    end = start
    while lines[end].startswith("|"):
        end += 1
    return "\n".join(lines[:start] + table + lines[end:])
