"""Tables of alarms and of the sources that may send them."""

from datetime import datetime

from sqlalchemy import Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.accounts.model import SECRET
from callcenter.db import Base, UtcDateTime, Versioned


class AlarmRow(Base):
    """One alarm as it came in; resends of it are no rows."""

    __tablename__ = "alarms"
    __table_args__ = (Index("ix_alarms_source_reference", "source", "reference"),)
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    source: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    device: Mapped[str] = mapped_column(String(60))
    device_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    caller: Mapped[str] = mapped_column(String(32))
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    on_test: Mapped[bool]
    battery: Mapped[int | None]
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    accuracy_m: Mapped[float | None] = mapped_column(Float)
    fix_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AlarmSourceRow(Versioned, Base):
    """Who may send alarms, positions and heartbeats.

    ``secret``: the SHA-256 of a token, or the key of the HMAC itself. ``previous``: the one before, good until
    ``previous_until``, so that a fleet of terminals can be changed over without a silent hour.
    """

    __tablename__ = "alarm_sources"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    auth: Mapped[str] = mapped_column(String(8))
    area: Mapped[str | None] = mapped_column(String(60))
    enabled: Mapped[bool]
    secret: Mapped[str] = mapped_column(String(64), info=SECRET)
    previous: Mapped[str | None] = mapped_column(String(64), info=SECRET)
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
