"""The directory out of the database, in small pieces, so that the event loop stays free (A10)."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import Executable, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.devices.model import DeviceRow, DeviceState
from callcenter.emergency.plan import Plan
from callcenter.location.fences import Fence
from callcenter.location.model import FenceRow
from callcenter.people.directory import Contact, Device, Directory, Elder
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow, PlanRow
from callcenter.people.roster import Shift
from callcenter.people.shifts import SHIFT_FIELDS, ShiftRow, shift_of
from callcenter.people.staff import Member
from callcenter.people.staff_register import StaffRow

log = structlog.get_logger(__name__)

PIECE = 200
"""Rows fetched at once: about a millisecond of the event loop's time."""

_ELDER_COLUMNS = (
    *(ElderRow.id, ElderRow.code, ElderRow.name, ElderRow.groups, ElderRow.sex, ElderRow.birth_date),
    *(ElderRow.area, ElderRow.address, ElderRow.door_code, ElderRow.key_holder_name, ElderRow.key_holder_phone),
    *(ElderRow.latitude, ElderRow.longitude, ElderRow.medical_notes, ElderRow.plan_id),
    ElderRow.active,
)
_PLAN_COLUMNS = (
    *(PlanRow.id, PlanRow.name, PlanRow.steps, PlanRow.checklist, PlanRow.repeat_every_seconds),
    *(PlanRow.area, PlanRow.priority, PlanRow.checklists),
)
_DEVICE_COLUMNS = (
    *(DeviceRow.id, DeviceRow.kind, DeviceRow.number, DeviceRow.serial),
    *(DeviceRow.state, DeviceRow.on_test_until, DeviceRow.heartbeat_seconds),
)
_FENCE_COLUMNS = (
    *(FenceRow.id, FenceRow.name, FenceRow.latitude, FenceRow.longitude, FenceRow.radius_m, FenceRow.points),
    *(FenceRow.alarm_on, FenceRow.margin_m, FenceRow.fixes, FenceRow.seconds, FenceRow.tell),
)
_PLAN_FIELDS = tuple(column.key for column in _PLAN_COLUMNS)
_ELDER_FIELDS = tuple(column.key for column in _ELDER_COLUMNS)


class Rows(NamedTuple):
    """The raw material of a directory: plain tuples, which Python's garbage collector soon leaves alone."""

    elders: list[tuple[Any, ...]]
    phones: list[tuple[Any, ...]]
    contacts: list[tuple[Any, ...]]
    devices: list[tuple[Any, ...]]
    plans: list[tuple[Any, ...]]
    fences: list[tuple[Any, ...]]
    shifts: list[tuple[Any, ...]]
    staff: list[tuple[Any, ...]]


async def load_directory(session: AsyncSession) -> Directory:
    """Read everybody and build the directory, off the event loop where it can be."""
    rows = await read_rows(session)
    return await asyncio.to_thread(assemble, rows)


async def fingerprint(session: AsyncSession) -> tuple[Any, ...]:
    """A value that changes whenever anything in the directory does; far cheaper than loading it.

    Every change of a phone or contact also bumps its elder's version (`callcenter.people.service`).
    """
    marks: list[Any] = []
    for table in (ElderRow, DeviceRow, PlanRow, FenceRow, ShiftRow, StaffRow):
        row = await session.execute(select(func.count(), func.max(table.updated_at), func.sum(table.version)))
        marks.extend(row.one())
    return tuple(marks)


async def read_rows(session: AsyncSession) -> Rows:
    """All rows that make the directory; deleted elders and devices stay out."""
    devices = (
        select(DeviceRow.elder_id, *_DEVICE_COLUMNS)
        .where(DeviceRow.deleted_at.is_(None), DeviceRow.elder_id.is_not(None))
        .order_by(DeviceRow.id)
    )
    plans = select(*_PLAN_COLUMNS)
    fences = select(FenceRow.elder_id, *_FENCE_COLUMNS).where(FenceRow.active).order_by(FenceRow.id)
    return Rows(
        elders=await _tuples(session, select(*_ELDER_COLUMNS).where(ElderRow.deleted_at.is_(None))),
        phones=await _tuples(session, _in_order(ElderPhoneRow, ElderPhoneRow.number)),
        contacts=await _tuples(session, _in_order(ContactRow, ContactRow.role, ContactRow.name, ContactRow.phone)),
        devices=await _tuples(session, devices),
        plans=await _tuples(session, plans),
        fences=await _tuples(session, fences),
        shifts=await _tuples(session, select(*(getattr(ShiftRow, field) for field in SHIFT_FIELDS))),
        staff=await _tuples(session, select(StaffRow.kind, StaffRow.area, StaffRow.starts_on, StaffRow.ends_on)),
    )


