"""Emergencies: the list, one with its legs and timeline, raising one at the desk, help, briefing, the close."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Query, Request
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import check, elders_seen, sees
from callcenter.api.calls import find_call
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require, transaction
from callcenter.api.emergency_inputs import (
    BriefingInput,
    CloseInput,
    HelpInput,
    KindInput,
    MuteInput,
    NeedInput,
    RaiseInput,
    TickInput,
)
from callcenter.api.merged import page, read
from callcenter.api.messages import MessageView
from callcenter.api.problems import responses
from callcenter.api.secrecy import secret, tells_of_monitors
from callcenter.api.types import Id, Page
from callcenter.api.views import CallAttempt, EmergencyView, FactView, LegView
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, Leg, Role
from callcenter.calls.tables import load_calls
from callcenter.clock import today
from callcenter.controller import Controller
from callcenter.emergency.model import Incident, IncidentState, Who
from callcenter.emergency.plan import Plan
from callcenter.emergency.tables import EmergencyRow, to_incident
from callcenter.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from callcenter.phone import normalise
from callcenter.shapes import Instant
from callcenter.timeline.service import of_incident

router = idempotency.router("/emergencies", "emergencies", live=True)

Reader = Annotated[Principal, Depends(require("emergencies:read"))]
Origin = Literal["press", "menu", "alarm", "desk", "drill", "synthetic"]
Actor = Annotated[Principal, Depends(require("emergencies:act"))]


@router.get("", responses=responses())
async def list_emergencies(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    state: IncidentState | None = None,
    elder_id: Annotated[str | None, Query(max_length=64)] = None,
    origin: Annotated[Origin | None, Query(description="The watchdog's own presses are shown only by this.")] = None,
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
            and (incident.origin == origin if origin else incident.origin != SYNTHETIC)
            and (since is None or incident.opened_at >= since)
            and (until is None or incident.opened_at < until)
            and sees(who, services, incident.elder_id, controller.emergencies.calls_of(incident))
        )

    query: Select[EmergencyRow] = select(EmergencyRow).order_by(EmergencyRow.id.desc()).limit(limit + 1)
    for condition in (
        EmergencyRow.state == state.value if state else None,
        EmergencyRow.elder_id == elder_id if elder_id else None,
        EmergencyRow.origin == origin if origin else EmergencyRow.origin != SYNTHETIC,
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
    items = [_view(services, controller, who, incident, calls) for incident in incidents]
    return Page(items=items, next=following)


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


def _view(
    services: Services, controller: Controller, who: Principal, incident: Incident, calls: dict[str, Call]
) -> EmergencyView:
    legs = _legs(services, who, incident, calls)
    return EmergencyView.of(incident, legs, controller.emergencies.waiting(incident.id))


def _legs(services: Services, who: Principal, incident: Incident, calls: dict[str, Call]) -> list[Leg]:
    """The legs of an incident's calls; supervisors who listen are shown only to whom that is told."""
    monitored = tells_of_monitors(who, services)
    return [
        leg
        for call_id in incident.calls
        if call_id in calls
        for leg in calls[call_id].legs.values()
        if monitored or leg.role != Role.MONITOR
    ]


async def answer(
    request: Request, services: Services, controller: Controller, who: Principal, incident: Incident
) -> EmergencyView:
    """An incident as the API shows it to somebody."""
    return _view(services, controller, who, incident, await _calls(request, services, controller, [incident]))


async def find_emergency(
    request: Request, services: Services, controller: Controller, who: Principal, incident_id: str
) -> Incident:
    """An incident from memory or the database; raises `NotFound`, `Unavailable` when only the database could know."""
    incident = controller.emergencies.find(incident_id) or await _stored(request, services, incident_id)
    check(who, services, incident.elder_id, "emergency", controller.emergencies.calls_of(incident))
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
    incident = await find_emergency(request, services, controller, who, incident_id)
    if not incident.open:
        raise IllegalTransition(f"emergency {incident_id} is closed; a new press opens a new one")
    return controller.emergencies.get(incident_id)


@router.post("", status_code=201, responses=responses(404))
async def raise_emergency(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, body: RaiseInput
) -> EmergencyView:
    """Raise an emergency by hand: she is called at once, and seats ring; an open one of hers is raised instead.

    Who is on the line already is not called: her call becomes the emergency, with everybody in it (A2, B1).
    """
    call = None
    if body.call_id:
        call = _running(controller, await find_call(request, services, controller, who, body.call_id))
        body = _whose(services, body, call)
    person, plan = in_need(services, controller, who, body)
    call = call or controller.arrivals.line_of(person)
    if call is not None:
        incident = controller.ways.raise_by_hand(call, person, plan, kind=body.kind, actor=who.user)
    elif person.elder_id or person.caller:
        incident = controller.emergencies.alarm(person, body.kind, plan, actor=who.user, origin="desk")
    else:
        raise InvalidInput("name an elder, the number to call, or her running call", field="elder_id")
    return await answer(request, services, controller, who, incident)


def _running(controller: Controller, call: Call) -> Call:
    if not call.open:
        raise Conflict("this call is over; leave call_id out, and she is called")
    if call.via == "fallback":
        raise Conflict("the duty desk has this call, by the fallback; leave call_id out, and she is called")
    if not call.routine:
        raise Conflict(f"this call is an emergency already: {call.incident_id}")
    return controller.calls.get(call.id)


def _whose(services: Services, body: RaiseInput, call: Call) -> RaiseInput:
    """Who is in need, where the call says more than the request; she is called back at a number of her own."""
    elder = services.directory.directory.elder(body.elder_id or call.elder_id or "")
    hers = elder is None or call.caller in elder.phones
    caller = body.caller or (call.caller if hers else "") or None
    return body.model_copy(update={"elder_id": body.elder_id or call.elder_id, "caller": caller})


