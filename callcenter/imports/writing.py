"""Writes the checked rows of an import: what is new, and what changes; empty cells change nothing."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.passwords import Passwords, new_password, new_sip_password
from callcenter.accounts.permissions import Principal, Role
from callcenter.accounts.service import create_account
from callcenter.clock import Clock
from callcenter.devices.model import DeviceRow
from callcenter.devices.service import DeviceInput, DevicePatch, change_device, create_device
from callcenter.errors import Conflict
from callcenter.imports.check import Item
from callcenter.imports.columns import Kind
from callcenter.people.model import ElderRow
from callcenter.people.schemas import ContactInput, ElderInput, ElderPatch
from callcenter.people.service import build_elder, fill_elder
from callcenter.people.staff_register import StaffInput, StaffPatch, StaffRow, change_staff, create_staff

PIECE = 200


class Secret(msgspec.Struct, frozen=True):
    """Passwords of a new account; shown once. ``sip_password``: of its phone, when it has a seat."""

    user: str
    password: str
    sip_password: str | None


async def write(
    session: AsyncSession, clock: Clock, passwords: Passwords, kind: Kind, items: Sequence[Item], who: Principal
) -> tuple[dict[str, int], list[Secret]]:
    """Write the rows; returns what was done, counted, and the secrets of new accounts."""
    match kind:
        case Kind.ELDERS:
            return await _elders(session, clock, items), []
        case Kind.CONTACTS:
            return await _contacts(session, clock, items), []
        case Kind.DEVICES:
            return await _devices(session, clock, items, who), []
        case Kind.ACCOUNTS:
            return await _accounts(session, clock, passwords, items)
        case Kind.STAFF:
            return await _staff(session, clock, items, who), []


async def _elders(session: AsyncSession, clock: Clock, items: Sequence[Item]) -> dict[str, int]:
    """All in few statements: the check has seen to codes and areas already."""
    new = [item for item in items if item.id is None]
    changed = {item.id: item for item in items if item.id is not None}
    session.add_all(build_elder(clock, ElderInput.model_validate(item.values)) for item in new)
    for row in await _rows(session, ElderRow, list(changed)):
        item = changed[row.id]
        _same(row.version, item)
        fill_elder(clock, row, ElderPatch.model_validate(item.values))
    await session.flush()
    return {"new": len(new), "changed": len(changed)}


async def _contacts(session: AsyncSession, clock: Clock, items: Sequence[Item]) -> dict[str, int]:
    of: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        of[item.elder_id or ""].append(item)
    added = 0
    for row in await _rows(session, ElderRow, list(of)):
        held = [(contact.role, contact.name, contact.phone) for contact in row.contacts]
        wanted = list(held)
        for item in of[row.id]:
            _same(row.version, item)
            wanted.append((str(item.values["role"]), str(item.values["name"]), str(item.values["phone"])))
        wanted = list(dict.fromkeys(wanted))
        if len(wanted) > len(held):
            added += len(wanted) - len(held)
            contacts = [ContactInput.model_validate({"role": r, "name": n, "phone": p}) for r, n, p in wanted]
            fill_elder(clock, row, ElderPatch.model_construct(_fields_set={"contacts"}, contacts=contacts))
    await session.flush()
    return {"new": added, "changed": 0}


async def _devices(session: AsyncSession, clock: Clock, items: Sequence[Item], who: Principal) -> dict[str, int]:
    changed = {item.id: item for item in items if item.id is not None}
    rows = {row.id: row for row in await _rows(session, DeviceRow, list(changed))}
    for item in items:
        values: dict[str, Any] = {key: value for key, value in item.values.items() if key != "elder"}
        if item.elder_id is not None:
            values["elder_id"] = item.elder_id
        if item.id is None:
            await create_device(session, clock, DeviceInput.model_validate(values), who)
        else:
            row = rows[item.id]
            _same(row.version, item)
            row.deleted_at = None
            await change_device(session, clock, row, DevicePatch.model_validate(values), who)
    return {"new": len(items) - len(changed), "changed": len(changed)}


async def _staff(session: AsyncSession, clock: Clock, items: Sequence[Item], who: Principal) -> dict[str, int]:
    changed = {item.id: item for item in items if item.id is not None}
    rows = {row.id: row for row in await _rows(session, StaffRow, list(changed))}
    for item in items:
        if item.id is None:
            await create_staff(session, clock, StaffInput.model_validate(item.values), who)
        else:
            row = rows[item.id]
            _same(row.version, item)
            await change_staff(session, clock, row, StaffPatch.model_validate(item.values), who)
    return {"new": len(items) - len(changed), "changed": len(changed)}


async def _accounts(
    session: AsyncSession, clock: Clock, passwords: Passwords, items: Sequence[Item]
) -> tuple[dict[str, int], list[Secret]]:
    secrets: list[Secret] = []
    for item in items:
        values = item.values
        user, seat = str(values["user"]), bool(values.get("seat"))
        secret = Secret(user, new_password(user), new_sip_password() if seat else None)
        await create_account(
            session,
            clock,
            passwords,
            user=user,
            name=str(values["name"]),
            role=Role(str(values["role"])),
            password=secret.password,
            area=str(values["area"]) if "area" in values else None,
            sip_password=secret.sip_password,
            auto_answer=bool(values.get("auto_answer")),
        )
        secrets.append(secret)
    await session.flush()
    return {"new": len(secrets), "changed": 0}, secrets


async def _rows(session: AsyncSession, table: Any, ids: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), PIECE):
        found += (await session.scalars(select(table).where(table.id.in_(ids[start : start + PIECE])))).all()
    return found


def _same(version: int, item: Item) -> None:
    if version != item.version:
        raise Conflict(
            f"第 {item.row} 行：检查之后有人改过，请重新上传文件 / "
            f"row {item.row}: somebody has changed this since the file was checked; upload it again"
        )
