"""Names that clients send never become paths, and links in the data directory lead nowhere. The security rules' row on names."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import NotStarted, Server

STEPS = ["..", ".", "...", "....", "..;", "%2e%2e", "%252e%252e", "..%c0%af", "\u2024\u2024", "\uff0e\uff0e", "~", "-"]
MARKS = ["/", "\\", "//", "/./", "\u2215", "%2f"]
TARGETS = ["etc/passwd", "LOCK", "MANIFEST-A", "segments/0000000001-0000.seg", "tree/heads", "canary"]
PLAIN = [
    "/", "//", "/etc/passwd", "/proc/self/mem", "C:\\windows\\win.ini", "CON", "nul", "LOCK", "UNFINISHED", ".hidden",
    "segments/0000000001-0000.seg", "snapshots/next.snap.tmp", "x" * 1_000, "a" * 255 + "/b", "$(id)", "`id`", "${HOME}",
    "%s%n%x", "'; drop table keys; --", "<!--#exec cmd=id-->", "\u202e/etc", "a\u0300/b", "\U0001f600/..", "*", "?", "[a-z]",
    "|id", "&id", ">canary", "-rf", "--help",
]
PAYLOADS = [mark.join([step] * 3 + [target]) for step in STEPS for mark in MARKS[:3] for target in TARGETS] + PLAIN
REFUSED = ["", " ", "\x00", "a\x00b", "../\x00", "a\nb", "a\r\nb", "\x1b[2J", "\x7f", "\u0085", "\u009b"]
STORE = re.compile(
    r"LOCK|MANIFEST-[AB]|segments(/\d{10}-\d{4}\.seg)?|snapshots(/\d{20}\.snap)?|tree(/[a-z-]+)?|reads(/\d{10}\.reads)?")


def listing(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_two_hundred_names_that_would_be_paths_are_keys_and_nothing_else(tmp_path: Path) -> None:
    assert len(set(PAYLOADS)) >= 200
    server = Server(tmp_path / "here" / "store").start()
    with Hub(server.address) as hub:
        for number, name in enumerate(PAYLOADS):
            ids = {"agent_id": name[:256], "correlation_id": name[:256], "request_id": f"{number}{name}"[:256]}
            for field, value in ids.items():
                ids[field] = value.encode()[:256].decode(errors="ignore")
            hub.ask("put", key=name, item={"content": name, "source_agent": name}, **ids)
            assert hub.ask("get", key=name)["item"]["content"] == name
            assert name in hub.ask("list_keys", prefix=name)["keys"]
            assert hub.ask("events", prefix=name, from_revision=number + 1)["events"][0]["target_key"] == name
        for name in REFUSED:
            assert hub.refusal("put", key=name, item={"content": "c"})["code"] == "invalid_request"
        hub.ask("snapshot")
    server.restart()
    with Hub(server.address) as hub:
        assert hub.ask("stats")["keys"] == len(set(PAYLOADS))
    server.stop()
    wrong = [name for name in listing(server.directory) if not STORE.fullmatch(name)]
    assert wrong == []
    assert listing(tmp_path) == {"here"} | {f"here/{name}" for name in {"store"} | {
        f"store/{name}" for name in listing(server.directory)}}
    for path in [server.directory, *server.directory.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"


def test_a_link_in_the_store_is_never_followed_to_what_it_points_to(tmp_path: Path) -> None:
    """Each file is replaced by a link to a copy outside: the copy stays as it is, whatever the start makes of the store."""
    store = tmp_path / "store"
    server = Server(store).start()
    with Hub(server.address) as hub:
        for number in range(50):
            hub.ask("put", key=f"k{number}", item={"content": "c"})
    server.stop()
    files = sorted(path for path in store.rglob("*") if path.is_file())
    assert len(files) >= 6
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    for file in files:
        kept = file.read_bytes()
        outside.write_bytes(kept)
        os.utime(outside, ns=(1, 1))
        file.unlink()
        file.symlink_to(outside)
        try:
            server.start()
            with Hub(server.address) as hub:
                hub.ask("put", key="more", item={"content": "c"})
            server.stop()
        except NotStarted as refused:
            assert refused.code in (65, 73, 74, 75), refused
        assert outside.read_bytes() == kept, f"{file} was written through"
        assert outside.stat().st_mtime_ns == 1, f"{file} was written through"
        restore(store, files, file, kept)


def restore(store: Path, files: list[Path], file: Path, kept: bytes) -> None:
    if file.is_symlink():
        file.unlink()
    if not file.exists():
        file.write_bytes(kept)
        file.chmod(0o600)


@pytest.mark.parametrize(
    "name",
    ["segments/0000000002-0000.seg", "segments/0000000003-0000.seg.tmp", "MANIFEST-A.tmp", "MANIFEST-B.tmp",
     "snapshots/next.snap.tmp", "tree/heads.tmp", "tree/heads", "reads/0000000001.reads", "UNFINISHED"])
def test_a_link_where_a_file_is_going_to_be_made_is_not_written_through(tmp_path: Path, name: str) -> None:
    store = tmp_path / "store"
    outside = tmp_path / "outside"
    server = Server(store).start()
    server.stop()
    place = store / name
    place.parent.mkdir(mode=0o700, exist_ok=True)
    if place.exists():
        place.unlink()
    place.symlink_to(outside)
    configuration = tmp_path / "hub.yaml"
    configuration.write_text("audit:\n  reads: true\n")
    server.options = ("--config", str(configuration))
    try:
        server.start()
        with Hub(server.address) as hub:
            for _ in range(20):
                hub.ask("put", key="k", item={"content": "c" * 500_000})
            hub.ask("get", key="k")
            hub.ask("snapshot")
        server.end()
    except NotStarted as refused:
        assert refused.code in (65, 73, 74, 75), refused
    assert not outside.exists(), f"{name} was written through"
