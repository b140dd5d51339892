"""Calls: the list, one call with its legs, its timeline, its disposition, and who it was."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import check, elders_seen, sees
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require, transaction
from callcenter.api.merged import page, read
from callcenter.api.problems import responses
from callcenter.api.secrecy import secret, tells_of_monitors
from callcenter.api.types import Id, Line, Page, Prose
from callcenter.api.views import CallView, FactView
from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, evolve
from callcenter.calls.model import Line as CalledLine
from callcenter.calls.tables import CallRow, to_call
from callcenter.clock import today
from callcenter.errors import Conflict, NotFound
from callcenter.people.directory import Elder
from callcenter.people.service import get_elder
from callcenter.recordings.model import RecordingRow
from callcenter.routing.hotline import DISPOSITIONS
from callcenter.shapes import Instant, Reference
from callcenter.timeline.service import of_call

router = idempotency.router("/calls", "calls", live=True)

Reader = Annotated[Principal, Depends(require("calls:read"))]
Actor = Annotated[Principal, Depends(require("calls:act"))]


class DispositionInput(BaseModel):
    """How the call was dealt with."""

    model_config = ConfigDict(extra="forbid")

    disposition: Annotated[str, Field(pattern="^(" + "|".join(DISPOSITIONS) + ")$", examples=["work_order"])]
    summary: Annotated[Prose, Field(examples=["要求明天上午打扫卫生"])] = ""
    kind: Annotated[str, Field(pattern=r"^[a-z_]{0,32}$", examples=["service"])] = ""
    elder_id: Reference | None = None


class ElderInput(BaseModel):
    """Who it was, as a human found out (R20)."""

    model_config = ConfigDict(extra="forbid")

    elder_id: Line


@router.get("", responses=responses())
async def list_calls(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    line: CalledLine | None = None,
    elder_id: Annotated[str | None, Query(max_length=64)] = None,
    caller: Annotated[str | None, Query(max_length=32)] = None,
    incident_id: Annotated[str | None, Query(max_length=64)] = None,
    live: Annotated[bool | None, Query(description="true: only calls that are up; false: only ended ones")] = None,
    since: Annotated[Instant | None, Query(description="Begun at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Begun before.")] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[CallView]:
    """Calls, newest first; a press of the watchdog's own only by its incident."""

    def fits(call: Call) -> bool:
        return (
            (line is None or call.line == line)
            and (elder_id is None or call.elder_id == elder_id)
            and (caller is None or call.caller == caller)
            and (call.incident_id == incident_id if incident_id else call.via != SYNTHETIC)
            and (live is None or call.open == live)
            and (since is None or call.invited_at >= since)
            and (until is None or call.invited_at < until)
            and sees(who, services, call.elder_id, [call])
        )

    query: Select[CallRow] = select(CallRow).order_by(CallRow.id.desc()).limit(limit + 1)
    for condition in (
        CallRow.line == line if line else None,
        CallRow.elder_id == elder_id if elder_id else None,
        CallRow.caller == caller if caller else None,
        CallRow.incident_id == incident_id if incident_id else CallRow.via != SYNTHETIC,
        None if live is None else (CallRow.ended_at.is_(None) if live else CallRow.ended_at.is_not(None)),
        CallRow.started_at >= since if since else None,
        CallRow.started_at < until if until else None,
        CallRow.id < cursor if cursor else None,
        CallRow.elder_id.in_(seen) if (seen := elders_seen(who)) is not None else None,
    ):
        if condition is not None:
            query = query.where(condition)

    async def stored(session: AsyncSession) -> list[Call]:
        return [to_call(row) for row in await session.scalars(query)]

    known = {call.id: call for call in controller.calls.known()}
    # A row may lag behind memory: what memory knows to be over is not shown as up.
    rows = [call for call in await read(request, services, stored, list[Call]()) if call.id not in known]
    calls, following = page([call for call in known.values() if fits(call)], rows, cursor, limit)
    recordings = await recordings_of(request, services, [call.id for call in calls])
    items = [_view(services, controller, who, call, recordings.get(call.id, [])) for call in calls]
    return Page(items=items, next=following)


