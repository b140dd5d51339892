"""Rows of call-backs, out of the facts; written by the relay with the fold that runs in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.callbacks.model import Attempt, CallBack, State, evolve
from callcenter.calls.tables import upsert
from callcenter.db import Base, UtcDateTime
from callcenter.facts import Fact


class CallBackRow(Base):
    """One call-back, as `callcenter.callbacks.model.CallBack`."""

    __tablename__ = "callbacks"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(32), index=True)
    caller: Mapped[str] = mapped_column(String(32))
    queue: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    priority: Mapped[int]
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_name: Mapped[str] = mapped_column(String(100))
    by_caller: Mapped[bool]
    asked_in: Mapped[str | None] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(16), index=True)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    counted: Mapped[int]
    hastened: Mapped[bool]
    call_id: Mapped[str | None] = mapped_column(String(36))
    reason: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_SAME = ("id", "number", "caller", "queue", "since", "asked_at", "next_at", "priority", "elder_id", "elder_name",
         "by_caller", "asked_in", "counted", "hastened", "call_id", "reason", "ended_at")  # fmt: skip


def to_callback(row: CallBackRow) -> CallBack:
    """The call-back that a row stands for."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    attempts = tuple(msgspec.convert(one, Attempt) for one in row.attempts)
    return CallBack(state=State(row.state), attempts=attempts, **values)


class CallBackProjector:
    """Keeps the rows of call-backs."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold ``facts``, in order, into the rows."""
        mine = [(fact, one) for fact in facts if (one := _id_of(fact)) is not None]
        if not mine:
            return
        rows = await session.scalars(select(CallBackRow).where(CallBackRow.id.in_({one for _, one in mine})))
        known = {row.id: to_callback(row) for row in rows}
        for fact, one in mine:
            after = evolve(known.get(one), fact)
            if after is not None:
                known[one] = after
        await upsert(session, CallBackRow, [_values(callback) for callback in known.values()])


def _id_of(fact: Fact) -> str | None:
    return getattr(fact.body, "callback_id", None) if fact.kind.startswith("callback.") else None


def _values(callback: CallBack) -> dict[str, Any]:
    attempts = [msgspec.to_builtins(one) for one in callback.attempts]
    return {name: getattr(callback, name) for name in _SAME} | {"state": callback.state.value, "attempts": attempts}
