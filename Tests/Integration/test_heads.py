"""Tamper evidence as an auditor uses it: heads kept elsewhere, and what `logstore-verify --head` makes of a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import mfh_tool
from hub_client import Hub
from hub_server import Server
from store_tools import last_object, run, told, verify, write_past


def signed(tmp_path: Path) -> tuple[Server, str]:
    """A hub whose heads are signed by a key of its own, and the public half of that."""
    key = tmp_path / "head.key"
    public = run("mfh", "keys", key, "--create", "--name", "hub.test").stdout.splitlines()[-1].strip()
    assert key.stat().st_mode & 0o077 == 0
    settings = tmp_path / "hub.yaml"
    settings.write_text(f"security:\n  head_key_file: {key}\n")
    return Server(tmp_path / "store", "--config", str(settings)).start(), public


def check(store: Path, heads: Path, public: str, code: int = 0) -> str:
    done = run("logstore-verify", store, "--head", heads, "--public-key", public, "--format", "json", code=code)
    assert last_object(done)["sound"] is (code == 0)
    return done.stderr


def test_heads_hold_for_the_store_and_for_no_earlier_or_other_one(tmp_path: Path) -> None:
    server, public = signed(tmp_path)
    heads, early = tmp_path / "heads.txt", tmp_path / "early"
    try:
        with Hub(server.address, agent="tester") as hub:
            write_past(hub, 40)
            mfh_tool.run(server.address, "head", "--save", heads)
            server.stop()
            shutil.copytree(server.directory, early)
            check(early, heads, public)
            server.start()
        with Hub(server.address, agent="tester") as hub:
            write_past(hub, 40, seed=2)
            # A head lags by a second at most; a proof has one made that covers everything.
            hub.ask("put", key="last", item={"content": "x"})
            assert hub.ask("proof", key="last")["found"]
            mfh_tool.run(server.address, "head", "--save", heads)
            before = told(hub)
        check(server.directory, heads, public)
        server.stop()
        check(server.directory, heads, public)
        # The store of an earlier day in the place of today's: sound in itself, and without what the head speaks of.
        assert verify(early)["sound"] is True
        assert "revision" in check(early, heads, public, code=65)
        # Another key has signed nothing here.
        other = run("mfh", "keys", tmp_path / "other.key", "--create").stdout.splitlines()[-1].strip()
        assert "sign" in check(server.directory, heads, other, code=65)
        # An edit by somebody who computes every checksum anew: the items of a store replayed without one agent.
        run("logstore-replay", server.directory, "--target", tmp_path / "forged", "--exclude-agent", "critic")
        assert verify(tmp_path / "forged")["revision"] == before["revision"]
        check(tmp_path / "forged", heads, public, code=65)
        server.start()
    finally:
        if server.is_running:
            server.kill()


def test_erasure_and_packing_leave_heads_and_proofs_good(tmp_path: Path) -> None:
    server, public = signed(tmp_path)
    heads, proof = tmp_path / "heads.txt", tmp_path / "k.proof"
    try:
        with Hub(server.address, agent="tester") as hub:
            write_past(hub, 30)
            hub.ask("put", key="user/7", item={"content": "swordfish"})
            mfh_tool.run(server.address, "proof", "user/7", "--save", proof)
            mfh_tool.run(server.address, "head", "--save", heads)
        mfh_tool.run(server.address, "redact", "user/7", "--reason", "a test")
        mfh_tool.run(server.address, "compact")
        check(server.directory, heads, public)
        run("mfh", "proof", "--check", proof, "--public-key", public)
        server.stop()
        check(server.directory, heads, public)
    finally:
        if server.is_running:
            server.kill()
