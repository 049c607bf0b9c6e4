"""A disk on which each sync takes its time: what a hub is started behind to have writes wait while the processor is idle."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("slow_disk.c")


@functools.cache
def _library() -> Path:
    """Compiled once in a process, by the compiler that comes with Swift or any other."""
    compiler = next((found for name in ("clang", "cc", "gcc") if (found := shutil.which(name))), None)
    if compiler is None:
        raise RuntimeError("needs a C compiler: clang comes with Swift, or apt-get install gcc")
    folder = tempfile.TemporaryDirectory(prefix="slow-disk-")
    _folders.append(folder)
    library = Path(folder.name) / "slow_disk.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library


# Removed when the process ends.
_folders: list[tempfile.TemporaryDirectory[str]] = []


def slow_disk(milliseconds: int) -> list[str]:
    """What to put before a program's command line so that each fdatasync takes that much longer. The program stays the process
    that was started."""
    return ["env", f"LD_PRELOAD={_library()}", f"SLOW_DISK_MS={milliseconds}"]
