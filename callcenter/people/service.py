"""Elders: registered, found, changed, taken off; each change bumps the elder's version, so the directory sees it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.clock import Clock
from callcenter.devices.model import DeviceRow
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow, PlanRow
from callcenter.people.schemas import ContactInput, ElderInput, ElderPatch
from callcenter.phone import normalise

_LISTS = frozenset({"phones", "contacts", "version"})


def elders_query(
    who: Principal | None = None,
    *,
    q: str | None = None,
    area: str | None = None,
    group: str | None = None,
    plan_id: str | None = None,
    active: bool | None = None,
) -> Select[ElderRow]:
    """The elders that ``who`` may see. ``q``: part of name or address, start of the code, or a phone number
    in any spelling (the elder's, a contact's or a device's)."""
    query = select(ElderRow).where(ElderRow.deleted_at.is_(None))
    if who is not None and who.area is not None:
        query = query.where(ElderRow.area == who.area)
    if area is not None:
        query = query.where(ElderRow.area == area)
    if group is not None:
        query = query.where(type_coerce(ElderRow.groups, String).contains(f"|{group}|", autoescape=True))
    if plan_id is not None:
        query = query.where(ElderRow.plan_id == plan_id)
    if active is not None:
        query = query.where(ElderRow.active == active)
    if q:
        query = query.where(_matches(q))
    return query


def _matches(q: str) -> Any:
    ways = [
        ElderRow.name.contains(q, autoescape=True),
        ElderRow.address.contains(q, autoescape=True),
        ElderRow.code.startswith(q, autoescape=True),
    ]
    if number := normalise(q):
        ways += [
            ElderRow.id.in_(select(ElderPhoneRow.elder_id).where(ElderPhoneRow.number == number)),
            ElderRow.id.in_(select(ContactRow.elder_id).where(ContactRow.phone == number)),
            ElderRow.id.in_(select(DeviceRow.elder_id).where(DeviceRow.number == number)),
        ]
    return or_(*ways)


async def get_elder(session: AsyncSession, id: str, who: Principal | None = None) -> ElderRow:
    """The elder of that id, or `NotFound`, also when it is of an area that ``who`` does not serve."""
    row = (await session.scalars(elders_query(who).where(ElderRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("no elder has this id")
    return row


async def create_elder(session: AsyncSession, clock: Clock, data: ElderInput, who: Principal | None = None) -> ElderRow:
    """Register an elder; raises `Conflict` when the code is taken, the plan unknown or the area not one's own."""
    row = build_elder(clock, data)
    await _check(session, row, who)
    session.add(row)
    await session.flush()
    return row


def build_elder(clock: Clock, data: ElderInput) -> ElderRow:
    """An elder who is not registered yet; nothing is compared with the register."""
    elder_id, now = new_id(), clock.now()
    row = ElderRow(id=elder_id, phones=[], contacts=[], devices=[], created_at=now, updated_at=now)
    for field in set(ElderInput.model_fields) - _LISTS:
        setattr(row, field, getattr(data, field))
    row.code = data.code or f"E{elder_id[-12:].upper()}"
    row.groups = tuple(dict.fromkeys(data.groups))
    _set_phones(row, data.phones)
    _set_contacts(row, data.contacts)
    return row


async def change_elder(
    session: AsyncSession, clock: Clock, row: ElderRow, patch: ElderPatch, who: Principal | None = None
) -> None:
    """Change what the patch sets; raises `Conflict` when its version is not the present one."""
    same_version(row.version, patch.version)
    fill_elder(clock, row, patch)
    await _check(session, row, who)
    await session.flush()


def fill_elder(clock: Clock, row: ElderRow, patch: ElderPatch) -> None:
    """Change what the patch sets; nothing is compared with the register."""
    for field in patch.model_fields_set - _LISTS:
        setattr(row, field, getattr(patch, field))
    if "groups" in patch.model_fields_set:
        row.groups = tuple(dict.fromkeys(patch.groups))
    if "phones" in patch.model_fields_set:
        _set_phones(row, patch.phones)
    if "contacts" in patch.model_fields_set:
        _set_contacts(row, patch.contacts)
    row.updated_at = later(clock.now(), row.updated_at)


def same_version(present: int, given: int | None) -> None:
    """Raises `Conflict` when the caller changed something that somebody else has changed since."""
    if given is not None and given != present:
        raise Conflict(
            f"this was changed by somebody else: version {present}, not {given}; read it again", reason="changed_since"
        )


def later(now: datetime, before: datetime) -> datetime:
    """A time stamp that always moves, so that a change within one tick of the clock still counts as one."""
    return now if now > before else before + timedelta(microseconds=1)


async def delete_elder(session: AsyncSession, clock: Clock, row: ElderRow) -> None:
    """Take an elder off: hidden everywhere, kept for the record; devices are set free."""
    for device in await session.scalars(select(DeviceRow).where(DeviceRow.elder_id == row.id)):
        device.elder_id = None
        device.updated_at = clock.now()
    row.deleted_at = row.updated_at = clock.now()


def _set_phones(row: ElderRow, numbers: list[str]) -> None:
    held = {phone.number: phone for phone in row.phones}
    wanted = list(dict.fromkeys(numbers))
    row.phones = [held.get(number) or ElderPhoneRow(number=number) for number in wanted]
    for position, phone in enumerate(row.phones):
        phone.position = position


def _set_contacts(row: ElderRow, contacts: list[ContactInput]) -> None:
    """Replace the list; a contact that stays keeps its id."""
    held = {(contact.role, contact.name, contact.phone): contact for contact in row.contacts}
    wanted = dict.fromkeys((str(contact.role), contact.name, contact.phone) for contact in contacts)
    row.contacts = [held.get(key) or ContactRow(id=new_id(), role=key[0], name=key[1], phone=key[2]) for key in wanted]
    for position, contact in enumerate(row.contacts):
        contact.position = position


async def _check(session: AsyncSession, row: ElderRow, who: Principal | None) -> None:
    if who is not None:
        who.check_area(row.area, "an elder")
    with session.no_autoflush:
        if row.plan_id is not None and await session.get(PlanRow, row.plan_id) is None:
            raise Conflict("no response plan has this plan_id; list them at /api/v1/response-plans")
        query = select(ElderRow.id).where(ElderRow.code == row.code, ElderRow.id != row.id)
        if (await session.execute(query)).first():
            raise Conflict(f"the code {row.code} is taken", reason="code_taken", taken=row.code)
