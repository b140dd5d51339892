"""Statistics over REST: the answer times of A1, and counts of emergencies (A1, H2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import Services, ServicesDep, SessionDep, require
from callcenter.api.problems import responses
from callcenter.api.types import Moment
from callcenter.clock import SHANGHAI
from callcenter.emergency.kinds import Kind
from callcenter.errors import InvalidInput
from callcenter.reports import answer_times, counts, csv_file
from callcenter.reports.answer_times import Apart, Figures, Grouping, Origin, Times, Which
from callcenter.reports.counts import Counts
from callcenter.shapes import Instant

router = idempotency.router("/statistics", "statistics")

Reader = Annotated[Principal, Depends(require("statistics:read"))]

DAYS = 30
MOST_HOURS = 24 * 93
"""Groups of one hour that one answer may hold."""
_CSV = "text/csv; charset=utf-8"


class _Answer(BaseModel):
    """What every statistic says of itself."""

    since: Moment
    until: Moment
    as_of: Moment = Field(description="What happened until then is counted; later only in part.")
    lag_seconds: float = Field(description="How far the database is behind the calls, when this process relays them.")
    by: Grouping
    origin: Origin


class AnswerTimes(_Answer):
    """Both answer times (A1, GS 4.3.11.2): of everybody, and group by group."""

    limit_seconds: float
    undecided: int = Field(description="Open, no human yet, still within the limit: not counted yet.")
    total: Figures
    groups: list[Figures] = Field(description="Groups that have incidents, in order of key.")
    alarms: Figures = Field(description="Incidents opened by an alarm, measured from its receipt; not in the total.")
    drills: Figures | None = Field(description="Only with include=drills.")
    synthetic: Figures | None = Field(description="Only with include=synthetic.")


class EmergencyCounts(_Answer):
    """How many emergencies there were. Drills and synthetic presses are not among them."""

    total: Counts
    groups: list[Counts]
    drills: Counts | None = Field(description="Only with include=drills.")
    synthetic: Counts | None = Field(description="Only with include=synthetic.")


class Asked(BaseModel):
    """What is asked for."""

    which: Which
    by: Grouping
    origin: Origin | None
    include: frozenset[Apart]


def _asked(
    services: ServicesDep,
    who: Reader,
    since: Annotated[Instant | None, Query(description="Begun at or after; 30 days before `until` by default.")] = None,
    until: Annotated[Instant | None, Query(description="Begun before; now by default.")] = None,
    by: Annotated[Grouping, Query(description="Periods are those of Asia/Shanghai.")] = Grouping.NONE,
    kind: Annotated[Kind | None, Query()] = None,
    area: Annotated[str | None, Query(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")] = None,
    origin: Annotated[Origin | None, Query(description="call: press and menu; all: alarms as well.")] = None,
    include: Annotated[list[Apart] | None, Query(description="Count these too, apart.")] = None,
) -> Asked:
    end = until or services.clock.now()
    begin = since or end - timedelta(days=DAYS)
    if begin >= end:
        raise InvalidInput("since must be before until")
    if by is Grouping.HOUR and end - begin > timedelta(hours=MOST_HOURS):
        raise InvalidInput(
            f"by hour, ask for at most {MOST_HOURS // 24} days at once", reason="period_long", days=MOST_HOURS // 24
        )
    # An account that serves one area sees its own, whatever it asks for (I3).
    areas = tuple(name for name in (area, who.area) if name is not None)
    which = Which(since=begin, until=end, kind=kind, areas=areas)
    return Asked(which=which, by=by, origin=origin, include=frozenset(include or ()))


AskedDep = Annotated[Asked, Depends(_asked)]


def _frame(services: Services, asked: Asked, origin: Origin, now: datetime) -> dict[str, Any]:
    lag = round(services.record.lag_seconds, 3) if services.record else 0.0
    return {
        "since": asked.which.since,
        "until": asked.which.until,
        "as_of": now - timedelta(seconds=lag),
        "lag_seconds": lag,
        "by": asked.by,
        "origin": origin,
    }


async def _answer_times(asked: Asked, session: SessionDep, services: ServicesDep) -> AnswerTimes:
    now, limit, which = services.clock.now(), services.settings.human_answer_seconds, asked.which
    origin = asked.origin or Origin.CALL
    grouped = asked.by is not Grouping.NONE

    async def apart(what: Apart) -> Figures | None:
        return await answer_times.total(session, which, what, now, limit) if what in asked.include else None

    return AnswerTimes(
        **_frame(services, asked, origin, now),
        limit_seconds=limit,
        undecided=await answer_times.undecided(session, which, origin, now, limit),
        total=await answer_times.total(session, which, origin, now, limit),
        groups=await answer_times.figures(session, which, origin, asked.by, now, limit) if grouped else [],
        alarms=await answer_times.total(session, which, Origin.ALARM, now, limit),
        drills=await apart(Apart.DRILLS),
        synthetic=await apart(Apart.SYNTHETIC),
    )


_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "JSON, or CSV where it is accepted."}
}


@router.get("/answer-times", response_model=AnswerTimes, responses={**responses(), **_SHOWN})
async def get_answer_times(
    asked: AskedDep,
    session: SessionDep,
    services: ServicesDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> AnswerTimes | Response:
    """System and human answer time, from the first INVITE: p50, p95, p99, worst, share within the limit (A1).

    Unanswered incidents are in the denominator of every share and rank as infinitely slow: a percentile that falls
    on one is null. Incidents are as the database has them, those open at this moment included; ``lag_seconds`` says
    how far it is behind, and ``/metrics`` has the figures of this moment.
    """
    answer = await _answer_times(asked, session, services)
    return _file(answer) if "text/csv" in accept.lower() else answer


@router.get("/answer-times.csv", response_class=Response, responses={**responses(), **_SHOWN})
async def get_answer_times_csv(asked: AskedDep, session: SessionDep, services: ServicesDep) -> Response:
    """The same as CSV for spreadsheets: UTF-8 with a byte order mark."""
    return _file(await _answer_times(asked, session, services))


@router.get("/emergencies", responses=responses())
async def get_emergency_counts(asked: AskedDep, session: SessionDep, services: ServicesDep) -> EmergencyCounts:
    """Counts by kind, origin, outcome and cause, in all and by period."""
    origin = asked.origin or Origin.ALL
    total, groups = await counts.count(session, asked.which, origin, asked.by)

    async def apart(what: Apart) -> Counts | None:
        return (await counts.count(session, asked.which, what, Grouping.NONE))[0] if what in asked.include else None

    return EmergencyCounts(
        **_frame(services, asked, origin, services.clock.now()),
        total=total,
        groups=groups,
        drills=await apart(Apart.DRILLS),
        synthetic=await apart(Apart.SYNTHETIC),
    )


_TIMES = ("应答数", "达标数", "达标率", "P50(毫秒)", "P95(毫秒)", "P99(毫秒)", "最慢(毫秒)", "已应答中最慢(毫秒)")
_HEADER = (
    *("分组", "事件数", "人工应答", "放弃", "超时等待中", "未应答合计"),
    *(f"系统{name}" for name in _TIMES),
    *(f"人工{name}" for name in _TIMES),
    *("时限(秒)", "起", "止"),
)


def _file(answer: AnswerTimes) -> Response:
    rows: list[Sequence[csv_file.Cell]] = []
    named = [(figures.key, figures) for figures in answer.groups]
    named += [("合计", answer.total), ("报警(无呼叫)", answer.alarms)]
    named += [(name, figures) for name, figures in (("演练", answer.drills), ("自检", answer.synthetic)) if figures]
    period = [moment.astimezone(SHANGHAI).isoformat(timespec="seconds") for moment in (answer.since, answer.until)]
    for name, figures in named:
        counted = (figures.incidents, figures.answered, figures.abandoned, figures.waiting, figures.unanswered)
        limit = answer.limit_seconds
        rows.append((name, *counted, *_cells(figures.system), *_cells(figures.human), limit, *period))
    headers = {"Content-Disposition": 'attachment; filename="answer-times.csv"'}
    return Response(csv_file.write(_HEADER, rows), media_type=_CSV, headers=headers)


def _cells(times: Times) -> tuple[csv_file.Cell, ...]:
    ranks = (times.p50_ms, times.p95_ms, times.p99_ms, times.worst_ms, times.slowest_answered_ms)
    return (times.answered, times.within_limit, times.share_within_limit, *ranks)
