"""The wallboard in memory: folded from facts as they come, and after a restart from today's journal (B1, A10)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import structlog

from callcenter.clock import SHANGHAI, Clock
from callcenter.facts import Fact
from callcenter.journal import Position, segment_path, segments
from callcenter.journal_reader import JournalReader
from callcenter.queues.model import Book
from callcenter.reports.hotline_calls import HotlineCall, Outcome, fold
from callcenter.reports.hotline_figures import Goal, Tally, goal_of, together, wrap_up_of
from callcenter.reports.live import LiveAnswerTimes
from callcenter.reports.seat_time import SeatTimes

log = structlog.get_logger(__name__)

RECENT = timedelta(minutes=30)
MINUTES = 60
"""Of which decisions are kept: more than are asked for, in case the clock is set back."""
_FINAL = frozenset({Outcome.ANSWERED, Outcome.ABANDONED, Outcome.EMERGENCY})
PIECE = 200
"""Facts folded at once while today is read again: about a millisecond of the event loop's time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits for a seat."""

    call_id: str
    queue: str
    seconds: float


class Board:
    """Listens to the ledger; every question is answered from memory.

    ``limit_seconds``: of A1. ``queues``: the present queues; ``wrap_up_seconds``: where a queue says nothing else.
    """

    def __init__(
        self, clock: Clock, limit_seconds: float, wrap_up_seconds: float, queues: Callable[[], Book] = Book
    ) -> None:
        self._clock = clock
        self._queues = queues
        self._wrap_up_seconds = wrap_up_seconds
        self.emergencies = LiveAnswerTimes(clock, limit_seconds)
        self.seats = SeatTimes()
        self._calls: dict[str, HotlineCall] = {}
        self._tallies: dict[datetime, dict[str, Tally]] = {}
        self._minutes: deque[tuple[datetime, dict[str, Tally]]] = deque(maxlen=MINUTES)
        """What was decided, minute by minute."""
        self._ahead: deque[Fact] | None = None
        """Facts that came while today was being read again."""

    @property
    def complete(self) -> bool:
        """Whether everything of today that the journal holds is counted."""
        return self._ahead is None

    def hear(self, fact: Fact) -> None:
        """Take in a fact that is new."""
        if self._ahead is not None:
            self._ahead.append(fact)
        else:
            self._take(fact)

    def recall(self, facts: Iterable[Fact]) -> None:
        """Take in what was before."""
        for fact in facts:
            self._take(fact)

    async def run(self, reader: JournalReader, end: Position) -> None:
        """Be complete, and stay so until cancelled: today is read once, not again and again."""
        if self._ahead is not None:
            await self.read_today(reader, end)
        await asyncio.Event().wait()

    async def read_today(self, reader: JournalReader, end: Position) -> None:
        """Take in today's facts from the journal, up to ``end``: where it was before this process wrote to it.

        In small pieces, the reading in a thread: whoever calls meanwhile is not kept waiting. What happens meanwhile
        is taken in afterwards. A disk that fails leaves the board with what it has.
        """
        try:
            async for fact in _since(reader, self.midnight(), end):
                self._take(fact)
        except Exception:
            log.exception("today_not_read")  # the wallboard begins now
        ahead, self._ahead = self._ahead or (), None
        for fact in ahead:
            self._take(fact)

    def begin_later(self) -> None:
        """Keep what comes until `read_today` is through."""
        self._ahead = deque()

    def midnight(self) -> datetime:
        """When today began in Shanghai."""
        return _day(self._clock.now())

    def goal_of(self, code: str) -> Goal:
        """What a queue promises."""
        return goal_of(self._queues(), code)

    def codes(self) -> list[str]:
        """The queues there are."""
        return sorted(self._queues().queues)

    # --- questions -----------------------------------------------------------------------------------------

    def waiting(self) -> list[Waiting]:
        """Who waits now, longest first."""
        now = self._clock.now()
        found = [
            Waiting(call.id, call.queue, max(0.0, (now - call.queued_at).total_seconds()))
            for call in self._calls.values()
            if call.outcome is Outcome.WAITING and call.queued_at is not None
        ]
        return sorted(found, key=lambda one: -one.seconds)

    def today(self) -> dict[str, Tally]:
        """Today's counts by queue, of whoever came into it today; those who wait not among them."""
        midnight = self.midnight()
        found = dict(self._tallies.get(midnight, {}))
        for call in self._calls.values():
            if call.outcome is Outcome.OVERFLOWED and call.queued_at is not None and call.queued_at >= midnight:
                found[call.queue] = together([found.get(call.queue, Tally())])
                found[call.queue].add(call, self.goal_of(call.queue))
        return found

    def recent(self) -> dict[str, Tally]:
        """Counts by queue of what was decided in the last 30 minutes, to the minute."""
        since = self._clock.now() - RECENT
        while self._minutes and self._minutes[0][0] < since:
            self._minutes.popleft()
        queues = {queue for _, tallies in self._minutes for queue in tallies}
        return {queue: together(tallies[queue] for _, tallies in self._minutes if queue in tallies) for queue in queues}

    # --- folding -------------------------------------------------------------------------------------------

    def _take(self, fact: Fact) -> None:
        self.emergencies.hear(fact)
        before = self._calls.get(fact.call_id or "")
        self.seats.take(
            fact, wrap_up_of(self._queues(), before.queue, self._wrap_up_seconds) if before is not None else 0.0
        )
        was = before.outcome if before is not None else Outcome.MENU
        call = fold(before, fact)
        if call is None:
            return
        self._calls[call.id] = call
        # Who was handed on may come back into the queue: only the end decides.
        decided = call.outcome in _FINAL and was not in _FINAL
        if decided or (call.over and call.outcome is Outcome.OVERFLOWED):
            self._count(call, fact.at)
        if call.over:
            del self._calls[call.id]

    def _count(self, call: HotlineCall, at: datetime) -> None:
        if call.queued_at is None:
            return
        day = _day(call.queued_at)
        if day not in self._tallies:
            self._tallies[day] = {}
            for old in sorted(self._tallies)[:-2]:
                del self._tallies[old]
        tally = self._tallies.get(day, {}).setdefault(call.queue, Tally())
        goal = self.goal_of(call.queue)
        tally.add(call, goal)
        minute = at.replace(second=0, microsecond=0)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, {}))
        self._minutes[-1][1].setdefault(call.queue, Tally()).add(call, goal)


def _day(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(SHANGHAI).date(), time(), SHANGHAI)


def place_now(folder: Path) -> Position:
    """The end of the journal in ``folder``; call it before anything is written."""
    existing = segments(folder)
    return Position(existing[-1], segment_path(folder, existing[-1]).stat().st_size) if existing else Position(0, 0)


def _first(folder: Path, since: float) -> int:
    """The first segment that was written to after ``since``, seconds of the epoch."""
    existing = segments(folder)
    late = (number for number in existing if segment_path(folder, number).stat().st_mtime >= since)
    return next(late, existing[-1] if existing else 0)


async def _since(reader: JournalReader, since: datetime, end: Position) -> AsyncIterator[Fact]:
    """Facts of the segments that were written to after ``since``, each once, up to ``end``."""
    seen: set[str] = set()
    place = Position(await asyncio.to_thread(_first, reader.folder, since.timestamp()), 0)
    while place < end:
        found, place = await asyncio.to_thread(reader.read, place, PIECE)
        if not found:
            return
        for fact, position in found:
            if position > end:
                return
            if fact.id not in seen:
                seen.add(fact.id)
                yield fact
        await asyncio.sleep(0)
