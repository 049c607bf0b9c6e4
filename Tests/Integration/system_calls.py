"""`strace`: which system calls a hub makes, in which order; and a hub that is told by the kernel that a call failed."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

WAIT_SECONDS = 20


@dataclass
class Call:
    thread: str
    name: str
    descriptor: str
    text: str
    began: int  # the numbers of the lines in the trace
    ended: int

    @property
    def succeeded(self) -> bool:
        return bool(re.search(r"= \d+(<[^>]*>)?$", self.text.rstrip()))

    @property
    def was_injected(self) -> bool:
        return self.text.rstrip().endswith("(INJECTED)")


@functools.cache
def problem() -> str | None:
    """Why no process can be traced here; None when one can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        Trace(sleeper.pid, Path("/dev/null")).detach()
        return None
    except RuntimeError as error:
        return str(error)
    finally:
        sleeper.kill()
        sleeper.wait()


class Trace:
    """`strace` on a running process, from the moment that this returns."""

    def __init__(self, pid: int, output: Path, *options: str):
        self.output = output
        self.process = subprocess.Popen(
            ["strace", "-f", "-qqq", *options, "-o", output, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + WAIT_SECONDS
        while not is_traced(pid):
            if self.process.poll() is not None:
                raise RuntimeError(f"strace can not attach to a process here: {self.process.stderr.read().strip()}")
            assert time.monotonic() < until, "strace does not attach"
            time.sleep(0.002)

    def detach(self) -> None:
        """Lets go of the process; when that has ended, so has this."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(WAIT_SECONDS)

    def end(self) -> list[Call]:
        self.detach()
        return read(self.output)


def is_traced(pid: int) -> bool:
    """Whether each thread of the process is traced."""
    try:
        return all(
            re.search(r"^TracerPid:\t[1-9]", status.read_text(), re.MULTILINE)
            for status in Path(f"/proc/{pid}/task").glob("*/status"))
    except (FileNotFoundError, ProcessLookupError):
        return False  # a thread has ended meanwhile


def read(output: Path) -> list[Call]:
    """The calls in a trace, in the order in which they began."""
    calls: list[Call] = []
    unfinished: dict[str, Call] = {}
    for number, line in enumerate(output.read_text(errors="replace").splitlines()):
        thread, _, rest = line.partition(" ")
        rest = rest.lstrip()
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", rest):
            call = unfinished.pop(thread, None)
            if call:
                call.ended, call.text = number, call.text + resumed[1]
        elif begun := re.match(r"(\w+)\((\w*)", rest):
            call = Call(thread, begun[1], begun[2], rest, number, number)
            calls.append(call)
            if rest.endswith("<unfinished ...>"):
                unfinished[thread] = call
    return calls
