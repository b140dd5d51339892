"""Our process, loaded once for a run of tests: each start is a fork of what `tests.support.forker` has loaded.

Loading takes a processor for two seconds, and the worker as long again, more than a hundred times in a run. The fault
suite and tests/live/test_runtime.py start the command itself, as an administrator does.
"""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from callcenter.asterisk_config import REPO

LOAD_SECONDS = 180.0
WORD = 64
"""Bytes that hold what the forker says: a number."""


class Loaded:
    """A forked process: ``module``'s function ``run``. To be used as `subprocess.Popen` is; it does not outlive us."""

    def __init__(self, module: str, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self.returncode: int | None = None
        self._life = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._life.connect(_forker())
        order = {"module": module, "folder": str(folder), "environment": dict(environment)}
        with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            streams = [nothing.fileno(), output.fileno(), output.fileno()]
            socket.send_fds(self._life, [json.dumps(order).encode()], streams)
        self.pid = int(self._life.recv(WORD))

    def poll(self) -> int | None:
        """Its exit status (negative: by which signal); None while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self._life.settimeout(timeout)
            try:
                told = self._life.recv(WORD)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("our process", timeout or 0) from None
            # A forker that was ended itself takes all of them along.
            self.returncode = int(told or -signal.SIGKILL)
            self._life.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def _forker() -> str:
    """The socket of this run's forker, which ends with us."""
    folder = Path(tempfile.mkdtemp(prefix="callcenter-forker-"))
    path = folder / "socket"
    program = subprocess.Popen(
        [sys.executable, "-c", "from tests.support.forker import main; main()", str(path)],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )

    def end() -> None:
        program.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    deadline = time.monotonic() + LOAD_SECONDS
    while not path.exists():
        assert program.poll() is None, "our process cannot be loaded"
        assert time.monotonic() < deadline, f"our process was not loaded within {LOAD_SECONDS:g} s"
        time.sleep(0.02)
    return str(path)
