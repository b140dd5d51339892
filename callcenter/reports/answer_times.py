"""The two answer times of A1 (GS 4.3.11.2), over a period and group by group, reckoned inside the database.

What is counted, and from when:

- An *emergency call* is an incident that began with a call: origin ``press`` (from its first INVITE) or ``menu`` (from
  the key 9; the machine had answered before, so it has no system answer time). Alarms have no INVITE: they count from
  their receipt and are figures of their own, as are drills and synthetic presses; none is mixed into the calls.
- *Answered* has had a human with the elder. *Abandoned* was closed without one; *waiting* is open without one beyond
  the limit. Both are *unanswered* and stay in the denominator. *Undecided*, open and still within the limit, is neither
  yet and is told apart.
- Percentiles are nearest-rank over all, the unanswered ranking as infinitely slow: one that falls on an unanswered
  incident is null, and ``unanswered`` says why. No percentile is made better by those who gave up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, String, and_, case, cast, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.emergency.tables import EmergencyRow as E
from callcenter.reports.periods import Period, begin, key

NEVER = 2**31 - 2
"""Stands for the answer time of who was never answered."""
_PERCENTS = (50, 95, 99)


class Origin(StrEnum):
    """Which incidents. ``call``: press and menu, the emergency calls of A1; ``all``: those, alarms and the desk's own.

    An alarm, and an emergency raised at the desk, has no INVITE: it counts from when it was told.
    """

    CALL = "call"
    PRESS = "press"
    MENU = "menu"
    ALARM = "alarm"
    DESK = "desk"
    ALL = "all"


class Apart(StrEnum):
    """What is counted apart and only when asked for."""

    DRILLS = "drills"
    SYNTHETIC = "synthetic"


class Grouping(StrEnum):
    """What groups are made by; periods are those of `Period`."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    KIND = "kind"
    AREA = "area"
    ORIGIN = "origin"


class Times(BaseModel):
    """One answer time over many incidents. Milliseconds; null where the rank falls on an unanswered incident, or
    where there is none at all."""

    incidents: int
    answered: int
    within_limit: int
    share_within_limit: float | None = Field(description="Of all incidents, the unanswered included; 0 to 1.")
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    worst_ms: int | None
    slowest_answered_ms: int | None = Field(description="The worst of those that were answered.")


class Figures(BaseModel):
    """Answer-time figures of a group of incidents (A1)."""

    key: str
    incidents: int
    answered: int
    abandoned: int = Field(description="Closed, and no human was ever with the elder.")
    waiting: int = Field(description="Open, and no human within the limit.")
    unanswered: int = Field(description="abandoned + waiting")
    system: Times = Field(description="Until the machine answered; of presses only.")
    human: Times = Field(description="Until a human was in the room with the elder.")


class Which(BaseModel):
    """Whose figures are wanted. ``since`` is included, ``until`` is not; ``area`` None: all."""

    since: datetime
    until: datetime
    kind: str | None = None
    areas: tuple[str, ...] = ()


def times(values: Sequence[int | None], limit_ms: float) -> Times:
    """Reckon in memory what `figures` does in the database; None is unanswered."""
    ranked = sorted(NEVER if value is None else value for value in values)
    answered = [value for value in ranked if value < NEVER]
    within = sum(value <= limit_ms for value in answered)
    ranks = {f"p{percent}_ms": ranked[rank(len(ranked), percent) - 1] if ranked else NEVER for percent in _PERCENTS}
    return Times(
        incidents=len(ranked),
        answered=len(answered),
        within_limit=within,
        share_within_limit=_share(within, len(ranked)),
        worst_ms=_known(ranked[-1] if ranked else None),
        slowest_answered_ms=answered[-1] if answered else None,
        **{name: _known(value) for name, value in ranks.items()},
    )


