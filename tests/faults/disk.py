"""A small disk for one running product: a file system of its own that a test can fill up and free again."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.center import Center

BALLAST = "ballast"


def small_disks(megabytes: Mapping[Path, int]) -> tuple[str, ...]:
    """What to run a product under, so that each of these folders is a disk of so many MiB.

    A mount namespace of its own: nothing is mounted for anybody else, and all is gone with the last process. An
    ordinary user gets one by being root in a user namespace (user_namespaces(7)).
    """
    mounts = []
    for folder, size in megabytes.items():
        folder.mkdir(parents=True, exist_ok=True)
        mounts.append(f"mount -t tmpfs -o size={size}m tmpfs '{folder}'")
    spaces = ("-m",) if os.geteuid() == 0 else ("-r", "-m")
    return ("unshare", *spaces, "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh")


def fill(center: "Center", folder: Path) -> None:
    """Write until the disk takes no more byte."""
    with (center.inside(folder) / BALLAST).open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def free(center: "Center", folder: Path) -> None:
    """Make room again."""
    (center.inside(folder) / BALLAST).unlink()
