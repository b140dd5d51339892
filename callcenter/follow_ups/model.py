"""Tables of follow-ups and of the attempts at them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.db import Base, UtcDateTime, Versioned


class AttemptRow(Base):
    """One call that did not get through."""

    __tablename__ = "follow_up_attempts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    follow_up_id: Mapped[str] = mapped_column(ForeignKey("follow_ups.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(120))
    outcome: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text)
    call_id: Mapped[str | None] = mapped_column(String(36))


class FollowUpRow(Versioned, Base):
    """One follow-up. ``state`` is set by `FollowUps` alone; ``due_at`` is the service's end plus 24 h (C7)."""

    __tablename__ = "follow_ups"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    work_order_id: Mapped[str] = mapped_column(ForeignKey("work_orders.id"), index=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    rating: Mapped[int | None]
    wishes: Mapped[str] = mapped_column(Text)
    suspected_complaint: Mapped[bool]
    result: Mapped[str] = mapped_column(Text)
    call_id: Mapped[str | None] = mapped_column(String(36), index=True)
    done_by: Mapped[str | None] = mapped_column(String(120))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    attempts: Mapped[list[AttemptRow]] = relationship(lazy="selectin", order_by=AttemptRow.id)
