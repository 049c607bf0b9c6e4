"""A hub that asks for keys, and clients that have some: made with the tools that operators use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import zmq
import zmq.auth
from hub_client import REPLY_SECONDS, encoded
from hub_server import Server, program
from mfh_tool import environment


def keys(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [program("mfh"), "keys", *arguments], capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == code, f"mfh keys {arguments}: exit {done.returncode}: {done.stderr}"
    return done.stdout.strip()


class Keys:
    """A key file, the hub's CURVE pair, and what they are for."""

    def __init__(self, directory: Path):
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.file = directory / "keys"
        self.hub = directory / "hub.curve"
        keys("curve", self.hub)

    def token(self, agent: str, *permissions: str) -> str:
        return keys("create", "--file", self.file, "--agent", agent, *self._allow(permissions))

    def curve(self, name: str, *permissions: str, agent: str | None = None) -> Path:
        """A CURVE pair that is on the list."""
        path = self.pair(name)
        whose = ["--agent", agent] if agent else []
        keys("allow", f"{path}.pub", "--file", self.file, *whose, *self._allow(permissions))
        return path

    def pair(self, name: str) -> Path:
        path = self.directory / f"{name}.curve"
        keys("curve", path)
        return path

    @staticmethod
    def _allow(permissions: tuple[str, ...]) -> list[str]:
        return [word for permission in permissions for word in ("--allow", permission)]

    def configuration(self, curve: bool = True, more: str = "", settings: str = "") -> Path:
        path = self.directory / "hub.yaml"
        lines = [f"  key_file: {self.file}"] + ([f"  curve_key_file: {self.hub}"] if curve else [])
        path.write_text("security:\n" + "\n".join(lines) + "\n" + settings + more)
        return path

    def server(self, store: Path, *options: str, curve: bool = True, settings: str = "") -> Server:
        """`settings` are lines of the section `security`."""
        return Server(store, "--config", str(self.configuration(curve, settings=settings)), *options)


class Asker:
    """A REQ client of pyzmq, with or without CURVE keys and an API key."""

    def __init__(
        self, address: str, own: Path | None = None, hub: Path | None = None, token: str | None = None,
        name: bytes | None = None, seconds: float = REPLY_SECONDS,
    ):
        self.token = token
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.rcvtimeo = int(seconds * 1_000)
        if name:
            self.socket.routing_id = name
        if own:
            self.socket.curve_publickey, self.socket.curve_secretkey = zmq.auth.load_certificate(own)
            self.socket.curve_serverkey, _ = zmq.auth.load_certificate(f"{hub}.pub")
        self.socket.connect(address)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def send(self, action: str, **fields: object) -> None:
        key = {"api_key": self.token} if self.token else {}
        self.socket.send(encoded({"action": action, **key, **fields}))

    def receive(self) -> dict | None:
        """The reply; None when none comes."""
        try:
            return json.loads(self.socket.recv())
        except zmq.Again:
            return None

    def reply(self, action: str, **fields: object) -> dict:
        self.send(action, **fields)
        reply = self.receive()
        assert reply is not None, "no reply"
        return reply

    def ask(self, action: str, **fields: object) -> dict:
        reply = self.reply(action, **fields)
        assert reply["success"], reply
        return reply["result"]


def raw_connection(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def has_dumped_core(process: subprocess.Popen, signal: int) -> bool:
    """Ends a process by a signal that leaves a core where cores are left. A handler that tells of the crash takes the first
    one; then the process is as it was."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        os.kill(process.pid, signal)
        time.sleep(0.1)
        ended, status = os.waitpid(process.pid, os.WNOHANG)
        if ended:
            process.returncode = -signal
            return os.WCOREDUMP(status)
    process.kill()
    raise AssertionError("it does not end")
