"""Calls and legs in the database: rows are the fold of a call's facts, written by the relay."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.calls.model import Call, Leg, LegState, evolve
from callcenter.db import Base, UtcDateTime
from callcenter.facts import Fact


class CallRow(Base):
    """One call (B6)."""

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_started_at", "started_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    line: Mapped[str] = mapped_column(String(16))
    caller: Mapped[str] = mapped_column(String(32), index=True)
    did: Mapped[str] = mapped_column(String(64))
    room: Mapped[str] = mapped_column(String(36))
    recording: Mapped[str] = mapped_column(String(200))
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_name: Mapped[str] = mapped_column(String(100))
    device_id: Mapped[str | None] = mapped_column(String(36))
    ambiguous: Mapped[bool]
    via: Mapped[str] = mapped_column(String(16))
    digit: Mapped[str] = mapped_column(String(1))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    human_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disposition: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text, default="")
    note_revision: Mapped[int] = mapped_column(default=0)
    legs: Mapped[list["LegRow"]] = relationship(order_by="LegRow.added_at", lazy="selectin")


class LegRow(Base):
    """One person's connection to a call (A2, A7)."""

    __tablename__ = "legs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), index=True)
    channel_id: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    number: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    request_id: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    cause: Mapped[int]
    wish_id: Mapped[str] = mapped_column(String(36))
    route: Mapped[str] = mapped_column(String(16))
    auto: Mapped[bool]
    added_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ringing_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_LEG_COLUMNS = ("id", "role", "number", "name", "channel_id", "request_id", "reason", "cause", "wish_id", "route",
                "auto", "added_at", "ringing_at", "answered_at", "joined_at", "accepted_at", "ended_at")  # fmt: skip
_CALL_COLUMNS = ("id", "line", "caller", "did", "room", "recording", "incident_id", "elder_id", "elder_name",
                 "device_id", "ambiguous", "via", "digit", "ended_at", "disposition", "note",
                 "note_revision")  # fmt: skip


def to_call(row: CallRow) -> Call:
    """The call that a row and its legs stand for."""
    legs = [
        Leg(state=LegState(leg.state), **{column: getattr(leg, column) for column in _LEG_COLUMNS}) for leg in row.legs
    ]
    values = {column: getattr(row, column) for column in _CALL_COLUMNS}
    return Call(invited_at=row.started_at, legs={leg.id: leg for leg in legs}, **values)


async def load_calls(session: AsyncSession, ids: Iterable[str]) -> dict[str, Call]:
    """Calls by id; ids that have no row are left out."""
    rows = await session.scalars(select(CallRow).where(CallRow.id.in_(list(ids))))
    return {row.id: to_call(row) for row in rows}


async def save_calls(session: AsyncSession, calls: Iterable[Call]) -> None:
    """Write calls and their legs, new or changed, in two statements."""
    calls = list(calls)
    await upsert(
        session,
        CallRow,
        [
            {column: getattr(call, column) for column in _CALL_COLUMNS}
            | {"started_at": call.invited_at, "answered_at": call.answered_at, "human_at": call.human_at}
            for call in calls
        ],
    )
    await upsert(
        session,
        LegRow,
        [
            {column: getattr(leg, column) for column in _LEG_COLUMNS} | {"state": leg.state.value, "call_id": call.id}
            for call in calls
            for leg in call.legs.values()
        ],
    )


async def upsert(session: AsyncSession, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows by primary key ``id`` or replace what they hold, on SQLite and PostgreSQL alike."""
    if rows:
        connection = await session.connection()
        await connection.execute(_upsert(table, connection.dialect.name, tuple(rows[0])), rows)


@cache
def _upsert(table: type[Base], dialect: str, columns: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    """One row's statement: compiled once and run for many, while rows in its text would be compiled every time."""
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    changed = {column: statement.excluded[column] for column in columns if column != "id"}
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)


class CallProjector:
    """Keeps the rows of calls: folds a batch of facts in memory, then writes each call once."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold ``facts``, in order, into the rows."""
        touched = {fact.call_id for fact in facts if fact.call_id is not None}
        calls = await load_calls(session, touched)
        before = dict(calls)
        for fact in facts:
            if fact.call_id is not None and (after := evolve(calls.get(fact.call_id), fact)) is not None:
                calls[fact.call_id] = after
        await save_calls(session, [call for call_id, call in calls.items() if before.get(call_id) is not call])
