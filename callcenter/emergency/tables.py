"""Incidents in the database: rows are the fold of an incident's facts, written by the relay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Index, String, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calls.tables import upsert
from callcenter.db import Base, UtcDateTime
from callcenter.emergency.kinds import Drill
from callcenter.emergency.model import Incident, IncidentState, Tick, evolve
from callcenter.emergency.plan import Plan
from callcenter.facts import Fact


class EmergencyRow(Base):
    """One incident, with the two answer times of A1 and the plan as it was frozen (A6)."""

    __tablename__ = "emergencies"
    __table_args__ = (Index("ix_emergencies_opened_at", "opened_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    origin: Mapped[str] = mapped_column(String(16))
    room: Mapped[str] = mapped_column(String(36))
    caller: Mapped[str] = mapped_column(String(32))
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_name: Mapped[str] = mapped_column(String(100))
    priority: Mapped[int]
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    calls: Mapped[list[str]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    system_answer_ms: Mapped[int | None]
    human_answer_ms: Mapped[int | None]
    answered_by: Mapped[str] = mapped_column(String(64))
    late: Mapped[bool]
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(200))
    cause: Mapped[str] = mapped_column(String(40))
    summary: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    device_id: Mapped[str | None] = mapped_column(String(36))
    area: Mapped[str] = mapped_column(String(60))
    age: Mapped[int]
    voice_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    drill: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    ticks: Mapped[dict[str, Any]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(Text, default="")
    note_revision: Mapped[int] = mapped_column(default=0)


_COLUMNS = ("id", "origin", "room", "caller", "elder_id", "elder_name", "priority", "opened_at", "system_answer_ms",
            "human_answer_ms", "answered_by", "late", "closed_at", "outcome", "cause", "summary", "kind",
            "device_id", "area", "age", "voice_by", "note", "note_revision")  # fmt: skip


def to_incident(row: EmergencyRow) -> Incident:
    """The incident that a row stands for."""
    return Incident(
        state=IncidentState(row.state),
        plan=msgspec.convert(row.plan, Plan),
        calls=tuple(row.calls),
        drill=msgspec.convert(row.drill, Drill | None),
        ticks=msgspec.convert(row.ticks, dict[str, Tick]),
        **{column: getattr(row, column) for column in _COLUMNS},
    )


class EmergencyProjector:
    """Keeps the rows of incidents."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold ``facts`` (new ones, in order) into the rows."""
        touched = {fact.incident_id for fact in facts if fact.incident_id is not None}
        rows = await session.scalars(select(EmergencyRow).where(EmergencyRow.id.in_(touched)))
        incidents = {row.id: to_incident(row) for row in rows}
        before = dict(incidents)
        for fact in facts:
            if fact.incident_id is None:
                continue
            after = evolve(incidents.get(fact.incident_id), fact)
            if after is not None:
                incidents[fact.incident_id] = after
        await upsert(
            session,
            EmergencyRow,
            [
                {column: getattr(incident, column) for column in _COLUMNS}
                | {
                    "state": incident.state.value,
                    "plan": msgspec.to_builtins(incident.plan),
                    "calls": list(incident.calls),
                    "drill": msgspec.to_builtins(incident.drill),
                    "ticks": msgspec.to_builtins(incident.ticks),
                }
                for incident_id, incident in incidents.items()
                if before.get(incident_id) is not incident
            ],
        )
