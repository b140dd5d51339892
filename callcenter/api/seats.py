"""Seats: who is there and what they do; an operator says ready or paused."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Principal
from callcenter.accounts.service import CHANGED, set_own_auto_answer
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, ServicesDep, SessionDep, hint, require
from callcenter.api.problems import responses
from callcenter.api.secrecy import tells_of_monitors
from callcenter.api.types import Page, UserName
from callcenter.api.views import SeatMonitorView, SeatPhoneView, SeatView
from callcenter.controller import Controller
from callcenter.errors import InvalidInput
from callcenter.queues import service as queues
from callcenter.queues.schemas import SkillsInput
from callcenter.routing.model import Seat, SeatState
from callcenter.shapes import WHOLE, Flag

router = idempotency.router("/seats", "seats", live=True)

Reader = Annotated[Principal, Depends(require("seats:read"))]
Owner = Annotated[Principal, Depends(require("seats:own"))]
Manager = Annotated[Principal, Depends(require("seats:manage"))]
Skilled = Annotated[Principal, Depends(require("queues:write"))]


class StateInput(BaseModel):
    """What the operator says of the seat."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[str, Field(pattern="^(ready|paused)$", examples=["ready"])]
    reason: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["午餐"])] = ""


class AutoAnswerInput(BaseModel):
    """Whether the phone picks up by itself."""

    model_config = ConfigDict(extra="forbid")

    on: Flag


class WrapUpInput(BaseModel):
    """Either more time, or that it is done."""

    model_config = ConfigDict(extra="forbid")

    extend_seconds: Annotated[int, Field(ge=1, le=300), WHOLE] | None = None
    done: Flag = False


def _view(controller: Controller, seat: Seat, *, told: bool = True) -> SeatView:
    """``told``: whether the reader is told of supervisors who listen; who is not sees that the phone is in use."""
    routing = controller.routing
    state = routing.state_of(seat)
    monitored = controller.calls.find(seat.monitoring_on or "") if state is SeatState.MONITORING else None
    how = [one.mode for one in monitored.monitors.values() if one.user == seat.user] if monitored is not None else []
    call_id = seat.talking_on or seat.ringing_for
    call = controller.calls.find(call_id or "")
    web = seat.phone == "web"
    watched = seat.page is not None if web else controller.life.roll_call.watches(seat.user)
    return SeatView(
        user=seat.user,
        role=seat.role,
        state=state if told or state is not SeatState.MONITORING else SeatState.TALKING,
        declared=seat.declared,
        reason=seat.reason,
        registered=seat.registered,
        auto_answer=seat.auto_answer,
        call_id=call_id,
        line=call.line if call is not None else None,
        monitoring=SeatMonitorView(call_id=monitored.id, mode=how[0]) if told and monitored and how else None,
        # Its clock begins with its first fact: of a seat that was never heard of nothing is told.
        state_since=routing.state_since(seat) if seat.since else None,
        deadline=routing.deadline(seat),
        skills=dict(seat.skills),
        area=seat.area,
        queues=controller.hotline.served_by(seat),
        phone=SeatPhoneView(kind="web" if web else "sip", watched=watched) if seat.phone else None,
    )


@router.get("", responses=responses())
async def list_seats(controller: ControllerDep, services: ServicesDep, who: Reader) -> Page[SeatView]:
    """Every seat, by user name; never more than one page."""
    told = tells_of_monitors(who, services)
    return Page(items=[_view(controller, seat, told=told) for seat in controller.routing.seats()], next=None)


@router.get("/me", responses=responses(404))
async def my_seat(controller: ControllerDep, who: Owner) -> SeatView:
    """One's own seat."""
    return _view(controller, controller.routing.seat(who.user))


@router.put("/me/state", responses=responses(404))
async def set_my_state(controller: ControllerDep, who: Owner, body: StateInput) -> SeatView:
    """Say ready or paused. A paused seat still rings for an emergency that nobody takes (A9)."""
    return _view(controller, controller.routing.declare(who.user, body.state, body.reason, who.user))


@router.put("/me/auto-answer", responses=responses(404))
async def set_my_auto_answer(
    controller: ControllerDep, who: Owner, body: AutoAnswerInput, session: SessionDep, services: ServicesDep
) -> SeatView:
    """Say whether one's own phone picks up an emergency by itself, and within 8 s somebody speaks, keys or clicks."""
    row = await set_own_auto_answer(session, services.clock, who.user, body.on)
    hint(session, CHANGED)
    return _view(controller, replace(controller.routing.seat(who.user), auto_answer=row.auto_answer))


@router.put("/me/wrap-up", responses=responses(404, 409))
async def set_my_wrap_up(controller: ControllerDep, who: Owner, body: WrapUpInput) -> SeatView:
    """Make one's wrap-up longer, at most ten minutes in all, or be done with it."""
    if body.done == (body.extend_seconds is not None):
        raise InvalidInput("say either extend_seconds, or done")
    routing = controller.routing
    if body.extend_seconds is not None:
        return _view(controller, routing.extend_wrap_up(who.user, body.extend_seconds))
    return _view(controller, routing.finish_wrap_up(who.user))


@router.put("/{user}/skills", responses=responses(404))
async def set_skills(
    controller: ControllerDep, _: Skilled, user: UserName, body: SkillsInput, session: SessionDep, services: ServicesDep
) -> SeatView:
    """Say what a seat knows, and whose elders it serves first."""
    seat = controller.routing.seat(user)
    row = await queues.set_skills(session, services.clock, user, body)
    hint(session, queues.CHANGED)
    return _view(controller, replace(seat, skills=row.levels, area=row.area))


@router.put("/{user}/state", responses=responses(404))
async def set_state(controller: ControllerDep, who: Manager, user: UserName, body: StateInput) -> SeatView:
    """Set another seat ready or paused, as its supervisor."""
    return _view(controller, controller.routing.declare(user, body.state, body.reason, who.user))
