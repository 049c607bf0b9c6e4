"""The daily, the weekly and the monthly report, on hubs that are well and on hubs that are not."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import ROOT, Server, program
from secured import Keys
from store_tools import flip, run, segments


def report(name: str, *words: object, code: int, path: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MFH_")}
    environment["MFH_BIN"] = f"{path}:" * bool(path) + str(program("mfh").parent)
    done = subprocess.run(
        [ROOT / f"scripts/{name}.sh", *map(str, words)], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == code, f"{name}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def health(server: Server, *words: object, code: int) -> dict[str, dict]:
    text = report("health_check", "--hub", server.address, "--format", "json", *words, code=code)
    return {line["check"]: line for line in map(json.loads, text.splitlines())}


# --- Every day


def test_health_of_a_hub_that_is_well(server: Server, hub: Hub, tmp_path: Path) -> None:
    hub.ask("put", key="k", item={"content": "x"})
    run("mfh", "backup", tmp_path / "backup", "--hub", server.address)
    log = tmp_path / "log"
    log.write_text('{"level":"info","message":"error, critical"}\n')
    told = health(server, "--backup", tmp_path / "backup", "--log", log, "--probe", code=0)
    assert {check["level"] for name, check in told.items() if name != "result"} == {"ok"}
    assert told["result"] == {"check": "result", "exit": 0, "text": "healthy"}
    assert hub.ask("list_keys")["keys"] == ["k"], "the probe has taken its key away again"
    revision = hub.ask("stats")["revision"]
    health(server, code=0)
    assert hub.ask("stats")["revision"] == revision, "nothing is written without --probe"
    assert "result: healthy" in report("health_check", "--hub", server.address, code=0)


def test_health_warns_of_what_is_to_come(server: Server, tmp_path: Path) -> None:
    assert health(server, "--warn-free", 100, code=1)["space"]["level"] == "warning"
    assert health(server, "--warn-free", 100, "--min-free", 100, code=2)["space"]["level"] == "critical"
    log = tmp_path / "log"
    log.write_text('{"level":"error","message":"x"}\n{"level":"critical","message":"x"}\n')
    assert health(server, "--log", log, code=1)["log"]["text"].startswith("2 lines")
    assert health(server, "--backup", tmp_path, code=2)["backup"]["level"] == "critical"
    run("mfh", "backup", tmp_path / "backup", "--hub", server.address)
    for name in "AB":
        os.utime(tmp_path / f"backup/MANIFEST-{name}", (1_000_000, 1_000_000))
    assert health(server, "--backup", tmp_path / "backup", code=1)["backup"]["level"] == "warning"


def test_health_of_a_hub_whose_disk_has_failed(tmp_path: Path) -> None:
    Server(tmp_path / "store").start().stop()
    # Each thread's tenth one: opening a store that is there needs fewer.
    server = Server(tmp_path / "store", prefix=[
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=10+"])
    server.start()
    try:
        with Hub(server.address) as hub:
            replies = [hub.reply("put", key=f"{number}", item={"content": "x"}) for number in range(12)]
            assert replies[0]["success"] and replies[-1]["code"] == "storage_error"
        told = health(server, "--probe", code=2)
        assert told["health"]["level"] == told["writes"]["level"] == told["probe"]["level"] == "critical"
        assert "log" in told["health"]["text"]
        assert "result: act now" in report("health_check", "--hub", server.address, code=2)
    finally:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), 9)
        server.process.wait()


def test_no_hub_is_critical(tmp_path: Path) -> None:
    server = Server(tmp_path / "store").start()
    server.stop()
    assert health(server, "--timeout", "0.5", code=2)["answers"]["level"] == "critical"
    report("performance_report", "--hub", server.address, "--timeout", "0.5", code=69)
    report("audit_verification", "--hub", server.address, "--timeout", "0.5", "--heads", tmp_path / "heads", code=69)


def key_file(keys: Keys, name: str, *permissions: str) -> Path:
    path = keys.directory / name
    path.write_text(keys.token("reporter", *permissions))
    path.chmod(0o600)
    return path


def test_health_through_a_key_that_may_not_see_everything(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    few, all_of_it = key_file(keys, "few", "read:a/"), key_file(keys, "all", "admin,read,write:*")
    wrong = keys.directory / "wrong"
    wrong.write_text(few.read_text()[:-1] + ("a" if few.read_text()[-1] != "a" else "b"))
    server = keys.server(tmp_path / "store", curve=False).start()
    try:
        told = health(server, "--api-key-file", few, "--probe", code=1)
        assert told["answers"]["level"] == told["health"]["level"] == "ok"
        assert told["stats"]["level"] == "unknown" and "admin:*" in told["stats"]["text"]
        assert [told[name]["level"] for name in ("writes", "history", "space")] == ["skipped"] * 3
        assert told["probe"]["level"] == "unknown" and "write" in told["probe"]["text"]
        refused = health(server, "--api-key-file", wrong, code=1)
        assert refused["answers"]["level"] == "unknown" and "refuses this key" in refused["answers"]["text"]
        assert health(server, "--api-key-file", all_of_it, "--probe", code=0)["probe"]["level"] == "ok"
        heads = tmp_path / "heads"
        assert "FAILED    hub" in report(
            "audit_verification", "--hub", server.address, "--api-key-file", few, "--heads", heads, code=77)
        # What the key may not read can not be checked; that is not what a changed past looks like.
        no_reader = key_file(keys, "no reader", "admin:*")
        told = report(
            "audit_verification", "--hub", server.address, "--api-key-file", no_reader, "--heads", heads, code=1)
        assert "UNCHECKED state      mfh checksum: " in told and "UNCHECKED proofs     mfh list: " in told, told
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["health_check", "performance_report", "audit_verification"])
def test_usage(name: str) -> None:
    usage = report(name, "--help", code=0)
    assert "usage: " in usage and "Exit codes: 0 " in usage and ", 64 usage" in usage
    more = ["--heads", "x"] if name == "audit_verification" else []
    for words in (["--timeout", "abc"], ["--api-key-file", "/no/such/file"]):
        assert words[0] in report(name, *words, *more, code=64)
    for words in (["--no-such"], ["--timeout"], []):
        if words or name == "audit_verification":
            assert "see --help" in report(name, *words, code=64)


# --- Every week


def performance(server: Server, *words: object, code: int = 0) -> dict:
    return json.loads(report(
        "performance_report", "--hub", server.address, "--seconds", 1, "--format", "json", *words, code=code))


def test_performance(server: Server, hub: Hub, tmp_path: Path) -> None:
    state = tmp_path / "state"
    hub.ask("put", key="k", item={"content": "x"})
    hub.refusal("get")
    first = performance(server, "--state", state, "--dump")
    assert first["revision"] == 1 and first["keys"] == 1 and first["growth"] is None and first["missed"] == []
    assert first["since_start"]["by_action"]["put"] == 1
    assert first["since_start"]["by_error"] == {"error_invalid_request": 1}
    assert first["agents"] == [{"agent": "tester", "events": 1, "share": 1.0}]
    assert first["size"]["resident_bytes"] > 1 << 20 and first["size"]["free_bytes"] > 0
    # As if it had been a week ago.
    week_ago = json.loads(state.read_text())
    week_ago["taken"] -= 7 * 86_400
    state.write_text(json.dumps(week_ago))
    hub.ask("put", key="l", item={"content": "x" * 500_000})
    second = performance(server, "--state", state, "--disk-days", 1)
    assert second["growth"]["revisions"] == 1 and abs(second["growth"]["days"] - 7) < 0.1
    grown = second["growth"]["log_bytes"]
    assert grown > 500_000
    assert abs(second["disk_full_in_days"] * grown / 7 / second["size"]["free_bytes"] - 1) < 0.1
    state.write_text(json.dumps(week_ago))
    missed = performance(server, "--state", state, "--disk-days", 1_000_000_000, code=1)["missed"]
    assert len(missed) == 1 and "the disk is full" in missed[0]
    assert "GROWTH" in report("performance_report", "--hub", server.address, "--seconds", 1, "--state", state, code=0)


PAGE = """# TYPE mfh_request_duration_seconds histogram
mfh_request_duration_seconds_bucket{operation="put",le="0.001"} 50
mfh_request_duration_seconds_bucket{operation="put",le="0.01"} 90
mfh_request_duration_seconds_bucket{operation="put",le="0.1"} 100
mfh_request_duration_seconds_bucket{operation="put",le="+Inf"} 100
mfh_request_duration_seconds_sum{operation="put"} 1.5
mfh_request_duration_seconds_count{operation="put"} 100
mfh_request_duration_seconds_bucket{operation="get",le="0.001"} 1000
mfh_request_duration_seconds_bucket{operation="get",le="0.01"} 1000
mfh_request_duration_seconds_bucket{operation="get",le="0.1"} 1000
mfh_request_duration_seconds_bucket{operation="get",le="+Inf"} 1000
"""


def test_latencies_out_of_the_metrics(server: Server) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_: object) -> None: pass

    site = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{site.server_port}/metrics"
        told = performance(server, "--metrics", url, "--p99-ms", 100)["latencies"]
        assert [(line["operation"], line["count"]) for line in told] == [("get", 1000), ("put", 100)]
        put = told[1]
        # As Prometheus interpolates: in the bucket from 10 to 100 ms nine tenths of the way.
        assert [round(put[name], 6) for name in ("p50_ms", "p95_ms", "p99_ms")] == [1.0, 55.0, 91.0]
        missed = performance(server, "--metrics", url, "--p99-ms", 90, code=1)["missed"]
        assert len(missed) == 1 and missed[0].startswith("the 99th percentile of put is 91 ms")
    finally:
        site.shutdown()
        site.server_close()


# --- Every month


def write(hub: Hub, count: int) -> None:
    for number in range(count):
        hub.ask("put", key=f"key {number}", item={"content": f"find me {number}"})
    hub.ask("delete", key="key 0")


def test_audit_of_a_past_that_is_what_it_was(server: Server, hub: Hub, tmp_path: Path) -> None:
    write(hub, 30)
    key = tmp_path / "heads"
    first = report("audit_verification", "--hub", server.address, "--heads", key, code=0)
    assert "result: everything holds" in first and "20 of 20 keys" in first and "30 CREATE, 1 DELETE" in first
    hub.ask("put", key="more", item={"content": "x"})
    again = report("audit_verification", "--hub", server.address, "--heads", key, "--keys", 2, code=0)
    assert "1 were kept, one was added" in again and "the log fits all 2" in again and "2 of 2 keys" in again


def test_audit_of_a_changed_past(server: Server, hub: Hub, tmp_path: Path) -> None:
    write(hub, 5)
    heads = tmp_path / "heads"
    report("audit_verification", "--hub", server.address, "--heads", heads, code=0)
    segment = segments(server.directory)[0]
    place = segment.read_bytes().index(b"find me 3")
    flip(segment, place)
    told = report("audit_verification", "--hub", server.address, "--heads", heads, code=65)
    assert "FAILED    store" in told and "does NOT hold" in told
    flip(segment, place)
    report("audit_verification", "--hub", server.address, "--heads", heads, code=0)


@pytest.mark.parametrize(("code", "cause", "result"), [
    (65, "the proof does not hold", 65), (69, "gave no answer within 5 s", 1), (77, "may not", 1), (66, "redacted", 1)])
def test_audit_tells_a_proof_that_fails_from_one_that_can_not_be_had(
        server: Server, hub: Hub, tmp_path: Path, code: int, cause: str, result: int) -> None:
    write(hub, 3)
    stub = tmp_path / "bin/mfh"
    stub.parent.mkdir()
    stub.write_text(
        f"""#!/bin/sh\n[ "$1" != proof ] || {{ echo "mfh: {cause}" >&2; exit {code}; }}\nexec {program("mfh")} "$@"\n""")
    stub.chmod(0o755)
    told = report(
        "audit_verification", "--hub", server.address, "--heads", tmp_path / "heads", code=result, path=stub.parent)
    word = "FAILED    " if result == 65 else "UNCHECKED "
    assert f"{word}proofs     of key 1: mfh: {cause}" in told and "0 of 2 hold" in told, told
    assert ("does NOT hold" in told) == (result == 65)


def test_audit_against_heads_that_say_otherwise(server: Server, hub: Hub, tmp_path: Path) -> None:
    write(hub, 5)
    heads = tmp_path / "heads"
    report("audit_verification", "--hub", server.address, "--heads", heads, code=0)
    # As if another past had been kept: the root of the first head is another one.
    lines = heads.read_text().splitlines()
    lines[2] = ("A" if lines[2][0] != "A" else "B") + lines[2][1:]
    heads.write_text("\n".join(lines) + "\n\n")
    told = report("audit_verification", "--hub", server.address, "--heads", heads, code=65)
    assert "FAILED    store" in told
    # And heads that somebody has to have signed.
    other = run("mfh", "keys", tmp_path / "key", "--create", "--name", "auditor").stdout.splitlines()[-1].split()[-1]
    report("audit_verification", "--hub", server.address, "--heads", tmp_path / "new", "--public-key", other, code=65)
