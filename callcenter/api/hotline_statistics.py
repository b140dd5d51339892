"""History of hotline and seats over REST, as JSON, CSV and .xlsx (B1, B7)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import Services, ServicesDep, SessionDep, require
from callcenter.api.files import FILES, FormatPath, answer
from callcenter.api.problems import responses
from callcenter.api.types import Moment, UserName
from callcenter.clock import SHANGHAI
from callcenter.errors import InvalidInput
from callcenter.queues.model import GENERAL
from callcenter.reports import hotline
from callcenter.reports.hotline import By, HotlineGroup, OperatorFigures, Span
from callcenter.reports.hotline_figures import DEFINITIONS, goal_of
from callcenter.reports.seats import SeatTime, seat_times
from callcenter.routing.model import SeatState
from callcenter.shapes import Instant
from callcenter.sheets.writing import Cell

router = idempotency.router("/statistics", "statistics")

Reader = Annotated[Principal, Depends(require("statistics:read"))]

DAYS, MOST_DAYS, MOST_HOUR_DAYS = 30, 400, 93


class Grouping(StrEnum):
    """What groups are made by."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUEUE = "queue"
    OPERATOR = "operator"


class _Answer(BaseModel):
    since: Moment
    until: Moment
    as_of: Moment = Field(description="What happened until then is counted; later only in part.")


class HotlineStatistics(_Answer):
    """The hotline over a period: of all calls, and group by group (``operators`` when by=operator)."""

    by: Grouping
    total: HotlineGroup
    groups: list[HotlineGroup]
    operators: list[OperatorFigures]
    definitions: dict[str, str]


class SeatStatistics(_Answer):
    """How long each seat was in which state."""

    items: list[SeatTime]


class Asked(BaseModel):
    """A period."""

    since: datetime
    until: datetime


def _asked(
    services: ServicesDep,
    since: Annotated[Instant | None, Query(description="At or after; 30 days before `until` by default.")] = None,
    until: Annotated[Instant | None, Query(description="Before; now by default.")] = None,
) -> Asked:
    end = until or services.clock.now()
    begin = since or end - timedelta(days=DAYS)
    if begin >= end:
        raise InvalidInput("since must be before until")
    if end - begin > timedelta(days=MOST_DAYS):
        raise InvalidInput(f"ask for at most {MOST_DAYS} days at once", reason="period_long", days=MOST_DAYS)
    return Asked(since=begin, until=end)


AskedDep = Annotated[Asked, Depends(_asked)]


def _as_of(services: Services) -> datetime:
    lag = services.record.lag_seconds if services.record else 0.0
    return services.clock.now() - timedelta(seconds=round(lag, 3))


async def _hotline(
    asked: AskedDep,
    session: SessionDep,
    services: ServicesDep,
    _: Reader,
    by: Annotated[Grouping, Query(description="Periods are those of Asia/Shanghai.")] = Grouping.NONE,
    queue: Annotated[str | None, Query(pattern=r"^[a-z0-9_-]{1,40}$")] = None,
) -> HotlineStatistics:
    if by is Grouping.HOUR and asked.until - asked.since > timedelta(days=MOST_HOUR_DAYS):
        raise InvalidInput(
            f"by hour, ask for at most {MOST_HOUR_DAYS} days at once", reason="period_long", days=MOST_HOUR_DAYS
        )
    book, now = services.queues(), services.clock.now()
    goals = {code: goal_of(book, code) for code in book.queues if code != GENERAL}
    default = goal_of(book, queue or GENERAL)
    span = Span(since=asked.since, until=asked.until, queue=queue)
    plain = by in (Grouping.NONE, Grouping.OPERATOR)
    whole = await hotline.figures(session, span, By.NONE, goals, default, now)
    return HotlineStatistics(
        since=asked.since,
        until=asked.until,
        as_of=_as_of(services),
        by=by,
        total=hotline.total(whole, default),
        groups=[] if plain else await hotline.figures(session, span, By(by), goals, default, now),
        operators=await hotline.operators(session, span) if by is Grouping.OPERATOR else [],
        definitions=DEFINITIONS,
    )


