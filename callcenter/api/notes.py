"""Notes over REST: the operator's text on a call or an emergency, never lost, never silently overwritten (A10, B4)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.calls import find_call
from callcenter.api.deps import ControllerDep, ServicesDep, require
from callcenter.api.emergencies import find_emergency
from callcenter.api.problems import responses
from callcenter.api.types import Id
from callcenter.controller import Controller
from callcenter.errors import Unavailable
from callcenter.notes.service import Note
from callcenter.shapes import WHOLE

calls = idempotency.router("/calls", "calls", live=True)
emergencies = idempotency.router("/emergencies", "emergencies", live=True)
ROUTERS: tuple[APIRouter, ...] = (calls, emergencies)

CallActor = Annotated[Principal, Depends(require("calls:act"))]
EmergencyActor = Annotated[Principal, Depends(require("emergencies:act"))]


class NoteInput(BaseModel):
    """The whole note, and the revision it was read at (0: there was none)."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", examples=["老人要求明天上午送药"]
    )
    revision: Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]


class NoteView(BaseModel):
    """The note as it is stored. With an older revision the answer is 409 ``note_outdated`` with both of these."""

    text: str
    revision: int


async def _kept(controller: Controller, note: Note) -> NoteView:
    if not await controller.journal.durable():
        raise Unavailable("the note was taken up, but it is not on disk yet; send it again")
    return NoteView(text=note.text, revision=note.revision)


@calls.put("/{call_id}/note", responses=responses(404, 409))
async def note_call(
    request: Request, services: ServicesDep, controller: ControllerDep, who: CallActor, call_id: Id, body: NoteInput
) -> NoteView:
    """Replace a call's note; the answer comes when it is on disk. The same text again changes nothing."""
    call = await find_call(request, services, controller, who, call_id)
    return await _kept(controller, controller.notes.write(call, body.text, body.revision, who.user))


@emergencies.put("/{incident_id}/note", responses=responses(404, 409))
async def note_emergency(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: EmergencyActor,
    incident_id: Id,
    body: NoteInput,
) -> NoteView:
    """Replace an emergency's note, also after its close; the same text again changes nothing."""
    incident = await find_emergency(request, services, controller, who, incident_id)
    return await _kept(controller, controller.notes.write(incident, body.text, body.revision, who.user))
