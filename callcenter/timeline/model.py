"""Tables of the relay: facts, how far each journal has come, and facts that could not be taken."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime


class FactRow(Base):
    """One fact as the journal holds it; only ever added. Ids sort by time of recording (UUIDv7)."""

    __tablename__ = "facts"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    kind: Mapped[str] = mapped_column(String(60), index=True)
    version: Mapped[int]
    actor: Mapped[str] = mapped_column(String(120))
    call_id: Mapped[str | None] = mapped_column(String(36), index=True)
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class CursorRow(Base):
    """How far the journal of a node has come into this database."""

    __tablename__ = "relay_cursors"
    __audited__ = False

    node: Mapped[str] = mapped_column(String(32), primary_key=True)
    segment: Mapped[int]
    offset: Mapped[int] = mapped_column(BigInteger)


class FailureRow(Base):
    """A fact that a projector could not take: skipped after three tries, for a human to look at."""

    __tablename__ = "relay_failures"
    __audited__ = False

    fact_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    projector: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text)
