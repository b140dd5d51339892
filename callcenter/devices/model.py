"""Table of devices and the states a device may be in (F1, F2, R26)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned


class DeviceKind(StrEnum):
    """What a device is."""

    PENDANT = "pendant"
    TERMINAL = "terminal"
    MOBILE_TERMINAL = "mobile_terminal"
    SMOKE_DETECTOR = "smoke_detector"
    FALL_DETECTOR = "fall_detector"
    HEALTH_MONITOR = "health_monitor"
    DOOR_SENSOR = "door_sensor"


class DeviceState(StrEnum):
    """Whether a device can be relied upon. A press reaches a human in every one of them (R26)."""

    IN_SERVICE = "in_service"
    ON_TEST = "on_test"
    OUT_OF_SERVICE = "out_of_service"
    FAULTY = "faulty"


# No device goes live but through a test (F2).
TRANSITIONS: dict[DeviceState, frozenset[DeviceState]] = {
    DeviceState.OUT_OF_SERVICE: frozenset({DeviceState.ON_TEST}),
    DeviceState.ON_TEST: frozenset({DeviceState.IN_SERVICE, DeviceState.FAULTY, DeviceState.OUT_OF_SERVICE}),
    DeviceState.IN_SERVICE: frozenset({DeviceState.ON_TEST, DeviceState.FAULTY, DeviceState.OUT_OF_SERVICE}),
    DeviceState.FAULTY: frozenset({DeviceState.ON_TEST, DeviceState.OUT_OF_SERVICE}),
}


class DeviceRow(Versioned, Base):
    """A device. ``number``: the caller id it announces. ``resumes``: the state an unfinished test falls back to.

    ``heartbeat_seconds``: how often it must be heard of, None: nobody expects it. ``last_seen_at``, ``battery``
    (percent), ``last_test_at``: what it last said of itself; written without a new version, as nobody edits them.
    """

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    serial: Mapped[str] = mapped_column(String(60), unique=True)
    number: Mapped[str | None] = mapped_column(String(24), index=True)
    elder_id: Mapped[str | None] = mapped_column(ForeignKey("elders.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    resumes: Mapped[str | None] = mapped_column(String(20))
    on_test_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_seconds: Mapped[int | None]
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_test_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    battery: Mapped[int | None]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
