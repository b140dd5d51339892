"""Queues, skills and days in the database: written at the desk, read into the book that routing uses."""

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.phone import is_emergency_service, is_ordinary, normalise
from callcenter.queues.model import DEFAULT, GENERAL, Book, OwnDay, Queue, Skills
from callcenter.queues.schemas import OwnDaysInput, QueueInput, QueueSettings, SaidInput, SkillsInput
from callcenter.queues.tables import OwnDayRow, QueueRow, SeatSkillsRow

CHANGED = "queues.changed"
"""Bus topic: queues, skills or days were written; read them again."""

_FIELDS = Queue.__struct_fields__


def queue_of(row: QueueRow) -> Queue:
    """The queue as routing takes it; raises `msgspec.ValidationError`."""
    return msgspec.convert({field: getattr(row, field) for field in _FIELDS}, Queue)


async def read_book(session: AsyncSession) -> Book:
    """Everything there is."""
    queues = [queue_of(row) for row in await session.scalars(select(QueueRow).order_by(QueueRow.code))]
    skills = [Skills(row.user, row.levels, row.area) for row in await session.scalars(select(SeatSkillsRow))]
    days = [OwnDay(row.date, row.kind, row.name) for row in await session.scalars(select(OwnDayRow))]
    return Book(queues, skills, days)


async def find_queue(session: AsyncSession, code: str) -> QueueRow | None:
    """The stored queue of that code, or None."""
    return (await session.scalars(select(QueueRow).where(QueueRow.code == code))).one_or_none()


async def get_queue(session: AsyncSession, code: str) -> QueueRow:
    """The queue of that code, or `NotFound`; the general one as it is without configuration when nobody changed it."""
    row = await find_queue(session, code)
    if row is None and code == GENERAL:
        return _default()
    if row is None:
        raise NotFound(f"no queue has the code {code}")
    return row


async def all_queues(session: AsyncSession) -> list[QueueRow]:
    """All queues by code, the general one always among them."""
    rows = list(await session.scalars(select(QueueRow).order_by(QueueRow.code)))
    if all(row.code != GENERAL for row in rows):
        rows.append(_default())
    return sorted(rows, key=lambda row: row.code)


def _default() -> QueueRow:
    values: dict[str, Any] = {**msgspec.structs.asdict(DEFAULT), "hours": [], "overflow": []}
    return QueueRow(**values)


async def create_queue(session: AsyncSession, clock: Clock, data: QueueInput) -> QueueRow:
    """Make a queue; raises `Conflict` when its code is taken, or when it names a queue that is not there."""
    if await find_queue(session, data.code) is not None:
        raise Conflict(f"there is a queue {data.code} already; change that one", reason="queue_taken", queue=data.code)
    return await _write(session, clock, QueueRow(code=data.code, created_at=clock.now()), data)


async def change_queue(session: AsyncSession, clock: Clock, code: str, data: QueueSettings) -> QueueRow:
    """Give a queue other settings; raises `NotFound`, `Conflict`."""
    row = await get_queue(session, code)
    if row.created_at is None:  # the general queue, changed for the first time
        row = QueueRow(code=code, created_at=clock.now())
    return await _write(session, clock, row, data)


async def delete_queue(session: AsyncSession, code: str) -> None:
    """Delete a queue; whoever waits in it waits in the general one. Raises `NotFound`, `Conflict`."""
    if code == GENERAL:
        raise Conflict("the general queue is always there; change it instead", reason="queue_general")
    row = await get_queue(session, code)
    for other in await all_queues(session):
        if other.code != code and f"queue:{code}" in _leads_to(other):
            raise Conflict(
                f"callers of the queue {other.code} are sent here; change that first",
                reason="queue_led_to",
                queue=other.name,
            )
    await session.delete(row)
    await session.flush()


async def _write(session: AsyncSession, clock: Clock, row: QueueRow, data: QueueSettings) -> QueueRow:
    values = data.model_dump(by_alias=True, exclude={"code", "closed"})
    values["closed_to"] = _canonical(data.closed.to)
    values["overflow"] = [rule.model_dump() | {"to": _canonical(rule.to)} for rule in data.overflow]
    values["hours"] = [span | {"days": sorted(set(span["days"]))} for span in values["hours"]]
    for field, value in values.items():
        setattr(row, field, value)
    row.updated_at = clock.now()
    with session.no_autoflush:
        known = {f"queue:{other.code}" for other in await all_queues(session)} - {f"queue:{row.code}"}
    for to in _leads_to(row):
        if to.startswith("queue:") and to not in known:
            missing = to.removeprefix("queue:")
            raise Conflict(f"there is no other queue {missing}; make it first", reason="queue_unknown", queue=missing)
    session.add(row)
    await session.flush()
    return row


def _leads_to(row: QueueRow) -> set[str]:
    return {row.closed_to, *(rule["to"] for rule in row.overflow)}


def _canonical(to: str) -> str:
    """A way out as it is stored; raises `InvalidInput` for a number that nobody may be sent to unasked."""
    kind, _, raw = to.partition(":")
    if kind != "number":
        return to
    number = normalise(raw)
    if number is None or not is_ordinary(number) or is_emergency_service(number):
        raise InvalidInput(
            f"callers are not sent to {raw}: no number abroad, no premium or emergency service; name another centre's",
            field="to",
            reason="number_refused",
            number=raw,
        )
    return f"number:{number}"


async def set_skills(session: AsyncSession, clock: Clock, user: str, data: SkillsInput) -> SeatSkillsRow:
    """Say what a seat knows."""
    row = (await session.scalars(select(SeatSkillsRow).where(SeatSkillsRow.user == user))).one_or_none()
    if row is None:
        row = SeatSkillsRow(user=user, created_at=clock.now())
        session.add(row)
    row.levels, row.area, row.updated_at = dict(data.skills), data.area, clock.now()
    await session.flush()
    return row


async def own_days(session: AsyncSession) -> list[OwnDay]:
    """The centre's own days, the first first."""
    rows = await session.scalars(select(OwnDayRow).order_by(OwnDayRow.date))
    return [OwnDay(row.date, row.kind, row.name) for row in rows]


async def set_own_days(session: AsyncSession, clock: Clock, data: OwnDaysInput) -> list[OwnDay]:
    """Put other days in the place of all of one's own."""
    rows = {row.date: row for row in await session.scalars(select(OwnDayRow))}
    wanted = {day.isoformat(): said for day, said in data.by_date().items()}
    for at in rows.keys() - wanted.keys():
        await session.delete(rows[at])
    for at, said in wanted.items():
        _say(session, clock, rows.get(at) or OwnDayRow(date=at, created_at=clock.now()), said)
    await session.flush()
    return await own_days(session)


async def set_own_day(session: AsyncSession, clock: Clock, day: date, said: SaidInput) -> None:
    """Say one day of one's own."""
    _say(session, clock, await _own_day(session, day) or OwnDayRow(date=day.isoformat(), created_at=clock.now()), said)
    await session.flush()


async def forget_own_day(session: AsyncSession, day: date) -> None:
    """Let a day be as in the calendar."""
    row = await _own_day(session, day)
    if row is not None:
        await session.delete(row)


async def _own_day(session: AsyncSession, day: date) -> OwnDayRow | None:
    return (await session.scalars(select(OwnDayRow).where(OwnDayRow.date == day.isoformat()))).one_or_none()


def _say(session: AsyncSession, clock: Clock, row: OwnDayRow, said: SaidInput) -> None:
    if (row.kind, row.name) != (said.kind, said.name):
        row.kind, row.name, row.updated_at = said.kind, said.name, clock.now()
        session.add(row)
