"""Time, injected: aware UTC inside, Asia/Shanghai at the edges, monotonic seconds for durations (R23)."""

import time
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Aware UTC wall time, for the record."""

    def monotonic(self) -> float:
        """Seconds that never jump, for deadlines and durations."""


def today(clock: Clock) -> date:
    """The day in Shanghai."""
    return clock.now().astimezone(SHANGHAI).date()


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def move_to(self, moment: datetime) -> None:
        """Set the wall time; the monotonic time follows."""
        self._now = moment
