"""Reads what is registered of all that a file names, in pieces, for `imports.check`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import AccountRow
from callcenter.devices.model import DeviceRow
from callcenter.imports.check import Base, Known, Rows, named
from callcenter.imports.columns import Kind
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow
from callcenter.people.staff_register import StaffRow

PIECE = 500
"""Values in one question: SQLite takes no more than some thousands."""

_E = ElderRow


async def base_of(session: AsyncSession, kind: Kind, rows: Rows) -> Base:
    """What is registered of all that the rows name."""
    match kind:
        case Kind.ELDERS:
            return Base(
                by_key=await _elders(session, "code", named(kind, rows, "code")),
                by_identity=await _elders(session, "id_number", named(kind, rows, "id_number")),
                holders=await _holders(session, named(kind, rows, "phones"), devices=False),
            )
        case Kind.CONTACTS:
            return Base(elders=await _elders(session, "code", named(kind, rows, "elder"), contacts=True))
        case Kind.DEVICES:
            return Base(
                by_key=await _devices(session, named(kind, rows, "serial")),
                elders=await _elders(session, "code", named(kind, rows, "elder")),
                holders=await _holders(session, named(kind, rows, "number"), devices=True),
            )
        case Kind.ACCOUNTS:
            users: Any = select(AccountRow.id, AccountRow.version, AccountRow.user)
            found = await _in_pieces(session, users, AccountRow.user, named(kind, rows, "user"))
            return Base(by_key={user: Known(one, version, user) for one, version, user in found})
        case Kind.STAFF:
            codes: Any = select(StaffRow.id, StaffRow.version, StaffRow.code, StaffRow.area)
            found = await _in_pieces(session, codes, StaffRow.code, named(kind, rows, "code"))
            return Base(by_key={code: Known(one, version, code, area) for one, version, code, area in found})


def _pieces(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), PIECE):
        yield values[start : start + PIECE]


async def _in_pieces(session: AsyncSession, query: Select[Any], column: Any, values: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for piece in _pieces(values):
        found += (await session.execute(query.where(column.in_(piece)))).all()
    return found


async def _elders(session: AsyncSession, by: str, values: Sequence[str], *, contacts: bool = False) -> dict[str, Known]:
    """Elders by code or identity number. One who was taken off still holds the code: it must not be used again."""
    column = getattr(_E, by)
    query: Any = select(_E.id, _E.version, _E.code, _E.area, _E.deleted_at, column)
    query = query.where(_E.deleted_at.is_(None)) if by == "id_number" or contacts else query
    rows = await _in_pieces(session, query, column, values)
    of: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    if contacts:
        asked: Any = select(ContactRow.elder_id, ContactRow.role, ContactRow.name, ContactRow.phone)
        for elder_id, *contact in await _in_pieces(session, asked, ContactRow.elder_id, [row[0] for row in rows]):
            of[elder_id].append((contact[0], contact[1], contact[2]))
    return {
        value: Known(one, version, code, area, tuple(sorted(of[one])), gone=deleted_at is not None)
        for one, version, code, area, deleted_at, value in rows
    }


async def _devices(session: AsyncSession, serials: Sequence[str]) -> dict[str, Known]:
    query: Any = select(DeviceRow.id, DeviceRow.version, DeviceRow.serial, _E.area).outerjoin(
        _E, _E.id == DeviceRow.elder_id
    )
    rows = await _in_pieces(session, query, DeviceRow.serial, serials)
    return {serial: Known(one, version, serial, area) for one, version, serial, area in rows}


async def _holders(session: AsyncSession, numbers: Sequence[str], *, devices: bool) -> dict[str, list[str]]:
    """Who has each number already: codes of elders, or serials of devices."""
    query: Any
    if devices:
        query = select(DeviceRow.number, DeviceRow.serial).where(DeviceRow.deleted_at.is_(None))
        rows = await _in_pieces(session, query.order_by(DeviceRow.serial), DeviceRow.number, numbers)
    else:
        query = select(ElderPhoneRow.number, _E.code).join(_E, _E.id == ElderPhoneRow.elder_id)
        query = query.where(_E.deleted_at.is_(None)).order_by(_E.code)
        rows = await _in_pieces(session, query, ElderPhoneRow.number, numbers)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for number, holder in rows:
        found[number].append(holder)
    return dict(found)
