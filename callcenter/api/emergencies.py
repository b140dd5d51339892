"""Emergencies: the list, one incident with its legs and timeline, bringing help in, closing with an outcome."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import check, elders_seen, sees
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require, transaction
from callcenter.api.merged import page, read
from callcenter.api.problems import responses
from callcenter.api.types import Id, Page, Prose
from callcenter.api.views import EmergencyView, FactView, LegView
from callcenter.calls.model import Call
from callcenter.calls.tables import load_calls
from callcenter.controller import Controller
from callcenter.emergency.help import HELP_ROLES
from callcenter.emergency.model import Incident, IncidentState
from callcenter.emergency.tables import EmergencyRow, to_incident
from callcenter.errors import IllegalTransition, NotFound
from callcenter.shapes import Instant
from callcenter.timeline.service import of_incident

router = idempotency.router("/emergencies", "emergencies", live=True)

Reader = Annotated[Principal, Depends(require("emergencies:read"))]
Actor = Annotated[Principal, Depends(require("emergencies:act"))]


class HelpInput(BaseModel):
    """Who is to be brought in (A2)."""

    model_config = ConfigDict(extra="ignore")

    role: Annotated[str, Field(pattern="^(" + "|".join(HELP_ROLES) + ")$", examples=["120"])]
    number: Annotated[str | None, Field(max_length=40, examples=["13800001001"])] = None


class CloseInput(BaseModel):
    """How it ended. ``note`` and ``notes`` are other names for ``summary``; a further field does not stop a close."""

    model_config = ConfigDict(extra="ignore")

    outcome: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
                                  examples=["hospital"])]  # fmt: skip
    summary: Annotated[
        Prose,
        Field(examples=["跌倒，120送往市立医院，女儿陪同"], validation_alias=AliasChoices("summary", "note", "notes")),
    ] = ""


@router.get("", responses=responses())
async def list_emergencies(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    state: IncidentState | None = None,
    elder_id: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[Instant | None, Query(description="Begun at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Begun before.")] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[EmergencyView]:
    """Incidents, newest first."""

    def fits(incident: Incident) -> bool:
        return (
            (state is None or incident.state == state)
            and (elder_id is None or incident.elder_id == elder_id)
            and (since is None or incident.opened_at >= since)
            and (until is None or incident.opened_at < until)
            and sees(who, services, incident.elder_id)
        )

    query: Select[EmergencyRow] = select(EmergencyRow).order_by(EmergencyRow.id.desc()).limit(limit + 1)
    for condition in (
        EmergencyRow.state == state.value if state else None,
        EmergencyRow.elder_id == elder_id if elder_id else None,
        EmergencyRow.opened_at >= since if since else None,
        EmergencyRow.opened_at < until if until else None,
        EmergencyRow.id < cursor if cursor else None,
        EmergencyRow.elder_id.in_(seen) if (seen := elders_seen(who)) is not None else None,
    ):
        if condition is not None:
            query = query.where(condition)

    async def stored(session: AsyncSession) -> list[Incident]:
        return [to_incident(row) for row in await session.scalars(query)]

    known = {incident.id: incident for incident in controller.emergencies.known()}
    rows = [
        incident for incident in await read(request, services, stored, list[Incident]()) if incident.id not in known
    ]
    incidents, following = page([i for i in known.values() if fits(i)], rows, cursor, limit)
    calls = await _calls(request, services, controller, incidents)
    return Page(items=[_view(controller, incident, calls) for incident in incidents], next=following)


async def _calls(
    request: Request, services: Services, controller: Controller, incidents: list[Incident]
) -> dict[str, Call]:
    """The calls of incidents, from memory where it has them."""
    wanted = [call_id for incident in incidents for call_id in incident.calls]
    live = {call_id: call for call_id in wanted if (call := controller.calls.find(call_id)) is not None}
    missing = [call_id for call_id in wanted if call_id not in live]
    if not missing:
        return live

    async def stored(session: AsyncSession) -> dict[str, Call]:
        return await load_calls(session, missing)

    return live | await read(request, services, stored, dict[str, Call]())


def _view(controller: Controller, incident: Incident, calls: dict[str, Call]) -> EmergencyView:
    own = [calls[call_id] for call_id in incident.calls if call_id in calls]
    return EmergencyView.of(incident, own, controller.emergencies.waiting(incident.id))


async def _answer(request: Request, services: Services, controller: Controller, incident: Incident) -> EmergencyView:
    return _view(controller, incident, await _calls(request, services, controller, [incident]))


async def _find(
    request: Request, services: Services, controller: Controller, who: Principal, incident_id: str
) -> Incident:
    """An incident from memory or the database; raises `NotFound`, `Unavailable` when only the database could know."""
    incident = controller.emergencies.find(incident_id) or await _stored(request, services, incident_id)
    check(who, services, incident.elder_id, "emergency")
    return incident


async def _stored(request: Request, services: Services, incident_id: str) -> Incident:
    async with transaction(request, services) as session:
        row = await session.get(EmergencyRow, incident_id)
    if row is None:
        raise NotFound(f"no emergency has the id {incident_id}")
    return to_incident(row)


async def _find_open(
    request: Request, services: Services, controller: Controller, who: Principal, incident_id: str
) -> Incident:
    incident = await _find(request, services, controller, who, incident_id)
    if not incident.open:
        raise IllegalTransition(f"emergency {incident_id} is closed; a new press opens a new one")
    return controller.emergencies.get(incident_id)


@router.get("/{incident_id}", responses=responses(404))
async def get_emergency(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, incident_id: Id
) -> EmergencyView:
    """One incident with the legs of all its calls."""
    return await _answer(request, services, controller, await _find(request, services, controller, who, incident_id))


@router.get("/{incident_id}/timeline", responses=responses(404))
async def emergency_timeline(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    incident_id: Id,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Page[FactView]:
    """Everything that happened in an incident and its calls, oldest first, with time and actor (A7)."""
    await _find(request, services, controller, who, incident_id)

    async with transaction(request, services) as session:
        facts = [FactView.of(row) for row in await of_incident(session, incident_id, after=cursor, limit=limit + 1)]
    return Page(items=facts[:limit], next=facts[limit - 1].id if len(facts) > limit else None)


@router.post("/{incident_id}/legs", status_code=201, responses=responses(404, 409))
async def add_leg(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Actor,
    incident_id: Id,
    body: HelpInput,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> LegView:
    """Bring somebody in: 120, family, doctor, social worker, community, or any number (A2).

    The same request twice is one dial: by Idempotency-Key (kept in the journal, so also over a restart), and
    because somebody who is already being called or in the room is not called again.
    """
    incident = await _find_open(request, services, controller, who, incident_id)
    request_id = f"{who.user}:{idempotency_key}" if idempotency_key else None
    leg = controller.emergencies.request_help(
        incident.id, body.role, body.number, actor=who.user, request_id=request_id
    )
    return LegView.of(leg)


@router.delete("/{incident_id}/legs/{leg_id}", responses=responses(404, 409))
async def remove_leg(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, incident_id: Id, leg_id: Id
) -> LegView:
    """Take somebody out, or stop calling them. The elder's own line is never cut this way."""
    incident = await _find_open(request, services, controller, who, incident_id)
    return LegView.of(controller.emergencies.remove(incident.id, leg_id, actor=who.user))


@router.post("/{incident_id}/close", responses=responses(404, 409))
async def close_emergency(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, incident_id: Id, body: CloseInput
) -> EmergencyView:
    """Close an incident with its outcome; the only way it ends. Whoever is still on the line is let go."""
    incident = await _find_open(request, services, controller, who, incident_id)
    closed = controller.emergencies.close(incident.id, body.outcome, body.summary, actor=who.user)
    return await _answer(request, services, controller, closed)
