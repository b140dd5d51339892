"""Relay: carries the journal into the database, in order, each fact once, for as long as it takes (A10, R5, R6).

The relay's place is kept in the database itself and moves in the same transaction as what the facts
bring about. So a crash anywhere repeats nothing and leaves nothing out.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.db import Database, to_the_end
from callcenter.facts import Fact
from callcenter.journal import START, Position
from callcenter.journal_reader import JournalReader
from callcenter.timeline.model import CursorRow, FactRow, FailureRow
from callcenter.timeline.service import row_values

log = structlog.get_logger(__name__)

RELAYED = "relayed"
"""Bus topic: the database has moved on; the message is the node's name."""

TRIES = 3
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Projector(Protocol):
    """Turns facts into rows of its domain, in the relay's transaction.

    What it raises, other than that the database is away, is the fact's own fault: the fact is skipped
    for this projector after three tries.
    """

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Write what follows from facts, of whatever kind, in journal order; neither commits nor waits.

        As far as commits go each fact is seen exactly once.
        """


class _Unfit(Exception):
    """A fact, not the database, is at fault."""

    def __init__(self, fact: Fact, projector: str, reason: Exception) -> None:
        super().__init__(f"{projector}: {reason}")
        self.fact, self.projector, self.reason = fact, projector, reason


class Relay:
    """One node's relay. Runs in the worker until cancelled; never touches the call path."""

    def __init__(
        self,
        node: str,
        reader: JournalReader,
        database: Database,
        projectors: Sequence[Projector],
        bus: Bus,
        clock: Clock,
        *,
        batch: int = 100,
        poll_seconds: float = 0.2,
    ) -> None:
        """``batch``: facts a transaction; SQLite keeps other writers waiting for so long."""
        self._node = node
        self._reader = reader
        self._database = database
        self._projectors = projectors
        self._bus = bus
        self._clock = clock
        self._batch = batch
        self._poll = poll_seconds
        self._position = START
        self._position_known = False
        self._oldest_waiting: datetime | None = None
        self._one_by_one = 0
        self._faults: dict[tuple[str, str], list[str]] = {}
        self._woken = asyncio.Event()
        self._moved = asyncio.Event()
        self.problem: str | None = None
        """What the database last complained of; None while it takes facts."""

    # -- how far it is ---------------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """Up to where the journal is in the database, as far as is known."""
        return self._position

    @property
    def oldest_waiting(self) -> datetime | None:
        """When the oldest fact that is not in the database happened, as far as it was looked at."""
        return self._oldest_waiting

    async def moved(self, seconds: float) -> None:
        """Wait until a batch is in the database, at most so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), seconds)
        self._moved.clear()

    # -- the loop --------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look at the journal now instead of at the next poll."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled. While the database is away the journal keeps everything."""
        attempt = 0
        while True:
            try:
                busy = await to_the_end(self.step())
            except Exception as error:
                self._position_known = False  # what was committed is known only to the database
                self.problem = type(error).__name__
                await self._look_what_waits()
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                log.error("relay held up", node=self._node, problem=self.problem, retry_seconds=pause, attempt=attempt)
                attempt += 1
                await asyncio.sleep(pause)
                continue
            if self.problem is not None:
                log.info("relay goes on", node=self._node)
            self.problem, attempt = None, 0
            if not busy:
                self._woken.clear()
                try:
                    await asyncio.wait_for(self._woken.wait(), self._poll)
                except TimeoutError:
                    continue

    async def step(self) -> bool:
        """Relay one batch; True when more may be waiting. Raises what the database or the disk says.

        A batch that was not full caught up: going on at once would carry a busy journal fact by fact, at the
        price of a transaction each.
        """
        if not self._position_known:
            self._position = await self._stored_position()
            self._position_known = True
            self._moved.set()
        limit = 1 if self._one_by_one else self._batch
        found, following = await asyncio.to_thread(self._reader.read, self._position, limit)
        if not found:
            self._oldest_waiting = None
            return False
        facts = [fact for fact, _ in found]
        self._oldest_waiting = facts[0].at
        try:
            self._position_known = await self._carry(self._position, following, facts)
        except _Unfit as unfit:
            self._count(unfit, len(facts))
            return True
        self._one_by_one = max(0, self._one_by_one - 1)
        if self._position_known:
            if following.segment != self._position.segment:
                await asyncio.to_thread(self._reader.relayed, following)
            self._position = following
            self._moved.set()
            self._bus.publish(RELAYED, self._node.encode())
        more = len(found) == limit or not self._position_known
        if not more:
            self._oldest_waiting = None
        return more

    async def _look_what_waits(self) -> None:
        with contextlib.suppress(OSError):
            found, _ = await asyncio.to_thread(self._reader.read, self._position, 1)
            self._oldest_waiting = found[0][0].at if found else None

    async def _stored_position(self) -> Position:
        async with self._database.transaction() as session:
            row = await session.get(CursorRow, self._node)
            if row is None:
                session.add(CursorRow(node=self._node, segment=START.segment, offset=START.offset))
                return START
            stored = Position(row.segment, row.offset)
            last = await asyncio.to_thread(self._reader.before, stored)
            if stored.offset == 0 or (last is not None and await self._has(session, last)):
                return stored
            # A disk that lied about a flush, or a folder that was put back, took what the database has (R28): our
            # place is in what is gone, and what was written there since would be passed over.
            begin = Position(stored.segment, 0) if self._reader.has(stored.segment) else START
            log.error("journal is not the one that was relayed", node=self._node, place=tuple(stored), again=begin)
            row.segment, row.offset = begin
            return begin

    async def _has(self, session: AsyncSession, fact: Fact) -> bool:
        """Whether a fact is in the database, or on record as one that cannot be."""
        return (
            await session.get(FactRow, fact.id) is not None
            or await session.get(FailureRow, (fact.id, "facts")) is not None
        )

    async def _carry(self, start: Position, end: Position, facts: list[Fact]) -> bool:
        """One transaction: cursor, facts, projections. False when another relay moved the cursor meanwhile."""
        async with self._database.transaction() as session:
            # The cursor first: it takes the write lock, so that two relays of one node cannot both go on.
            cursor = CursorRow.__table__
            moved = await session.execute(
                update(cursor)  # type: ignore[arg-type]
                .where(cursor.c.node == self._node, cursor.c.segment == start.segment, cursor.c.offset == start.offset)
                .values(segment=end.segment, offset=end.offset)
            )
            if moved.rowcount == 0:  # type: ignore[attr-defined]
                return False
            new = await self._insert(session, facts)
            if new:
                for projector in self._projectors:
                    await self._project(session, projector, new)
            return True

    async def _insert(self, session: AsyncSession, facts: list[Fact]) -> list[Fact]:
        """Store the facts that are not there yet (a new segment repeats those of open calls) and return them."""
        waiting = {fact.id: fact for fact in facts}
        for known in await session.scalars(select(FactRow.id).where(FactRow.id.in_(waiting))):
            del waiting[known]
        if not waiting:
            return []
        first = next(iter(waiting.values()))
        if await self._passed_over(session, first, "facts"):
            return []
        try:
            await session.execute(insert(FactRow.__table__), [row_values(fact) for fact in waiting.values()])  # type: ignore[arg-type]
        except Exception as error:
            raise _blame(first, "facts", error) from error
        return list(waiting.values())

    async def _project(self, session: AsyncSession, projector: Projector, facts: list[Fact]) -> None:
        name = type(projector).__name__
        if await self._passed_over(session, facts[0], name):
            return
        try:
            await projector.apply(session, facts)
            await session.flush()
        except Exception as error:
            raise _blame(facts[0], name, error) from error

    # -- facts at fault --------------------------------------------------------------------------

    def _count(self, unfit: _Unfit, facts: int) -> None:
        """In a batch: find the culprit by going one by one. Alone: count its tries."""
        if not self._one_by_one:
            self._one_by_one = facts
            return
        reason = unfit.reason
        text = str(reason.orig) if isinstance(reason, DBAPIError) else str(reason)
        faults = self._faults.setdefault((unfit.fact.id, unfit.projector), [])
        faults.append(f"{type(reason).__name__}: {text}")
        log.error(  # without the error's text: it may hold what the caller said
            "fact cannot be projected",
            fact_id=unfit.fact.id,
            kind=unfit.fact.kind,
            projector=unfit.projector,
            problem=type(reason).__name__,
            tries=len(faults),
            skipped=len(faults) >= TRIES,
        )

    async def _passed_over(self, session: AsyncSession, fact: Fact, projector: str) -> bool:
        """True, and on record, when this fact has failed often enough at this projector."""
        faults = self._faults.get((fact.id, projector), [])
        if len(faults) < TRIES:
            return False
        row = FailureRow(
            fact_id=fact.id, projector=projector, kind=fact.kind[:60], at=self._clock.now(), error=faults[-1]
        )
        await session.merge(row)
        return True


def _blame(fact: Fact, projector: str, error: Exception) -> Exception:
    """The error itself when the database is away or unwell, else that the fact is at fault.

    A refused value (SQLSTATE classes 22 and 23) is the fact's fault; anything else that the
    database says (gone, locked, full, not migrated) may pass and must cost no fact.
    """
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        fault = isinstance(error, DataError | IntegrityError) or state[:2] in ("22", "23")
        return _Unfit(fact, projector, error) if fault else error
    if isinstance(error, OSError | PoolTimeout):
        return error
    return _Unfit(fact, projector, error)
