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
from callcenter.reports.hotline_calls import HotlineCall, Outcome, fold
from callcenter.reports.hotline_figures import Goal, Tally
from callcenter.reports.live import LiveAnswerTimes
from callcenter.reports.seat_time import SeatTimes

log = structlog.get_logger(__name__)

RECENT = timedelta(minutes=30)
MOST_RECENT = 20_000
"""Decisions of the last half hour that are kept; a flood beyond it forgets the oldest."""
PIECE = 200
"""Facts folded at once while today is read again: about a millisecond of the event loop's time."""

GoalOf = Callable[[str], Goal]


@dataclass(frozen=True, slots=True)
class Decided:
    """A caller was answered, gave up, or was handed on."""

    at: datetime
    queue: str
    outcome: Outcome
    waited_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits for a seat."""

    call_id: str
    queue: str
    seconds: float


class Board:
    """Listens to the ledger; every question is answered from memory.

    ``goal_of``: what a queue promises. ``wrap_up_of``: seconds that follow a call of it.
    """

    def __init__(self, clock: Clock, limit_seconds: float, goal_of: GoalOf, wrap_up_of: Callable[[str], float]) -> None:
        self._clock = clock
        self.goal_of = goal_of
        self.emergencies = LiveAnswerTimes(clock, limit_seconds)
        self.seats = SeatTimes()
        self._wrap_up_of = wrap_up_of
        self._calls: dict[str, HotlineCall] = {}
        self._tallies: dict[datetime, dict[str, Tally]] = {}
        self._recent: deque[Decided] = deque(maxlen=MOST_RECENT)
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

    async def read_today(self, reader: JournalReader, end: Position) -> None:
        """Take in today's facts from the journal, up to ``end``: where it was before this process wrote to it.

        In small pieces, the reading in a thread: whoever calls meanwhile is not kept waiting. What happens meanwhile
        is taken in afterwards. A disk that fails leaves the board with what it has.
        """
        self._ahead = deque() if self._ahead is None else self._ahead
        try:
            async for fact in _since(reader, self.midnight(), end):
                self._take(fact)
        except OSError as error:
            log.error("today not read from the journal; the wallboard begins now", problem=str(error.strerror))
        ahead, self._ahead = self._ahead, None
        for fact in ahead:
            self._take(fact)

    def begin_later(self) -> None:
        """Keep what comes until `read_today` is through."""
        self._ahead = deque()

    def midnight(self) -> datetime:
        """When today began in Shanghai."""
        return _day(self._clock.now())

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
        return self._tallies.get(self.midnight(), {})

    def recent(self) -> dict[str, Tally]:
        """Counts by queue of what was decided in the last 30 minutes."""
        since = self._clock.now() - RECENT
        while self._recent and self._recent[0].at < since:
            self._recent.popleft()
        found: dict[str, Tally] = {}
        for one in self._recent:
            tally = found.setdefault(one.queue, Tally())
            tally.count(one.outcome, one.waited_ms, self.goal_of(one.queue))
        return found

    # --- folding -------------------------------------------------------------------------------------------

    def _take(self, fact: Fact) -> None:
        self.emergencies.hear(fact)
        before = self._calls.get(fact.call_id or "")
        self.seats.take(fact, self._wrap_up_of(before.queue) if before is not None else 0.0)
        undecided = before is None or before.waited_ms is None
        call = fold(before, fact)
        if call is None:
            return
        self._calls[call.id] = call
        if undecided and call.waited_ms is not None and call.queued_at is not None:
            self._count(call, call.queued_at, fact.at)
        if call.over:
            del self._calls[call.id]

    def _count(self, call: HotlineCall, queued_at: datetime, at: datetime) -> None:
        day = _day(queued_at)
        if day not in self._tallies:
            self._tallies[day] = {}
            for old in sorted(self._tallies)[:-2]:
                del self._tallies[old]
        tally = self._tallies.get(day, {}).setdefault(call.queue, Tally())
        tally.add(call, self.goal_of(call.queue))
        self._recent.append(Decided(at, call.queue, call.outcome, call.waited_ms or 0))


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
