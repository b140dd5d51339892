"""Tables of complaints and of what was done about them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.db import Base, UtcDateTime, Versioned


class ComplaintActionRow(Base):
    """One act: who, when, what, from, to. Only ever added."""

    __tablename__ = "complaint_actions"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    complaint_id: Mapped[str] = mapped_column(ForeignKey("complaints.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(120))
    act: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[str | None] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)


class ComplaintRow(Versioned, Base):
    """One complaint. ``state`` is set by `Complaints.act` alone.

    ``about``: whom or what, in a few words. ``contact``: who complains and under what number, where it is not the
    elder. ``source``: what it was made from, where that must happen once. ``handler``: who acted last.
    """

    __tablename__ = "complaints"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    source: Mapped[str | None] = mapped_column(String(80), unique=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    call_id: Mapped[str | None] = mapped_column(String(36), index=True)
    about: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(120))
    handler: Mapped[str | None] = mapped_column(String(120), index=True)
    respond_by: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    responded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    actions: Mapped[list[ComplaintActionRow]] = relationship(lazy="selectin", order_by=ComplaintActionRow.id)
