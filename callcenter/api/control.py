"""Call control: hold, transfer, three-way, park, mute, hang up, calls by operators, and supervisors on a call (B1, B7).

Who has a leg on the call may; a supervisor may on every call. Emergencies keep their own routes: nothing here puts an
elder in need anywhere.
"""

from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import check
from callcenter.api.calls import find_call, shown
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require, transaction
from callcenter.api.problems import responses
from callcenter.api.types import Id, Line
from callcenter.api.views import CallView, LegView
from callcenter.audit.trail import note
from callcenter.calls.model import Call
from callcenter.control.monitoring import IN_ROOM
from callcenter.errors import NotFound, Unavailable

router = idempotency.router("/calls", "calls", live=True)

Actor = Annotated[Principal, Depends(require("calls:act"))]
Supervisor = Annotated[Principal, Depends(require("calls:monitor"))]

To = Annotated[str, Field(max_length=80, pattern=r"^(seat|queue|number):.+$", examples=["seat:op2"])]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TransferInput(_Input):
    """To whom, and how: ``attended`` puts the caller on hold until the two have spoken."""

    to: To
    mode: Literal["blind", "attended"]


class InviteInput(_Input):
    """Whom to bring in beside the caller: a seat or a number."""

    to: To


class MuteInput(_Input):
    """Whose voice is kept out of the room, or let in."""

    leg: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,36}$")]
    muted: bool


class MonitorInput(_Input):
    """listen: heard by nobody; whisper: heard by the operator only; join; take_over: the operator is released."""

    mode: Literal["listen", "whisper", "join", "take_over"]


class CallInput(_Input):
    """Whom to call, and what for."""

    number: Annotated[str, Field(max_length=40, examples=["13800000001"])]
    elder_id: Line | None = None
    purpose: Literal["callback", "follow_up", "care", "other"] = "other"
    work_order_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{0,36}$")] = ""


class ParkView(BaseModel):
    """Where the caller is parked."""

    slot: int


def _leads(who: Principal) -> bool:
    return who.may(Permission.CALLS_MONITOR)


async def _live(request: Request, services: Services, controller: ControllerDep, who: Principal, call_id: str) -> Call:
    """A call that is live here, or was lately; raises `NotFound` for what only the database knows."""
    await find_call(request, services, controller, who, call_id)
    return controller.calls.get(call_id)


@router.post("", status_code=201, responses=responses(404, 409))
async def call_out(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, body: CallInput
) -> CallView:
    """Call somebody: one's own seat rings first, then the number (line ``outbound``, recorded as every call)."""
    elder = services.directory.directory.elder(body.elder_id) if body.elder_id else None
    if body.elder_id:
        if elder is None:
            raise NotFound(f"no elder has the id {body.elder_id}")
        check(who, services, elder.id, "elder")
    call = controller.control.call_out(
        body.number,
        who.user,
        purpose=body.purpose,
        elder_id=elder.id if elder else None,
        elder_name=elder.name if elder else "",
        work_order_id=body.work_order_id,
    )
    return await shown(request, services, controller, who, call)


@router.post("/{call_id}/hold", responses=responses(404, 409))
async def hold(request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id) -> CallView:
    """The caller hears music; everybody else in the room talks on."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.hold(call, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


@router.post("/{call_id}/resume", responses=responses(404, 409))
async def resume(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id
) -> CallView:
    """The caller is back from hold."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.resume(call, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


@router.post("/{call_id}/transfer", responses=responses(404, 409))
async def transfer(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id, body: TransferInput
) -> CallView:
    """Give the caller to a seat, a queue or a number. What fails comes back to oneself, else to the queue's front."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.transfer(call, body.to, body.mode, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


@router.post("/{call_id}/transfer/complete", responses=responses(404, 409))
async def complete(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id
) -> CallView:
    """The one who was asked takes the caller; oneself is released."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.complete(call, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


@router.post("/{call_id}/transfer/cancel", responses=responses(404, 409))
async def cancel(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id
) -> CallView:
    """Nobody is asked any more; the caller is back."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.cancel(call, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


@router.post("/{call_id}/legs", status_code=201, responses=responses(404, 409))
async def invite(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id, body: InviteInput
) -> LegView:
    """Bring a seat or a number in, beside the caller."""
    call = await _live(request, services, controller, who, call_id)
    return LegView.of(controller.control.invite(call, body.to, who.user, leads=_leads(who)))


@router.delete("/{call_id}/legs/{leg_id}", responses=responses(404, 409))
async def remove(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id, leg_id: Id
) -> LegView:
    """Take somebody out, or stop calling them; never the caller."""
    call = await _live(request, services, controller, who, call_id)
    return LegView.of(controller.control.remove(call, leg_id, who.user, leads=_leads(who)))


@router.post("/{call_id}/mute", responses=responses(404, 409))
async def mute(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id, body: MuteInput
) -> LegView:
    """Keep somebody's voice out of the room, or let it in again."""
    call = await _live(request, services, controller, who, call_id)
    return LegView.of(controller.control.mute(call, body.leg, body.muted, who.user, leads=_leads(who)))


@router.post("/{call_id}/park", responses=responses(404, 409))
async def park(request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id) -> ParkView:
    """The caller waits with music in a numbered slot; after a while she rings back."""
    call = await _live(request, services, controller, who, call_id)
    return ParkView(slot=controller.control.park(call, who.user, leads=_leads(who)))


@router.post("/{call_id}/retrieve", responses=responses(404, 409))
async def retrieve(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id
) -> LegView:
    """Fetch a parked caller: one's own seat rings."""
    call = await _live(request, services, controller, who, call_id)
    return LegView.of(controller.control.retrieve(call, who.user))


@router.post("/{call_id}/hangup", responses=responses(404, 409))
async def hang_up(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Actor, call_id: Id
) -> CallView:
    """End the call for everybody in it; an emergency is closed instead."""
    call = await _live(request, services, controller, who, call_id)
    controller.control.hang_up(call, who.user, leads=_leads(who))
    return await shown(request, services, controller, who, controller.calls.get(call_id))


# --- supervisors -------------------------------------------------------------------------------------------------


@router.post("/{call_id}/monitor", status_code=201, responses=responses(404, 409))
async def monitor(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Supervisor, call_id: Id, body: MonitorInput
) -> LegView:
    """Listen, whisper, join or take over: one's own seat rings. Each use is a fact and an entry of the audit trail."""
    call = await _live(request, services, controller, who, call_id)
    await _audited(request, services, call_id, body.mode)
    return LegView.of(controller.monitoring.start(call, who.user, body.mode))


@router.put("/{call_id}/monitor", responses=responses(404, 409))
async def change_monitor(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Supervisor, call_id: Id, body: MonitorInput
) -> LegView:
    """Change the mode; the phone stays up."""
    call = await _live(request, services, controller, who, call_id)
    await _audited(request, services, call_id, body.mode)
    return LegView.of(controller.monitoring.change(call, who.user, body.mode))


@router.delete("/{call_id}/monitor", status_code=204, responses=responses(404, 409))
async def end_monitor(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Supervisor, call_id: Id
) -> None:
    """Off the call."""
    call = await _live(request, services, controller, who, call_id)
    controller.monitoring.end(call, who.user)


async def _audited(request: Request, services: Services, call_id: str, mode: str) -> None:
    """Nobody listens in secret: without the trail only those come in whom everybody hears; the fact tells of them."""
    try:
        async with transaction(request, services) as session:
            note(session, "monitor", "calls", call_id, mode=mode)
    except Unavailable:
        if mode not in IN_ROOM:
            raise
