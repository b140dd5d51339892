"""Rows of voicemails, out of the facts; and the one step at the desk, from new to done."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Float, Select, String, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.bus import Bus
from callcenter.calls.tables import upsert
from callcenter.clock import Clock
from callcenter.db import Base, UtcDateTime
from callcenter.errors import IllegalTransition
from callcenter.facts import Fact, record
from callcenter.timeline.service import tell
from callcenter.voicemail.facts import VoicemailDone, VoicemailLeft


class State(StrEnum):
    """Whether somebody has dealt with it."""

    NEW = "new"
    DONE = "done"


class VoicemailRow(Base):
    """One voicemail: a part of its call's recording. ``ended``: see `facts.VoicemailLeft`."""

    __tablename__ = "voicemails"
    __audited__ = False

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36), index=True)
    caller: Mapped[str] = mapped_column(String(32))
    elder_id: Mapped[str | None] = mapped_column(String(36), index=True)
    elder_name: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    seconds: Mapped[float] = mapped_column(Float)
    offset_seconds: Mapped[float] = mapped_column(Float)
    ended: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8), index=True)
    handled_by: Mapped[str] = mapped_column(String(32))
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(Text)


class VoicemailProjector:
    """A row for each voicemail."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Write a row for each that was left."""
        rows = [
            {
                "id": fact.body.voicemail_id,
                "call_id": fact.call_id or "",
                "caller": fact.body.caller,
                "elder_id": fact.body.elder_id,
                "elder_name": fact.body.elder_name,
                "at": fact.at,
                "seconds": fact.body.seconds,
                "offset_seconds": fact.body.offset_seconds,
                "ended": fact.body.ended,
                "state": State.NEW.value,
                "handled_by": "",
                "handled_at": None,
                "note": "",
            }
            for fact in facts
            if isinstance(fact.body, VoicemailLeft)
        ]
        await upsert(session, VoicemailRow, rows)


def voicemails_query() -> Select[VoicemailRow]:
    """All voicemails."""
    return select(VoicemailRow)


async def handle(session: AsyncSession, clock: Clock, bus: Bus | None, row: VoicemailRow, user: str, note: str) -> None:
    """Somebody dealt with it; raises `IllegalTransition` when somebody did already."""
    if row.state != State.NEW:
        raise IllegalTransition(f"{row.handled_by} has dealt with this voicemail already")
    row.state, row.handled_by, row.handled_at, row.note = State.DONE.value, user, clock.now(), note
    done = VoicemailDone(voicemail_id=row.id, note=note)
    await tell(session, bus, record(done, clock.now(), user, call_id=row.call_id))
    await session.flush()
