"""Who is let in, as whom, and what gets out: with pyzmq's CURVE client and the programs that operators use."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
import zmq.auth
from hub_server import NotStarted, Server, program
from mfh_tool import environment, run
from secured import Asker, Keys, has_dumped_core, keys, raw_connection

QUIET_SECONDS = 0.5


@pytest.fixture
def ring(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "secrets")


@pytest.fixture
def owner(ring: Keys) -> Path:
    return ring.curve("owner", "all:*", agent="owner")


@pytest.fixture
def secured(ring: Keys, owner: Path, tmp_path: Path) -> Iterator[Server]:
    server = ring.server(tmp_path / "store").start()
    try:
        yield server
        server.stop()
    finally:
        if server.is_running:
            server.kill()


def messages(asker: Asker) -> int:
    return asker.ask("stats")["requests"]["messages"]


def test_from_nothing_to_curve_in_five_commands(tmp_path: Path) -> None:
    """What docs/operations.md, "Security", tells to type."""
    hub, planner, file = tmp_path / "hub.curve", tmp_path / "planner.curve", tmp_path / "keys"
    keys("curve", hub)
    keys("curve", planner)
    keys("allow", f"{planner}.pub", "--file", file, "--agent", "planner", "--allow", "read,write:plans/")
    configuration = tmp_path / "hub.yaml"
    configuration.write_text(f"security:\n  key_file: {file}\n  curve_key_file: {hub}\n")
    server = Server(tmp_path / "store", "--config", str(configuration)).start()
    curve = ["--hub-key-file", f"{hub}.pub", "--curve-key-file", planner]
    run(server.address, "put", "plans/today", "Ship it", *curve)
    assert run(server.address, "get", "plans/today", "--raw", *curve).output == "Ship it"
    run(server.address, "put", "other/today", "no", *curve, code=77)
    run(server.address, "stats", *curve, code=77)
    server.stop()
    assert [event["agent_id"] for event in server.dump()] == ["planner"]


def test_a_listed_pyzmq_client_is_its_agent(secured: Server, ring: Keys) -> None:
    planner = ring.curve("planner", "read,write:plans/", agent="planner")
    with Asker(secured.address, planner, ring.hub) as asker:
        assert asker.ask("put", key="plans/1", item={"content": "x" * 200_000})["revision"] == 1
        assert asker.ask("get", key="plans/1")["found"]
        assert asker.reply("get", key="other/1")["code"] == "forbidden"
        assert asker.reply("put", key="plans/1", agent_id="owner", item={"content": "x"})["code"] == "forbidden"
    secured.stop()
    assert [event["agent_id"] for event in secured.dump()] == ["planner"]
    secured.start()


def test_no_message_of_a_stranger_reaches_the_hub(secured: Server, ring: Keys, owner: Path) -> None:
    stranger = ring.pair("stranger")
    other_hub = ring.pair("other-hub")
    with Asker(secured.address, owner, ring.hub, name=b"the-name") as known:
        before = messages(known)
        strangers = [
            Asker(secured.address, seconds=QUIET_SECONDS),
            Asker(secured.address, stranger, ring.hub, seconds=QUIET_SECONDS),
            Asker(secured.address, owner, other_hub, seconds=QUIET_SECONDS),
            Asker(secured.address, stranger, ring.hub, name=b"the-name", seconds=QUIET_SECONDS),
            Asker(secured.address, owner, ring.hub, name=b"the-name", seconds=QUIET_SECONDS),
        ]
        for asker in strangers:
            asker.send("put", key="stolen", item={"content": "x"})
        for asker in strangers:
            assert asker.receive() is None
            asker.__exit__()
        # Bytes that are no handshake, and a handshake that ends half-way.
        for raw in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15)):
            with raw_connection(secured) as connection:
                connection.sendall(raw)
        after = known.ask("stats")
        assert after["requests"]["messages"] == before + 1
        assert after["access_clients_refused"] >= 2
        assert not known.ask("exists", key="stolen")["exists"]


def test_a_routing_id_is_nobodys_name(secured: Server, ring: Keys, owner: Path) -> None:
    reader = ring.curve("reader", "read:a/", agent="reader")
    with Asker(secured.address, owner, ring.hub, name=b"owner-1") as known:
        known.ask("put", key="b/secret", item={"content": "x"})
    # The name is free now, and taken by another key.
    with Asker(secured.address, reader, ring.hub, name=b"owner-1") as thief:
        assert thief.reply("get", key="b/secret")["code"] == "forbidden"
        assert thief.reply("stats")["code"] == "forbidden"


def test_no_reply_goes_to_who_takes_the_name_of_a_client_that_has_gone(
    ring: Keys, owner: Path, tmp_path: Path
) -> None:
    secured = ring.server(tmp_path / "store", settings="  allow_routing_ids: false\n").start()
    reader = ring.curve("reader", "read:a/", agent="reader")
    try:
        with Asker(secured.address, owner, ring.hub, name=b"a-name") as named:
            assert named.reply("ping")["code"] == "invalid_request"
        with Asker(secured.address, owner, ring.hub) as known:
            with Asker(secured.address, owner, ring.hub, name=b"owner-1", seconds=QUIET_SECONDS) as gone:
                gone.send("events", from_revision=1, wait_ms=20_000)
                gone.receive()
            # The name is free now, and taken by another key, which does not say a word.
            with zmq.Context() as context, context.socket(zmq.DEALER) as thief:
                thief.linger = 0
                thief.routing_id = b"owner-1"
                thief.curve_publickey, thief.curve_secretkey = zmq.auth.load_certificate(reader)
                thief.curve_serverkey, _ = zmq.auth.load_certificate(f"{ring.hub}.pub")
                thief.connect(secured.address)
                for _ in range(5):
                    known.ask("put", key="b/secret", item={"content": "secret"})
                    assert not thief.poll(100), thief.recv_multipart()
        secured.stop()
    finally:
        if secured.is_running:
            secured.kill()


def test_a_revoked_curve_key_is_refused_on_its_open_connection(secured: Server, ring: Keys) -> None:
    planner = ring.curve("planner", "read:*", agent="planner")
    listed = [json.loads(line) for line in keys("list", "--file", ring.file, "--format", "json").splitlines()]
    key = next(entry["key"] for entry in listed if entry["agent_id"] == "planner")
    with Asker(secured.address, planner, ring.hub) as asker:
        asker.ask("ping")
        keys("revoke", key, "--file", ring.file)
        until = time.monotonic() + 10
        while (reply := asker.reply("ping"))["success"]:
            assert time.monotonic() < until
        assert reply["code"] == "unauthorized"
    with Asker(secured.address, planner, ring.hub, seconds=QUIET_SECONDS) as asker:
        asker.send("ping")
        assert asker.receive() is None


def test_no_secret_is_told_anywhere(tmp_path: Path, ring: Keys, owner: Path) -> None:
    """The canary grep of the security rules: logs, errors, replies, --check-config, the store, and core dumps."""
    single = "canary-single-0123456789abcdef"
    token = ring.token("owner", "all:*")
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    hub_secret, owner_secret = (
        next(line for line in path.read_text().splitlines() if "secret-key" in line).split('"')[1]
        for path in (ring.hub, owner))
    canaries = [single, token[14:], wrong[14:], hub_secret, owner_secret, "canary"]
    configuration = ring.configuration(more=f"  api_key: {single}\n")
    told: list[str] = []

    checked = subprocess.run(
        [program("mfh-server"), "--config", configuration, "--check-config"], capture_output=True, text=True,
        env=environment(), check=True)
    told += [checked.stdout, checked.stderr]
    server = Server(tmp_path / "store", "--config", str(configuration), "--log-level", "trace").start()
    with Asker(server.address, owner, ring.hub) as asker:
        for key in (single, token, wrong, "canary-wrong", "canary\r\nlevel: info", "", 5, None, ["canary"], {"canary": 1}):
            for fields in ({"key": "k"}, {"key": 5}, {"key": "k", "item": {"content": "c"}}, {}):
                for action in ("put", "get", "nonsense", "stats"):
                    told.append(json.dumps(asker.reply(action, api_key=key, request_id="r", **fields)))
        asker.socket.send(b'{"action":"ping","api_key":"' + token.encode() + b'"')
        told.append(asker.socket.recv().decode())
    key_file = tmp_path / "secrets" / "token"
    key_file.write_text(token)
    curve = ["--hub-key-file", f"{ring.hub}.pub", "--curve-key-file", owner]
    for code, arguments in ((77, ["ping", "--agent", "other"]), (77, ["get", "k", "--agent", "x"]), (66, ["get", "none"])):
        ran = run(server.address, *arguments, "--api-key-file", key_file, *curve, code=code)
        told += [ran.output, ran.errors]
    # A key file that is wrong is told of without what stands in it.
    ring.file.write_text(ring.file.read_text() + '{"key":"canary","token_hash":"canary"}\n')
    until = time.monotonic() + 10
    while "the keys from before are used" not in server.log_text:
        assert time.monotonic() < until
        time.sleep(0.02)
    server.stop()
    log = server.whole_log()
    assert '"outcome":"unauthorized"' in log and log.count("\n") > 100
    for line in log.splitlines():
        assert isinstance(json.loads(line), dict), "one line is one event, whatever a client sends"
    told += [log]
    told += [path.read_bytes().decode("latin-1") for path in (tmp_path / "store").rglob("*") if path.is_file()]
    told += [ring.file.read_text().replace('{"key":"canary","token_hash":"canary"}\n', "")]
    for canary in canaries:
        for text in told:
            assert canary not in text, f"a secret was told: …{text[max(0, text.index(canary) - 200):][:400]}"


def test_a_hub_with_keys_leaves_no_core(tmp_path: Path, ring: Keys) -> None:
    ring.token("agent", "all:*")
    unlimited = {
        "preexec_fn": lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2),
        "cwd": tmp_path,
    }
    server = Server(
        tmp_path / "store", "--config", str(ring.configuration(curve=False)), process=unlimited).start()
    assert not has_dumped_core(server.process, signal.SIGABRT)
    # Where not even another program leaves one, the test above can tell nothing.
    other = subprocess.Popen(["sleep", "60"], **unlimited)
    if not has_dumped_core(other, signal.SIGABRT):
        pytest.skip("no process leaves a core here")


def test_an_open_address_without_keys_is_refused(tmp_path: Path, ring: Keys) -> None:
    ring.token("planner", "read:*")
    for address in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(NotStarted) as refused:
            Server(tmp_path / "store", "--bind", address).start()
        assert refused.value.code == 78 and "security.key_file" in refused.value.log
        assert not (tmp_path / "store").exists()
        for configuration in (ring.configuration(), ring.configuration(curve=False)):
            subprocess.run(
                [program("mfh-server"), "--config", configuration, "--bind", address, "--check-config"],
                capture_output=True, env=environment(), check=True)
