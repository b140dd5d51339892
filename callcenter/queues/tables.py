"""Tables of queues, of what seats know, and of the centre's own days."""

from typing import Any

from sqlalchemy import JSON, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, Versioned


class QueueRow(Versioned, Base):
    """One queue, as `callcenter.queues.model.Queue`."""

    __tablename__ = "queues"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    skill: Mapped[str] = mapped_column(String(40))
    min_level: Mapped[int]
    priority: Mapped[int]
    service_level_seconds: Mapped[float] = mapped_column(Float)
    service_level_target: Mapped[float] = mapped_column(Float)
    wrap_up_seconds: Mapped[float | None] = mapped_column(Float)
    ring_seconds: Mapped[int | None]
    sticky_seconds: Mapped[float] = mapped_column(Float)
    area_first: Mapped[bool]
    ageing_seconds: Mapped[float] = mapped_column(Float)
    announce_position: Mapped[bool]
    announce_wait: Mapped[bool]
    max_length: Mapped[int]
    hours: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    holidays: Mapped[str] = mapped_column(String(10))
    closed_to: Mapped[str] = mapped_column(String(60))
    overflow: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class SeatSkillsRow(Versioned, Base):
    """What a seat knows, as `callcenter.queues.model.Skills`."""

    __tablename__ = "seat_skills"

    user: Mapped[str] = mapped_column(String(32), primary_key=True)
    levels: Mapped[dict[str, int]] = mapped_column(JSON)
    area: Mapped[str] = mapped_column(String(60))


class OwnDayRow(Versioned, Base):
    """A day that is otherwise than the calendar says, as `callcenter.queues.model.OwnDay`."""

    __tablename__ = "own_days"

    date: Mapped[str] = mapped_column(String(10), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60))
