"""Complaints: taken down with their deadlines, moved on act by act, each on record (C8)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.complaints.facts import ComplaintMoved, ComplaintReceived
from callcenter.complaints.model import ComplaintActionRow, ComplaintRow
from callcenter.complaints.states import NEED_TEXT, OPEN, Act, State, step
from callcenter.errors import InvalidInput
from callcenter.facts import Body, record
from callcenter.ids import new_id
from callcenter.people.model import ElderRow
from callcenter.people.service import later
from callcenter.timeline.service import tell
from callcenter.work_orders.deadlines import after_working_days

WORKING_DAYS = 3
"""C8, HB 6.6: answered within three working days."""
RESPONSE = timedelta(hours=2)
"""C8, GS B.3 4.3.1: the first response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a new complaint says. ``at``: when it was made, from which its deadlines count."""

    text: str
    about: str = ""
    organisation: str = ""
    contact: str = ""
    elder_id: str | None = None
    call_id: str | None = None
    at: datetime | None = None


class Complaints:
    """The service. It adds to the session it is given and never commits."""

    def __init__(self, clock: Clock, bus: Bus | None = None) -> None:
        self._clock = clock
        self._bus = bus

    async def create(
        self, session: AsyncSession, draft: Draft, actor: str, *, id: str | None = None, source: str | None = None
    ) -> ComplaintRow:
        """Take a complaint down. With a ``source`` that has made one already, that one is returned unchanged."""
        if source is not None:
            known = await session.scalar(select(ComplaintRow).where(ComplaintRow.source == source))
            if known is not None:
                return known
        now = self._clock.now()
        made_at = draft.at or now
        row = ComplaintRow(
            id=id or new_id(),
            state=State.RECEIVED.value,
            source=source,
            created_by=actor,
            respond_by=made_at + RESPONSE,
            due_at=after_working_days(made_at, WORKING_DAYS),
            created_at=now,
            updated_at=now,
            actions=[],
            **{name: getattr(draft, name) for name in Draft.__dataclass_fields__ if name != "at"},
        )
        session.add(row)
        await session.flush()
        body = ComplaintReceived(
            complaint_id=row.id, respond_by=row.respond_by, due_at=row.due_at, elder_id=row.elder_id
        )
        await self._tell(session, row, actor, body)
        return row

    async def act(self, session: AsyncSession, row: ComplaintRow, act: Act, actor: str, text: str = "") -> None:
        """Do something about it: the only place where its state is set.

        Raises `IllegalTransition`, and `InvalidInput` where the act needs words and there are none.
        """
        before = State(row.state)
        after = step(before, act)
        if act in NEED_TEXT and not text.strip():
            raise InvalidInput(f"to {act} a complaint, say in 'text' what was found or done", field="text")
        now = self._clock.now()
        row.state = after.value
        row.handler = actor
        if act is not Act.WITHDRAW and row.responded_at is None:
            row.responded_at = now
        if act is Act.ANSWER:
            row.answered_at = now
        elif act is Act.REOPEN:
            row.answered_at = None
        if after not in OPEN:
            row.closed_at = now
        row.updated_at = later(now, row.updated_at)
        row.actions.append(
            ComplaintActionRow(
                id=new_id(), at=now, actor=actor, act=act.value, from_state=before, to_state=after, text=text
            )
        )
        body = ComplaintMoved(
            complaint_id=row.id, act=act.value, from_state=before, to_state=after, elder_id=row.elder_id
        )
        await self._tell(session, row, actor, body)
        await session.flush()

    async def _tell(self, session: AsyncSession, row: ComplaintRow, actor: str, body: Body) -> None:
        await tell(session, self._bus, record(body, self._clock.now(), actor, call_id=row.call_id))


def complaints_query(
    area: str | None = None,
    *,
    states: Collection[State] = (),
    elder_id: str | None = None,
    call_id: str | None = None,
    due_before: datetime | None = None,
) -> Select[ComplaintRow]:
    """Complaints that fit all that is given. ``area``: only those of its elders."""
    query = select(ComplaintRow)
    if area is not None:
        query = query.where(ComplaintRow.elder_id.in_(select(ElderRow.id).where(ElderRow.area == area)))
    if states:
        query = query.where(ComplaintRow.state.in_(states))
    if elder_id is not None:
        query = query.where(ComplaintRow.elder_id == elder_id)
    if call_id is not None:
        query = query.where(ComplaintRow.call_id == call_id)
    if due_before is not None:
        query = query.where(ComplaintRow.due_at < due_before)
    return query
