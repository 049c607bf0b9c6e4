"""What the tests share: a hub on a new directory, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_client import Hub
from hub_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A hub of the test's own. It must still run when the test is over, and must stop in good order."""
    server = Server(tmp_path / "store").start()
    try:
        yield server
        assert server.is_running, f"the hub ended by itself: {server.log_text}"
        server.stop()
    finally:
        if server.is_running:
            server.kill()


@pytest.fixture
def hub(server: Server) -> Iterator[Hub]:
    with Hub(server.address, agent="tester") as hub:
        yield hub
