"""Intake over REST: the one list of all channels, who deals with what, and what became of it (B5)."""

from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.complaints import Words
from callcenter.api.deps import Services, ServicesDep, SessionDep, controller_of, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.api.work_orders import DeskDep, check_elder
from callcenter.complaints.service import Complaints
from callcenter.errors import InvalidInput
from callcenter.intake.model import IntakeRow
from callcenter.intake.outcomes import CallBack, Decision, Outcomes
from callcenter.intake.service import Intake, Request, get_item, intake_query, mine
from callcenter.intake.states import OPEN, Channel, Kind, Outcome, State
from callcenter.people.service import later
from callcenter.shapes import Instant, Line, Phone, Prose, Reference
from callcenter.voicemail import tables as voicemail
from callcenter.work_orders.states import Kind as OrderKind
from callcenter.work_orders.states import Priority

router = idempotency.router("/intake", "intake")

Reader = Annotated[Principal, Depends(require("intake:read"))]
Writer = Annotated[Principal, Depends(require("intake:write"))]


def intake_of(services: ServicesDep) -> Intake:
    """The service, for one request."""
    return Intake(services.clock, services.bus)


IntakeDep = Annotated[Intake, Depends(intake_of)]


class Wanted(StrEnum):
    """What a list can be narrowed to: a state, or all that is open."""

    NEW = "new"
    TAKEN = "taken"
    DONE = "done"
    OPEN = "open"


class IntakeItem(BaseModel):
    """One thing that came in. ``outcome_id``: the work order, complaint, follow-up or call-back it became."""

    id: str
    state: State
    channel: Channel
    kind: Kind
    at: Moment
    elder_id: str | None
    call_id: str | None
    caller: str
    contact: str
    text: str
    source: str | None = Field(description="What it came from, e.g. voicemail:<id>, callback:<id>, call:<id>.")
    created_by: str
    taken_by: str | None
    taken_at: Moment | None
    outcome: Outcome | None
    outcome_id: str | None
    answer: str
    done_by: str | None
    done_at: Moment | None
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: IntakeRow) -> "IntakeItem":
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class IntakeInput(BaseModel):
    """What somebody of the desk takes down."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Prose, Field(min_length=1, examples=["问助餐点的开放时间"])]
    kind: Kind = Kind.OTHER
    channel: Channel = Channel.PHONE
    elder_id: Reference | None = None
    call_id: Reference | None = None
    caller: Phone | None = None
    contact: Line | None = None
    take: bool = Field(True, description="Whoever takes it down deals with it.")


class IntakePatch(BaseModel):
    """A correction: only what is given."""

    model_config = ConfigDict(extra="forbid")

    text: Prose = ""
    kind: Kind = Kind.OTHER
    elder_id: Reference | None = None
    contact: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = ""


class OutcomeInput(BaseModel):
    """What became of it. ``text``: the answer, or what the new thing says; the item's own text when it is empty."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    text: Prose = ""
    elder_id: Reference | None = None
    kind: OrderKind = Field(OrderKind.SERVICE, description="Of a work order.")
    priority: Priority = Field(Priority.NORMAL, description="Of a work order.")
    about: Words = Field("", description="Of a complaint: whom or what.")
    organisation: Words = Field("", description="Of a complaint.")
    number: Phone | None = Field(None, description="To call back; the one it came from when not given.")
    due_at: Instant | None = Field(None, description="Of a work order or a follow-up; as usual when not given.")


