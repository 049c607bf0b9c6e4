"""logstore-verify as an operator uses it: its exit codes, its forms, stores in every state."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import Server
from store_tools import flip, run, same, segments, told, verify, write_past


def test_the_checksum_is_the_hubs(server: Server, hub: Hub, tmp_path: Path) -> None:
    """Of the store in use, of a copy of it, after a stop and after a kill."""
    write_past(hub, 60)
    assert same(verify(server.directory), told(hub))
    copy = tmp_path / "copy"
    shutil.copytree(server.directory, copy)
    assert same(verify(copy), told(hub))
    expected = told(hub)
    server.restart()
    found = verify(server.directory)
    assert same(found, expected) and found["snapshots"] == 1 and found["sound"] is True
    server.kill()
    assert same(verify(server.directory), expected)
    server.start()


def test_nothing_is_written(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 10)
    server.stop()
    before = {file: file.stat().st_mtime_ns for file in server.directory.rglob("*")}
    verify(server.directory)
    assert {file: file.stat().st_mtime_ns for file in server.directory.rglob("*")} == before
    server.start()


def test_damage_is_named(server: Server, hub: Hub) -> None:
    write_past(hub, 30)
    server.stop()
    flip(segments(server.directory)[0], 6_000)
    done = run("logstore-verify", server.directory, code=65)
    assert "segment 1 offset" in done.stderr and "lost" in done.stderr and "DAMAGED" in done.stdout
    # The record that is lost to the flip was not cut off by anybody.
    assert "history tree, cut" not in done.stderr
    found = verify(server.directory, code=65)
    assert found["sound"] is False and found["damages"] > 0 and found["lost_revisions"] > 0
    flip(segments(server.directory)[0], 6_000)
    assert verify(server.directory)["sound"] is True
    snapshot = next((server.directory / "snapshots").glob("*.snap"))
    flip(snapshot, snapshot.stat().st_size // 2)
    assert snapshot.name in run("logstore-verify", server.directory, code=65).stderr
    server.start()


def test_who_names_a_key_hears_what_was_checked_with_it(server: Server, hub: Hub, tmp_path: Path) -> None:
    write_past(hub, 10)
    server.stop()
    public = run("mfh", "keys", "head", tmp_path / "key", "--create", "--name", "hub.test").stdout.splitlines()[-1].strip()
    assert verify(server.directory)["heads"] > 0
    shutil.rmtree(server.directory / "tree")
    assert run("logstore-verify", server.directory).stderr == ""
    done = run("logstore-verify", server.directory, "--public-key", public, "--format", "json")
    assert "no head" in done.stderr and '"heads":0' in done.stdout
    server.start()


def test_exit_codes(tmp_path: Path) -> None:
    assert "--data-dir" in run("logstore-verify", tmp_path, code=66).stderr
    run("logstore-verify", tmp_path / "missing", code=66)
    run("logstore-verify", code=64)
    run("logstore-verify", tmp_path, "--format", "xml", code=64)
    run("logstore-verify", tmp_path, "another", code=64)
    assert run("logstore-verify", "--version").stdout == "logstore-verify 0.1.0\n"
    assert "66 no store there" in " ".join(run("logstore-verify", "--help").stdout.split())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(server: Server, hub: Hub) -> None:
    write_past(hub, 3)
    segments(server.directory)[0].chmod(0)
    run("logstore-verify", server.directory, code=77)
    segments(server.directory)[0].chmod(0o600)
