"""How long seats were in which state, over a period, from the record (B7)."""

from collections import defaultdict
from datetime import datetime

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.reports.tables import SeatClockRow, SeatSpanRow, days_of, to_clock

S = SeatSpanRow


class SeatTime(BaseModel):
    """Seconds that a seat was in each state; ``paused`` by reason as well. Time before its first fact is unknown."""

    user: str
    day: str | None = Field(description="Of Asia/Shanghai; null for the whole period.")
    seconds: dict[str, float]
    paused: dict[str, float] = Field(description="By reason.")


async def seat_times(
    session: AsyncSession, since: datetime, until: datetime, now: datetime, *, by_day: bool, user: str | None = None
) -> list[SeatTime]:
    """Each seat's time, in order of user and day; what a seat does just now counts until ``now``."""
    begin, end = _epoch(since), _epoch(until)
    query = (
        select(S.user, S.day, S.state, S.reason, _length(begin, end))
        .where(S.until_ms > begin, S.since_ms < end)
        .group_by(S.user, S.day, S.state, S.reason)
    )
    clocks = select(SeatClockRow)
    if user is not None:
        query, clocks = query.where(S.user == user), clocks.where(SeatClockRow.id == user)
    found: defaultdict[tuple[str, str], dict[tuple[str, str], float]] = defaultdict(dict)

    def add(who: str, day: str, state: str, reason: str, milliseconds: float) -> None:
        times = found[who, day if by_day else ""]
        times[state, reason] = times.get((state, reason), 0.0) + milliseconds / 1000

    for who, day, state, reason, milliseconds in await session.execute(query):
        add(who, day, state, reason, float(milliseconds))
    for row in await session.scalars(clocks):
        for span in to_clock(row).spans(min(now, until)):
            for day, first, last in days_of(span):
                if last > begin:
                    add(span.user, day, span.state, span.reason, last - max(first, begin))
    return [_time(who, day, times) for (who, day), times in sorted(found.items())]


def _epoch(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _length(begin: int, end: int) -> ColumnElement[int]:
    """Milliseconds of the spans between two moments."""
    until = case((S.until_ms > end, end), else_=S.until_ms)
    return func.sum(until - case((S.since_ms < begin, begin), else_=S.since_ms))


def _time(user: str, day: str, times: dict[tuple[str, str], float]) -> SeatTime:
    seconds: defaultdict[str, float] = defaultdict(float)
    paused: defaultdict[str, float] = defaultdict(float)
    for (state, reason), length in times.items():
        seconds[str(state)] += length
        if state == "paused":
            paused[reason] += length
    return SeatTime(user=user, day=day or None, seconds=_rounded(seconds), paused=_rounded(paused))


def _rounded(times: dict[str, float]) -> dict[str, float]:
    return {name: round(length, 1) for name, length in sorted(times.items())}


async def seconds_in(session: AsyncSession, since: datetime, until: datetime, state: str) -> dict[str, float]:
    """Seconds in one state by seat, of what is over."""
    begin, end = _epoch(since), _epoch(until)
    query = (
        select(S.user, _length(begin, end))
        .where(S.state == state, S.until_ms > begin, S.since_ms < end)
        .group_by(S.user)
    )
    return {user: round(float(milliseconds) / 1000, 1) for user, milliseconds in await session.execute(query)}
