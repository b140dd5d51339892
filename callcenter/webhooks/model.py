"""Tables of webhook subscriptions and of every delivery, the outbox (written with the facts, sent afterwards)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.accounts.model import SECRET
from callcenter.db import Base, UtcDateTime, Versioned


class DeliveryState(StrEnum):
    """``pending`` is tried (again) at ``next_at``; the others are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class SubscriptionRow(Versioned, Base):
    """Where facts go. ``kinds``: exact kinds, ``call.*`` for a family, ``*`` for all."""

    __tablename__ = "webhook_subscriptions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(100), info=SECRET)
    kinds: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeliveryRow(Base):
    """One fact for one subscription. ``next_at``: not before; pushed on while an attempt is under way."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("subscription_id", "fact_id"),
        Index("ix_webhook_deliveries_due", "state", "next_at"),
    )
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("webhook_subscriptions.id"))
    fact_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(String(200))
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
