"""Where an elder is: her terminal's newest fix against the registered address, and where it has been (A4)."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import attends
from callcenter.api.deps import ControllerDep, ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.audit import trail
from callcenter.errors import NotFound
from callcenter.location.geo import Fix, distance_m
from callcenter.location.model import PositionRow
from callcenter.people.directory import Elder
from callcenter.people.service import get_elder
from callcenter.shapes import Instant

live = idempotency.router("/elders/{id}/location", "location", live=True)
history = idempotency.router("/elders/{id}/positions", "location")

Reader = Annotated[Principal, Depends(require("elders:read"))]
Carer = Annotated[Principal, Depends(require("elders:care"))]


class FixView(BaseModel):
    """The newest fix. Look at its age and accuracy before anybody is sent there."""

    latitude: float
    longitude: float
    accuracy_m: float | None = Field(description="Radius in metres; null when the terminal does not say.")
    at: Moment
    age_seconds: float
    dated: str = Field(description="device: by its own clock; received: its clock cannot be right.")
    device_id: str | None
    device_kind: str | None
    battery: int | None
    distance_m: float | None = Field(description="From the registered address; null when that has no place on the map.")
    map_link: str


class Registered(BaseModel):
    """The address of the file, and how to get in; the door code only for roles that give care."""

    address: str | None
    latitude: float | None
    longitude: float | None
    door_code: str | None
    key_holder_name: str | None
    key_holder_phone: str | None
    map_link: str | None


class LocationView(BaseModel):
    """Where to send help."""

    elder_id: str
    fix: FixView | None
    registered: Registered
    map_link: str | None = Field(description="Of the fix when there is one, else of the address.")


@live.get("", responses=responses(404))
async def get_location(id: Id, who: Reader, services: ServicesDep, controller: ControllerDep) -> LocationView:
    """Where she is, from memory: also while the database is away (A10)."""
    elder = services.directory.directory.elder(id)
    if elder is None or not attends(who, services, id):
        raise NotFound("no elder has this id")
    care = who.may(Permission.ELDERS_CARE)
    home = (elder.latitude, elder.longitude)
    placed = home[0] is not None and home[1] is not None
    registered = Registered(
        address=elder.address,
        latitude=elder.latitude,
        longitude=elder.longitude,
        door_code=elder.door_code if care else None,
        key_holder_name=elder.key_holder_name,
        key_holder_phone=elder.key_holder_phone,
        map_link=controller.location.map_link(home[0], home[1]) if placed else None,  # type: ignore[arg-type]
    )
    fix = controller.location.latest(id)
    view = _fix(elder, fix, services.clock.now(), controller) if fix is not None else None
    return LocationView(
        elder_id=id, fix=view, registered=registered, map_link=view.map_link if view else registered.map_link
    )


def _fix(elder: Elder, fix: Fix, now: datetime, controller: ControllerDep) -> FixView:
    device = next((one for one in elder.devices if one.id == fix.device_id), None)
    away = None
    if elder.latitude is not None and elder.longitude is not None:
        away = round(distance_m((elder.latitude, elder.longitude), fix.point), 1)
    return FixView(
        latitude=fix.latitude,
        longitude=fix.longitude,
        accuracy_m=fix.accuracy_m,
        at=fix.at,
        age_seconds=round(max(0.0, (now - fix.at).total_seconds()), 1),
        dated=fix.dated,
        device_id=fix.device_id,
        device_kind=device.kind if device else None,
        battery=controller.presence.battery(fix.device_id) if fix.device_id else None,
        distance_m=away,
        map_link=controller.location.map_link(fix.latitude, fix.longitude),
    )


class PastFix(BaseModel):
    """Where a terminal was."""

    id: str
    device_id: str
    at: Moment
    received_at: Moment
    latitude: float
    longitude: float
    accuracy_m: float | None
    dated: str


@history.get("", responses=responses(404))
async def list_positions(
    id: Id,
    who: Carer,
    session: SessionDep,
    part: PageDep,
    since: Annotated[Instant | None, Query(description="Taken at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Taken before.")] = None,
) -> Page[PastFix]:
    """Where she has been, newest first, for some days; looking at it is on record (I1)."""
    await get_elder(session, id, who)
    query = select(PositionRow).where(PositionRow.elder_id == id)
    if since is not None:
        query = query.where(PositionRow.at >= since)
    if until is not None:
        query = query.where(PositionRow.at < until)
    rows, following = await fetch_page(session, query, PositionRow.id, part, newest_first=True)
    trail.note(session, "read", "positions", id, shown=len(rows))
    items = [PastFix(**{name: getattr(row, name) for name in PastFix.model_fields}) for row in rows]
    return Page(items=items, next=following)
