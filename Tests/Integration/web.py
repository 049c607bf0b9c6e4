"""Pages of a hub over HTTP, and metrics as numbers."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = 20
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


class Web:
    def __init__(self, address: str):
        self.address = address
        self.host, _, port = address.removeprefix("http://").rpartition(":")
        self.port = int(port)

    def request(self, method: str, path: str, seconds: float = SECONDS) -> Page:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Page(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Page:
        return self.request("GET", path)

    def metrics(self) -> dict[str, float]:
        """Samples by name and labels, as they are written."""
        page = self.get("/metrics")
        assert page.status == 200
        samples: dict[str, float] = {}
        for line in page.body.decode().splitlines():
            if line.startswith("#"):
                continue
            found = SAMPLE.fullmatch(line)
            assert found, line
            name = f"{found[1]}{{{found[2]}}}" if found[2] else found[1]
            assert name not in samples, name
            samples[name] = float(found[3])
        return samples

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=SECONDS)


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"not within {SECONDS} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
