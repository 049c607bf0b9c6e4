"""A copy of this machine to install packages in: an overlay over its root, in a mount namespace of its own. What happens in it
leaves no trace outside. Needs root and overlayfs; `problem()` says what is missing."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

READY_SECONDS = 30


@functools.cache
def problem() -> str | None:
    """Why no package can be installed here; None when one can."""
    if os.geteuid() != 0:
        return "packages are installed as root: run it as root"
    if missing := [name for name in ("unshare", "dpkg", "strip", "patchelf", "jq") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed"
    try:
        with PackageRoot() as root:
            root.run("true")
        return None
    except (OSError, RuntimeError, AssertionError) as error:
        return f"no overlay of this machine: {error}"


class PackageRoot:
    """Commands run in it with `run`; `start` starts one that stays."""

    # The namespace lives as long as this shell: it waits for the end of its input.
    HOLD = """
set -e
mount -t tmpfs none "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
mount -t proc proc "$0/root/proc"
mount --rbind /dev "$0/root/dev"
mount -t tmpfs none "$0/root/run"
mount -t tmpfs none "$0/root/tmp"
echo ready
read -r end
"""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="package-root-"))
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", self.HOLD, self.base], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> PackageRoot:
        if self.holder.stdout.readline() != "ready\n":
            errors = self.holder.stderr.read()
            self.close()
            raise RuntimeError(errors.strip())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()
        # The mounts went with the namespace.
        self.base.rmdir()

    @property
    def prefix(self) -> list[str]:
        return ["nsenter", f"--target={self.holder.pid}", "--mount", "chroot", str(self.base / "root")]

    @staticmethod
    def environment(**variables: str) -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"} | variables

    def run(self, *words: object, code: int = 0, **variables: str) -> str:
        done = subprocess.run(
            [*self.prefix, *map(str, words)], capture_output=True, text=True, env=self.environment(**variables),
            timeout=120)
        assert done.returncode == code, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def exists(self, path: str) -> bool:
        return self.run("sh", "-c", f"test -e '{path}' && echo yes || echo no").strip() == "yes"

    def copy_in(self, source: Path, target: str) -> None:
        with source.open("rb") as file:
            subprocess.run([*self.prefix, "sh", "-c", f"cat > '{target}'"], stdin=file, check=True,
                           env=self.environment())

    def start(self, *words: str, **variables: str) -> Service:
        return Service(subprocess.Popen(
            [*self.prefix, *words], env=self.environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True))


class Service:
    """A hub that a unit would run."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        line = process.stdout.readline()
        assert line.startswith("ready zmq="), f"not ready: {line!r} {process.stderr.read() if not line else ''}"
        self.address = line.split()[1].removeprefix("zmq=")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(READY_SECONDS) == 0, self.process.stderr.read()
        finally:
            if self.process.poll() is None:
                self.process.kill()
