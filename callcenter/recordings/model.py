"""Table of recordings, their states and the one table of the steps between them (B6, E3)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import BigInteger, Float, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime
from callcenter.errors import IllegalTransition


class Status(StrEnum):
    """What is known of a recording."""

    PENDING = "pending"  # being recorded, or not yet looked at
    VERIFIED = "verified"  # there, as long as the call, not silent, its SHA-256 on record
    DEGRADED = "degraded"  # there, but a part is missing; the problem says which
    GAP = "gap"  # nothing usable
    ALTERED = "altered"  # the file is not the one that was verified


class RecordingKind(StrEnum):
    """What a file holds."""

    MIX = "mix"  # everybody in the room
    LEG = "leg"  # one person
    WHISPER = "whisper"  # a supervisor, to the operator alone: in no mix


TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.PENDING: frozenset({Status.VERIFIED, Status.DEGRADED, Status.GAP}),
        # Looked at again on demand: the file may have gone, been changed, or been put back from a backup.
        Status.VERIFIED: frozenset({Status.VERIFIED, Status.ALTERED, Status.GAP}),
        Status.DEGRADED: frozenset({Status.VERIFIED, Status.DEGRADED, Status.ALTERED, Status.GAP}),
        Status.GAP: frozenset({Status.VERIFIED, Status.DEGRADED, Status.ALTERED, Status.GAP}),
        Status.ALTERED: frozenset({Status.VERIFIED, Status.DEGRADED, Status.ALTERED, Status.GAP}),
    }
)


class RecordingRow(Base):
    """One audio file of a call. ``status`` is set by `RecordingRow.become` alone.

    ``path``: relative to the recordings folder; empty when nothing was ever written.
    ``composed``: we put it together afterwards from the legs' files. ``expected_seconds``: how long
    the recorded channel was up; None when nobody heard its end. ``sha256``: of the file as first verified; never
    overwritten.
    ``outlived``, of a mix: whether legs go on after its end, so that another was composed; None until looked at.
    """

    __tablename__ = "recordings"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36), index=True)
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    leg_id: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    composed: Mapped[bool]
    path: Mapped[str] = mapped_column(String(300))
    format: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expected_seconds: Mapped[float | None] = mapped_column(Float)
    status: Mapped[str] = mapped_column(String(16), index=True)
    problem: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float | None] = mapped_column(Float)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outlived: Mapped[bool | None]
    retention_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    def become(self, status: Status, problem: str = "") -> None:
        """Set the status; raises `IllegalTransition` when the table does not hold the step."""
        if status not in TRANSITIONS[Status(self.status)]:
            raise IllegalTransition(f"a recording that is {self.status} cannot become {status}")
        self.status, self.problem = status.value, problem
