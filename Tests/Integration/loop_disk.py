"""A small ext4 file system in a file, whose power can be cut: what was not synced by then is gone.

Needs root, loop devices and ext4; `problem()` says what is missing.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

# _IOR('X', 125, __u32) of <linux/fs.h>: from here on nothing reaches the disk any more.
SHUTDOWN = 0x8004587D
# Not even the journal that is in memory: as when the power goes.
NO_LOG_FLUSH = 2
UNMOUNT_SECONDS = 20
# As a file system that a server would be on: an error turns it read-only.
MOUNT_OPTIONS = "loop,errors=remount-ro"


def command(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")


@functools.cache
def problem() -> str | None:
    """Why no power can be cut here; None when it can."""
    if os.geteuid() != 0:
        return "power cuts need root: run it as root"
    if missing := [name for name in ("mkfs.ext4", "mount", "umount", "losetup") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed (apt-get install e2fsprogs mount)"
    directory = Path(tempfile.mkdtemp(prefix="power-"))
    try:
        disk = LoopDisk(directory, 16)
        disk.mount()
        try:
            disk.cut_power()
        finally:
            disk.unmount()
        return None
    except (OSError, RuntimeError) as error:
        return f"no file system in a file, or none that can be cut off: {error}"
    finally:
        shutil.rmtree(directory)


class LoopDisk:
    """`directory` holds the image and the place at which it is mounted."""

    def __init__(self, directory: Path, megabytes: int):
        self.image = directory / "disk.img"
        self.place = directory / "disk"
        self.place.mkdir()
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        command("mkfs.ext4", "-q", "-F", self.image)

    def mount(self, *options: str) -> None:
        command("mount", "-t", "ext4", "-o", ",".join((MOUNT_OPTIONS, *options)), self.image, self.place)

    def cut_power(self) -> None:
        descriptor = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        """Drops the file system's caches too. A process that has just been killed may hold it for a moment."""
        until = time.monotonic() + UNMOUNT_SECONDS
        while os.path.ismount(self.place):
            try:
                command("umount", self.place)
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    @property
    def device(self) -> str:
        """The name of the loop device while it is mounted."""
        number = os.stat(self.place).st_dev
        return f"loop{os.minor(number)}"
