"""Time moved by hand, and a journal that is a list: what a `World` has in place of the machine's."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from callcenter.facts import Fact, decode, encode

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class HandClock:
    """Time moved by hand; the wall clock can also be set without time passing (R23)."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._wall = START

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._seconds

    def pass_time(self, seconds: float) -> None:
        self._seconds += seconds
        self._wall += timedelta(seconds=seconds)

    def set_wall(self, by_seconds: float) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._wall += timedelta(seconds=by_seconds)


class MemoryJournal:
    """A journal whose disk is a list of lines; `crash` loses what was not yet flushed."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.flushed = 0
        self.stalled = False
        """While true nothing reaches the disk and nobody is told so."""
        self.full = False
        """While true the disk refuses, and says so."""
        self.carry: Callable[[], Iterable[Fact]] = tuple
        self._moves = asyncio.Event()

    def append(self, *facts: Fact) -> None:
        self.lines.extend(map(encode, facts))

    async def durable(self, *, within: float = 0.5) -> bool:
        if self.stalled:
            await self._moves.wait()
        if self.full:
            return False
        self.flush()
        return True

    def move(self) -> None:
        """The disk that stalled goes on."""
        self.stalled = False
        self._moves.set()

    def flush(self) -> None:
        if not (self.stalled or self.full):
            self.flushed = len(self.lines)

    def crash(self, lost: int) -> None:
        """At most ``lost`` lines that are not yet flushed are gone."""
        keep = max(self.flushed, len(self.lines) - lost)
        del self.lines[keep:]
        self.flushed = len(self.lines)
        self.stalled = False
        self._moves = asyncio.Event()

    def facts(self) -> list[Fact]:
        """What a restart reads."""
        return [decode(line) for line in self.lines]
