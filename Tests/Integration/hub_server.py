"""Starts, stops and kills a built hub: the real program, over real sockets, on a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Tests run side by side: what one of them does not want must not take a fixed port.
FREE_PORTS = ("--zmq-port", "auto", "--grpc-port", "0", "--metrics-port", "0")
READY_SECONDS = 30
STOP_SECONDS = 20


def program(name: str) -> Path:
    """A built program: beside MFH_SERVER when that is set, else from the release build."""
    server = os.environ.get("MFH_SERVER")
    path = Path(server).resolve().parent / name if server else ROOT / ".build" / "release" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: build it with `swift build -c release`, or set MFH_SERVER")
    return path


class NotStarted(RuntimeError):
    """The program ended, or was ended because it hung, before it was ready."""

    def __init__(self, code: int, line: str, log: str):
        super().__init__(f"no ready line but {line!r}, exit {code}: {log}")
        self.code = code
        self.log = log


class Server:
    """`prefix` is put before the command line (a tracer, say); `process` is handed to Popen."""

    def __init__(self, directory: Path, *options: str, prefix: Sequence[str | Path] = (), process: dict | None = None):
        self.directory = directory
        self.options = options
        self.prefix = prefix
        self.process_options = process or {}
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        self.addresses: dict[str, str] = {}
        self.log: list[str] = []
        self.log_reader: threading.Thread | None = None

    # --- Start and stop

    def launch(self) -> None:
        """Starts it and does not wait until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MFH_")}
        self.process = subprocess.Popen(
            [*self.prefix, program("mfh-server"), "--data-dir", self.directory, *FREE_PORTS, *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **self.process_options)
        self.log = []
        self.log_reader = threading.Thread(target=self._keep_log, args=[self.process, self.log], daemon=True)
        self.log_reader.start()

    def start(self) -> Server:
        self.launch()
        # A hub that hangs ends here: the kill closes its output.
        guard = threading.Timer(READY_SECONDS, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        if not line.startswith("ready "):
            code = self.process.wait()
            raise NotStarted(code, line, self.whole_log())
        self.addresses = dict(word.split("=", 1) for word in line.split()[1:])
        self.address = self.addresses.get("zmq", "")
        return self

    @staticmethod
    def _keep_log(process: subprocess.Popen[str], log: list[str]) -> None:
        for line in process.stderr:
            log.append(line)

    def stop(self) -> None:
        """In good order: SIGTERM, then exit 0."""
        code = self.end()
        assert code == 0, f"exit {code} after SIGTERM: {self.log_text}"

    def end(self) -> int:
        """SIGTERM, then whatever exit code comes."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM: {self.log_text}") from None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log_text(self) -> str:
        return "".join(self.log)

    def whole_log(self) -> str:
        """What an ended process said, to the last line."""
        self.log_reader.join(STOP_SECONDS)
        return self.log_text

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    # --- Looking at it

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise RuntimeError("no VmRSS")

    def dump(self, *filters: str) -> list[dict]:
        """The events that logstore-dump tells of the store."""
        done = subprocess.run(
            [program("logstore-dump"), self.directory, "--format", "json", *filters], capture_output=True, check=False)
        assert done.returncode == 0, f"logstore-dump: exit {done.returncode}: {done.stderr.decode()}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def dump_lines(self, *filters: str) -> list[bytes]:
        return subprocess.run(
            [program("logstore-dump"), self.directory, "--format", "json", *filters], capture_output=True, check=True
        ).stdout.splitlines()
