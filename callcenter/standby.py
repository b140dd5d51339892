"""A second process of ours that has loaded everything and waits: who dies is replaced without a load (R1, R2).

Loading takes a processor for two seconds, in an outage with hundreds of calls far longer: all that time callers hear a
greeting and the duty desk at most. The one who waits holds no port, file or connection.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from callcenter.logs import configure_logging

AFTER_SECONDS = 10.0
"""How long whoever was started has the processors for himself before the next is loaded."""

SERVE = (sys.executable, "-m", "callcenter.cli", "serve")
END_SECONDS = 5.0


def release() -> tuple[int, ...]:
    """What the program and its settings were last changed by: who waits has loaded them as they were then."""
    files = [*Path(__file__).parent.rglob("*.py"), Path(".env")]
    return len(files), *sorted({file.stat().st_mtime_ns for file in files if file.exists()})[-1:]


class Standby:
    """The supervisor's side: has one waiting, and gives it the word.

    ``command``: takes ``--standby`` to wait. ``release``: when it answers otherwise than before, who waits is of an
    older release and is let go.
    """

    def __init__(
        self,
        log: Path,
        command: Sequence[str] = SERVE,
        after_seconds: float = AFTER_SECONDS,
        release: Callable[[], object] = release,
    ) -> None:
        self._log = log
        self._command = tuple(command)
        self._after = after_seconds
        self._release = release
        self._loaded: object = None
        self._waiting: subprocess.Popen[bytes] | None = None
        self._not_before = time.monotonic() + after_seconds

    def keep(self) -> None:
        """See to it that one waits; to be called now and then."""
        now = time.monotonic()
        if self._waiting is not None and self._waiting.poll() is not None:
            self._waiting.communicate()
            self._waiting, self._not_before = None, now + self._after
        if self._waiting is None and now >= self._not_before:
            self._loaded = self._release()
            self._waiting = self._start("--standby", stdin=subprocess.PIPE)

    def take(self) -> subprocess.Popen[bytes]:
        """The process that serves from now on: the one that waited, else a new one."""
        if self._waiting is not None and self._loaded != self._release():
            self.end()
            self._waiting = None
        waiting, self._waiting = self._waiting, None
        self._not_before = time.monotonic() + self._after
        if waiting is not None and waiting.stdin is not None:
            with contextlib.suppress(OSError), waiting.stdin as word:
                word.write(b"serve\n")
                word.flush()
                if waiting.poll() is None:
                    return waiting
        return self._start(stdin=subprocess.DEVNULL)

    def end(self) -> None:
        """Let the one that waits go: it ends when nobody can give it the word any more."""
        if self._waiting is not None and self._waiting.stdin is not None:
            self._waiting.stdin.close()
            try:
                self._waiting.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._waiting.kill()
                self._waiting.wait()

    def _start(self, *arguments: str, stdin: int) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            # A session of its own: Ctrl-C is for the supervisor, which ends them in order; and they outlive it.
            return subprocess.Popen(
                [*self._command, *arguments], stdin=stdin, stdout=output, stderr=output, start_new_session=True
            )


def given_the_word(log_level: str) -> bool:
    """The side of the one that waits, once it has loaded everything: True when it is to serve, False to end."""
    configure_logging(log_level)
    structlog.get_logger(__name__).info("standing_by")
    if sys.stdin.buffer.readline() == b"":
        return False
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return True
