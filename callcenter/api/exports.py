"""Lists as files for spreadsheets: calls, work orders, follow-ups, elders, as far as the asker may see them (H2, I1).

Every export is in the audit trail, with who asked for what and how many rows it had. It takes the right to statistics
beside the right to the list: taking thousands of people along is more than looking one up.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import elders_seen
from callcenter.api.deps import SessionDep, require
from callcenter.api.elders import shown as elder_shown
from callcenter.api.files import FILES, MOST_ROWS, FormatPath, answer, bounded
from callcenter.api.problems import responses
from callcenter.audit.trail import note
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Line
from callcenter.calls.tables import CallRow
from callcenter.clock import SHANGHAI
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.service import follow_ups_query
from callcenter.follow_ups.states import State as FollowUpState
from callcenter.people.model import ElderRow
from callcenter.people.schemas import Group
from callcenter.people.service import elders_query
from callcenter.reports.tables import HotlineCallRow
from callcenter.shapes import Instant
from callcenter.shapes import Line as Text
from callcenter.sheets.writing import Cell
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.service import orders_query
from callcenter.work_orders.states import Kind, State

router = idempotency.router("", "exports")

Reader = Annotated[Principal, Depends(require("statistics:read"))]
Since = Annotated[Instant | None, Query(description="Begun or made at or after.")]
Until = Annotated[Instant | None, Query(description="Begun or made before.")]

PIECE = 100
"""Rows read at once: the event loop is not held up."""

_CALLS = (
    "编号",
    "线路",
    "主叫",
    "老人",
    "开始",
    "应答",
    "人工应答",
    "结束",
    "队列",
    "话务员",
    "等待(秒)",
    "结果",
    "按键",
)
_ORDERS = (
    "工单号",
    "状态",
    "类型",
    "优先级",
    "老人编号",
    "内容",
    "详情",
    "意愿",
    "建单人",
    "期限",
    "服务开始",
    "服务结束",
    "建单",
)
_FOLLOW_UPS = ("编号", "状态", "工单", "老人编号", "期限", "评分", "意愿", "疑似投诉", "结果", "完成人", "完成时间")
_ELDERS = (
    *("编号", "姓名", "电话", "身份证号", "性别", "出生日期", "区域", "地址", "门锁密码", "持钥匙人", "持钥匙人电话"),
    *("病史", "人群", "联系人", "设备", "在册"),
)


def _time(moment: datetime | None) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


async def _rows(
    session: AsyncSession, query: Select[Any], key: Any, cells: Callable[[Any], Sequence[Cell]], *, whole: bool
) -> list[Sequence[Cell]]:
    """All rows of a query, newest first, read piece by piece. ``whole``: rows are tuples of columns, not objects."""
    found: list[Sequence[Cell]] = []
    last: str | None = None
    while len(found) <= MOST_ROWS:
        part = query if last is None else query.where(key < last)
        result = await session.execute(part.order_by(key.desc()).limit(PIECE))
        rows = result.all() if whole else result.scalars().all()
        if not rows:
            break
        found += [cells(row) for row in rows]
        last = rows[-1].id
        if not whole:
            session.expunge_all()
        await asyncio.sleep(0)
    bounded(found)
    return found


@router.get("/calls.{form}", response_class=Response, responses={**responses(), **FILES})
async def export_calls(
    request: Request,
    session: SessionDep,
    who: Reader,
    form: FormatPath,
    line: Line | None = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Calls as the record has them, newest first; ended calls get there within a second or so."""
    who.check(Permission.CALLS_READ)
    hotline = HotlineCallRow
    query: Any = select(
        *(CallRow.id, CallRow.line, CallRow.caller, CallRow.elder_name, CallRow.started_at, CallRow.answered_at),
        *(CallRow.human_at, CallRow.ended_at, CallRow.disposition, CallRow.digit),
        *(hotline.queue, hotline.operator, hotline.waited_ms),
    ).outerjoin(hotline, hotline.id == CallRow.id)
    seen = elders_seen(who)
    for condition in (
        CallRow.via != SYNTHETIC,
        CallRow.line == line if line else None,
        CallRow.started_at >= since if since else None,
        CallRow.started_at < until if until else None,
        CallRow.elder_id.in_(seen) if seen is not None else None,
    ):
        query = query if condition is None else query.where(condition)

    def cells(row: Any) -> Sequence[Cell]:
        times = (_time(row.started_at), _time(row.answered_at), _time(row.human_at), _time(row.ended_at))
        waited = None if row.waited_ms is None else round(row.waited_ms / 1000, 1)
        about = (row.queue or "", row.operator or "", waited, row.disposition, row.digit)
        return (row.id, row.line, row.caller, row.elder_name, *times, *about)

    rows = await _rows(session, query, CallRow.id, cells, whole=True)
    note(session, "export", "calls", "", rows=len(rows), form=form, line=line, since=since, until=until)
    return await answer(request, form, "calls", "通话", _CALLS, rows)


