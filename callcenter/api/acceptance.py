"""The operator's word that a human sits at the phone that answered by itself (R12)."""

from typing import Annotated

from fastapi import Depends

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, require
from callcenter.api.problems import responses
from callcenter.api.types import Id
from callcenter.api.views import LegView

router = idempotency.router("/emergencies", "emergencies", live=True)

Operator = Annotated[Principal, Depends(require("emergencies:act"))]


@router.post("/{id}/accept", responses=responses(404, 409))
async def accept_emergency(id: Id, controller: ControllerDep, who: Operator) -> LegView:
    """Show life: the signed-in operator's own phone answered by itself and somebody is there.

    409: another operator has the emergency already; 404: one's own phone is not in its room.
    """
    return LegView.of(controller.acceptance.click(id, who.user))
