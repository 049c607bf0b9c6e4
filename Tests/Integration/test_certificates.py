"""A client certificate that is an agent's: over gRPC, with certificates that an authority of the test has signed."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from grpc import StatusCode
from grpc_client import Calls, put_of, refused, text
from hub_server import Server
from secured import keys

HEADER = "mfh-client-certificate"


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
        self.server = Server(folder / "store", "--config", str(configuration), "--grpc-port", "auto").start()

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
        assert calls.put(key="k", item=text("x")).success and with_key.get(key="k").found
        assert any(page.events for page in feed)
        place.revoke("planner")
        poll(lambda: status(lambda: calls.get(key="k")) == StatusCode.UNAUTHENTICATED)
        refused(lambda: with_key.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")
        # Who waits for events is told at the next one, or when the wait is over.
        with place.calls(place.authority.issue("owner2"), place.owner) as owner:
            assert owner.put(key="k", item=text("y")).success
        refused(lambda: [page for page in feed], StatusCode.UNAUTHENTICATED, "unauthorized")
    with place.calls(planner) as calls:
        refused(lambda: calls.get(key="k"), StatusCode.UNAUTHENTICATED, "unauthorized")


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
