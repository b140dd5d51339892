"""Electronic fences of an elder over REST (A5)."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.location import fence_service as service
from callcenter.location.fence_service import FenceInput, FencePatch, PointInput
from callcenter.location.fences import AlarmOn
from callcenter.location.model import FenceRow
from callcenter.people.keeper import CHANGED
from callcenter.people.service import get_elder

router = idempotency.router("/elders/{id}/fences", "fences")

Reader = Annotated[Principal, Depends(require("elders:read"))]
Writer = Annotated[Principal, Depends(require("elders:write"))]


class FenceView(BaseModel):
    """A fence: a circle, or a polygon."""

    id: str
    elder_id: str
    name: str
    centre: PointInput | None
    radius_m: float | None
    points: list[PointInput]
    alarm_on: AlarmOn
    margin_m: float
    fixes: int
    seconds: float
    tell: list[str]
    active: bool
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: FenceRow) -> "FenceView":
        round_one = row.latitude is not None and row.longitude is not None
        values = {name: getattr(row, name) for name in cls.model_fields if name not in ("centre", "points")}
        return cls(
            **values,
            centre=PointInput(latitude=row.latitude, longitude=row.longitude) if round_one else None,
            points=[PointInput(latitude=latitude, longitude=longitude) for latitude, longitude in row.points],
        )


@router.get("", responses=responses(404))
async def list_fences(id: Id, who: Reader, session: SessionDep, part: PageDep) -> Page[FenceView]:
    """The fences of an elder, oldest first."""
    await get_elder(session, id, who)
    rows, following = await fetch_page(session, service.fences_query(id), FenceRow.id, part)
    return Page(items=[FenceView.of(row) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(404, 409))
async def create_fence(
    id: Id, body: FenceInput, who: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> FenceView:
    """Draw a fence; it is armed at once: whoever is first seen outside one that she must not leave has left it."""
    await get_elder(session, id, who)
    row = await service.create_fence(session, services.clock, id, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return FenceView.of(row)


@router.get("/{fence_id}", responses=responses(404))
async def get_fence(id: Id, fence_id: Id, who: Reader, session: SessionDep, response: Response) -> FenceView:
    """One fence."""
    await get_elder(session, id, who)
    row = await service.get_fence(session, id, fence_id)
    tag(response, row.version)
    return FenceView.of(row)


@router.patch("/{fence_id}", responses=responses(404, 409, 412))
async def change_fence(
    id: Id,
    fence_id: Id,
    body: FencePatch,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> FenceView:
    """Change what is given; which side she was last seen on stays known."""
    await get_elder(session, id, who)
    row = await service.get_fence(session, id, fence_id)
    check_match(row.version, if_match)
    await service.change_fence(session, services.clock, row, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return FenceView.of(row)


@router.delete("/{fence_id}", status_code=204, responses=responses(404, 409, 412))
async def delete_fence(id: Id, fence_id: Id, who: Writer, session: SessionDep, if_match: IfMatch = None) -> None:
    """Take a fence down."""
    await get_elder(session, id, who)
    row = await service.get_fence(session, id, fence_id)
    check_match(row.version, if_match)
    await session.delete(row)
    hint(session, CHANGED)
