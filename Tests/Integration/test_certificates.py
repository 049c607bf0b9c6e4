"""A client certificate that is an agent's, and one that was revoked: over gRPC and HTTP, with certificates that an authority
of the test has signed."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import system_calls
from authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from grpc import StatusCode
from grpc_client import SERVING, Calls, put_of, refused, text
from hub_server import Server
from secured import keys
from web import free_port

HEADER = "mfh-client-certificate"
PAGES = ("/metrics", "/health", "/livez", "/readyz", "/version")


class Place:
    """A hub that asks for certificates and keys, and its clients."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.authority = Authority(folder, "authority")
        self.file = folder / "keys"
        certificate, key = self.authority.issue("hub")
        configuration = folder / "mfh.yaml"
        configuration.write_text(
            f"security:\n  key_file: {self.file}\n"
            f"  tls: {{certificate: {certificate}, key: {key}, client_ca: {self.authority.path}}}\n")
        self.owner = self.token("owner", "all:*")
        self.options = ("--config", str(configuration), "--grpc-port", "auto")
        self.server = Server(folder / "store", *self.options, "--metrics-port", "auto").start()

    def token(self, agent: str, *permissions: str) -> str:
        return keys("create", "--file", self.file, "--agent", agent, *self.allow(permissions))

    def listed(self, agent: str, *permissions: str) -> tuple[Path, Path]:
        """A certificate and its key, the certificate being on the list."""
        identity = self.authority.issue(agent)
        keys("allow", identity[0], "--file", self.file, "--agent", agent, *self.allow(permissions))
        return identity

    def revoke(self, agent: str) -> None:
        for line in keys("list", "--file", self.file, "--format", "json").splitlines():
            entry = json.loads(line)
            if entry["agent_id"] == agent and entry["kind"] == "tls":
                keys("revoke", entry["key"], "--file", self.file)

    @staticmethod
    def allow(permissions: tuple[str, ...]) -> list[str]:
        return [word for permission in permissions for word in ("--allow", permission)]

    def calls(self, identity: tuple[Path, Path] | None, key: str | None = None, agent: str = "") -> Calls:
        certificate, private = (path.read_bytes() for path in identity) if identity else (None, None)
        return Calls(
            self.server.addresses["grpc"], agent, key,
            credentials=grpc.ssl_channel_credentials(self.authority.path.read_bytes(), private, certificate))


class Reader:
    """A client of the pages on one connection, which stays open for as long as the hub leaves it open."""

    def __init__(self, place: Place, identity: tuple[Path, Path] | None, port: int | None = None):
        context = ssl.create_default_context(cafile=place.authority.path)
        if identity:
            context.load_cert_chain(*identity)
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", port or int(place.server.addresses["http"].rsplit(":", 1)[1]), context=context, timeout=10)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def connect(self) -> Reader:
        self.connection.connect()
        # From now on a connection that is not there any more is not replaced by another one.
        self.connection.auto_open = 0
        return self

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        self.connection.request(method, path)
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def statuses(self) -> list[int]:
        return [self.ask(path)[0] for path in PAGES]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    try:
        yield place
        if place.server.is_running:
            place.server.stop()
    finally:
        if place.server.is_running:
            place.server.kill()


