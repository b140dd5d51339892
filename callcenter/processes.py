"""Processes that outlive the one that started them: found again by id and start time, so none is ever mistaken."""

import contextlib
import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """A process for certain: an id alone may belong to another one by now. ``started``: clock ticks since boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The living process of this id; None when there is none (or only its unreaped remains)."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        except OSError:
            return None
        # The name, in parentheses, may itself hold spaces and parentheses (proc(5)).
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The process noted in a file, if it still lives."""
        with contextlib.suppress(OSError, ValueError):
            pid, started = path.read_text("ascii").split()
            ref = cls(int(pid), int(started))
            return ref if ref.alive() else None
        return None

    def save(self, path: Path) -> None:
        """Note it for later."""
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(f"{self.pid} {self.started}\n", "ascii")
        temporary.replace(path)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessRef.of(self.pid) == self

    def send(self, sign: signal.Signals) -> None:
        """Signal it, unless it has gone."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def end(self, seconds: float = 10.0) -> None:
        """Ask it to end, wait, then insist."""
        for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
            self.send(sign)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
                if not self.alive():
                    return
                time.sleep(0.02)


def die_with_parent() -> None:
    """Be killed when the process that started this one dies, however it dies (prctl(2), Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
