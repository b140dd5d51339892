"""A real Asterisk for a test, on the product's own rendered configuration and free ports, up in about a second."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callcenter.accounts.model import SeatAccount
from callcenter.accounts.passwords import sip_ha1
from callcenter.asterisk_config import layout, render
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import find_asterisk
from callcenter.settings import Settings
from tests.support.ports import free_ports, free_rtp_range

SEATS = ("op1", "op2", "op3", "op4", "op5", "sup1")
"""The seats of `test_settings`' instance; each one's SIP password is its name with ``-secret``."""


def seat_accounts(users: Sequence[str] = SEATS) -> list[SeatAccount]:
    """Seats as the renderer wants them; ``sup…`` is a supervisor."""
    return [
        SeatAccount(user, "supervisor" if user.startswith("sup") else "operator", sip_ha1(user, f"{user}-secret"))
        for user in users
    ]


def test_settings(data: Path, **overrides: object) -> Settings:
    """Settings of an instance of its own below ``data``: every port free, trunk out to a free port too."""
    http, sip, ami, agi, ws, trunk = free_ports(6)
    rtp_start, rtp_end = free_rtp_range()
    values: dict[str, object] = {
        "data": data,
        "http_port": http,
        "sip_port": sip,
        "ami_port": ami,
        "agi_port": agi,
        "ws_port": ws,
        "rtp_start": rtp_start,
        "rtp_end": rtp_end,
        "trunk_uri": f"sip:127.0.0.1:{trunk}",
        # Presses of the watchdog's own come only where a test asks for them.
        "synthetic_minutes": 0,
    }
    return Settings(**{**values, **overrides}, _env_file=None)  # type: ignore[arg-type]


test_settings.__test__ = False  # type: ignore[attr-defined]  # not a test, for all its name


class AsteriskServer:
    """A running Asterisk. ``settings`` tells its ports; ``kill()`` is the hard way, ``start()`` brings it back."""

    def __init__(self, settings: Settings, seats: Sequence[SeatAccount] | None = None, **options: Any) -> None:
        self.settings = settings
        self.seats = seat_accounts() if seats is None else list(seats)
        self.runtime = find_asterisk()
        self.options = options
        etc = self.render()
        self._process = AsteriskProcess(self.runtime, etc, layout(settings).logs / "asterisk.out")

    def render(self) -> Path:
        """Render again, e.g. after a change of ``seats``; no rehearsal, for speed."""
        options = {"rehearse": False, "verbose": True, **self.options}
        return render(self.settings, self.seats, self.runtime, **options)

    @property
    def pid(self) -> int:
        assert self._process.process is not None
        return self._process.process.pid

    def start(self) -> None:
        self._process.start()
        self._process.wait_booted()

    def stop(self) -> None:
        """The end of a test: no call is left to be ended in order, which takes it a second."""
        if self._process.process is not None:
            self.kill()

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process.process is not None
        self._process.process.kill()
        self._process.process.wait()

    def cli(self, command: str) -> str:
        """What a CLI command answers, e.g. ``cli("core show channels")``."""
        return self._process.cli(command)

    def log(self) -> str:
        """Everything it logged, dialplan steps included."""
        path = layout(self.settings).logs / "verbose"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def complaints(self) -> list[str]:
        """Its warnings and errors since the first start."""
        path = layout(self.settings).logs / "messages"
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []


@contextmanager
def running_asterisk(data: Path, **options: Any) -> Iterator[AsteriskServer]:
    """An Asterisk that lives as long as the block; ``options`` go to `callcenter.asterisk_config.render`."""
    server = AsteriskServer(test_settings(data), **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wait_for(condition: Callable[[], object], seconds: float = 5.0, what: str = "the condition") -> None:
    """Return as soon as the condition holds; fail the test when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.01)
