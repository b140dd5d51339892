"""The program that has loaded our process and its worker and forks them: ``main`` with the path of its socket.

A connection is the life of one process. It begins with an order (JSON: ``module`` whose ``run`` it is, ``folder``,
``environment``) and the three standard streams; the answers are the process's id and, at its end, its exit status. Who
closes the connection before takes the process along. From the fork on everything is as `callcenter serve` has it, but
that the Python which starts its worker is a script that asks here for it, too.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import callcenter.app
import callcenter.cli
import callcenter.web
import callcenter.worker  # noqa: F401 - all of this is what is loaded
from callcenter.api.app import create_app
from callcenter.api.deps import build_services
from callcenter.bus import LocalBus
from callcenter.clock import SystemClock
from callcenter.db import Database
from callcenter.settings import load_settings
from tests.support.asterisk import test_settings

LONGEST_ORDER = 1 << 17

_PYTHON = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:] != ["-m", "callcenter.cli", "work"]:
    os.execv("{python}", ["{python}", *sys.argv[1:]])
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as forker:
    forker.connect("{path}")
    order = {{"module": "callcenter.worker", "folder": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(forker, [json.dumps(order).encode()], [0, 1, 2])
    # The streams are the worker's alone: each end must be noticed.
    os.close(0)
    os.close(1)
    forker.recv(64)
    sys.exit(abs(int(forker.recv(64) or b"9")))
"""


class _Process(NamedTuple):
    pid: int
    end: int
    """A descriptor that is readable when it has ended."""


class Forker:
    """Forks for everybody who asks at the socket ``path``, until its standard input ends."""

    def __init__(self, path: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        draft = path.with_name("draft")
        self._listening.bind(str(draft))
        self._listening.listen(64)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._living: dict[socket.socket, _Process] = {}
        # Who sees it can ask.
        draft.rename(path)

    def run(self) -> dict[str, Any] | None:
        """In a forked process: the order it is to follow. None: it is over."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    for process in self._living.values():
                        os.kill(process.pid, signal.SIGKILL)
                    return None
                if key.fileobj is self._listening:
                    self._selector.register(self._listening.accept()[0], selectors.EVENT_READ)
                elif isinstance(key.fileobj, int):
                    self._ended(key.data)
                elif isinstance(key.fileobj, socket.socket) and (order := self._asked(key.fileobj)):
                    return order

    def _ended(self, life: socket.socket) -> None:
        process = self._living.pop(life)
        status = os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
        with contextlib.suppress(OSError):
            life.send(str(status).encode())
        self._selector.unregister(process.end)
        os.close(process.end)
        self._close(life)

    def _asked(self, life: socket.socket) -> dict[str, Any] | None:
        data, streams, _, _ = socket.recv_fds(life, LONGEST_ORDER, 3)
        if not data:
            if life in self._living:
                os.kill(self._living[life].pid, signal.SIGKILL)
                self._selector.unregister(life)
            else:
                self._close(life)
            return None
        pid = os.fork()
        if pid == 0:
            self._leave(streams)
            return dict(json.loads(data))
        for stream in streams:
            os.close(stream)
        process = self._living[life] = _Process(pid, os.pidfd_open(pid))
        self._selector.register(process.end, selectors.EVENT_READ, life)
        life.send(str(pid).encode())
        return None

    def _close(self, life: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(life)
        life.close()

    def _leave(self, streams: list[int]) -> None:
        """In the forked process: the streams are its own, and nothing is left of what belongs to the forker."""
        for life, process in self._living.items():
            life.close()
            os.close(process.end)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)


def main() -> None:
    """The forker, and each process it forks."""
    path = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        settings = test_settings(Path(folder))
        # Its routes are worked out when they are first put together, once for all.
        create_app(build_services(settings, SystemClock(), Database(settings.database), LocalBus()))
    python = path.with_name("python")
    python.write_text(_PYTHON.format(python=sys.executable, path=path), "utf-8")
    python.chmod(0o755)
    gc.collect()
    gc.freeze()
    order = Forker(path).run()
    if order is not None:
        sys.executable = str(python)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        importlib.import_module(order["module"]).run(load_settings())
