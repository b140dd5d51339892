"""Tables of people: elders, their phones and contacts, and response plans."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, Float, ForeignKey, String, Text, TypeDecorator, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.db import Base, UtcDateTime, Versioned
from callcenter.people.sounds import LENGTH, sounds
from callcenter.people.words import WordRow  # noqa: F401 - whoever writes elders writes their words


class ContactRole(StrEnum):
    """Who a contact is to the elder: the responders of A2 and A3."""

    FAMILY = "family"
    DOCTOR = "doctor"
    SOCIAL_WORKER = "social_worker"
    COMMUNITY = "community"
    GUARDIAN = "guardian"
    GROUP_LEADER = "group_leader"
    VILLAGE_CADRE = "village_cadre"


class Sex(StrEnum):
    """As in the identity register."""

    FEMALE = "female"
    MALE = "male"


class Tags(TypeDecorator[tuple[str, ...]]):
    """A set of short words as ``|独居|空巢|``, so that one of them is found alike on both databases."""

    impl = String(400)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return "|" + "".join(f"{word}|" for word in value or ())

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(word for word in (value or "").split("|") if word)


class PlanRow(Versioned, Base):
    """A response plan; ``steps`` as `callcenter.emergency.plan.Step` in JSON."""

    __tablename__ = "response_plans"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    checklist: Mapped[list[str]] = mapped_column(JSON)
    repeat_every_seconds: Mapped[float] = mapped_column(Float)
    area: Mapped[str] = mapped_column(String(60))
    priority: Mapped[int]
    checklists: Mapped[dict[str, list[str]]] = mapped_column(JSON)


class ElderRow(Versioned, Base):
    """An elder (老人). ``deleted_at``: hidden everywhere, kept for the record (I4).

    ``sounds``: the name's pinyin, for searching; it follows the name by itself.
    """

    __tablename__ = "elders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    sounds: Mapped[str] = mapped_column(String(LENGTH))
    id_number: Mapped[str | None] = mapped_column(String(18))
    sex: Mapped[str | None] = mapped_column(String(8))
    birth_date: Mapped[date | None] = mapped_column(Date)
    area: Mapped[str | None] = mapped_column(String(60), index=True)
    address: Mapped[str | None] = mapped_column(String(200))
    door_code: Mapped[str | None] = mapped_column(String(40))
    key_holder_name: Mapped[str | None] = mapped_column(String(60))
    key_holder_phone: Mapped[str | None] = mapped_column(String(24))
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    medical_notes: Mapped[str | None] = mapped_column(Text)
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("response_plans.id"), index=True)
    groups: Mapped[tuple[str, ...]] = mapped_column(Tags)
    active: Mapped[bool]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    phones: Mapped[list["ElderPhoneRow"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="ElderPhoneRow.position"
    )
    contacts: Mapped[list["ContactRow"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="ContactRow.position"
    )
    devices: Mapped[list["DeviceRow"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        "DeviceRow", lazy="selectin", viewonly=True, order_by="DeviceRow.id"
    )


@event.listens_for(ElderRow.name, "set")
def _heard(row: ElderRow, name: str, _before: object, _initiator: object) -> None:
    row.sounds = sounds(name)


class ElderPhoneRow(Base):
    """One number that an elder calls from; two elders may share it."""

    __tablename__ = "elder_phones"

    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), primary_key=True, index=True)
    position: Mapped[int]


class ContactRow(Base):
    """A person to alert or to add for an elder, in ``position`` order."""

    __tablename__ = "contacts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(24), index=True)
    position: Mapped[int]
