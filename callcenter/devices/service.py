"""Devices: registered, tied to elders, moved between states by one setter (F1, F2, R26)."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.clock import Clock
from callcenter.devices.model import TRANSITIONS, DeviceKind, DeviceRow, DeviceState
from callcenter.errors import Conflict, IllegalTransition, NotFound
from callcenter.ids import new_id
from callcenter.people.model import ElderRow
from callcenter.people.service import later, same_version
from callcenter.shapes import WHOLE, Phone, Reference, Version

TEST_MINUTES = 60
Heartbeat = Annotated[int, Field(ge=10, le=7 * 86_400), WHOLE]
Serial = Annotated[str, Field(pattern=r"^[0-9A-Za-z._:-]{1,60}$", examples=["PD-0001"])]


class DeviceInput(BaseModel):
    """A new device; it is out of service until it has passed a test (F2)."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    kind: DeviceKind
    serial: Serial
    number: Phone | None = Field(None, description="The caller id it announces.")
    elder_id: Reference | None = None
    heartbeat_seconds: Heartbeat | None = Field(None, description="How often it must be heard of; null: no matter.")


class DevicePatch(DeviceInput):
    """A change: only what is given is changed."""

    kind: DeviceKind = DeviceKind.PENDANT
    serial: Serial = ""
    version: Version | None = None


def devices_query(
    who: Principal | None = None,
    *,
    elder_id: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    number: str | None = None,
) -> Select[DeviceRow]:
    """The devices that ``who`` may see: with an area, those of its elders. ``number`` in canonical form."""
    query = select(DeviceRow).where(DeviceRow.deleted_at.is_(None))
    if who is not None and who.area is not None:
        query = query.where(DeviceRow.elder_id.in_(select(ElderRow.id).where(ElderRow.area == who.area)))
    wanted = {
        DeviceRow.elder_id: elder_id,
        DeviceRow.state: state,
        DeviceRow.kind: kind,
        DeviceRow.number: number,
    }
    return query.where(*(column == value for column, value in wanted.items() if value is not None))


async def get_device(session: AsyncSession, id: str, who: Principal | None = None) -> DeviceRow:
    """The device of that id, or `NotFound`."""
    row = (await session.scalars(devices_query(who).where(DeviceRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("no device has this id")
    return row


async def create_device(
    session: AsyncSession, clock: Clock, data: DeviceInput, who: Principal | None = None
) -> DeviceRow:
    """Register a device; raises `Conflict` when the serial is taken or the elder unknown."""
    now = clock.now()
    row = DeviceRow(
        id=new_id(),
        kind=data.kind,
        serial=data.serial,
        number=data.number,
        elder_id=data.elder_id,
        heartbeat_seconds=data.heartbeat_seconds,
        state=DeviceState.OUT_OF_SERVICE,
        created_at=now,
        updated_at=now,
    )
    await _check(session, row, who)
    session.add(row)
    await session.flush()
    return row


async def change_device(
    session: AsyncSession, clock: Clock, row: DeviceRow, patch: DevicePatch, who: Principal | None = None
) -> None:
    """Change what the patch sets."""
    same_version(row.version, patch.version)
    for field in patch.model_fields_set - {"version"}:
        setattr(row, field, getattr(patch, field))
    row.updated_at = later(clock.now(), row.updated_at)
    await _check(session, row, who)
    await session.flush()


def delete_device(clock: Clock, row: DeviceRow) -> None:
    """Take a device off; its serial stays in the record."""
    row.deleted_at = row.updated_at = later(clock.now(), row.updated_at)


def set_state(clock: Clock, row: DeviceRow, state: DeviceState, test_minutes: float = TEST_MINUTES) -> None:
    """The one setter: move a device to another state, or raise `IllegalTransition`.

    A test ends by itself after ``test_minutes``: the device is then again what it was before.
    """
    present = state_of(row, clock.now())
    if state not in TRANSITIONS[present]:
        allowed = ", ".join(sorted(TRANSITIONS[present]))
        raise IllegalTransition(f"a device cannot go from {present} to {state}; from {present} it can go to {allowed}")
    now = later(clock.now(), row.updated_at)
    testing = state is DeviceState.ON_TEST
    row.resumes = present if testing else None
    row.on_test_until = clock.now() + timedelta(minutes=test_minutes) if testing else None
    row.state = state
    row.updated_at = now


def state_of(row: DeviceRow, now: datetime) -> DeviceState:
    """The state in force: a test that has run out counts as the state before it (R26)."""
    expired = row.state == DeviceState.ON_TEST and row.on_test_until is not None and row.on_test_until <= now
    return DeviceState(row.resumes or DeviceState.OUT_OF_SERVICE) if expired else DeviceState(row.state)


async def expire_tests(session: AsyncSession, clock: Clock) -> int:
    """Write down what `state_of` already says; for the worker's timer. Returns how many tests had run out."""
    now = clock.now()
    query = select(DeviceRow).where(DeviceRow.state == DeviceState.ON_TEST, DeviceRow.on_test_until <= now)
    rows = (await session.scalars(query)).all()
    for row in rows:
        row.state, row.resumes, row.on_test_until = state_of(row, now), None, None
        row.updated_at = later(now, row.updated_at)
    return len(rows)


async def _check(session: AsyncSession, row: DeviceRow, who: Principal | None) -> None:
    with session.no_autoflush:
        if (
            await session.execute(select(DeviceRow.id).where(DeviceRow.serial == row.serial, DeviceRow.id != row.id))
        ).first():
            raise Conflict(f"the serial {row.serial} is taken", reason="serial_taken", serial=row.serial)
        if row.elder_id is None:
            return
        elder = await session.get(ElderRow, row.elder_id)
        if elder is None or elder.deleted_at is not None:
            raise Conflict("no elder has this elder_id", reason="elder_gone")
        if who is not None:
            who.check_area(elder.area, "an elder")
