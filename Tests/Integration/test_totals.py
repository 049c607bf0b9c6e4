"""The counts of the long runs are added up rightly, and the document shows them."""

from __future__ import annotations

from pathlib import Path

import long_run
import pytest
from totals import DOCUMENT, HEADER, Totals, with_table


def test_the_document_shows_the_totals() -> None:
    document = DOCUMENT.read_text()
    assert document == with_table(document, Totals().table())


def test_counts_add_up_over_runs(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(f"before\n\n{HEADER}\n|---|\n| stale |\n\nafter\n")
    for commit, count, failures in [("aaa", 1_000, 0), ("aaa", 20, 1), ("bbb", 3, 0)]:
        totals = Totals(tmp_path / "totals.json", document)
        totals.commit = commit
        totals.add("kill -9", count, failures)
    totals = Totals(tmp_path / "totals.json", document)
    Totals(tmp_path / "totals.json", document).add("power cuts", 1, 0)
    totals.add("power cuts", 2, 0)
    assert totals.count("power cuts") == 3
    runs = [(run["commit"], run["count"], run["failures"]) for run in totals.runs[:2]]
    assert runs == [("aaa", 1_020, 1), ("bbb", 3, 0)]
    lines = document.read_text().split("\n")
    assert lines[:2] == ["before", ""] and lines[-3:] == ["", "after", ""]
    assert lines[4].startswith("| kill -9 | 1,023 | 1 | ") and lines[4].endswith(" | bbb |") and len(lines) == 9


def test_what_a_part_says_is_counted() -> None:
    text = "row 2: 9 calls, 7500 power cuts, 10000 of them followed by a second\nrow 1: 150 deaths, 0 complaints\n"
    text += "json            1000 executions,     500 a second, fuzzer\nreply  20 executions, 7 a second, fuzzer\n"
    assert [(one.row, one.count) for one in long_run.counted(text)] == [
        ("simulated power cuts", 17_500), ("simulated process deaths", 150), ("fuzz executions", 1_000),
        ("fuzz executions", 20)]


def test_failures_are_counted_and_end_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "document.md"
    document.write_text(HEADER + "\n")
    run = long_run.Run(1, 1, tmp_path, Totals(tmp_path / "totals.json", document))
    outcomes = [long_run.Outcome("kill -9", 1, "lost")] * 100
    monkeypatch.setitem(long_run.STEPS, "kill", lambda *_: iter(outcomes))
    run.part("kill", 1.0)
    assert len(run.failures) == long_run.FAILURES_MAX == run.totals.runs[0]["failures"]
