"""Tables of fences, and of where devices were."""

from datetime import datetime

from sqlalchemy import JSON, Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned


class FenceRow(Versioned, Base):
    """A fence of an elder, as `callcenter.location.fences.Fence`: a circle, or a polygon of ``points``."""

    __tablename__ = "fences"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    radius_m: Mapped[float | None] = mapped_column(Float)
    points: Mapped[list[list[float]]] = mapped_column(JSON)
    alarm_on: Mapped[str] = mapped_column(String(8))
    margin_m: Mapped[float] = mapped_column(Float)
    fixes: Mapped[int]
    seconds: Mapped[float] = mapped_column(Float)
    tell: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool]


class PositionRow(Base):
    """One fix of a device, kept for some days (GB/T 35273: no longer than it is needed)."""

    __tablename__ = "positions"
    __table_args__ = (Index("ix_positions_elder_at", "elder_id", "at"), Index("ix_positions_at", "at"))
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    elder_id: Mapped[str] = mapped_column(String(36))
    device_id: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    accuracy_m: Mapped[float | None] = mapped_column(Float)
    dated: Mapped[str] = mapped_column(String(8))
