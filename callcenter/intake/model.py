"""Table of intake."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned


class IntakeRow(Versioned, Base):
    """One thing that came in. ``state`` is set by `Intake` alone.

    ``at``: when it came. ``caller``: a number in canonical form, or empty; ``contact``: a name. ``source``: what it
    came from, where that must make one item only (``call:<id>``, ``<alarm source>:<reference>``). ``answer``: what was
    said or done. ``consent_at``: when the person agreed that we keep this (the public form; PIPL article 13).
    """

    __tablename__ = "intake_items"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    channel: Mapped[str] = mapped_column(String(16), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    call_id: Mapped[str | None] = mapped_column(String(36), index=True)
    caller: Mapped[str] = mapped_column(String(32))
    contact: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(String(200), unique=True)
    created_by: Mapped[str] = mapped_column(String(120))
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_by: Mapped[str | None] = mapped_column(String(120), index=True)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    outcome_id: Mapped[str | None] = mapped_column(String(36))
    answer: Mapped[str] = mapped_column(Text)
    done_by: Mapped[str | None] = mapped_column(String(120))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