def _in_order(table: type[ElderPhoneRow] | type[ContactRow], *columns: Any) -> Select[Any]:
    return select(table.elder_id, *columns).order_by(table.elder_id, table.position)


async def _tuples(session: AsyncSession, query: Executable) -> list[tuple[Any, ...]]:
    result = await session.stream(query.execution_options(yield_per=PIECE))
    rows: list[tuple[Any, ...]] = []
    async for piece in result.partitions(PIECE):
        rows.extend(tuple(row) for row in piece)
        await asyncio.sleep(0)
    return rows


def assemble(rows: Rows) -> Directory:
    """Build the directory. Pure; runs in a thread. A plan that cannot be read is left out, loudly."""
    phones: dict[str, list[str]] = defaultdict(list)
    for elder_id, number in rows.phones:
        phones[elder_id].append(number)
    contacts = _grouped(rows.contacts, Contact)
    devices = _grouped(rows.devices, _device)
    fences = _grouped(rows.fences, _fence)
    elders = (_elder(row, phones, contacts, devices, fences) for row in rows.elders)
    plans = [plan for row in rows.plans if (plan := _plan(row))]
    shifts = [shift for row in rows.shifts if (shift := _shift(row))]
    return Directory(elders, plans, shifts, [_member(*row) for row in rows.staff])


def _elder(
    row: tuple[Any, ...],
    phones: Mapping[str, list[str]],
    contacts: Mapping[str, list[Contact]],
    devices: Mapping[str, list[Device]],
    fences: Mapping[str, list[Fence]],
) -> Elder:
    fields = dict(zip(_ELDER_FIELDS, row, strict=True))
    birth_date: date | None = fields.pop("birth_date")
    return Elder(
        **fields,
        birth_date=birth_date.isoformat() if birth_date else None,
        phones=tuple(phones.get(row[0], ())),
        contacts=tuple(contacts.get(row[0], ())),
        devices=tuple(devices.get(row[0], ())),
        fences=tuple(fences.get(row[0], ())),
    )


def _device(
    id: str,
    kind: str,
    number: str | None,
    serial: str,
    state: str,
    on_test_until: datetime | None,
    heartbeat_seconds: int | None,
) -> Device:
    testing = state == DeviceState.ON_TEST
    return Device(id, kind, number, serial, on_test_until if testing else None, heartbeat_seconds)


def _fence(
    id: str,
    name: str,
    latitude: float | None,
    longitude: float | None,
    radius_m: float | None,
    points: list[list[float]],
    *rule: Any,
) -> Fence:
    alarm_on, margin_m, fixes, seconds, tell = rule
    return Fence(
        id=id,
        name=name,
        centre=None if latitude is None or longitude is None else (latitude, longitude),
        radius_m=radius_m or 0.0,
        points=tuple((one[0], one[1]) for one in points),
        alarm_on=alarm_on,
        margin_m=margin_m,
        fixes=fixes,
        seconds=seconds,
        tell=tuple(tell),
    )


def _grouped(rows: Any, build: Callable[..., Any]) -> dict[str, list[Any]]:
    by_elder: dict[str, list[Any]] = defaultdict(list)
    for elder_id, *values in rows:
        by_elder[elder_id].append(build(*values))
    return by_elder


def _plan(row: tuple[Any, ...]) -> Plan | None:
    values = dict(zip(_PLAN_FIELDS, row, strict=True))
    try:
        return msgspec.convert(values, Plan)
    except msgspec.ValidationError:
        log.error("response plan cannot be read; its elders get the default plan", plan_id=values["id"])
        return None


def _member(kind: str, area: str | None, starts_on: date | None, ends_on: date | None) -> Member:
    begins, ends = (day.isoformat() if day else "" for day in (starts_on, ends_on))
    return Member(kind, area or "", begins, ends)


def _shift(row: tuple[Any, ...]) -> Shift | None:
    try:
        return shift_of(row)
    except msgspec.ValidationError:
        log.error("shift cannot be read; the roster is without it", shift_id=row[0])
        return None
