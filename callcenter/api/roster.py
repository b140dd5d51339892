"""The on-call roster over REST: shifts, who is on call at a moment, and where nobody is (A9)."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query, Response
from pydantic import BaseModel

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.people import shifts
from callcenter.people.keeper import CHANGED
from callcenter.people.roster import gaps, on_call
from callcenter.people.shifts import ShiftInput, ShiftPatch, ShiftRow
from callcenter.shapes import Instant

shifts_router = idempotency.router("/roster", "roster")
on_call_router = idempotency.router("/on-call", "roster")
ROUTERS = (shifts_router, on_call_router)

Reader = Annotated[Principal, Depends(require("plans:read"))]
Writer = Annotated[Principal, Depends(require("plans:write"))]
Area = Annotated[str, Query(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$", description="Empty: of no known area.")]


class RosterShift(BaseModel):
    """When somebody is on call."""

    id: str
    name: str
    phone: str
    area: str
    position: int
    starts_at: Moment | None
    ends_at: Moment | None
    weekdays: list[int]
    from_time: str
    to_time: str
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: ShiftRow) -> "RosterShift":
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class Person(BaseModel):
    """Somebody to ring."""

    name: str
    phone: str


class OnCallNow(BaseModel):
    """Who is on call at ``at``, in the order in which they are rung."""

    at: Moment
    area: str
    people: list[Person]


class Gap(BaseModel):
    """A span in which nobody is on call."""

    since: Moment
    until: Moment


class Gaps(BaseModel):
    """Where the roster has nobody."""

    since: Moment
    until: Moment
    area: str
    gaps: list[Gap]


@shifts_router.get("", responses=responses())
async def list_shifts(session: SessionDep, part: PageDep, who: Reader) -> Page[RosterShift]:
    """All shifts, oldest entry first."""
    rows, following = await fetch_page(session, shifts.shifts_query(who), ShiftRow.id, part)
    return Page(items=[RosterShift.of(row) for row in rows], next=following)


@shifts_router.post("", status_code=201, responses=responses(409))
async def create_shift(
    body: ShiftInput, session: SessionDep, services: ServicesDep, who: Writer, response: Response
) -> RosterShift:
    """Put somebody on the roster."""
    row = await shifts.create_shift(session, services.clock, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return RosterShift.of(row)


@on_call_router.get("", responses=responses())
async def who_is_on_call(
    session: SessionDep,
    services: ServicesDep,
    who: Reader,
    at: Annotated[Instant | None, Query(description="Now by default.")] = None,
    area: Area = "",
) -> OnCallNow:
    """Whom the ladder would ring for an incident of an area, after the numbers of the settings."""
    moment = at or services.clock.now()
    found = [shifts.shift_of(row) for row in await session.scalars(shifts.shifts_query(who))]
    people = [Person(name=one.name, phone=one.phone) for one in on_call(found, moment, area)]
    return OnCallNow(at=moment, area=area, people=people)


@on_call_router.get("/gaps", responses=responses())
async def where_nobody_is_on_call(
    session: SessionDep,
    services: ServicesDep,
    who: Reader,
    since: Annotated[Instant | None, Query(description="Now by default.")] = None,
    days: Annotated[int, Query(ge=1, le=62)] = 7,
    area: Area = "",
) -> Gaps:
    """The spans of the coming days in which no shift is on: a centre answers 24 hours a day (GS 4.3.11.2)."""
    begin = since or services.clock.now()
    end = begin + timedelta(days=days)
    found = [shifts.shift_of(row) for row in await session.scalars(shifts.shifts_query(who))]
    holes = [Gap(since=start, until=stop) for start, stop in gaps(found, begin, end, area)]
    return Gaps(since=begin, until=end, area=area, gaps=holes)


@shifts_router.get("/{id}", responses=responses(404))
async def get_shift(id: Id, session: SessionDep, who: Reader, response: Response) -> RosterShift:
    """One shift."""
    row = await shifts.get_shift(session, id, who)
    tag(response, row.version)
    return RosterShift.of(row)


@shifts_router.patch("/{id}", responses=responses(404, 409, 412))
async def change_shift(
    id: Id,
    body: ShiftPatch,
    session: SessionDep,
    services: ServicesDep,
    who: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> RosterShift:
    """Change what is given."""
    row = await shifts.get_shift(session, id, who)
    check_match(row.version, if_match)
    await shifts.change_shift(session, services.clock, row, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return RosterShift.of(row)


@shifts_router.delete("/{id}", status_code=204, responses=responses(404, 409, 412))
async def delete_shift(id: Id, session: SessionDep, who: Writer, if_match: IfMatch = None) -> None:
    """Take somebody off the roster."""
    row = await shifts.get_shift(session, id, who)
    check_match(row.version, if_match)
    shifts.mine(row, who)
    await session.delete(row)
    hint(session, CHANGED)
