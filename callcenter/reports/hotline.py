"""The hotline's figures over a period, reckoned inside the database (B1); definitions: `reports.hotline_calls`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.reports.hotline_calls import SHORT_SECONDS, Outcome
from callcenter.reports.hotline_figures import Goal, HotlineFigures, Tally
from callcenter.reports.periods import Period, begin, key
from callcenter.reports.seats import seconds_in
from callcenter.reports.tables import HotlineCallRow as C
from callcenter.reports.tables import OfferRow as O
from callcenter.routing.model import SeatState

SHORT_MS = int(SHORT_SECONDS * 1000)


class By(StrEnum):
    """What groups are made by; periods are those of Asia/Shanghai, by when the caller came into the queue."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUEUE = "queue"


class Span(BaseModel):
    """Which calls. ``since`` is included, ``until`` is not; ``queue`` None: all."""

    since: datetime
    until: datetime
    queue: str | None = None


class HotlineGroup(HotlineFigures):
    """A group's figures, with what followed the answer. Seconds are sums."""

    key: str
    talk_seconds: float
    hold_seconds: float
    transfers: int


class OperatorFigures(BaseModel):
    """What one operator did on the hotline. ``wrap_up_seconds``: all of the seat's time in wrap-up in the period.

    ``talk_seconds``: with a caller, on hold or not. ``hold_seconds``, ``transfers``: of calls answered first here.
    """

    key: str
    offered: int
    answered: int
    missed: int
    average_ring_seconds: float | None
    talk_seconds: float
    hold_seconds: float
    wrap_up_seconds: float
    transfers: int


async def figures(
    session: AsyncSession, span: Span, by: By, goals: Mapping[str, Goal], default: Goal, now: datetime
) -> list[HotlineGroup]:
    """Figures of every group that has calls, in order of key; `By.NONE` makes one group, or none."""
    dialect = (await session.connection()).dialect.name
    group = _key(by, dialect)
    within = case({queue: goal.within_seconds for queue, goal in goals.items()}, value=C.queue, else_=None)
    limit_ms = func.coalesce(within if goals else None, default.within_seconds) * 1000
    beyond = [and_(C.queue == queue, C.queued_at < _before(now, goal)) for queue, goal in goals.items()]
    others = and_(C.queue.not_in(list(goals)), C.queued_at < _before(now, default))
    answered = C.outcome == Outcome.ANSWERED
    left = C.outcome == Outcome.ABANDONED
    counted: dict[str, ColumnElement[bool]] = {
        "answered": answered,
        "answered_within": and_(answered, C.waited_ms <= limit_ms),
        "abandoned": and_(left, C.waited_ms >= SHORT_MS),
        "short": and_(left, C.waited_ms < SHORT_MS),
        "overflowed": C.outcome == Outcome.OVERFLOWED,
        "turned": C.outcome == Outcome.EMERGENCY,
        "waiting": C.outcome == Outcome.WAITING,
        "waiting_beyond": and_(C.outcome == Outcome.WAITING, or_(*beyond, others)),
    }
    columns = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in counted.items()]
    columns += [
        func.coalesce(func.sum(case((answered, C.waited_ms))), 0).label("answered_wait_ms"),
        func.coalesce(func.max(C.waited_ms), -1).label("longest_ms"),
        func.sum(C.talk_ms).label("talk_ms"),
        func.sum(C.hold_ms).label("hold_ms"),
        func.sum(C.transfers).label("transfers"),
    ]
    query = select(group.label("key"), *columns).where(*_which(span)).group_by(group).order_by(group)
    rows = (await session.execute(query)).mappings().all()
    return [_group(row, by, goals, default) for row in rows]


def _before(now: datetime, goal: Goal) -> datetime:
    return now - timedelta(seconds=goal.within_seconds)


def _key(by: By, dialect: str) -> ColumnElement[str]:
    match by:
        case By.NONE:
            return literal("")
        case By.QUEUE:
            return C.queue.expression
        case _:
            return begin(C.queued_at, Period(by), dialect)


def _which(span: Span) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [C.queued_at >= span.since, C.queued_at < span.until]
    return [*found, C.queue == span.queue] if span.queue is not None else found


def _group(row: Mapping[Any, Any], by: By, goals: Mapping[str, Goal], default: Goal) -> HotlineGroup:
    tally = Tally(**{name: int(row[name]) for name in Tally.__slots__})
    goal = goals.get(row["key"], default) if by is By.QUEUE else (None if goals else default)
    return HotlineGroup(
        **tally.figures(goal).model_dump(),
        key=key(row["key"], Period(by)) if by.value in set(Period) else row["key"],
        talk_seconds=round(int(row["talk_ms"]) / 1000, 1),
        hold_seconds=round(int(row["hold_ms"]) / 1000, 1),
        transfers=int(row["transfers"]),
    )


async def operators(session: AsyncSession, span: Span) -> list[OperatorFigures]:
    """Figures by operator, of offers that began in the period; of one queue when it is asked for."""
    offers = (
        select(
            O.user.label("user"),
            func.count().label("offered"),
            func.count(O.answered_at).label("answered"),
            func.sum(case((O.missed, 1), else_=0)).label("missed"),
            func.sum(O.rang_ms).label("rang_ms"),
            func.sum(O.talk_ms).label("talk_ms"),
        )
        .where(O.at >= span.since, O.at < span.until)
        .group_by(O.user)
        .order_by(O.user)
    )
    if span.queue is not None:
        offers = offers.where(O.call_id.in_(select(C.id).where(C.queue == span.queue)))
    calls = (
        select(C.operator, func.sum(C.hold_ms).label("hold_ms"), func.sum(C.transfers).label("transfers"))
        .where(*_which(span), C.operator != "")
        .group_by(C.operator)
    )
    first = {row["operator"]: row for row in (await session.execute(calls)).mappings()}
    wrap_up = await seconds_in(session, span.since, span.until, SeatState.WRAP_UP)
    return [_operator(row, first.get(row["user"]), wrap_up) for row in (await session.execute(offers)).mappings()]


def _operator(row: Mapping[Any, Any], first: Mapping[Any, Any] | None, wrap_up: Mapping[str, float]) -> OperatorFigures:
    return OperatorFigures(
        key=row["user"],
        offered=row["offered"],
        answered=row["answered"],
        missed=int(row["missed"]),
        average_ring_seconds=round(int(row["rang_ms"]) / row["offered"] / 1000, 1),
        talk_seconds=round(int(row["talk_ms"]) / 1000, 1),
        hold_seconds=round(int(first["hold_ms"]) / 1000, 1) if first else 0.0,
        wrap_up_seconds=wrap_up.get(row["user"], 0.0),
        transfers=int(first["transfers"]) if first else 0,
    )


def total(groups: Sequence[HotlineGroup], default: Goal) -> HotlineGroup:
    """The figures of nobody, where there are no groups."""
    if groups:
        return groups[0].model_copy(update={"key": "total"})
    none = Tally().figures(default).model_dump()
    return HotlineGroup(**none, key="total", talk_seconds=0, hold_seconds=0, transfers=0)
