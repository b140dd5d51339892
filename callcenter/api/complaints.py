"""Complaints over REST: taken down, moved on, who did what when, against their deadlines (C8)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.api.work_orders import check_elder
from callcenter.complaints.model import ComplaintRow
from callcenter.complaints.service import Complaints, Draft, complaints_query
from callcenter.complaints.states import OPEN, TRANSITIONS, Act, State
from callcenter.errors import NotFound
from callcenter.shapes import Instant, Prose, Reference

router = idempotency.router("/complaints", "complaints")

Reader = Annotated[Principal, Depends(require("complaints:read"))]
Writer = Annotated[Principal, Depends(require("complaints:write"))]


def _complaints(services: ServicesDep) -> Complaints:
    return Complaints(services.clock, services.bus)


ComplaintsDep = Annotated[Complaints, Depends(_complaints)]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Wanted(StrEnum):
    """What a list can be narrowed to: a state, all that is open, or what is open and past its time."""

    RECEIVED = "received"
    INVESTIGATING = "investigating"
    SETTLED = "settled"
    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    OPEN = "open"
    OVERDUE = "overdue"


class ComplaintAction(BaseModel):
    """One act: who, when, what."""

    id: str
    at: Moment
    actor: str
    act: Act
    from_state: State | None
    to_state: State
    text: str


class Complaint(BaseModel):
    """A complaint (投诉). ``late_response``, ``overdue``: not in time, or not yet and the time is over."""

    id: str
    state: State
    elder_id: str | None
    call_id: str | None
    about: str
    organisation: str
    contact: str
    text: str
    created_by: str
    handler: str | None
    respond_by: Moment
    due_at: Moment
    responded_at: Moment | None
    answered_at: Moment | None
    closed_at: Moment | None
    late_response: bool
    overdue: bool
    actions: list[ComplaintAction]
    next: list[Act]
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: ComplaintRow, now: datetime) -> "Complaint":
        plain = cls.model_fields.keys() - {"late_response", "overdue", "actions", "next"}
        values: dict[str, Any] = {name: getattr(row, name) for name in plain}
        state = State(row.state)
        actions = [
            ComplaintAction(**{name: getattr(one, name) for name in ComplaintAction.model_fields})
            for one in row.actions
        ]
        return cls(
            **values,
            late_response=(row.responded_at or now) > row.respond_by and state is not State.WITHDRAWN,
            overdue=(row.answered_at or now) > row.due_at and state is not State.WITHDRAWN,
            actions=actions,
            next=sorted(TRANSITIONS[state]),
        )


class ComplaintInput(BaseModel):
    """A new complaint; its deadlines count from now."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Prose, Field(min_length=1, examples=["护理员迟到一小时"])]
    about: Words = Field("", description="Whom or what.", examples=["上门护理员"])
    organisation: Words = ""
    contact: Words = Field("", description="Who complains, where it is not the elder.")
    elder_id: Reference | None = None
    call_id: Reference | None = None


class ActInput(BaseModel):
    """What was found, done or said. Needed to settle, answer, reopen and withdraw."""

    model_config = ConfigDict(extra="forbid")

    text: Prose = ""


async def _find(session: AsyncSession, id: str, who: Principal) -> ComplaintRow:
    row = await session.scalar(complaints_query(who.area).where(ComplaintRow.id == id))
    if row is None:
        raise NotFound("no complaint has this id")
    return row


@router.get("", responses=responses())
async def list_complaints(
    who: Reader,
    session: SessionDep,
    services: ServicesDep,
    part: PageDep,
    state: Annotated[Wanted | None, Query()] = None,
    elder_id: Annotated[Reference | None, Query()] = None,
    call_id: Annotated[Reference | None, Query()] = None,
    due_before: Annotated[Instant | None, Query()] = None,
) -> Page[Complaint]:
    """Complaints, newest first."""
    now = services.clock.now()
    open_ones = state in (Wanted.OPEN, Wanted.OVERDUE)
    states = OPEN if open_ones else {State(state)} if state is not None else ()
    query = complaints_query(who.area, states=states, elder_id=elder_id, call_id=call_id, due_before=due_before)
    if state is Wanted.OVERDUE:
        query = query.where(ComplaintRow.due_at < now, ComplaintRow.answered_at.is_(None))
    rows, following = await fetch_page(session, query, ComplaintRow.id, part, newest_first=True)
    return Page(items=[Complaint.of(row, now) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def create_complaint(
    body: ComplaintInput,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    complaints: ComplaintsDep,
    response: Response,
) -> Complaint:
    """Take a complaint down: first response within 2 h, answer within three working days (C8)."""
    await check_elder(session, body.elder_id, who)
    row = await complaints.create(session, Draft(**body.model_dump()), who.user)
    tag(response, row.version)
    return Complaint.of(row, services.clock.now())


@router.get("/{id}", responses=responses(404))
async def get_complaint(
    id: Id, who: Reader, session: SessionDep, services: ServicesDep, response: Response
) -> Complaint:
    """One complaint with everything that was done about it; the ETag is for `If-Match`."""
    row = await _find(session, id, who)
    tag(response, row.version)
    return Complaint.of(row, services.clock.now())


@router.post("/{id}/{act}", responses=responses(404, 409, 412))
async def act_on_complaint(
    id: Id,
    act: Act,
    body: ActInput,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    complaints: ComplaintsDep,
    response: Response,
    if_match: IfMatch = None,
) -> Complaint:
    """Do something about it; what can be done now is in its ``next``."""
    row = await _find(session, id, who)
    check_match(row.version, if_match)
    await complaints.act(session, row, act, who.user, body.text)
    tag(response, row.version)
    return Complaint.of(row, services.clock.now())
