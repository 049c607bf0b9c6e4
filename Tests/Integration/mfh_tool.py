"""Runs the command-line client as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import Any

from hub_server import program

WAIT_SECONDS = 30


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MFH_")}


class Ran:
    def __init__(self, done: subprocess.CompletedProcess[bytes]):
        self.code = done.returncode
        self.output = done.stdout.decode()
        self.errors = done.stderr.decode()

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.output.splitlines()]


def run(address: str, *arguments: str | int, code: int = 0) -> Ran:
    ran = Ran(
        subprocess.run(
            [program("mfh"), *(str(argument) for argument in arguments), "--hub", address], capture_output=True,
            env=environment(), stdin=subprocess.DEVNULL, timeout=WAIT_SECONDS, check=False))
    assert ran.code == code, f"exit {ran.code}: {ran.errors}{ran.output}"
    return ran


class Watch:
    """`mfh watch` in the background; its lines as they come."""

    def __init__(self, address: str, *options: str | int, **process: Any):
        self.process = subprocess.Popen(
            [program("mfh"), "watch", "--hub", address, "--format", "json", *(str(option) for option in options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), stdin=subprocess.DEVNULL, **process)
        self.guard = threading.Timer(WAIT_SECONDS * 2, self.process.kill)
        self.guard.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.guard.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def event(self) -> dict:
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"watch ended: {self.process.wait()} {self.process.stderr.read().decode()}"
        return json.loads(line)

    def revisions(self, count: int) -> list[int]:
        return [self.event()["sequence_number"] for _ in range(count)]

    def message(self) -> str:
        return self.process.stderr.readline().decode()

    def end(self, signal: int) -> int:
        self.process.send_signal(signal)
        return self.process.wait(WAIT_SECONDS)