def rank(count: int, percent: int) -> int:
    """The nearest rank, from 1: the smallest place at or above ``percent`` per cent of ``count``."""
    return max(1, (count * percent + 99) // 100)


def _known(value: int | None) -> int | None:
    return None if value is None or value >= NEVER else value


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def is_drill() -> ColumnElement[bool]:
    """A drill, by its origin or because somebody takes part in it. JSON's null is not SQL's."""
    return or_(E.origin == "drill", func.coalesce(cast(E.drill, String), "null") != "null")


def of_origin(origin: Origin | Apart) -> ColumnElement[bool]:
    """Incidents of an origin; drills and synthetic presses only under their own names."""
    if origin is Apart.DRILLS:
        return is_drill()
    if origin is Apart.SYNTHETIC:
        return and_(E.origin == "synthetic", not_(is_drill()))
    calls = ("press", "menu")
    origins = {Origin.CALL: calls, Origin.ALL: (*calls, "alarm", "desk")}.get(origin, (origin.value,))
    return and_(E.origin.in_(origins), not_(is_drill()))


def conditions(which: Which) -> list[ColumnElement[bool]]:
    """The period, kind and areas, as a query takes them."""
    found: list[ColumnElement[bool]] = [E.opened_at >= which.since, E.opened_at < which.until]
    if which.kind is not None:
        found.append(E.kind == which.kind)
    return [*found, *(E.area == area for area in which.areas)]


def group_key(by: Grouping, dialect: str) -> ColumnElement[str]:
    """The column that a group is made by."""
    match by:
        case Grouping.KIND:
            return E.kind.expression
        case Grouping.AREA:
            return E.area.expression
        case Grouping.ORIGIN:
            return E.origin.expression
        case Grouping.NONE:
            return literal("", String)
        case _:
            return begin(E.opened_at, Period(by), dialect)


def key_of(stored: str, by: Grouping) -> str:
    """A group's key as it is shown."""
    return key(stored, Period(by)) if by.value in set(Period) else stored


async def figures(
    session: AsyncSession, which: Which, origin: Origin | Apart, by: Grouping, now: datetime, limit_seconds: float
) -> list[Figures]:
    """Figures of every group that has incidents, in order of key; `Grouping.NONE` makes one group, or none."""
    dialect = (await session.connection()).dialect.name
    query = _query(which, origin, group_key(by, dialect), now, limit_seconds)
    rows = (await session.execute(query)).mappings().all()
    return [_figures(row, key_of(row["key"], by)) for row in rows]


async def total(
    session: AsyncSession, which: Which, origin: Origin | Apart, now: datetime, limit_seconds: float
) -> Figures:
    """Figures of all incidents together."""
    found = await figures(session, which, origin, Grouping.NONE, now, limit_seconds)
    none = times((), 0)
    empty = Figures(key="total", incidents=0, answered=0, abandoned=0, waiting=0, unanswered=0, system=none, human=none)
    return found[0].model_copy(update={"key": "total"}) if found else empty


async def undecided(session: AsyncSession, which: Which, origin: Origin, now: datetime, limit_seconds: float) -> int:
    """How many are open without a human, still within the limit."""
    query = select(func.count()).where(*conditions(which), of_origin(origin), not_(_decided(now, limit_seconds)))
    return await session.scalar(query) or 0


def _decided(now: datetime, limit_seconds: float) -> ColumnElement[bool]:
    return or_(E.human_answer_ms.is_not(None), E.state != "open", E.opened_at < now - timedelta(seconds=limit_seconds))


def _query(
    which: Which, origin: Origin | Apart, by: ColumnElement[str], now: datetime, limit_seconds: float
) -> Select[Any]:
    """One pass: every incident gets its rank in its group, and each group keeps the ranks it is asked for."""
    each = (
        select(
            by.label("key"),
            E.state.label("state"),
            func.coalesce(E.human_answer_ms, NEVER).label("human"),
            case((E.origin == "press", func.coalesce(E.system_answer_ms, NEVER))).label("system"),
        )
        .where(*conditions(which), of_origin(origin), _decided(now, limit_seconds))
        .subquery()
    )
    ranked = select(each)
    for name in ("human", "system"):
        value = each.c[name]
        # No value (no press) ranks behind everything, on both databases.
        order = func.coalesce(value, NEVER + 1)
        ranked = ranked.add_columns(
            func.row_number().over(partition_by=each.c.key, order_by=order).label(f"{name}_rank"),
            func.count(value).over(partition_by=each.c.key).label(f"{name}_count"),
        )
    rows = ranked.subquery()
    limit_ms = limit_seconds * 1000
    columns: list[ColumnElement[Any]] = [
        func.count().label("incidents"),
        func.sum(case((and_(rows.c.human == NEVER, rows.c.state == "open"), 1), else_=0)).label("waiting"),
    ]
    for name in ("human", "system"):
        value, place, count = rows.c[name], rows.c[f"{name}_rank"], rows.c[f"{name}_count"]
        columns += [
            func.count(value).label(f"{name}_incidents"),
            func.count(case((value < NEVER, 1))).label(f"{name}_answered"),
            func.count(case((and_(value < NEVER, value <= limit_ms), 1))).label(f"{name}_within"),
            func.max(value).label(f"{name}_worst"),
            func.max(case((value < NEVER, value))).label(f"{name}_slowest"),
        ]
        columns += [
            func.max(case((place == (count * percent + 99) // 100, value))).label(f"{name}_p{percent}")
            for percent in _PERCENTS
        ]
    return select(rows.c.key, *columns).group_by(rows.c.key).order_by(rows.c.key)


def _figures(row: Mapping[Any, Any], name: str) -> Figures:
    human = _times(row, "human")
    unanswered = human.incidents - human.answered
    return Figures(
        key=name,
        incidents=row["incidents"],
        answered=human.answered,
        abandoned=unanswered - row["waiting"],
        waiting=row["waiting"],
        unanswered=unanswered,
        system=_times(row, "system"),
        human=human,
    )


def _times(row: Mapping[Any, Any], name: str) -> Times:
    return Times(
        incidents=row[f"{name}_incidents"],
        answered=row[f"{name}_answered"],
        within_limit=row[f"{name}_within"],
        share_within_limit=_share(row[f"{name}_within"], row[f"{name}_incidents"]),
        p50_ms=_known(row[f"{name}_p50"]),
        p95_ms=_known(row[f"{name}_p95"]),
        p99_ms=_known(row[f"{name}_p99"]),
        worst_ms=_known(row[f"{name}_worst"]),
        slowest_answered_ms=row[f"{name}_slowest"],
    )
