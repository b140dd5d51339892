"""Tables of work orders: the order, every step and change it went through, the day's count."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned


class WorkOrderRow(Versioned, Base):
    """One work order. ``state`` is set by `WorkOrders.move` alone.

    ``number``: ``20260301-0042``, the day in Asia/Shanghai and a count. ``source``: what it was made
    from, where that must happen once (``incident:<id>``, ``disposition:<call id>``).
    ``suspected_complaint``: the follow-up heard one (C7); it keeps the order open.
    """

    __tablename__ = "work_orders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    kind: Mapped[str] = mapped_column(String(16), index=True)
    priority: Mapped[str] = mapped_column(String(16))
    source: Mapped[str | None] = mapped_column(String(80), unique=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    call_id: Mapped[str | None] = mapped_column(String(36), index=True)
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    organisation_id: Mapped[str | None] = mapped_column(String(36), index=True)
    summary: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
    wishes: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(120))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    service_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    service_ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    suspected_complaint: Mapped[bool]


class WorkOrderHistoryRow(Base):
    """One step or change: who, when, from, to, why, before and after (C10). Only ever added."""

    __tablename__ = "work_order_history"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    work_order_id: Mapped[str] = mapped_column(ForeignKey("work_orders.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(120))
    from_state: Mapped[str | None] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSON)


class WorkOrderCountRow(Base):
    """The last number given out on a day."""

    __tablename__ = "work_order_counts"
    __audited__ = False

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]
