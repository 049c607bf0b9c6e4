"""TLS of gRPC and HTTP: who has no business here does not get as far as a request."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from authority import Authority
from grpc_client import Calls, pb, text
from hub_server import FREE_PORTS, Server, program

class Place:
    """A hub under TLS, and the certificates around it."""

    def __init__(self, folder: Path, mutual: bool):
        self.authority = Authority(folder, "authority")
        self.stranger = Authority(folder, "stranger")
        certificate, key = self.authority.issue("hub")
        configuration = folder / "mfh.yaml"
        client = f", client_ca: {self.authority.path}" if mutual else ""
        configuration.write_text(f"security: {{tls: {{certificate: {certificate}, key: {key}{client}}}}}\n")
        self.server = Server(
            folder / "store", "--config", str(configuration), "--grpc-port", "auto", "--metrics-port", "auto").start()
        self.http = self.server.addresses["http"]
        self.port = int(self.http.rsplit(":", 1)[1])

    def context(self, identity: tuple[Path, Path] | None = None, trust: Authority | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=(trust or self.authority).path)
        if identity:
            context.load_cert_chain(*identity)
        return context

    def page(self, context: ssl.SSLContext) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status
        finally:
            connection.close()

    def put(self, identity: tuple[Path, Path] | None = None, trust: Authority | None = None) -> bool:
        certificate, key = (path.read_bytes() for path in identity) if identity else (None, None)
        credentials = grpc.ssl_channel_credentials((trust or self.authority).path.read_bytes(), key, certificate)
        with grpc.secure_channel(self.server.addresses["grpc"], credentials) as channel:
            call = channel.unary_unary(
                "/memory_fusion.MemoryFusionService/Put", pb.PutRequest.SerializeToString, pb.PutResponse.FromString)
            return call(pb.PutRequest(key="k", item=text("x")), timeout=5).success


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, mutual=False)
    yield place
    place.server.stop()


@pytest.fixture
def mutual(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, mutual=True)
    yield place
    place.server.stop()


def refused_on_both(place: Place, identity: tuple[Path, Path] | None = None, trust: Authority | None = None) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        place.page(place.context(identity, trust))
    with pytest.raises(grpc.RpcError) as caught:
        place.put(identity, trust)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def test_both_answer_under_tls(place: Place) -> None:
    assert place.http.startswith("https://")
    assert place.page(place.context()) == 200
    assert place.put()


def test_a_client_that_trusts_another_authority_stays_away(place: Place) -> None:
    refused_on_both(place, trust=place.stranger)


def test_nothing_older_than_tls_1_3_is_spoken(place: Place) -> None:
    for port in (place.port, int(place.server.addresses["grpc"].rsplit(":", 1)[1])):
        context = place.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw, context.wrap_socket(
                raw, server_hostname="127.0.0.1") as connection:
            assert connection.version() == "TLSv1.3"
        context = place.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw, pytest.raises(OSError):
            context.wrap_socket(raw, server_hostname="127.0.0.1")


def test_nothing_is_answered_in_the_clear(place: Place) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/livez")
        connection.getresponse()
    connection.close()
    with Calls(place.server.addresses["grpc"]) as calls, pytest.raises(grpc.RpcError):
        calls.put(2, key="k", item=text("x"))


def test_malformed_handshakes_are_closed(place: Place) -> None:
    for port in (place.port, int(place.server.addresses["grpc"].rsplit(":", 1)[1])):
        for length in range(1, 60):
            message = (b"\x16\x03\x01" + os.urandom(600))[:length * 10]
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.settimeout(10)
                try:
                    connection.sendall(message)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4_096):
                        pass
                except TimeoutError:
                    raise AssertionError("neither answered nor closed") from None
                except OSError:
                    pass
    assert place.page(place.context()) == 200 and place.put()


def test_a_client_with_a_certificate_of_the_authority_comes_in(mutual: Place) -> None:
    identity = mutual.authority.issue("agent")
    assert mutual.page(mutual.context(identity)) == 200
    assert mutual.put(identity)


def test_a_client_without_a_certificate_stays_out(mutual: Place) -> None:
    refused_on_both(mutual)


def test_a_client_with_a_certificate_of_somebody_else_stays_out(mutual: Place) -> None:
    refused_on_both(mutual, mutual.stranger.issue("agent"))


def test_a_client_whose_certificate_has_expired_or_is_not_valid_yet_stays_out(mutual: Place) -> None:
    # Signed by the authority, for the day before now, and from tomorrow on.
    refused_on_both(mutual, mutual.authority.issue("expired", begin=-2, end=-1))
    refused_on_both(mutual, mutual.authority.issue("early", begin=2, end=4))
    assert mutual.put(mutual.authority.issue("agent"))


@pytest.mark.parametrize(("change", "name"), [
    ("no certificate", b"security.tls.certificate"), ("no key", b"security.tls.key"), ("not a key", b"security.tls.key"),
    ("open key", b"security.tls.key"), ("other key", b"security.tls.key"), ("not an authority", b"security.tls.client_ca"),
    ("empty certificate", b"security.tls.certificate"), ("a request", b"security.tls.certificate"),
    ("a key as authority", b"security.tls.client_ca"),
])
@pytest.mark.parametrize("listener", ["--grpc-port", "--metrics-port"])
def test_files_that_can_not_be_used_end_the_start(tmp_path: Path, change: str, name: bytes, listener: str) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("hub")
    client = authority.path
    if change == "no certificate":
        certificate = tmp_path / "none.crt"
    elif change == "no key":
        key = tmp_path / "none.key"
    elif change == "not a key":
        key.write_text("not a key")
    elif change == "open key":
        key.chmod(0o644)
    elif change == "other key":
        key = authority.issue("other")[1]
    elif change == "not an authority":
        client = tmp_path / "text.pem"
        client.write_text("not a certificate")
    elif change == "empty certificate":
        certificate.write_text("")
    elif change == "a request":
        certificate.write_text(certificate.read_text().replace(" CERTIFICATE-", " CERTIFICATE REQUEST-"))
    elif change == "a key as authority":
        client = authority.issue("other")[1]
    environment = {
        "MFH_TLS_CERTIFICATE": str(certificate), "MFH_TLS_KEY": str(key), "MFH_TLS_CLIENT_CA": str(client)}
    done = subprocess.run(
        [program("mfh-server"), "--data-dir", tmp_path / "store", *FREE_PORTS, listener, "auto"], capture_output=True,
        timeout=20, env=environment)
    assert done.returncode == 78 and done.stdout == b"", done.stderr
    assert name in done.stderr and b"PRIVATE" not in done.stderr
    # Whoever looks before he starts is told the same, if a listener would read the files.
    for port, code in (("auto", 78), ("0", 0)):
        checked = subprocess.run(
            [program("mfh-server"), "--check-config", *FREE_PORTS, listener, port], capture_output=True, timeout=20,
            env=environment)
        assert checked.returncode == code and b"tls:" in checked.stdout, checked.stderr
        assert (name in checked.stderr) == (code == 78)
