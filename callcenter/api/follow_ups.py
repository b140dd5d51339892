"""Follow-ups over REST: what is due, attempts, the elder's word (C7, SZ 6.2.5)."""

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
from callcenter.api.work_orders import DeskDep
from callcenter.errors import NotFound
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.service import Answer, follow_ups_query
from callcenter.follow_ups.states import OPEN, Outcome, State
from callcenter.shapes import Instant, Prose, Reference

router = idempotency.router("/follow-ups", "follow-ups")

Reader = Annotated[Principal, Depends(require("follow_ups:read"))]
Writer = Annotated[Principal, Depends(require("follow_ups:write"))]


class Wanted(StrEnum):
    """What a list can be narrowed to: a state, or what is open and past its time."""

    DUE = "due"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"
    OVERDUE = "overdue"


class Attempt(BaseModel):
    """A call that did not get through."""

    id: str
    at: Moment
    actor: str
    outcome: Outcome
    note: str
    call_id: str | None


class FollowUp(BaseModel):
    """A follow-up (回访). ``overdue``: open and past its time."""

    id: str
    state: State
    overdue: bool
    work_order_id: str
    elder_id: str | None
    due_at: Moment
    attempts: list[Attempt]
    rating: int | None
    wishes: str
    suspected_complaint: bool
    result: str
    call_id: str | None
    done_by: str | None
    done_at: Moment | None
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: FollowUpRow, now: datetime) -> "FollowUp":
        plain = cls.model_fields.keys() - {"overdue", "attempts"}
        values: dict[str, Any] = {name: getattr(row, name) for name in plain}
        attempts = [Attempt(**{name: getattr(one, name) for name in Attempt.model_fields}) for one in row.attempts]
        return cls(**values, overdue=row.state in OPEN and row.due_at < now, attempts=attempts)


class AttemptInput(BaseModel):
    """How a call that did not get through ended."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: Prose = ""
    call_id: Reference | None = None


class CompletionInput(BaseModel):
    """What the elder said. A suspected complaint keeps the order open until it is settled (C7)."""

    model_config = ConfigDict(extra="forbid")

    result: Annotated[Prose, Field(min_length=1, examples=["满意，窗户擦得干净"])]
    rating: int | None = Field(None, ge=1, le=5, description="Of the worker, 1 to 5; null when she gave none.")
    wishes: Prose = ""
    suspected_complaint: bool = False
    call_id: Reference | None = None


async def _find(session: AsyncSession, id: str, who: Principal) -> FollowUpRow:
    row = await session.scalar(follow_ups_query(who.area).where(FollowUpRow.id == id))
    if row is None:
        raise NotFound("no follow-up has this id")
    return row


@router.get("", responses=responses())
async def list_follow_ups(
    who: Reader,
    session: SessionDep,
    services: ServicesDep,
    part: PageDep,
    state: Annotated[Wanted | None, Query()] = None,
    due_before: Annotated[Instant | None, Query()] = None,
    work_order_id: Annotated[Reference | None, Query()] = None,
    elder_id: Annotated[Reference | None, Query()] = None,
) -> Page[FollowUp]:
    """Follow-ups, the oldest first."""
    now = services.clock.now()
    states = OPEN if state is Wanted.OVERDUE else {State(state)} if state is not None else ()
    if state is Wanted.OVERDUE:
        due_before = min(due_before or now, now)
    query = follow_ups_query(
        who.area, states=states, due_before=due_before, work_order_id=work_order_id, elder_id=elder_id
    )
    rows, following = await fetch_page(session, query, FollowUpRow.id, part)
    return Page(items=[FollowUp.of(row, now) for row in rows], next=following)


@router.get("/{id}", responses=responses(404))
async def get_follow_up(
    id: Id, who: Reader, session: SessionDep, services: ServicesDep, response: Response
) -> FollowUp:
    """One follow-up; the ETag is for `If-Match`."""
    row = await _find(session, id, who)
    tag(response, row.version)
    return FollowUp.of(row, services.clock.now())


@router.post("/{id}/attempts", responses=responses(404, 409, 412))
async def add_attempt(
    id: Id,
    body: AttemptInput,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    desk: DeskDep,
    response: Response,
    if_match: IfMatch = None,
) -> FollowUp:
    """Note a call that did not get through."""
    row = await _find(session, id, who)
    check_match(row.version, if_match)
    await desk.follow_ups.attempt(session, row, body.outcome, who.user, note=body.note, call_id=body.call_id)
    tag(response, row.version)
    return FollowUp.of(row, services.clock.now())


@router.post("/{id}/complete", responses=responses(404, 409, 412))
async def complete_follow_up(
    id: Id,
    body: CompletionInput,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    desk: DeskDep,
    response: Response,
    if_match: IfMatch = None,
) -> FollowUp:
    """Record what the elder said; the order becomes followed up."""
    row = await _find(session, id, who)
    check_match(row.version, if_match)
    await desk.follow_ups.complete(session, row, Answer(**body.model_dump()), who.user)
    tag(response, row.version)
    return FollowUp.of(row, services.clock.now())
