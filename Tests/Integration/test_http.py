"""HTTP: health, readiness and metrics, through everything that can happen to a hub."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import system_calls
from hub_client import Hub, Pipeline
from hub_server import FREE_PORTS, Server, program
from test_full_disk import MIB, disk  # noqa: F401 (a fixture)
from web import Page, Web, free_port, until

PAGES = ("/metrics", "/health", "/livez", "/readyz", "/version")
CONTRACT_METRICS = (
    "mfh_requests_total", "mfh_request_duration_seconds", "mfh_errors_total", "mfh_events_published_total",
    "mfh_event_log_size", "mfh_memory_items_count", "mfh_concurrent_requests", "mfh_active_connections",
    "mfh_circuit_breaker_state", "mfh_health_check_status")
GARBAGE = int(os.environ.get("MFH_GARBAGE_MESSAGES", "300"))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Server]:
    """A hub with HTTP, which must stop in good order."""
    server = Server(tmp_path / "store", "--metrics-port", "auto").start()
    try:
        yield server
        server.stop()
    finally:
        if server.is_running:
            server.kill()


@pytest.fixture
def web(watched: Server) -> Web:
    return Web(watched.addresses["http"])


def readiness(web: Web) -> Page:
    page = web.get("/readyz")
    assert page.json["ready"] == (page.status == 200) == (not page.json["reasons"])
    return page


def test_the_pages_of_a_hub_that_is_well(web: Web) -> None:
    assert web.get("/livez").status == 200
    assert readiness(web).status == 200
    version = subprocess.run([program("mfh-server"), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.split()[-1] == web.get("/version").json["version"]
    health = web.get("/health")
    assert health.status == 200 and health.json["status"] == "healthy"


def test_health_is_what_the_action_says(watched: Server, web: Web) -> None:
    with Hub(watched.address) as hub:
        told, page = hub.ask("health"), web.get("/health").json
    assert list(told) == list(page)
    assert (told["service"], told["status"]) == (page["service"], page["status"])
    # What they tell of themselves goes on between the two questions.
    assert {name: (part["healthy"], set(part["info"])) for name, part in told["components"].items()} == {
        name: (part["healthy"], set(part["info"])) for name, part in page["components"].items()}


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics/", "/../livez", "/%6cive", "/livez/..", "//livez"])
def test_another_path_is_404(web: Web, path: str) -> None:
    assert web.get(path).status == 404


def test_a_query_does_not_matter(web: Web) -> None:
    assert web.get("/livez?verbose=1").status == 200


def test_only_get_and_head_are_answered(web: Web) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        page = web.request(method, "/metrics")
        assert page.status == 405 and page.headers["Allow"] == "GET, HEAD"
    for path in PAGES:
        head = web.request("HEAD", path)
        assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 0


# --- Metrics


def test_promtool_has_nothing_to_say(watched: Server, web: Web) -> None:
    with Hub(watched.address, agent="a") as hub:
        hub.ask("put", key="k", item={"content": "x"})
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=web.get("/metrics").body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_metrics_of_the_contract_are_there(web: Web) -> None:
    text = web.get("/metrics").body.decode()
    for name in CONTRACT_METRICS:
        assert f"# TYPE {name} " in text and f"# HELP {name} " in text
    for line in text.splitlines():
        assert line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith("mfh_")


def test_requests_errors_and_events_are_counted(watched: Server, web: Web) -> None:
    with Hub(watched.address, agent="a") as hub:
        for number in range(3):
            hub.ask("put", key=f"k{number}", item={"content": "x"})
        hub.ask("put", key="s", item={"session_id": "s"})
        hub.ask("put", key="k0", item={"content": "y"})
        hub.ask("delete", key="k1")
        assert hub.refusal("put", key="k0", item={"content": "z"}, if_revision=0)["code"] == "conflict"
        assert hub.refusal("get")["code"] == "invalid_request"
        assert json.loads(hub.send_bytes(b"{"))["code"] == "invalid_json"
        for _ in range(5):
            hub.ask("get", key="k0")
        hub.ask("batch", operations=[{"op": "put", "key": f"b{n}", "item": {"content": "x"}} for n in range(10)])
        metrics = web.metrics()
    assert metrics['mfh_requests_total{operation="put",status="success"}'] == 5
    assert metrics['mfh_requests_total{operation="put",status="error"}'] == 1
    assert metrics['mfh_requests_total{operation="get",status="success"}'] == 5
    assert metrics['mfh_requests_total{operation="get",status="error"}'] == 1
    assert metrics['mfh_requests_total{operation="unknown",status="error"}'] == 1
    assert metrics['mfh_errors_total{error_type="conflict",component="hub"}'] == 1
    assert metrics['mfh_errors_total{error_type="invalid_json",component="protocol"}'] == 1
    assert metrics['mfh_errors_total{error_type="storage_error",component="log"}'] == 0
    assert metrics['mfh_events_published_total{event_type="CREATE"}'] == 14
    assert metrics['mfh_events_published_total{event_type="UPDATE"}'] == 1
    assert metrics['mfh_events_published_total{event_type="DELETE"}'] == 1
    assert metrics["mfh_event_log_size"] == 16
    assert metrics['mfh_memory_items_count{item_type="memory_item"}'] == 12
    assert metrics['mfh_memory_items_count{item_type="session"}'] == 1
    assert metrics["mfh_index_keys"] == 13
    assert metrics['mfh_request_duration_seconds_count{operation="put"}'] == 6
    assert metrics["mfh_commit_batch_size_sum"] == 16
    assert metrics['mfh_commit_batch_size_bucket{le="1"}'] == 6
    assert metrics['mfh_commit_batch_size_bucket{le="16"}'] == metrics["mfh_commit_batch_size_count"] == 7
    assert metrics["mfh_fsync_duration_seconds_count"] >= 7


def test_a_duration_is_what_the_client_waits_for_the_disk(watched: Server, web: Web, tmp_path: Path) -> None:
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    slow = system_calls.Trace(
        watched.process.pid, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=120000")
    with Hub(watched.address, agent="a") as hub:
        hub.ask("put", key="k", item={"content": "x"})
    slow.detach()
    metrics = web.metrics()
    name = "mfh_request_duration_seconds"
    assert metrics[f'{name}_bucket{{operation="put",le="0.1"}}'] == 0
    assert metrics[f'{name}_bucket{{operation="put",le="+Inf"}}'] == 1
    assert metrics[f'{name}_sum{{operation="put"}}'] > 0.12
    assert metrics['mfh_fsync_duration_seconds_bucket{le="0.1"}'] < metrics["mfh_fsync_duration_seconds_count"]


def test_buckets_begin_at_100_microseconds_and_never_fall(watched: Server, web: Web) -> None:
    with Hub(watched.address, agent="a") as hub:
        for number in range(50):
            hub.ask("put", key=f"k{number}", item={"content": "x" * number})
    buckets = [
        (float(name.split('le="')[1].removesuffix('"}')), count) for name, count in web.metrics().items()
        if name.startswith('mfh_request_duration_seconds_bucket{operation="put"')]
    assert buckets[0][0] == 0.0001 and buckets[-1][0] == float("inf") and buckets[-1][1] == 50
    assert [bound for bound, _ in buckets] == sorted({bound for bound, _ in buckets})
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)


def test_connections_come_and_go(watched: Server, web: Web) -> None:
    def connections() -> float:
        return web.metrics()['mfh_active_connections{connection_type="zeromq"}']

    assert connections() == 0
    clients = [Hub(watched.address) for _ in range(3)]
    for client in clients:
        client.ask("ping")
    until(lambda: connections() == 3, "three connections are counted")
    for client in clients:
        client.close()
    until(lambda: connections() == 0, "closed connections are no longer counted")
    assert web.metrics()['mfh_active_connections{connection_type="http"}'] >= 1


def test_requests_that_wait_are_concurrent(watched: Server, web: Web) -> None:
    with Pipeline(watched.address) as reader:
        reader.send("events", from_revision=1, wait_ms=20_000)
        until(lambda: web.metrics()["mfh_concurrent_requests"] == 1, "one waits for an event")
        assert web.metrics()['mfh_queue_depth{queue="feed"}'] == 1
        with Hub(watched.address, agent="a") as hub:
            hub.ask("put", key="k", item={"content": "x"})
        assert reader.receive()["result"]["events"]
        assert web.metrics()["mfh_concurrent_requests"] == 0


def test_a_prometheus_scrapes_a_running_hub(watched: Server, web: Web, tmp_path: Path) -> None:
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: hub
    static_configs: [{{targets: ['{web.host}:{web.port}']}}]
""")
    subprocess.run(["promtool", "check", "config", configuration], check=True, capture_output=True)
    with Hub(watched.address, agent="a") as hub:
        for number in range(7):
            hub.ask("put", key=f"k{number}", item={"content": "x"})
    port = free_port()
    prometheus = subprocess.Popen(
        ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    asked = Web(f"http://127.0.0.1:{port}")

    def value(query: str) -> str | None:
        try:
            page = asked.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        except OSError:
            return None
        result = json.loads(page.body)["data"]["result"] if page.status == 200 else []
        return result[0]["value"][1] if result else None

    try:
        until(lambda: value("up") == "1", "the hub is scraped")
        puts = 'mfh_requests_total{operation="put",status="success"}'
        until(lambda: value(puts) == "7", "the puts are told")
        assert value('histogram_quantile(0.99, mfh_request_duration_seconds_bucket{operation="put"})') is not None
        assert value("scrape_samples_scraped > 100") is not None
    finally:
        prometheus.terminate()
        prometheus.wait(20)


# --- What becomes of a hub


def test_a_hub_that_starts_tells_so_and_lives(tmp_path: Path) -> None:
    """Reading the store takes seconds here: each read of it is delayed."""
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    store = tmp_path / "store"
    server = Server(store).start()
    with Hub(server.address, agent="a") as hub:
        hub.ask("put", key="k", item={"content": "x"})
    server.kill()
    port = free_port()
    server = Server(
        store, "--metrics-port", str(port), prefix=[
            "strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=pread64", "-e",
            "inject=pread64:delay_enter=150000:when=3+"])
    server.launch()
    web = Web(f"http://127.0.0.1:{port}")
    seen: list[tuple[int, str]] = []

    def is_ready() -> bool:
        try:
            assert web.get("/livez").status == 200
            page = readiness(web)
            health = web.get("/health")
            metrics = web.metrics()
        except ConnectionRefusedError:
            return False
        seen.append((page.status, page.json["phase"]))
        if page.status == 503:
            assert page.json["reasons"][0] in (
                "the hub is starting", "the store is being opened", "the log is being replayed")
            if web.get("/readyz").status == 503:
                assert health.status == 503 and health.json["status"] == "unhealthy"
                assert not any(name.startswith("mfh_ready{") and value == 1 for name, value in metrics.items())
        return page.status == 200

    try:
        until(is_ready, "the hub gets ready")
        # Starting comes before the lock, and is over at once.
        assert {(503, "replaying"), (200, "serving")} <= set(seen), seen
        assert server.process.stdout.readline().startswith("ready ")
    finally:
        subprocess.run(["pkill", "-KILL", "-P", str(server.process.pid)], check=False)
        server.kill()


def test_a_full_disk_degrades_it(disk, web_of) -> None:  # noqa: F811
    server = Server(disk.store, "--metrics-port", "auto").start()
    web = web_of(server)
    with Hub(server.address, agent="a") as hub:
        disk.fill()
        for number in range(60):
            if hub.reply("put", key=f"k{number}", item={"content": "x" * (MIB - 1_000)}).get("code") == "read_only":
                break
        else:
            raise AssertionError("the disk does not get full")
        page = readiness(web)
        assert page.status == 200 and any("writes are refused" in text for text in page.json["degraded"])
        health = web.get("/health")
        assert health.status == 200 and health.json["status"] == "degraded"
        metrics = web.metrics()
        assert metrics["mfh_read_only"] == 1
        assert metrics['mfh_health_check_status{component="space"}'] == 0
        assert metrics['mfh_health_check_status{component="log"}'] == 1
        assert metrics['mfh_health_status{status="degraded"}'] == 1
        disk.free()
        until(lambda: not readiness(web).json["degraded"], "there is room again")
        assert web.get("/health").json["status"] == "healthy"
    server.stop()


def test_a_log_that_has_failed_is_unhealthy_and_not_ready(web_of, tmp_path: Path) -> None:
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    server = Server(tmp_path / "store", "--metrics-port", "auto").start()
    web = web_of(server)
    with Hub(server.address, agent="a") as hub:
        hub.ask("put", key="k", item={"content": "x"})
        fault = system_calls.Trace(
            server.process.pid, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO")
        assert hub.refusal("put", key="k", item={"content": "y"})["code"] == "storage_error"
        fault.detach()
        page = readiness(web)
        assert page.status == 503 and "writes fail until a restart" in page.json["reasons"][0]
        health = web.get("/health")
        assert health.status == 503 and health.json["status"] == "unhealthy"
        assert web.get("/livez").status == 200
        assert web.metrics()['mfh_health_check_status{component="log"}'] == 0
        assert hub.ask("get", key="k")["item"]["content"] == "x"
    assert server.end() == 74


def test_a_hub_that_stops_is_alive_and_not_ready(web_of, tmp_path: Path) -> None:
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    server = Server(tmp_path / "store", "--metrics-port", "auto").start()
    web = web_of(server)
    with Hub(server.address, agent="a") as hub:
        hub.ask("put", key="k", item={"content": "x"})
    system_calls.Trace(
        server.process.pid, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=300000")
    server.process.send_signal(signal.SIGTERM)
    until(lambda: readiness(web).status == 503, "it is not ready any more")
    assert readiness(web).json["reasons"] == ["the hub is stopping"]
    assert web.get("/livez").status == 200
    assert web.get("/health").status == 503
    assert server.process.wait(20) == 0
    with pytest.raises(OSError):
        web.get("/livez")


def test_a_request_loop_that_hangs_is_not_ready(watched: Server, web: Web) -> None:
    """The main thread alone is held: what HTTP runs on goes on."""
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    held = subprocess.Popen(
        ["strace", "-qqq", "-o", "/dev/null", "-e", "trace=poll,ppoll,epoll_wait,read", "-e",
         "inject=poll,ppoll,read:delay_enter=5000000", "-p", str(watched.process.pid)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: readiness(web).json["reasons"] == ["the request loop does not answer"], "it hangs")
        assert web.get("/livez").status == 200 and web.get("/health").status == 503
    finally:
        held.send_signal(signal.SIGINT)
        held.wait(20)
    until(lambda: readiness(web).status == 200, "it goes on")


@pytest.fixture
def web_of() -> Iterator:
    servers: list[Server] = []

    def make(server: Server) -> Web:
        servers.append(server)
        return Web(server.addresses["http"])

    yield make
    for server in servers:
        if server.is_running:
            server.kill()


# --- Ports


def test_a_port_that_is_taken_ends_with_69_and_names_the_flag(watched: Server, web: Web, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", other, *FREE_PORTS, "--metrics-port", str(web.port)],
        capture_output=True, timeout=20)
    assert done.returncode == 69 and done.stdout == b""
    assert str(web.port).encode() in done.stderr and b"--metrics-port" in done.stderr
    Server(other).start().stop()


def test_a_store_that_is_held_is_the_better_reason(watched: Server, web: Web) -> None:
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", watched.directory, *FREE_PORTS, "--metrics-port", str(web.port)],
        capture_output=True, timeout=20)
    assert done.returncode == 75


# --- Those who mean it ill


def answers(web: Web, message: bytes) -> bytes:
    """What comes back before the connection is closed, or before long."""
    with web.connect() as connection:
        connection.settimeout(0.5)
        parts = []
        try:
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                parts.append(part)
        except TimeoutError:
            raise AssertionError(f"neither answered nor closed: {message[:80]!r}") from None
        except OSError:
            pass
        return b"".join(parts)


def garbage(source: random.Random) -> bytes:
    request = bytearray(b"GET /livez HTTP/1.1\r\nHost: hub\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n")
    kind = source.randrange(8)
    if kind == 0:
        return source.randbytes(source.randrange(1, 2_000))
    if kind == 1:
        return bytes(request[: source.randrange(len(request))])
    if kind == 2:
        for _ in range(source.randrange(1, 6)):
            request[source.randrange(len(request))] = source.randrange(256)
        return bytes(request)
    if kind == 3:
        return b"GET /" + b"a" * source.randrange(100_000) + b" HTTP/1.1\r\n\r\n"
    if kind == 4:
        return b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * source.randrange(60, 2_000) + b"\r\n"
    if kind == 5:
        return b"POST /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + source.randbytes(40)
    if kind == 6:
        length = source.choice([b"-1", b"99999999999999999999", b"1e3", b"+5", b"5, 6"])
        return b"POST /health HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\nxyz"
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + source.randbytes(30)


def test_malformed_messages_are_answered_or_closed(watched: Server, web: Web) -> None:
    seed = int(os.environ.get("MFH_TEST_SEED") or random.randrange(1 << 32))
    print(f"MFH_TEST_SEED={seed}")
    source = random.Random(seed)
    refused = 0
    for _ in range(GARBAGE):
        refused += b" 400 " in answers(web, garbage(source))
    print(f"{GARBAGE} malformed messages, {refused} answered with 400")
    assert watched.is_running and readiness(web).status == 200
    assert refused > GARBAGE // 10


def test_half_open_connections_do_not_keep_others_out(watched: Server, web: Web) -> None:
    held = [web.connect() for _ in range(100)]
    for connection in held[:50]:
        connection.sendall(b"GET /livez HTT")
    assert web.get("/livez").status == 200
    with Hub(watched.address) as hub:
        assert hub.ask("ping")["pong"]
    for connection in held:
        connection.close()


def test_a_body_without_an_end_takes_no_memory(watched: Server, web: Web) -> None:
    before = watched.resident_bytes()
    with web.connect() as connection:
        connection.settimeout(2)
        connection.sendall(b"POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n")
        sent = 0
        try:
            while sent < 256 * MIB:
                sent += connection.send(b"x" * MIB)
        except OSError:
            pass
    assert watched.resident_bytes() - before < 64 * MIB
    assert web.get("/livez").status == 200
    assert shutil.which("promtool")