HotlineDep = Annotated[HotlineStatistics, Depends(_hotline)]


@router.get("/hotline", responses=responses())
async def get_hotline_statistics(statistics: HotlineDep) -> HotlineStatistics:
    """Offered, answered, abandoned, service level, connection rate, waits, talk, hold, wrap-up, transfers (B1).

    As the database has it; ``/wallboard`` has the figures of this moment. Callers count in the period in which they
    came into the queue.
    """
    return statistics


_HEADER = (
    *("分组", "进入队列", "应答", "时限内应答", "放弃", "5秒内放弃", "溢出", "转紧急", "等待中", "服务水平", "接通率"),
    *("平均等待(秒)", "最长等待(秒)", "通话(秒)", "保持(秒)", "转接", "起", "止"),
)
_OPERATOR_HEADER = (
    *("话务员", "振铃", "应答", "未接", "平均振铃(秒)", "通话(秒)", "保持(秒)", "话后(秒)", "转接", "起", "止"),
)


@router.get("/hotline.{form}", response_class=Response, responses={**responses(), **FILES})
async def get_hotline_statistics_file(request: Request, form: FormatPath, statistics: HotlineDep) -> Response:
    """The same as a file for spreadsheets."""
    period = [
        moment.astimezone(SHANGHAI).isoformat(timespec="seconds") for moment in (statistics.since, statistics.until)
    ]
    if statistics.by is Grouping.OPERATOR:
        rows = [[*one.model_dump().values(), *period] for one in statistics.operators]
        return await answer(request, form, "hotline-operators", "热线话务员", _OPERATOR_HEADER, rows)
    groups = [*statistics.groups, statistics.total.model_copy(update={"key": "合计"})]
    return await answer(request, form, "hotline", "热线统计", _HEADER, [[*_cells(one), *period] for one in groups])


def _cells(group: HotlineGroup) -> Sequence[Cell]:
    return (
        *(group.key, group.offered, group.answered, group.answered_within, group.abandoned, group.short_abandoned),
        *(group.overflowed, group.turned, group.waiting, group.service_level.share, group.connection_rate),
        *(group.average_wait_seconds, group.longest_wait_seconds, group.talk_seconds, group.hold_seconds),
        group.transfers,
    )


async def _seats(
    asked: AskedDep,
    session: SessionDep,
    services: ServicesDep,
    _: Reader,
    by_day: Annotated[bool, Query(description="One item for each seat and day of Asia/Shanghai.")] = False,
    user: Annotated[UserName | None, Query()] = None,
) -> SeatStatistics:
    now = services.clock.now()
    items = await seat_times(session, asked.since, asked.until, now, by_day=by_day, user=user)
    return SeatStatistics(since=asked.since, until=asked.until, as_of=_as_of(services), items=items)


SeatsDep = Annotated[SeatStatistics, Depends(_seats)]


@router.get("/seats", responses=responses())
async def get_seat_statistics(statistics: SeatsDep) -> SeatStatistics:
    """Seconds of each seat in each state, pauses by reason; what a seat does just now counts until now (B7)."""
    return statistics


_STATES = {
    SeatState.TALKING: "通话(秒)",
    SeatState.MONITORING: "监听(秒)",
    SeatState.RINGING: "振铃(秒)",
    SeatState.READY: "空闲(秒)",
    SeatState.WRAP_UP: "话后(秒)",
    SeatState.PAUSED: "小休(秒)",
    SeatState.OFFLINE: "离线(秒)",
}


@router.get("/seats.{form}", response_class=Response, responses={**responses(), **FILES})
async def get_seat_statistics_file(request: Request, form: FormatPath, statistics: SeatsDep) -> Response:
    """The same as a file for spreadsheets."""
    header = ("坐席", "日期", *_STATES.values(), "小休原因")
    rows: list[Sequence[Cell]] = [
        (
            *(one.user, one.day or ""),
            *(one.seconds.get(state, 0.0) for state in _STATES),
            "；".join(f"{reason or '未说明'} {seconds:g}" for reason, seconds in one.paused.items()),
        )
        for one in statistics.items
    ]
    return await answer(request, form, "seats", "坐席时间", header, rows)
