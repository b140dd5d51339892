"""Fences of elders in the database: drawn, changed, taken down. Services never commit."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.location.fences import MAX_POINTS, MAX_RADIUS_M, MIN_POINTS, MIN_RADIUS_M, AlarmOn, Fence, checked
from callcenter.location.model import FenceRow
from callcenter.people.schemas import Latitude, Longitude
from callcenter.people.service import later, same_version
from callcenter.shapes import WHOLE, Flag, Line, Number, Version

MOST_FENCES = 20


class PointInput(BaseModel):
    """A place: WGS-84 degrees."""

    model_config = ConfigDict(extra="forbid")

    latitude: Latitude
    longitude: Longitude


Tell = Literal[
    "family", "all_family", "guardian", "group_leader", "village_cadre", "doctor", "social_worker", "community"
]


class FenceInput(BaseModel):
    """A fence: either ``centre`` and ``radius_m``, or the ``points`` of a polygon in order."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    name: Line = Field(examples=["小区"])
    centre: PointInput | None = None
    radius_m: Annotated[Number, Field(ge=MIN_RADIUS_M, le=MAX_RADIUS_M)] | None = None
    points: Annotated[list[PointInput], Field(min_length=MIN_POINTS, max_length=MAX_POINTS + 1)] | None = None
    alarm_on: AlarmOn = AlarmOn.LEAVE
    margin_m: Number = Field(30, ge=0, le=1000, description="How far beyond the line, besides a fix's accuracy.")
    fixes: Annotated[int, Field(ge=1, le=20), WHOLE] = Field(2, description="So many clear fixes in a row, or …")
    seconds: Number = Field(120, ge=0, le=3600, description="… one that stood for so long.")
    tell: list[Tell] = Field(["family"], max_length=8, description="Who is told at once, besides the desk.")
    active: Flag = True


class FencePatch(FenceInput):
    """A change: only what is given."""

    name: Line = ""
    version: Version | None = None


def fences_query(elder_id: str) -> Select[FenceRow]:
    """The fences of an elder."""
    return select(FenceRow).where(FenceRow.elder_id == elder_id)


async def get_fence(session: AsyncSession, elder_id: str, id: str) -> FenceRow:
    """The elder's fence of that id, or `NotFound`."""
    row = (await session.scalars(fences_query(elder_id).where(FenceRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("no fence of this elder has this id")
    return row


async def create_fence(session: AsyncSession, clock: Clock, elder_id: str, data: FenceInput) -> FenceRow:
    """Draw a fence; raises `InvalidInput` when it cannot be watched, `Conflict` when there are too many."""
    count = select(func.count()).select_from(FenceRow).where(FenceRow.elder_id == elder_id)
    if (await session.scalar(count) or 0) >= MOST_FENCES:
        raise Conflict(f"an elder can have {MOST_FENCES} fences; take one down first")
    now = clock.now()
    row = FenceRow(id=new_id(), elder_id=elder_id, created_at=now, updated_at=now)
    for name, value in _columns(data, set(FenceInput.model_fields)).items():
        setattr(row, name, value)
    checked(as_fence(row))
    session.add(row)
    await session.flush()
    return row


async def change_fence(session: AsyncSession, clock: Clock, row: FenceRow, patch: FencePatch) -> None:
    """Change what the patch sets; giving one shape takes the other's place."""
    same_version(row.version, patch.version)
    given = set(patch.model_fields_set)
    if patch.points is not None and "centre" not in given:
        given |= {"centre", "radius_m"}
    elif patch.centre is not None and "points" not in given:
        given |= {"points"}
    for name, value in _columns(patch, given).items():
        setattr(row, name, value)
    checked(as_fence(row))
    row.updated_at = later(clock.now(), row.updated_at)
    await session.flush()


def _columns(data: FenceInput, given: set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(data, name) for name in given - {"centre", "points", "tell", "version"}}
    if "centre" in given:
        values["latitude"] = data.centre.latitude if data.centre else None
        values["longitude"] = data.centre.longitude if data.centre else None
    if "points" in given:
        ring = [[point.latitude, point.longitude] for point in data.points or ()]
        # GeoJSON's way: the first corner once more, to close the ring.
        values["points"] = ring[:-1] if len(ring) > MIN_POINTS and ring[0] == ring[-1] else ring
    if "tell" in given:
        values["tell"] = list(dict.fromkeys(data.tell))
    return values


def as_fence(row: FenceRow) -> Fence:
    """The fence that a row stands for."""
    return Fence(
        id=row.id,
        name=row.name,
        centre=None if row.latitude is None or row.longitude is None else (row.latitude, row.longitude),
        radius_m=row.radius_m or 0.0,
        points=tuple((latitude, longitude) for latitude, longitude in row.points),
        alarm_on=row.alarm_on,
        margin_m=row.margin_m,
        fixes=row.fixes,
        seconds=row.seconds,
        tell=tuple(row.tell),
    )