async def recordings_of(request: Request, services: Services, call_ids: Sequence[str]) -> dict[str, list[str]]:
    """Ids of the recordings of calls, oldest first."""

    async def stored(session: AsyncSession) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        rows = select(RecordingRow.call_id, RecordingRow.id).where(RecordingRow.call_id.in_(call_ids))
        for call_id, recording_id in await session.execute(rows.order_by(RecordingRow.id)):
            found.setdefault(call_id, []).append(recording_id)
        return found

    return await read(request, services, stored, dict[str, list[str]]())


def _view(services: Services, controller: ControllerDep, who: Principal, call: Call, recordings: list[str]) -> CallView:
    queue, monitored = controller.hotline.queue_of(call.id), tells_of_monitors(who, services)
    return CallView.of(call, recordings, queue=queue, monitored=monitored)


async def shown(
    request: Request, services: Services, controller: ControllerDep, who: Principal, call: Call
) -> CallView:
    """A call as the API shows it to somebody."""
    recordings = await recordings_of(request, services, [call.id])
    return _view(services, controller, who, call, recordings.get(call.id, []))


async def find_call(
    request: Request, services: Services, controller: ControllerDep, who: Principal, call_id: str
) -> Call:
    """A call from memory or the database; raises `NotFound`, `Unavailable` when only the database could know it."""
    call = controller.calls.find(call_id) or await _stored_call(request, services, call_id)
    check(who, services, call.elder_id, "call", [call])
    return call


async def _stored_call(request: Request, services: Services, call_id: str) -> Call:
    async with transaction(request, services) as session:
        row = await session.get(CallRow, call_id)
    if row is None:
        raise NotFound(f"no call has the id {call_id}")
    return to_call(row)


@router.get("/{call_id}", responses=responses(404))
async def get_call(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, call_id: Id
) -> CallView:
    """One call with its legs."""
    call = await find_call(request, services, controller, who, call_id)
    return await shown(request, services, controller, who, call)


@router.get("/{call_id}/timeline", responses=responses(404))
async def call_timeline(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    call_id: Id,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Page[FactView]:
    """Everything that happened in a call, oldest first (A7)."""
    await find_call(request, services, controller, who, call_id)

    async with transaction(request, services) as session:
        rows = await of_call(session, call_id, after=cursor, limit=limit + 1)
    facts = [FactView.of(row) for row in rows[:limit] if not secret(who, services, row)]
    return Page(items=facts, next=rows[limit - 1].id if len(rows) > limit else None)


@router.post("/{call_id}/disposition", responses=responses(404, 409))
async def dispose(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Actor,
    call_id: Id,
    body: DispositionInput,
) -> CallView:
    """Close a hotline call's business: answered on the spot, or what it became (B5)."""
    call = await find_call(request, services, controller, who, call_id)
    if body.elder_id not in (None, call.elder_id) and not sees(who, services, body.elder_id):
        await _just_registered(request, services, who, body.elder_id)
    after = controller.hotline.dispose(call, body.disposition, body.summary, body.kind, body.elder_id, who.user)
    return await shown(request, services, controller, who, after)


@router.post("/{call_id}/elder", responses=responses(404, 409))
async def match_elder(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id, body: ElderInput
) -> CallView:
    """Say by hand who is calling (R20)."""
    call = await find_call(request, services, controller, who, call_id)
    elder = services.directory.directory.elder(body.elder_id)
    if elder is None:
        elder = await _just_registered(request, services, who, body.elder_id)
    else:
        check(who, services, elder.id, "elder")
    if call.elder_id == elder.id and not call.ambiguous:
        raise Conflict("the call is this elder's already")
    known = services.directory.directory.who(elder, call.caller, today(controller.clock))
    (fact,) = controller.ledger.record(
        cf.ElderMatched(elder_id=elder.id, elder_name=elder.name, area=known.area, age=known.age),
        actor=who.user,
        call_id=call.id,
        incident_id=call.incident_id,
    )
    return await shown(request, services, controller, who, evolve(call, fact) or call)


async def _just_registered(request: Request, services: Services, who: Principal, elder_id: str) -> Elder:
    """An elder whom the directory in memory has not taken up yet: registered in this very call; or `NotFound`."""
    async with transaction(request, services) as session:
        row = await get_elder(session, elder_id, who)
    born = row.birth_date.isoformat() if row.birth_date else None
    return Elder(id=row.id, code=row.code, name=row.name, area=row.area, birth_date=born)
