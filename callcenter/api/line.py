"""The emergency line as a whole: how it is loaded, a word to everybody who waits, and drills (A6, R21).

Paths of their own: below /emergencies they would look like an emergency's id.
"""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, ServicesDep, require
from callcenter.api.emergencies import answer, in_need
from callcenter.api.emergency_inputs import BroadcastInput, DrillInput
from callcenter.api.problems import responses
from callcenter.api.views import EmergencyView
from callcenter.emergency.kinds import Drill
from callcenter.errors import InvalidInput

router = idempotency.router("/emergency-line", "emergencies", live=True)
drills = idempotency.router("/drills", "emergencies", live=True)
ROUTERS = (router, drills)

Lead = Annotated[Principal, Depends(require("emergencies:lead"))]


class Mode(BaseModel):
    """How the emergency line is loaded right now."""

    mass_event: bool = Field(description="More press at once than there are seats (R21).")
    open: int
    waiting: int


class Told(BaseModel):
    """To how many something was said."""

    count: int


@router.get("", dependencies=[Depends(require("emergencies:read"))], responses=responses())
async def mode(controller: ControllerDep) -> Mode:
    """Whether there is a mass event, and how many wait."""
    line = controller.emergencies
    return Mode(mass_event=line.mass_event, open=line.open_count, waiting=line.waiting_count)


@router.post("/broadcasts", responses=responses())
async def broadcast(controller: ControllerDep, who: Lead, body: BroadcastInput) -> Told:
    """Say a recorded prompt to every elder who waits, and again while a mass event lasts."""
    return Told(count=controller.emergencies.broadcast(body.prompt, actor=who.user))


@drills.post("", status_code=201, responses=responses(404))
async def begin_drill(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Lead, body: DrillInput
) -> EmergencyView:
    """Begin a drill: marked as one from its start, everywhere, and counted apart (A6)."""
    if not body.seats and not body.numbers:
        raise InvalidInput("name who takes part: seats, or numbers by role", field="seats")
    for seat in body.seats:
        controller.routing.seat(seat)
    person, plan = in_need(services, controller, who, body)
    drill = Drill(tuple(body.seats), dict(body.numbers))
    incident = controller.emergencies.alarm(person, body.kind, plan, actor=who.user, origin="drill", drill=drill)
    return await answer(request, services, controller, who, incident)
