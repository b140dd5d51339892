"""The directory out of the database, in small pieces, so that the event loop stays free (A10)."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Executable, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.devices.model import DeviceRow
from callcenter.emergency.plan import Plan, Step
from callcenter.people.directory import Contact, Device, Directory, Elder
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow, PlanRow

log = structlog.get_logger(__name__)

PIECE = 200
"""Rows fetched at once: about a millisecond of the event loop's time."""

_ELDER_COLUMNS = (
    *(ElderRow.id, ElderRow.code, ElderRow.name, ElderRow.groups, ElderRow.sex, ElderRow.birth_date),
    *(ElderRow.area, ElderRow.address, ElderRow.door_code, ElderRow.key_holder_name, ElderRow.key_holder_phone),
    *(ElderRow.latitude, ElderRow.longitude, ElderRow.medical_notes, ElderRow.plan_id),
)


class Rows(NamedTuple):
    """The raw material of a directory."""

    elders: list[Any]
    phones: list[Any]
    contacts: list[Any]
    devices: list[Any]
    plans: list[Any]


async def load_directory(session: AsyncSession) -> Directory:
    """Read everybody and build the directory, off the event loop where it can be."""
    rows = await read_rows(session)
    return await asyncio.to_thread(assemble, rows)


async def fingerprint(session: AsyncSession) -> tuple[Any, ...]:
    """A value that changes whenever anything in the directory does; far cheaper than loading it.

    Every change of a phone or contact also bumps its elder's version (`callcenter.people.service`).
    """
    marks: list[Any] = []
    for table in (ElderRow, DeviceRow, PlanRow):
        row = await session.execute(select(func.count(), func.max(table.updated_at), func.sum(table.version)))
        marks.extend(row.one())
    return tuple(marks)


async def read_rows(session: AsyncSession) -> Rows:
    """All rows that make the directory; deleted elders and devices stay out."""
    return Rows(
        [row async for row in _pieces(session, select(*_ELDER_COLUMNS).where(ElderRow.deleted_at.is_(None)))],
        [row async for row in _pieces(session, _in_order(ElderPhoneRow, ElderPhoneRow.number))],
        [
            row
            async for row in _pieces(session, _in_order(ContactRow, ContactRow.role, ContactRow.name, ContactRow.phone))
        ],
        [
            row
            async for row in _pieces(
                session,
                select(DeviceRow.elder_id, DeviceRow.id, DeviceRow.kind, DeviceRow.number)
                .where(DeviceRow.deleted_at.is_(None), DeviceRow.elder_id.is_not(None))
                .order_by(DeviceRow.id),
            )
        ],
        [
            row
            async for row in _pieces(
                session,
                select(PlanRow.id, PlanRow.name, PlanRow.steps, PlanRow.checklist, PlanRow.repeat_every_seconds),
            )
        ],
    )


def _in_order(table: type[ElderPhoneRow] | type[ContactRow], *columns: Any) -> Select[Any]:
    return select(table.elder_id, *columns).order_by(table.elder_id, table.position)


async def _pieces(session: AsyncSession, query: Executable) -> AsyncIterator[Row[Any]]:
    result = await session.stream(query.execution_options(yield_per=PIECE))
    async for piece in result.partitions(PIECE):
        for row in piece:
            yield row
        await asyncio.sleep(0)


def assemble(rows: Rows) -> Directory:
    """Build the directory. Pure; runs in a thread. A plan that cannot be read is left out, loudly."""
    phones: dict[str, list[str]] = defaultdict(list)
    for elder_id, number in rows.phones:
        phones[elder_id].append(number)
    contacts = _grouped(rows.contacts, Contact)
    devices = _grouped(rows.devices, Device)
    elders = (
        Elder(
            id=row.id,
            code=row.code,
            name=row.name,
            phones=tuple(phones.get(row.id, ())),
            contacts=tuple(contacts.get(row.id, ())),
            devices=tuple(devices.get(row.id, ())),
            groups=row.groups,
            sex=row.sex,
            birth_date=row.birth_date.isoformat() if row.birth_date else None,
            area=row.area,
            address=row.address,
            door_code=row.door_code,
            key_holder_name=row.key_holder_name,
            key_holder_phone=row.key_holder_phone,
            latitude=row.latitude,
            longitude=row.longitude,
            medical_notes=row.medical_notes,
            plan_id=row.plan_id,
        )
        for row in rows.elders
    )
    return Directory(elders, [plan for row in rows.plans if (plan := _plan(row))])


def _grouped(rows: Any, build: Callable[..., Any]) -> dict[str, list[Any]]:
    by_elder: dict[str, list[Any]] = defaultdict(list)
    for elder_id, *values in rows:
        by_elder[elder_id].append(build(*values))
    return by_elder


def _plan(row: Any) -> Plan | None:
    try:
        steps = tuple(Step(float(step["at_seconds"]), tuple(step["targets"])) for step in row.steps)
        return Plan(row.id, row.name, steps, tuple(row.checklist), row.repeat_every_seconds)
    except (KeyError, TypeError, ValueError):
        log.error("response plan cannot be read; its elders get the default plan", plan_id=row.id)
        return None
