"""What figures are made from, as rows: each hotline call, each offer to a seat, each span of a seat's state (B1, B7).

The rows are written by the same folds that the wallboard runs in memory, so that both say the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.calls.tables import upsert
from callcenter.clock import SHANGHAI
from callcenter.db import Base, UtcDateTime
from callcenter.emergency.model import milliseconds
from callcenter.facts import Fact
from callcenter.queues.model import Book
from callcenter.reports.hotline_calls import HotlineCall, Outcome, fold
from callcenter.reports.hotline_figures import wrap_up_of
from callcenter.reports.seat_time import SeatClock, SeatTimes, Span
from callcenter.routing import facts as rf


class HotlineCallRow(Base):
    """A `HotlineCall`."""

    __tablename__ = "hotline_calls"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queue: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(16))
    operator: Mapped[str] = mapped_column(String(64))
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waited_ms: Mapped[int | None]
    talk_ms: Mapped[int]
    hold_ms: Mapped[int]
    transfers: Mapped[int]
    legs: Mapped[dict[str, str]] = mapped_column(JSON)


class OfferRow(Base):
    """A hotline call rang at a seat. ``missed``: it was not taken although nobody withdrew it."""

    __tablename__ = "hotline_offers"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36))
    user: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missed: Mapped[bool]
    rang_ms: Mapped[int]
    talk_ms: Mapped[int]


class SeatClockRow(Base):
    """What a seat does now, as far as facts have come: a `SeatClock`."""

    __tablename__ = "seat_clocks"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(60))
    phones: Mapped[list[str]] = mapped_column(JSON)
    page: Mapped[bool]
    declared: Mapped[str] = mapped_column(String(16))
    declared_reason: Mapped[str] = mapped_column(String(60))
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wrap_up_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    legs: Mapped[dict[str, list[Any]]] = mapped_column(JSON)


class SeatSpanRow(Base):
    """A `Span`, cut at Shanghai's midnights. ``since_ms``, ``until_ms``: milliseconds of the epoch, to add up."""

    __tablename__ = "seat_spans"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    user: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(60))
    day: Mapped[str] = mapped_column(String(10), index=True)
    since_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger)


_CALL_FIELDS = tuple(one.name for one in fields(HotlineCall))
_CLOCK_FIELDS = tuple(one.name for one in fields(SeatClock) if one.name != "user")
_SEAT_FACTS = (rf.SeatDeclared, rf.SeatPhone, rf.SeatPage, rf.SeatWrapUp)
_LEG_FACTS = (cf.LegAdded, cf.LegAnswered, cf.LegJoined, cf.LegEnded)
_WITHDRAWN = frozenset({"cancelled", "already_answered", "preempted", "lost"})


def to_clock(row: SeatClockRow) -> SeatClock:
    """The seat's clock that a row stands for."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _CLOCK_FIELDS}
    values["legs"] = {leg_id: (bool(one[0]), bool(one[1]), float(one[2])) for leg_id, one in row.legs.items()}
    return SeatClock(user=row.id, **values)


def days_of(span: Span) -> list[tuple[str, int, int]]:
    """A span cut at Shanghai's midnights: day, from, until in milliseconds of the epoch."""
    parts = []
    since = span.since
    while since < span.until:
        local = since.astimezone(SHANGHAI)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        until = min(span.until, midnight)
        parts.append((local.date().isoformat(), _epoch(since), _epoch(until)))
        since = until
    return parts


