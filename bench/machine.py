"""The machine: what it is, and who uses its processors and memory meanwhile. Reads /proc (proc(5)) and nothing else."""

import contextlib
import os
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callcenter.asterisk_runtime import AsteriskRuntime

_TICKS = os.sysconf("SC_CLK_TCK")


def describe(asterisk: AsteriskRuntime) -> dict[str, object]:
    """The machine and what runs on it, for whoever compares two runs."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mib": _meminfo("MemTotal") // 1024,
        "kernel": platform.release(),
        "system": _system(),
        "asterisk": asterisk.version,
        "python": platform.python_version(),
        "load_before": list(os.getloadavg()),
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _meminfo(name: str) -> int:
    """Kibibytes."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    waiting = [pid]
    while waiting:
        yield (one := waiting.pop())
        # Processes and threads end while one looks.
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                with contextlib.suppress(OSError):
                    waiting += [int(child) for child in (thread / "children").read_text("ascii").split()]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its descendants, ended ones it waited for included; 0 when it is gone."""
    total = 0.0
    for one in _family(pid):
        with contextlib.suppress(OSError):
            # utime, stime, cutime, cstime
            fields = Path(f"/proc/{one}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[11:15]
            total += sum(map(int, fields)) / _TICKS
    return total


def resident_mib(pid: int) -> float:
    """Memory of a process and its descendants that is in RAM, in MiB; 0 when it is gone."""
    total = 0.0
    for one in _family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/status").read_text("ascii", "replace").splitlines()
            total += next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)
    return total


def _busy_seconds() -> float:
    """Processor time of the whole machine that was not idle."""
    fields = [int(field) for field in Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


@dataclass(frozen=True, slots=True)
class Meter:
    """Who used how much of the processors since `start`. Read it while the processes still live."""

    pids: Mapping[str, int]
    begun: float
    before: Mapping[str, float]
    busy: float

    @classmethod
    def start(cls, pids: Mapping[str, int]) -> "Meter":
        """Begin; ``pids`` by name. The benchmark itself is counted as ``bench``."""
        before = {name: cpu_seconds(pid) for name, pid in pids.items()} | {"bench": time.process_time()}
        return cls(pids, time.monotonic(), before, _busy_seconds())

    def read(self, others: Mapping[str, float] | None = None) -> dict[str, float]:
        """Cores used by each, on average; ``others``: processor seconds of processes that have ended since.

        ``rest`` is what the machine did besides: other people's work makes a run worth less.
        """
        wall = time.monotonic() - self.begun
        used = {name: cpu_seconds(pid) - self.before[name] for name, pid in self.pids.items()} | dict(others or {})
        used["bench"] = time.process_time() - self.before["bench"]
        rest = max(0.0, _busy_seconds() - self.busy - sum(used.values()))
        return {name: round(seconds / wall, 3) for name, seconds in (used | {"rest": rest}).items()}
