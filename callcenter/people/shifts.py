"""The roster in the database: shifts of on-call people, made, changed and deleted at the desk (A9)."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, Select, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.accounts.permissions import Principal
from callcenter.clock import Clock
from callcenter.db import Base, UtcDateTime, Versioned
from callcenter.errors import InvalidInput, NotFound
from callcenter.ids import new_id
from callcenter.people.roster import Shift
from callcenter.people.service import later, same_version
from callcenter.shapes import Instant, Line, Phone, Version


class ShiftRow(Versioned, Base):
    """One shift, as `callcenter.people.roster.Shift`."""

    __tablename__ = "roster_shifts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(24))
    area: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    weekdays: Mapped[list[int]] = mapped_column(JSON)
    from_time: Mapped[str] = mapped_column(String(5))
    to_time: Mapped[str] = mapped_column(String(5))


SHIFT_FIELDS = Shift.__struct_fields__

TimeOfDay = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$", examples=["22:00"])]
Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]


class ShiftInput(BaseModel):
    """Somebody's shift: one span of time (``starts_at``, ``ends_at``), or weekly (``weekdays``, ``from_time``,
    ``to_time`` in Asia/Shanghai, over midnight when it ends at or before it begins)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "值班站长",
                    "phone": "13800009001",
                    "weekdays": [1, 2, 3, 4, 5],
                    "from_time": "22:00",
                    "to_time": "06:00",
                }
            ]
        },
    )

    name: Line
    phone: Phone
    area: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        "", description="For this area's incidents only; empty: for all."
    )
    position: Annotated[int, Field(ge=0, le=1000, strict=True)] = Field(0, description="Lower is rung first.")
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    weekdays: list[Weekday] = Field([], max_length=7, description="1 Monday … 7 Sunday: the days on which it begins.")
    from_time: TimeOfDay = ""
    to_time: TimeOfDay = ""


class ShiftPatch(ShiftInput):
    """A change: only what is given."""

    name: Line = ""
    phone: Phone = ""
    version: Version | None = None


def shifts_query(who: Principal | None = None) -> Select[ShiftRow]:
    """All shifts; for an account of one area its own and those for everybody."""
    query = select(ShiftRow)
    return query if who is None or who.area is None else query.where(ShiftRow.area.in_(("", who.area)))


async def get_shift(session: AsyncSession, id: str, who: Principal | None = None) -> ShiftRow:
    """The shift of that id, or `NotFound`."""
    row = (await session.scalars(shifts_query(who).where(ShiftRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("no shift has this id")
    return row


async def create_shift(session: AsyncSession, clock: Clock, data: ShiftInput, who: Principal | None = None) -> ShiftRow:
    """Put somebody on the roster; raises `InvalidInput` when it cannot be said when, `Conflict` for another's area."""
    row = ShiftRow(id=new_id(), created_at=clock.now(), updated_at=clock.now())
    for field in set(ShiftInput.model_fields):
        setattr(row, field, getattr(data, field))
    _check(row, who)
    session.add(row)
    await session.flush()
    return row


async def change_shift(
    session: AsyncSession, clock: Clock, row: ShiftRow, patch: ShiftPatch, who: Principal | None = None
) -> None:
    """Change what the patch sets."""
    same_version(row.version, patch.version)
    mine(row, who)
    for field in patch.model_fields_set - {"version"}:
        setattr(row, field, getattr(patch, field))
    row.updated_at = later(clock.now(), row.updated_at)
    _check(row, who)
    await session.flush()


def mine(row: ShiftRow, who: Principal | None) -> None:
    """Raises `Conflict` when the shift is of an area that the account does not serve."""
    if who is not None:
        who.check_area(row.area, "a shift")


def shift_of(row: ShiftRow | tuple[Any, ...]) -> Shift:
    """The shift as the ladder takes it; a tuple holds `SHIFT_FIELDS`. Raises `msgspec.ValidationError`."""
    values = row if isinstance(row, tuple) else tuple(getattr(row, field) for field in SHIFT_FIELDS)
    return msgspec.convert(dict(zip(SHIFT_FIELDS, values, strict=True)), Shift)


def _check(row: ShiftRow, who: Principal | None) -> None:
    mine(row, who)
    row.weekdays = sorted(set(row.weekdays))
    once = row.starts_at is not None or row.ends_at is not None
    weekly = bool(row.weekdays or row.from_time or row.to_time)
    if once == weekly:
        raise InvalidInput("say either starts_at and ends_at, or weekdays, from_time and to_time")
    if once and (row.starts_at is None or row.ends_at is None or row.starts_at >= row.ends_at):
        raise InvalidInput("a shift needs starts_at and ends_at, the end after the beginning", reason="ends_before")
    if weekly and not (row.weekdays and row.from_time and row.to_time):
        raise InvalidInput("a weekly shift needs weekdays, from_time and to_time")