def in_need(services: Services, controller: Controller, who: Principal, body: NeedInput) -> tuple[Who, Plan]:
    """Who a request means, and her plan; raises `NotFound`, `InvalidInput`."""
    directory = services.directory.directory
    elder = directory.elder(body.elder_id) if body.elder_id else None
    if body.elder_id and elder is None:
        raise NotFound(f"no elder has the id {body.elder_id}")
    check(who, services, elder.id if elder else None, "elder")
    caller = normalise(body.caller) if body.caller else next(iter(elder.phones), "") if elder else ""
    if caller is None:
        raise InvalidInput(f"{body.caller!r} is not a phone number that can be dialled", field="caller")
    plan = directory.plans.get(body.plan_id) if body.plan_id else directory.plan_for(elder)
    if plan is None:
        raise NotFound(f"no response plan has the id {body.plan_id}")
    return directory.who(elder, caller, today(controller.clock)), plan


@router.get("/{incident_id}", responses=responses(404))
async def get_emergency(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, incident_id: Id
) -> EmergencyView:
    """One incident with the legs of all its calls."""
    incident = await find_emergency(request, services, controller, who, incident_id)
    return await answer(request, services, controller, who, incident)


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
    await find_emergency(request, services, controller, who, incident_id)

    async with transaction(request, services) as session:
        rows = await of_incident(session, incident_id, after=cursor, limit=limit + 1)
    facts = [FactView.of(row) for row in rows[:limit] if not secret(who, services, row)]
    return Page(items=facts, next=rows[limit - 1].id if len(rows) > limit else None)


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
        incident.id, body.role, body.number, actor=who.user, request_id=request_id, everybody=body.everybody
    )
    return LegView.of(leg)


@router.get("/{incident_id}/attempts", responses=responses(404))
async def attempts(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, incident_id: Id
) -> Page[CallAttempt]:
    """Everybody who was ever rung for the incident, seats too: by which route, when, and what became of it."""
    incident = await find_emergency(request, services, controller, who, incident_id)
    calls = await _calls(request, services, controller, [incident])
    legs = _legs(services, who, incident, calls)
    legs.sort(key=lambda leg: (leg.added_at is not None, leg.added_at, leg.id))
    return Page(items=[CallAttempt.of(leg) for leg in legs], next=None)


@router.post("/{incident_id}/legs/{leg_id}/mute", responses=responses(404, 409))
async def mute_leg(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Actor,
    incident_id: Id,
    leg_id: Id,
    body: MuteInput,
) -> LegView:
    """Keep somebody's voice out of the room, or let it in again; never the elder's."""
    incident = await _find_open(request, services, controller, who, incident_id)
    return LegView.of(controller.emergencies.mute(incident.id, leg_id, body.muted, actor=who.user))


@router.put("/{incident_id}/kind", responses=responses(404, 409))
async def say_kind(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, incident_id: Id, body: KindInput
) -> EmergencyView:
    """Say what kind of event it is; the checklist follows (A6)."""
    incident = await _find_open(request, services, controller, who, incident_id)
    said = controller.emergencies.say_kind(incident.id, body.kind, actor=who.user)
    return await answer(request, services, controller, who, said)


@router.put("/{incident_id}/checklist", responses=responses(404, 409))
async def tick_off(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, incident_id: Id, body: TickInput
) -> EmergencyView:
    """Tick off a sentence of the plan's checklist, or take the tick back (A6)."""
    incident = await _find_open(request, services, controller, who, incident_id)
    ticked = controller.emergencies.tick_off(incident.id, body.sentence, body.done, actor=who.user)
    return await answer(request, services, controller, who, ticked)


@router.post("/{incident_id}/briefings", status_code=201, responses=responses(404, 409))
async def send_briefing(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Actor,
    incident_id: Id,
    body: BriefingInput,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Page[MessageView]:
    """Text address, door code, key holder, medical notes and place to responders; to 120 when confirmed (A4)."""
    incident = await _find_open(request, services, controller, who, incident_id)
    request_id = f"{who.user}:{idempotency_key}" if idempotency_key else None
    sent = controller.emergencies.brief(
        incident.id, body.role, body.number, actor=who.user, confirmed=body.confirmed, request_id=request_id
    )
    return Page(items=[MessageView.of(message, who) for message in sent], next=None)


@router.delete("/{incident_id}/legs/{leg_id}", responses=responses(404, 409))
async def remove_leg(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, incident_id: Id, leg_id: Id
) -> LegView:
    """Take somebody out, or stop calling them. The elder's own line is never cut this way."""
    incident = await _find_open(request, services, controller, who, incident_id)
    return LegView.of(controller.emergencies.remove(incident.id, leg_id, actor=who.user))


@router.post("/{incident_id}/close", responses=responses(404, 409))
async def close_emergency(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Actor,
    incident_id: Id,
    body: CloseInput,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> EmergencyView:
    """Close an incident with its outcome; the only way it ends. Whoever is still on the line is let go.

    A close that was done and whose answer was lost with this process is answered when it is sent again under its key.
    """
    incident = await find_emergency(request, services, controller, who, incident_id)
    done = (incident.outcome, incident.cause, incident.summary) == (body.outcome.strip(), body.cause, body.summary)
    if idempotency_key and done and not incident.open:
        return await answer(request, services, controller, who, incident)
    incident = await _find_open(request, services, controller, who, incident_id)
    closed = controller.emergencies.close(incident.id, body.outcome, body.summary, actor=who.user, cause=body.cause)
    return await answer(request, services, controller, who, closed)