@router.get("/work-orders.{form}", response_class=Response, responses={**responses(), **FILES})
async def export_work_orders(
    request: Request,
    session: SessionDep,
    who: Reader,
    form: FormatPath,
    state: State | None = None,
    kind: Kind | None = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Work orders, newest first."""
    who.check(Permission.WORK_ORDERS_READ)
    query = _made(orders_query(who.area, state=state, kind=kind), WorkOrderRow.created_at, since, until)

    def cells(row: WorkOrderRow) -> Sequence[Cell]:
        texts = (row.elder_id or "", row.summary, row.details, row.wishes, row.created_by)
        times = (row.due_at, row.service_started_at, row.service_ended_at, row.created_at)
        return (row.number, row.state, row.kind, row.priority, *texts, *map(_time, times))

    rows = await _rows(session, query, WorkOrderRow.id, cells, whole=False)
    note(session, "export", "work_orders", "", rows=len(rows), form=form, state=state, since=since, until=until)
    return await answer(request, form, "work-orders", "工单", _ORDERS, rows)


@router.get("/follow-ups.{form}", response_class=Response, responses={**responses(), **FILES})
async def export_follow_ups(
    request: Request,
    session: SessionDep,
    who: Reader,
    form: FormatPath,
    state: FollowUpState | None = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Follow-ups, newest first."""
    who.check(Permission.FOLLOW_UPS_READ)
    states = (state,) if state else ()
    query = _made(follow_ups_query(who.area, states=states), FollowUpRow.created_at, since, until)

    def cells(row: FollowUpRow) -> Sequence[Cell]:
        said = (row.rating, row.wishes, "是" if row.suspected_complaint else "否", row.result)
        done = (row.done_by or "", _time(row.done_at))
        return (row.id, row.state, row.work_order_id, row.elder_id or "", _time(row.due_at), *said, *done)

    rows = await _rows(session, query, FollowUpRow.id, cells, whole=False)
    note(session, "export", "follow_ups", "", rows=len(rows), form=form, state=state, since=since, until=until)
    return await answer(request, form, "follow-ups", "回访", _FOLLOW_UPS, rows)


def _made(query: Select[Any], column: Any, since: datetime | None, until: datetime | None) -> Select[Any]:
    query = query if since is None else query.where(column >= since)
    return query if until is None else query.where(column < until)


@router.get("/elders.{form}", response_class=Response, responses={**responses(), **FILES})
async def export_elders(
    request: Request,
    session: SessionDep,
    who: Reader,
    form: FormatPath,
    area: Annotated[Text | None, Query()] = None,
    group: Annotated[Group | None, Query()] = None,
    active: Annotated[bool | None, Query()] = None,
) -> Response:
    """The register, newest entry first, masked as in the list of elders."""
    who.check(Permission.ELDERS_READ)
    query = elders_query(who, area=area, group=group, active=active)

    def cells(row: ElderRow) -> Sequence[Cell]:
        elder = elder_shown(row, who)
        return (
            *(elder.code, elder.name, "；".join(elder.phones), elder.id_number, elder.sex),
            *(elder.birth_date.isoformat() if elder.birth_date else "", elder.area, elder.address, elder.door_code),
            *(elder.key_holder_name, elder.key_holder_phone, elder.medical_notes, "；".join(elder.groups)),
            "；".join(f"{one.role} {one.name} {one.phone}" for one in elder.contacts),
            "；".join(f"{one.kind} {one.number or ''}".strip() for one in elder.devices),
            "是" if elder.active else "否",
        )

    rows = await _rows(session, query, ElderRow.id, cells, whole=False)
    note(session, "export", "elders", "", rows=len(rows), form=form, area=area, group=group, active=active)
    return await answer(request, form, "elders", "老人", _ELDERS, rows)
