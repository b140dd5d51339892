"""The operator's word that a human sits at the phone that answered by itself (R12), and his way back to her."""

from typing import Annotated

from fastapi import Depends, Request

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, ServicesDep, require
from callcenter.api.emergencies import find_emergency
from callcenter.api.problems import responses
from callcenter.api.types import Id
from callcenter.api.views import LegView
from callcenter.errors import Conflict

router = idempotency.router("/emergencies", "emergencies", live=True)

Operator = Annotated[Principal, Depends(require("emergencies:act"))]


@router.post("/{id}/accept", responses=responses(404, 409))
async def accept_emergency(id: Id, controller: ControllerDep, who: Operator) -> LegView:
    """Show life: the signed-in operator's own phone answered by itself and somebody is there.

    409: another operator has the emergency already; 404: one's own phone is not in its room.
    """
    return LegView.of(controller.acceptance.click(id, who.user))


@router.post("/{id}/join", status_code=201, responses=responses(404, 409))
async def join_emergency(
    request: Request, id: Id, services: ServicesDep, controller: ControllerDep, who: Operator
) -> LegView:
    """Be with her again: one's own phone rings, also when 120 or her daughter is there and the desk is not wanted.

    409: nobody is in her room, one's own phone is in it, rings or talks already, or the emergency is closed.
    """
    incident = await find_emergency(request, services, controller, who, id)
    call = controller.emergencies.call_in(incident.room) if incident.open else None
    if call is None:
        raise Conflict(f"emergency {id} has no call to join now; if she is being called back, the desk rings then")
    return LegView.of(controller.control.rejoin(call, who.user))
