"""Intake: taken in once, taken by one, brought to its outcome together with what it becomes (B5)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.facts import Body, record
from callcenter.ids import new_id
from callcenter.intake.facts import IntakeDone, IntakeMoved, IntakeReceived
from callcenter.intake.model import IntakeRow
from callcenter.intake.states import OPEN, Channel, Kind, Outcome, State, step
from callcenter.people.model import ElderRow
from callcenter.people.service import later
from callcenter.timeline.service import tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in. ``at`` None: now. ``source``: the same again makes nothing new."""

    channel: Channel
    kind: Kind = Kind.OTHER
    text: str = ""
    elder_id: str | None = None
    call_id: str | None = None
    caller: str = ""
    contact: str = ""
    at: datetime | None = None
    source: str | None = None
    consent_at: datetime | None = None


class Intake:
    """The service. It adds to the session it is given and never commits."""

    def __init__(self, clock: Clock, bus: Bus | None = None) -> None:
        self._clock = clock
        self._bus = bus

    async def receive(
        self, session: AsyncSession, request: Request, actor: str, *, id: str | None = None, taken_by: str | None = None
    ) -> tuple[IntakeRow, bool]:
        """Take something in: the item, and whether it is new. ``taken_by``: who deals with it already."""
        if request.source is not None:
            known = await session.scalar(select(IntakeRow).where(IntakeRow.source == request.source))
            if known is not None:
                return known, False
        now = self._clock.now()
        values = {name: getattr(request, name) for name in Request.__dataclass_fields__}
        row = IntakeRow(
            **{**values, "at": request.at or now, "channel": request.channel.value, "kind": request.kind.value},
            id=id or new_id(),
            state=(State.TAKEN if taken_by else State.NEW).value,
            created_by=actor,
            taken_by=taken_by,
            taken_at=now if taken_by else None,
            answer="",
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        await session.flush()
        body = IntakeReceived(item_id=row.id, channel=row.channel, request=row.kind, elder_id=row.elder_id)
        await self._tell(session, row, actor, body)
        return row, True

    async def take(self, session: AsyncSession, row: IntakeRow, user: str) -> None:
        """It is ``user``'s now; again by the same changes nothing. Raises `Conflict` when it is another's."""
        if row.state == State.TAKEN and row.taken_by == user:
            return
        mine(row, user)
        row.state = step(State(row.state), State.TAKEN).value
        row.taken_by, row.taken_at = user, self._clock.now()
        await self._moved(session, row, user)

    async def release(self, session: AsyncSession, row: IntakeRow, user: str) -> None:
        """It is nobody's again."""
        row.state = step(State(row.state), State.NEW).value
        row.taken_by = row.taken_at = None
        await self._moved(session, row, user)

    async def settle(
        self,
        session: AsyncSession,
        row: IntakeRow,
        outcome: Outcome,
        actor: str,
        *,
        answer: str,
        outcome_id: str | None,
    ) -> None:
        """Give it its outcome; raises `IllegalTransition` when it has one."""
        now = self._clock.now()
        row.state = step(State(row.state), State.DONE).value
        row.outcome, row.outcome_id, row.answer = outcome.value, outcome_id, answer
        row.done_by, row.done_at = actor, now
        row.taken_by = row.taken_by or actor
        row.updated_at = later(now, row.updated_at)
        await session.flush()
        body = IntakeDone(item_id=row.id, outcome=row.outcome, outcome_id=outcome_id)
        await self._tell(session, row, actor, body)

    async def settle_source(self, session: AsyncSession, source: str, actor: str, answer: str) -> None:
        """What it came from was dealt with elsewhere: the item of this source, if one is open, is answered."""
        row = await session.scalar(intake_query(None, states=OPEN, source=source))
        if row is not None:
            await self.settle(session, row, Outcome.ANSWER, actor, answer=answer, outcome_id=None)

    async def _moved(self, session: AsyncSession, row: IntakeRow, actor: str) -> None:
        row.updated_at = later(self._clock.now(), row.updated_at)
        await session.flush()
        await self._tell(session, row, actor, IntakeMoved(item_id=row.id, to_state=row.state, by=row.taken_by))

    async def _tell(self, session: AsyncSession, row: IntakeRow, actor: str, body: Body) -> None:
        await tell(session, self._bus, record(body, self._clock.now(), actor, call_id=row.call_id))


def mine(row: IntakeRow, user: str) -> None:
    """Raises `Conflict` when somebody else deals with it."""
    if row.taken_by is not None and row.taken_by != user and row.state == State.TAKEN:
        raise Conflict(f"{row.taken_by} deals with this; it can be given back (release) first")


def intake_query(
    area: str | None = None,
    *,
    states: Collection[State] = (),
    **wanted: str | None,
) -> Select[IntakeRow]:
    """Items whose columns have the wanted values (None: any). ``area``: only those of its elders."""
    query = select(IntakeRow)
    if area is not None:
        query = query.where(IntakeRow.elder_id.in_(select(ElderRow.id).where(ElderRow.area == area)))
    if states:
        query = query.where(IntakeRow.state.in_(states))
    return query.where(*(getattr(IntakeRow, name) == value for name, value in wanted.items() if value is not None))


async def get_item(session: AsyncSession, id: str, area: str | None = None) -> IntakeRow:
    """The item of that id, or `NotFound`, also when it is of another area."""
    row = await session.scalar(intake_query(area, id=id))
    if row is None:
        raise NotFound("no intake item has this id")
    return row