def _epoch(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class FiguresProjector:
    """Keeps the rows.

    ``wrap_up_seconds``: where a queue says nothing else. ``queues``: reads the present queues.
    """

    def __init__(self, wrap_up_seconds: float, queues: Callable[[AsyncSession], Awaitable[Book]] | None = None) -> None:
        self._wrap_up_seconds = wrap_up_seconds
        self._queues = queues

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold ``facts``, in order, into the rows."""
        queues = await self._calls(session, facts)
        await self._offers(session, [fact for fact, queue in zip(facts, queues, strict=True) if queue])
        await self._seats(session, facts, queues)

    async def _calls(self, session: AsyncSession, facts: Sequence[Fact]) -> list[str]:
        """Write the calls; tells of each fact which queue its call was in then, empty for one not on the hotline."""
        ids = {fact.call_id for fact in facts if fact.call_id is not None}
        rows = await session.scalars(select(HotlineCallRow).where(HotlineCallRow.id.in_(ids)))
        calls = {row.id: _to_call(row) for row in rows}
        queues = []
        for fact in facts:
            before = calls.get(fact.call_id or "")
            queues.append(before.queue if before is not None and not before.over else "")
            if (call := fold(before, fact)) is not None:
                calls[call.id] = call
        values = [{name: getattr(call, name) for name in _CALL_FIELDS} for call in calls.values()]
        await upsert(session, HotlineCallRow, [{**one, "outcome": str(one["outcome"])} for one in values])
        return queues

    async def _offers(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        legs = {leg_id for fact in facts if (leg_id := getattr(fact.body, "leg_id", None))}
        rows = await session.scalars(select(OfferRow).where(OfferRow.id.in_(legs)))
        names = tuple(column.key for column in OfferRow.__table__.columns)
        known = {row.id: {name: getattr(row, name) for name in names} for row in rows}
        for fact in facts:
            _offer(known, fact)
        await upsert(session, OfferRow, list(known.values()))

    async def _seats(self, session: AsyncSession, facts: Sequence[Fact], queues: Sequence[str]) -> None:
        if not any(isinstance(fact.body, (*_SEAT_FACTS, *_LEG_FACTS)) for fact in facts):
            return
        book = await self._queues(session) if self._queues is not None else Book()
        rows = await session.scalars(select(SeatClockRow))
        times = SeatTimes([to_clock(row) for row in rows])
        spans: list[dict[str, Any]] = []
        for fact, queue in zip(facts, queues, strict=True):
            wrap_up = wrap_up_of(book, queue, self._wrap_up_seconds) if queue else 0.0
            cut = [(span, *part) for span in times.take(fact, wrap_up) for part in days_of(span)]
            for number, (span, day, since, until) in enumerate(cut):
                told = {"user": span.user, "state": str(span.state), "reason": span.reason[:60], "day": day}
                spans.append({"id": f"{fact.id}.{number}", **told, "since_ms": since, "until_ms": until})
        await upsert(session, SeatSpanRow, spans)
        await upsert(session, SeatClockRow, [_clock_values(clock) for clock in times.clocks.values()])


def _clock_values(clock: SeatClock) -> dict[str, Any]:
    values = {name: getattr(clock, name) for name in _CLOCK_FIELDS}
    texts = {name: str(values[name])[:60] for name in ("state", "declared", "reason", "declared_reason")}
    return {"id": clock.user, **values, **texts}


def _to_call(row: HotlineCallRow) -> HotlineCall:
    values: dict[str, Any] = {name: getattr(row, name) for name in _CALL_FIELDS}
    return HotlineCall(**{**values, "outcome": Outcome(row.outcome), "legs": dict(row.legs)})


def _offer(known: dict[str, dict[str, Any]], fact: Fact) -> None:
    """Fold one fact of a hotline call into its offers."""
    match fact.body:
        case cf.LegAdded(role=Role.SEAT, leg_id=leg_id, number=user) if leg_id not in known:
            known[leg_id] = {"id": leg_id, "call_id": fact.call_id, "user": user, "at": fact.at, "answered_at": None}
            known[leg_id] |= {"ended_at": None, "missed": False, "rang_ms": 0, "talk_ms": 0}
        case cf.LegJoined(leg_id=leg_id) if (offer := known.get(leg_id)) and offer["answered_at"] is None:
            offer |= {"answered_at": fact.at, "rang_ms": milliseconds(offer["at"], fact.at)}
        case cf.LegEnded(leg_id=leg_id, reason=reason) if (offer := known.get(leg_id)) and offer["ended_at"] is None:
            answered = offer["answered_at"]
            offer["ended_at"] = fact.at
            if answered is None:
                offer |= {"rang_ms": milliseconds(offer["at"], fact.at), "missed": reason not in _WITHDRAWN}
            else:
                offer["talk_ms"] = milliseconds(answered, fact.at)
        case _:
            pass
