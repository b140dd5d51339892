"""The register of staff without accounts in the database: written at the desk or out of a spreadsheet (B3)."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Date, Select, String, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.accounts.permissions import Principal
from callcenter.clock import Clock
from callcenter.db import Base, Versioned
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.ids import new_id
from callcenter.people.schemas import Code
from callcenter.people.service import later, same_version
from callcenter.people.staff import StaffKind
from callcenter.shapes import Day, Line, Phone, Version


class StaffRow(Versioned, Base):
    """A care worker or a manager. ``code``: their number at the centre; ``starts_on``, ``ends_on``: both included."""

    __tablename__ = "care_staff"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10))
    phone: Mapped[str | None] = mapped_column(String(24))
    station: Mapped[str | None] = mapped_column(String(60))
    area: Mapped[str | None] = mapped_column(String(60), index=True)
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)


class StaffInput(BaseModel):
    """Somebody new. ``code``: made when it is left out; ``area``: one's own when the account is bound to one."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    name: Line = Field(examples=["王秀兰"])
    kind: StaffKind
    code: Annotated[Code, Field(examples=["W-0001"])] | None = None
    phone: Phone | None = None
    station: Line | None = Field(None, examples=["平江站"])
    area: Line | None = Field(None, examples=["姑苏区"])
    starts_on: Day | None = None
    ends_on: Day | None = Field(None, description="The last day; null: for as long as nobody says otherwise.")


class StaffPatch(StaffInput):
    """A change: only what is given; null clears what may be empty."""

    name: Line = ""
    kind: StaffKind = StaffKind.WORKER
    code: Code = ""
    version: Version | None = None


def staff_query(
    who: Principal | None = None,
    *,
    q: str | None = None,
    kind: StaffKind | None = None,
    area: str | None = None,
    station: str | None = None,
    on: date | None = None,
) -> Select[StaffRow]:
    """The staff that ``who`` may see. ``q``: part of the name or start of the code; ``on``: employed on that day."""
    query = select(StaffRow)
    if who is not None and who.area is not None:
        query = query.where(StaffRow.area == who.area)
    for column, value in ((StaffRow.kind, kind), (StaffRow.area, area), (StaffRow.station, station)):
        if value is not None:
            query = query.where(column == value)
    if q:
        query = query.where(
            or_(StaffRow.name.contains(q, autoescape=True), StaffRow.code.startswith(q, autoescape=True))
        )
    if on is not None:
        query = query.where(
            or_(StaffRow.starts_on.is_(None), StaffRow.starts_on <= on),
            or_(StaffRow.ends_on.is_(None), StaffRow.ends_on >= on),
        )
    return query


async def get_staff(session: AsyncSession, id: str, who: Principal | None = None) -> StaffRow:
    """Somebody by id, or `NotFound`, also when they are of an area that ``who`` does not serve."""
    row = (await session.scalars(staff_query(who).where(StaffRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("nobody of the staff has this id")
    return row


async def create_staff(session: AsyncSession, clock: Clock, data: StaffInput, who: Principal | None = None) -> StaffRow:
    """Register somebody; raises `Conflict` when the code is taken or the area not one's own, `InvalidInput` when
    they would leave before they begin."""
    row = StaffRow(id=new_id(), created_at=clock.now(), updated_at=clock.now())
    for field in StaffInput.model_fields:
        setattr(row, field, getattr(data, field))
    row.code = data.code or f"S{row.id[-12:].upper()}"
    if who is not None and data.area is None:
        row.area = who.area
    await _check(session, row, who)
    session.add(row)
    await session.flush()
    return row


async def change_staff(
    session: AsyncSession, clock: Clock, row: StaffRow, patch: StaffPatch, who: Principal | None = None
) -> None:
    """Change what the patch sets; raises as `create_staff` does, and `Conflict` when its version is not the present."""
    same_version(row.version, patch.version)
    for field in patch.model_fields_set - {"version"}:
        setattr(row, field, getattr(patch, field))
    row.updated_at = later(clock.now(), row.updated_at)
    await _check(session, row, who)
    await session.flush()


async def _check(session: AsyncSession, row: StaffRow, who: Principal | None) -> None:
    if who is not None:
        who.check_area(row.area, "staff")
    if row.starts_on is not None and row.ends_on is not None and row.ends_on < row.starts_on:
        raise InvalidInput(
            "ends_on is before starts_on; give the first and the last day", field="ends_on", reason="ends_before"
        )
    with session.no_autoflush:
        if (await session.execute(select(StaffRow.id).where(StaffRow.code == row.code, StaffRow.id != row.id))).first():
            raise Conflict(f"the code {row.code} is taken", reason="code_taken", taken=row.code)
