"""Staff without accounts over REST: care workers and managers, whom the ratios of B3 count (SZ 5.1)."""

from datetime import date
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
from callcenter.people import staff_register as register
from callcenter.people.keeper import CHANGED
from callcenter.people.staff import StaffKind
from callcenter.people.staff_register import StaffInput, StaffPatch, StaffRow
from callcenter.shapes import Day, Line

router = idempotency.router("/staff", "staff")

Reader = Annotated[Principal, Depends(require("staff:read"))]
Writer = Annotated[Principal, Depends(require("staff:write"))]


class StaffMember(BaseModel):
    """A care worker or a manager. Days are included; null: without a bound."""

    id: str
    code: str
    name: str
    kind: StaffKind
    phone: str | None
    station: str | None
    area: str | None
    starts_on: date | None
    ends_on: date | None
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: StaffRow) -> "StaffMember":
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


@router.get("", responses=responses())
async def list_staff(
    who: Reader,
    session: SessionDep,
    part: PageDep,
    q: Annotated[Line | None, Query(description="Part of the name, or start of the code.")] = None,
    kind: Annotated[StaffKind | None, Query()] = None,
    area: Annotated[Line | None, Query()] = None,
    station: Annotated[Line | None, Query()] = None,
    on: Annotated[Day | None, Query(description="Only who is employed on that day.")] = None,
) -> Page[StaffMember]:
    """The register, oldest entry first."""
    query = register.staff_query(who, q=q, kind=kind, area=area, station=station, on=on)
    rows, following = await fetch_page(session, query, StaffRow.id, part)
    return Page(items=[StaffMember.of(row) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def register_staff(
    body: StaffInput, who: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> StaffMember:
    """Register somebody."""
    return _written(session, await register.create_staff(session, services.clock, body, who), response)


def _written(session: SessionDep, row: StaffRow, response: Response) -> StaffMember:
    hint(session, CHANGED)
    tag(response, row.version)
    return StaffMember.of(row)


@router.get("/{id}", responses=responses(404))
async def get_staff_member(id: Id, who: Reader, session: SessionDep, response: Response) -> StaffMember:
    """One of them; the ETag is for `If-Match`."""
    row = await register.get_staff(session, id, who)
    tag(response, row.version)
    return StaffMember.of(row)


@router.patch("/{id}", responses=responses(404, 409, 412))
async def change_staff_member(
    id: Id,
    body: StaffPatch,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> StaffMember:
    """Change what is given. Who leaves gets a last day (``ends_on``), so that earlier days still count them."""
    row = await register.get_staff(session, id, who)
    check_match(row.version, if_match)
    await register.change_staff(session, services.clock, row, body, who)
    return _written(session, row, response)


@router.delete("/{id}", status_code=204, responses=responses(404, 409, 412))
async def delete_staff_member(id: Id, who: Writer, session: SessionDep, if_match: IfMatch = None) -> None:
    """Strike out what should never have been there; the audit trail keeps it."""
    row = await register.get_staff(session, id, who)
    check_match(row.version, if_match)
    await session.delete(row)
    hint(session, CHANGED)