def poll(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def status(call: Callable[[], object]) -> StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return StatusCode.OK


def test_a_listed_certificate_is_its_agent(place: Place) -> None:
    planner = place.listed("planner", "read,write:plans/")
    with place.calls(planner) as calls:
        assert calls.put(key="plans/1", item=text("x")).success
        assert calls.get(key="plans/1").found
        refused(lambda: calls.get(key="other/1"), StatusCode.PERMISSION_DENIED, "forbidden")
        refused(lambda: calls.put(key="plans/1", item=text("x"), agent_id="owner"),
                StatusCode.PERMISSION_DENIED, "forbidden")
    place.server.stop()
    assert [event["agent_id"] for event in place.server.dump()] == ["planner"]


def test_a_pin_is_what_openssl_says(place: Place) -> None:
    certificate, _ = place.listed("planner", "read:*")
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    listed = [json.loads(line) for line in keys("list", "--file", place.file, "--format", "json").splitlines()]
    assert [entry["tls_key_sha256"] for entry in listed if entry["kind"] == "tls"] == [
        base64.b64encode(hashlib.sha256(key).digest()).decode()]


def test_a_renewed_certificate_of_the_same_key_is_the_same_agent_and_one_of_a_new_key_is_not(place: Place) -> None:
    planner = place.listed("planner", "read:*")
    with place.calls(place.authority.issue("renewed", key=planner[1])) as calls:
        assert not calls.get(key="k").found
    # The same name in it says nothing.
    with place.calls(place.authority.issue("planner")) as calls:
        refused(lambda: calls.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")


def test_without_a_listed_certificate_an_api_key_is_asked_for(place: Place) -> None:
    token = place.token("planner", "read:plans/")
    stranger = place.authority.issue("stranger")
    with place.calls(stranger) as calls:
        refused(lambda: calls.get(key="plans/1"), StatusCode.UNAUTHENTICATED, "unauthorized")
    with place.calls(stranger, token) as calls:
        assert not calls.get(key="plans/1").found
        refused(lambda: calls.get(key="other"), StatusCode.PERMISSION_DENIED, "forbidden")


def test_without_a_certificate_not_even_an_api_key_helps(place: Place) -> None:
    for identity in (None, Authority(place.folder, "other").issue("planner2")):
        with place.calls(identity, place.owner) as calls:
            code = status(lambda calls=calls: calls.get(key="k"))
            assert code in (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED)


def test_one_agents_certificate_does_not_take_anothers_api_key(place: Place) -> None:
    planner = place.listed("planner", "read:*")
    with place.calls(planner, place.owner) as calls:
        poll(lambda: status(lambda: calls.get(key="k")) == StatusCode.PERMISSION_DENIED)
        refused(lambda: calls.get(key="k"), StatusCode.PERMISSION_DENIED, "forbidden")
        refused(lambda: next(calls.watch(from_revision=1)), StatusCode.PERMISSION_DENIED, "forbidden")
    with place.calls(planner, place.token("planner", "write:*")) as calls:
        assert calls.put(key="k", item=text("x")).success


def test_a_revoked_certificate_is_refused_on_its_open_connection(place: Place) -> None:
    planner = place.listed("planner", "read,write:*")
    token = place.token("planner", "all:*")
    with place.calls(planner) as calls, place.calls(planner, token) as with_key, place.calls(planner) as watching:
        feed = watching.watch(from_revision=1)
        health = calls.watch_health()
        assert calls.check() == next(health).status == SERVING
        assert calls.put(key="k", item=text("x")).success and with_key.get(key="k").found
        assert any(page.events for page in feed)
        place.revoke("planner")
        poll(lambda: status(lambda: calls.get(key="k")) == StatusCode.UNAUTHENTICATED)
        refused(lambda: with_key.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")
        refused(calls.check, StatusCode.UNAUTHENTICATED, "unauthorized")
        refused(lambda: list(health), StatusCode.UNAUTHENTICATED, "unauthorized")
        # Who waits for events is told at the next one, or when the wait is over.
        with place.calls(place.authority.issue("owner2"), place.owner) as owner:
            assert owner.put(key="k", item=text("y")).success
        refused(lambda: [page for page in feed], StatusCode.UNAUTHENTICATED, "unauthorized")
    with place.calls(planner) as calls:
        refused(lambda: calls.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")


def test_pages_are_for_every_certificate_of_the_authority_and_for_nobody_else(place: Place) -> None:
    for identity in (place.authority.issue("scraper"), place.listed("writer", "write:plans/")):
        with Reader(place, identity).connect() as reader:
            assert reader.statuses() == [200] * len(PAGES)
    for identity in (None, Authority(place.folder, "other").issue("stranger")):
        with pytest.raises(OSError), Reader(place, identity).connect() as reader:
            reader.ask("/livez")


def test_a_revoked_certificate_has_no_page_on_a_connection_that_stands_nor_on_a_new_one(place: Place) -> None:
    scraper, planner = place.authority.issue("scraper"), place.listed("planner", "read:*")
    with Reader(place, planner).connect() as standing, Reader(place, scraper).connect() as other:
        assert standing.statuses() == [200] * len(PAGES)
        place.revoke("planner")
        # It counts from the next request on, and not only once the request loop has looked.
        assert standing.statuses() == [403] * len(PAGES)
        assert other.statuses() == [200] * len(PAGES)
        with Reader(place, planner).connect() as fresh:
            assert fresh.statuses() == [403] * len(PAGES)
            # What else could be asked for: a head, a page that is not there, a method that there is not.
            status, body = fresh.ask("/metrics", "HEAD")
            assert (status, body) == (403, "")
            assert fresh.ask("/none")[0] == 403 and fresh.ask("/livez", "POST")[0] == 403
            status, body = fresh.ask("/metrics")
        assert status == 403 and "mfh_" not in body
        assert "revoked" in body and "mfh keys allow" in body and body.count("\n") == 1
        # Counted and told of as other refused requests are.
        refusals = 2 * len(PAGES) + 4
        counted = f'mfh_errors_total{{error_type="unauthorized",component="security"}} {refusals}\n'
        poll(lambda: counted in other.ask("/metrics")[1])
        poll(lambda: any("a request was refused: the certificate" in line for line in place.server.log))
        # Listed again, it is welcome again.
        keys("allow", planner[0], "--file", place.file, "--agent", "planner", "--allow", "read:*")
        assert standing.statuses() == [200] * len(PAGES)


def test_a_stolen_certificate_that_is_on_no_list_is_put_there_and_revoked(place: Place) -> None:
    stolen = place.authority.issue("stolen")
    with Reader(place, stolen).connect() as reader:
        assert reader.statuses() == [200] * len(PAGES)
        keys("allow", stolen[0], "--file", place.file, "--agent", "stolen", "--allow", "read:none/")
        place.revoke("stolen")
        assert reader.statuses() == [403] * len(PAGES)


def test_a_key_file_that_can_not_be_read_makes_no_revoked_certificate_welcome(place: Place) -> None:
    planner = place.listed("planner", "read:*")
    with place.calls(planner) as calls, Reader(place, planner).connect() as reader:
        assert not calls.get(key="k").found
        place.revoke("planner")
        # The request loop sees it; then nobody can.
        poll(lambda: status(lambda: calls.get(key="k")) == StatusCode.UNAUTHENTICATED)
        good = place.file.read_text()
        place.file.write_text("not a key\n")
        assert reader.statuses() == [403] * len(PAGES)
        place.file.write_text(good)
        assert reader.statuses() == [403] * len(PAGES)


def test_a_revocation_counts_while_the_request_loop_hangs_and_while_the_hub_stops(place: Place) -> None:
    """The main thread alone is held: what HTTP runs on goes on."""
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    scraper, first, second = (
        place.authority.issue("scraper"), place.listed("first", "read:*"), place.listed("second", "read:*"))
    with (Reader(place, scraper).connect() as reader, Reader(place, first).connect() as one,
          Reader(place, second).connect() as two):
        held = subprocess.Popen(
            ["strace", "-qqq", "-o", "/dev/null", "-e", "trace=poll,ppoll", "-e", "inject=poll,ppoll:delay_enter=3000000",
             "-p", str(place.server.process.pid)], stderr=subprocess.DEVNULL)
        try:
            poll(lambda: "the request loop does not answer" in reader.ask("/readyz")[1])
            assert one.ask("/livez")[0] == 200
            place.revoke("first")
            assert one.statuses() == [403] * len(PAGES)
            assert "the request loop does not answer" in reader.ask("/readyz")[1]
        finally:
            held.send_signal(signal.SIGINT)
            held.wait(20)
        poll(lambda: reader.ask("/readyz")[0] == 200)
        trace = system_calls.Trace(
            place.server.process.pid, place.folder / "trace", "-e", "trace=fdatasync", "-e",
            "inject=fdatasync:delay_enter=1000000")
        with place.calls(scraper, place.owner) as calls:
            assert calls.put(key="k", item=text("x")).success
            place.server.process.send_signal(signal.SIGTERM)
            poll(lambda: "the hub is stopping" in reader.ask("/readyz")[1])
            assert two.ask("/livez")[0] == 200
            place.revoke("second")
            assert two.statuses() == [403] * len(PAGES)
            assert reader.ask("/livez")[0] == 200
        assert place.server.process.wait(20) == 0
        del trace


def test_a_revocation_counts_while_the_store_is_replayed(place: Place) -> None:
    """Reading the store takes seconds here: each read of it is delayed."""
    if system_calls.problem() is not None:
        pytest.skip(str(system_calls.problem()))
    scraper, planner, late = (
        place.authority.issue("scraper"), place.listed("planner", "read:*"), place.listed("late", "read:*"))
    with place.calls(scraper, place.owner) as calls:
        assert calls.put(key="k", item=text("x")).success
    place.server.kill()
    place.revoke("planner")
    port = free_port()
    server = Server(
        place.folder / "store", *place.options, "--metrics-port", str(port), prefix=[
            "strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=pread64", "-e",
            "inject=pread64:delay_enter=300000:when=3+"])
    server.launch()
    try:
        with (Reader(place, planner, port) as revoked, Reader(place, late, port) as standing,
              Reader(place, scraper, port) as reader):

            def listens() -> bool:
                try:
                    return bool(reader.connect())
                except ConnectionRefusedError:
                    return False

            poll(listens)
            # Before anything else is known the key file is.
            assert revoked.connect().statuses() == [403] * len(PAGES)
            assert standing.connect().ask("/livez")[0] == 200
            place.revoke("late")
            assert standing.statuses() == [403] * len(PAGES)
            assert reader.ask("/livez")[0] == 200 and reader.ask("/readyz")[0] == 503
            assert server.process.stdout.readline().startswith("ready ")
            assert reader.ask("/readyz")[0] == 200 and standing.ask("/livez")[0] == 403
    finally:
        subprocess.run(["pkill", "-KILL", "-P", str(server.process.pid)], check=False)
        server.kill()


def test_nobody_gives_himself_a_certificate_by_a_header(place: Place) -> None:
    place.listed("planner", "all:*")
    listed = [json.loads(line) for line in keys("list", "--file", place.file, "--format", "json").splitlines()]
    pin = next(entry["tls_key_sha256"] for entry in listed if entry["kind"] == "tls")
    reader = place.listed("reader", "read:a/")
    for identity, code in ((place.authority.issue("stranger"), StatusCode.UNAUTHENTICATED),
                           (reader, StatusCode.PERMISSION_DENIED)):
        with place.calls(identity) as calls:
            for metadata in ([(HEADER, pin)], [(HEADER, pin), (HEADER, pin)], [(HEADER, "")]):
                calls.metadata = metadata
                assert status(lambda calls=calls: calls.get(key="k")) == code
    # A hub without TLS takes no client's word for it, either.
    plain = Server(place.folder / "plain", "--grpc-port", "auto", "--config", str(configuration(place))).start()
    with Calls(plain.addresses["grpc"], "") as calls:
        calls.metadata = [(HEADER, pin)]
        refused(lambda: calls.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")
    plain.stop()


def configuration(place: Place) -> Path:
    path = place.folder / "plain.yaml"
    path.write_text(f"security:\n  key_file: {place.file}\n")
    return path


ROLES = {
    "reader": ["read:acme/"], "writer": ["write:acme/"], "member": ["read,write:acme/"], "sibling": ["all:acme-corp/"],
    "auditor": ["read:*"], "importer": ["write:*"], "operator": ["admin:*"], "owner2": ["all:*"],
}
READ: dict[str, Callable[[Calls, str], object]] = {
    "get": lambda calls, key: calls.get(key=key),
    "exists": lambda calls, key: calls.exists(key=key),
    "history": lambda calls, key: calls.history(key=key),
    "batch_get": lambda calls, key: calls.batch_get(key),
    "list_keys": lambda calls, key: calls.list_keys(prefix=key),
    "watch": lambda calls, key: next(calls.watch(prefix=key, from_revision=1)),
}
WRITE: dict[str, Callable[[Calls, str], object]] = {
    "put": lambda calls, key: calls.put(key=key, item=text("x")),
    "delete": lambda calls, key: calls.delete(key=key + "-none"),
    "batch": lambda calls, key: calls.batch(put_of(key, item=text("x"))),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_by_certificate_may_what_its_permissions_say(tmp_path: Path, role: str) -> None:
    place = Place(tmp_path)
    try:
        identity = place.listed(role, *ROLES[role])
        words = [permission.split(":") for permission in ROLES[role]]

        def may(operation: str, key: str) -> bool:
            return any(
                (operations == "all" or operation in operations.split(",")) and (prefix == "*" or key.startswith(prefix))
                for operations, prefix in words)

        with place.calls(identity) as calls:
            for key in ("acme/x", "acme-corp/x", "acme", "Acme/x"):
                with place.calls(place.authority.issue("any"), place.owner) as owner:
                    owner.put(key=key, item=text("x"))
                for operation, table in (("read", READ), ("write", WRITE)):
                    for name, call in table.items():
                        expected = StatusCode.OK if may(operation, key) else StatusCode.PERMISSION_DENIED
                        # A list or a feed is filtered where something below may be seen.
                        if name in ("list_keys", "watch") and any(
                                prefix.startswith(key) and operation in operations.replace("all", "read,write")
                                for operations, prefix in words):
                            expected = StatusCode.OK
                        assert status(lambda: call(calls, key)) == expected, (role, name, key)
            assert (status(calls.checksum) == StatusCode.OK) == may("read", "any")
    finally:
        place.server.stop()
