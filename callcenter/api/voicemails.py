"""Voicemails over REST: what callers left, and that somebody has dealt with it (B1, B5)."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import elders_seen
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page, Prose
from callcenter.errors import NotFound
from callcenter.intake.service import Intake
from callcenter.recordings.model import RecordingKind, RecordingRow
from callcenter.voicemail.tables import State, VoicemailRow, handle, voicemails_query

router = idempotency.router("/voicemails", "voicemails")

Reader = Annotated[Principal, Depends(require("calls:read"))]
Actor = Annotated[Principal, Depends(require("calls:act"))]


class Voicemail(BaseModel):
    """What a caller left: a part of her call's recording."""

    id: str
    call_id: str
    recording_id: str | None = Field(description="The call's recording; null until it is on record.")
    caller: str
    elder_id: str | None
    elder_name: str
    at: Moment
    seconds: float
    offset_seconds: float = Field(description="Where in the recording it begins.")
    ended: str = Field(description="`key`, `hangup` or `silence`.")
    state: State
    handled_by: str
    handled_at: Moment | None
    note: str


class Handled(BaseModel):
    """What was done about it."""

    model_config = ConfigDict(extra="forbid")

    note: Prose = ""


def _visible(who: Principal) -> Select[VoicemailRow]:
    seen = elders_seen(who)
    query = voicemails_query()
    return query if seen is None else query.where(VoicemailRow.elder_id.in_(seen))


async def _views(session: AsyncSession, rows: list[VoicemailRow]) -> list[Voicemail]:
    calls = {row.call_id for row in rows}
    mixes = select(RecordingRow.call_id, RecordingRow.id).where(
        RecordingRow.call_id.in_(calls), RecordingRow.kind == RecordingKind.MIX.value, RecordingRow.composed.is_(False)
    )
    recordings: dict[str, str] = {}
    for call_id, recording_id in await session.execute(mixes.order_by(RecordingRow.id)):
        recordings.setdefault(call_id, recording_id)
    same = Voicemail.model_fields.keys() - {"recording_id"}
    return [
        Voicemail(**{name: getattr(row, name) for name in same}, recording_id=recordings.get(row.call_id))
        for row in rows
    ]


async def _find(session: AsyncSession, id: str, who: Principal) -> VoicemailRow:
    row = await session.scalar(_visible(who).where(VoicemailRow.id == id))
    if row is None:
        raise NotFound("no voicemail has this id")
    return row


@router.get("", responses=responses())
async def list_voicemails(
    who: Reader, session: SessionDep, part: PageDep, state: Annotated[State | None, Query()] = None
) -> Page[Voicemail]:
    """Voicemails, newest first; `new` ones are work to be done."""
    query = _visible(who)
    if state is not None:
        query = query.where(VoicemailRow.state == state.value)
    rows, following = await fetch_page(session, query, VoicemailRow.id, part, newest_first=True)
    return Page(items=await _views(session, list(rows)), next=following)


@router.get("/{id}", responses=responses(404))
async def get_voicemail(id: Id, who: Reader, session: SessionDep) -> Voicemail:
    """One voicemail."""
    (view,) = await _views(session, [await _find(session, id, who)])
    return view


@router.post("/{id}/done", responses=responses(404, 409))
async def handle_voicemail(id: Id, body: Handled, who: Actor, session: SessionDep, services: ServicesDep) -> Voicemail:
    """Somebody has dealt with it."""
    row = await _find(session, id, who)
    await handle(session, services.clock, services.bus, row, who.user, body.note)
    await Intake(services.clock, services.bus).settle_source(session, f"voicemail:{row.id}", who.user, body.note)
    (view,) = await _views(session, [row])
    return view