@router.get("", responses=responses())
async def list_intake(
    who: Reader,
    session: SessionDep,
    part: PageDep,
    state: Annotated[Wanted | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    elder_id: Annotated[Reference | None, Query()] = None,
    call_id: Annotated[Reference | None, Query()] = None,
    taken_by: Annotated[Line | None, Query()] = None,
) -> Page[IntakeItem]:
    """Everything that came in, newest first."""
    states = OPEN if state is Wanted.OPEN else {State(state)} if state is not None else ()
    query = intake_query(
        who.area, states=states, channel=channel, kind=kind, elder_id=elder_id, call_id=call_id, taken_by=taken_by
    )
    rows, following = await fetch_page(session, query, IntakeRow.id, part, newest_first=True)
    return Page(items=[IntakeItem.of(row) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def take_down(
    body: IntakeInput, who: Writer, session: SessionDep, intake: IntakeDep, response: Response
) -> IntakeItem:
    """Take something down at the desk. A hotline call has its item already: find it by ``call_id``."""
    await check_elder(session, body.elder_id, who)
    request = Request(
        channel=body.channel,
        kind=body.kind,
        text=body.text,
        elder_id=body.elder_id,
        call_id=body.call_id,
        caller=body.caller or "",
        contact=body.contact or "",
    )
    row, _ = await intake.receive(session, request, who.user, taken_by=who.user if body.take else None)
    return _shown(row, response)


def _shown(row: IntakeRow, response: Response) -> IntakeItem:
    tag(response, row.version)
    return IntakeItem.of(row)


@router.get("/{id}", responses=responses(404))
async def get_intake_item(id: Id, who: Reader, session: SessionDep, response: Response) -> IntakeItem:
    """One item; the ETag is for `If-Match`."""
    return _shown(await get_item(session, id, who.area), response)


@router.patch("/{id}", responses=responses(404, 409, 412))
async def correct_intake_item(
    id: Id,
    body: IntakePatch,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> IntakeItem:
    """Correct what was taken down, or say whose it is."""
    row = await get_item(session, id, who.area)
    check_match(row.version, if_match)
    mine(row, who.user)
    if body.elder_id is not None or (who.area is not None and "elder_id" in body.model_fields_set):
        await check_elder(session, body.elder_id, who)
    for name in body.model_fields_set:
        value = getattr(body, name)
        setattr(row, name, value.value if isinstance(value, Kind) else value)
    row.updated_at = later(services.clock.now(), row.updated_at)
    await session.flush()
    return _shown(row, response)


@router.post("/{id}/take", responses=responses(404, 409))
async def take(id: Id, who: Writer, session: SessionDep, intake: IntakeDep, response: Response) -> IntakeItem:
    """Deal with it; 409 when somebody else does."""
    row = await get_item(session, id, who.area)
    await intake.take(session, row, who.user)
    return _shown(row, response)


@router.post("/{id}/release", responses=responses(404, 409))
async def release(id: Id, who: Writer, session: SessionDep, intake: IntakeDep, response: Response) -> IntakeItem:
    """Give it back; supervisors also what somebody else took."""
    row = await get_item(session, id, who.area)
    if not who.may(Permission.SEATS_MANAGE):
        mine(row, who.user)
    await intake.release(session, row, who.user)
    return _shown(row, response)


@router.post("/{id}/outcome", responses=responses(404, 409, 412))
async def decide(
    id: Id,
    body: OutcomeInput,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    intake: IntakeDep,
    desk: DeskDep,
    response: Response,
    if_match: IfMatch = None,
) -> IntakeItem:
    """Bring it to its outcome: what it becomes is made in the same transaction, and named in ``outcome_id``.

    A hotline call's disposition settles its item too; a work order is made once, whichever comes first.
    """
    row = await get_item(session, id, who.area)
    check_match(row.version, if_match)
    if body.elder_id is not None:
        await check_elder(session, body.elder_id, who)
    decision = Decision(**{**body.model_dump(exclude={"number"}), "number": body.number or ""})
    outcomes = Outcomes(
        intake, desk.orders, Complaints(services.clock, services.bus), services.clock, _call_back(services)
    )
    await outcomes.decide(session, row, decision, who.user)
    await _settle_voicemail(session, services, row, who.user)
    return _shown(row, response)


def _call_back(services: Services) -> CallBack:
    """Call-backs live in the controller's memory and journal; the same number again is the same call-back."""

    def place(number: str, row: IntakeRow, user: str) -> str:
        if not number:
            raise InvalidInput("nobody's number is known: say whom to call in 'number'", field="number")
        elder = services.directory.directory.elder(row.elder_id) if row.elder_id else None
        placed = controller_of(services).callbacks.ask(
            number,
            queue="general",
            since=row.at,
            elder_id=row.elder_id,
            elder_name=elder.name if elder is not None else "",
            actor=user,
        )
        return placed.id

    return place


async def _settle_voicemail(session: AsyncSession, services: Services, row: IntakeRow, user: str) -> None:
    """An item that came as a voicemail: that is dealt with, too."""
    channel, _, voicemail_id = (row.source or "").partition(":")
    if channel != Channel.VOICEMAIL:
        return
    left = await session.get(voicemail.VoicemailRow, voicemail_id)
    if left is not None and left.state == voicemail.State.NEW:
        await voicemail.handle(session, services.clock, services.bus, left, user, row.answer)
