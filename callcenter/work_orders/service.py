"""Work orders: made, changed and moved on, each step on record (C3, C6, C10)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import SHANGHAI, Clock
from callcenter.errors import Conflict, NotFound
from callcenter.facts import Body, record
from callcenter.ids import new_id
from callcenter.people.model import ElderRow
from callcenter.timeline.service import tell
from callcenter.work_orders.deadlines import after_working_days
from callcenter.work_orders.facts import WorkOrderCreated, WorkOrderMoved
from callcenter.work_orders.model import WorkOrderCountRow, WorkOrderHistoryRow, WorkOrderRow
from callcenter.work_orders.states import ENDED, NEED_REASON, Kind, Priority, State, step

WORKING_DAYS = 3
"""C1, C8: an order that names no deadline is due in three working days."""

_CLOCK_SKEW = timedelta(minutes=5)

Reaction = Callable[[AsyncSession, WorkOrderRow, State | None], Awaitable[None]]
"""Called in the same transaction after an order was made (from None) or moved (from its former state)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a new work order says. Times are aware; ``due_at`` None: in three working days."""

    kind: Kind
    summary: str
    details: str = ""
    wishes: str = ""
    priority: Priority = Priority.NORMAL
    elder_id: str | None = None
    call_id: str | None = None
    incident_id: str | None = None
    organisation_id: str | None = None
    due_at: datetime | None = None


class WorkOrders:
    """The service. It adds to the session it is given and never commits."""

    def __init__(self, clock: Clock, bus: Bus | None = None) -> None:
        self._clock = clock
        self._bus = bus
        self.reactions: list[Reaction] = []

    async def create(
        self,
        session: AsyncSession,
        draft: Draft,
        actor: str,
        *,
        id: str | None = None,
        source: str | None = None,
        state: State = State.INTAKE,
        service_ended_at: datetime | None = None,
    ) -> WorkOrderRow:
        """Make an order. With a ``source`` that has made one already, that one is returned unchanged."""
        now = self._clock.now()
        with session.no_autoflush:  # orders are flushed as they are made; their history and facts can wait
            if source is not None:
                known = await session.scalar(select(WorkOrderRow).where(WorkOrderRow.source == source))
                if known is not None:
                    return known
            number = await self._next_number(session, now)
        row = WorkOrderRow(
            id=id or new_id(),
            number=number,
            state=state.value,
            source=source,
            created_by=actor,
            created_at=now,
            updated_at=now,
            service_ended_at=service_ended_at,
            suspected_complaint=False,
            **{name: getattr(draft, name) for name in Draft.__dataclass_fields__ if name != "due_at"},
        )
        row.due_at = draft.due_at or after_working_days(now, WORKING_DAYS)
        session.add(row)
        await session.flush()
        self._write_history(session, row, actor, None, "", {})
        body = WorkOrderCreated(
            work_order_id=row.id, number=row.number, kind=row.kind, state=row.state, elder_id=row.elder_id
        )
        await self._tell(session, row, actor, body)
        await self._react(session, row, None)
        return row

    async def get(self, session: AsyncSession, id: str) -> WorkOrderRow:
        """The order of that id; raises `NotFound`."""
        row = await session.get(WorkOrderRow, id)
        if row is None:
            raise NotFound("no work order has this id")
        return row

    async def change(self, session: AsyncSession, row: WorkOrderRow, values: Mapping[str, Any], actor: str) -> None:
        """Set fields (not the state); raises `Conflict` once the order has ended or for odd times."""
        if State(row.state) in ENDED:
            raise Conflict(f"the work order is {row.state}: nothing of it can be changed any more (C10)")
        changes = {name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value}
        if not changes:
            return
        for name, (_, value) in changes.items():
            setattr(row, name, value)
        _check_times(row, self._clock.now())
        row.updated_at = self._clock.now()
        self._write_history(session, row, actor, State(row.state), "", changes)
        await session.flush()

    async def move(
        self,
        session: AsyncSession,
        row: WorkOrderRow,
        to: State,
        actor: str,
        *,
        reason: str = "",
        service_ended_at: datetime | None = None,
    ) -> None:
        """Move an order one step: the only place where its state is set.

        Raises `IllegalTransition`, and `Conflict` when a reason is missing: for a step that goes back or
        away, or to close an order with a suspected complaint (C7). ``service_ended_at`` belongs to the
        step to done; now if it is not given.
        """
        before = State(row.state)
        after = step(before, to)
        if (before, after) in NEED_REASON and not reason.strip():
            raise Conflict(f"to make a work order {after} a reason is needed: say it in 'reason'")
        if after is State.CLOSED and row.suspected_complaint and not reason.strip():
            raise Conflict("the follow-up heard a suspected complaint (C7): say in 'reason' how it was settled")
        if service_ended_at is not None and after is not State.DONE:
            raise Conflict("'service_ended_at' belongs to the step to done")
        changes: dict[str, list[Any]] = {}
        if after is State.DONE:
            ended = service_ended_at or self._clock.now()
            changes["service_ended_at"] = [row.service_ended_at, ended]
            row.service_ended_at = ended
            _check_times(row, self._clock.now())
        elif after is State.DISPATCHED and before in (State.DONE, State.FOLLOWED_UP):
            changes["service_ended_at"] = [row.service_ended_at, None]
            row.service_ended_at = row.service_started_at = None
        row.state = after.value
        row.updated_at = self._clock.now()
        self._write_history(session, row, actor, before, reason, changes)
        body = WorkOrderMoved(work_order_id=row.id, number=row.number, from_state=before, to_state=after)
        await self._tell(session, row, actor, body)
        await session.flush()
        await self._react(session, row, before)

    async def history(self, session: AsyncSession, id: str) -> list[WorkOrderHistoryRow]:
        """Everything that happened to an order, oldest first."""
        query = select(WorkOrderHistoryRow).where(WorkOrderHistoryRow.work_order_id == id)
        return list(await session.scalars(query.order_by(WorkOrderHistoryRow.id)))

    async def _react(self, session: AsyncSession, row: WorkOrderRow, before: State | None) -> None:
        for reaction in self.reactions:
            await reaction(session, row, before)

    async def _next_number(self, session: AsyncSession, now: datetime) -> str:
        day = now.astimezone(SHANGHAI).date()
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        counted = (
            insert(WorkOrderCountRow)
            .values(day=day, last=1)
            .on_conflict_do_update(index_elements=["day"], set_={"last": WorkOrderCountRow.last + 1})
            .returning(WorkOrderCountRow.last)
        )
        last = await session.scalar(counted)
        return f"{day:%Y%m%d}-{last:04d}"

    def _write_history(
        self,
        session: AsyncSession,
        row: WorkOrderRow,
        actor: str,
        before: State | None,
        reason: str,
        changes: dict[str, list[Any]],
    ) -> None:
        session.add(
            WorkOrderHistoryRow(
                id=new_id(),
                work_order_id=row.id,
                at=self._clock.now(),
                actor=actor,
                from_state=before,
                to_state=row.state,
                reason=reason,
                changes=msgspec.to_builtins(changes),
            )
        )

    async def _tell(self, session: AsyncSession, row: WorkOrderRow, actor: str, body: Body) -> None:
        fact = record(body, self._clock.now(), actor, call_id=row.call_id, incident_id=row.incident_id)
        await tell(session, self._bus, fact)


def _check_times(row: WorkOrderRow, now: datetime) -> None:
    started, ended = row.service_started_at, row.service_ended_at
    if ended is not None and ended > now + _CLOCK_SKEW:
        raise Conflict("'service_ended_at' lies in the future: a service that goes on is not done")
    if started is not None and ended is not None and ended < started:
        raise Conflict("'service_ended_at' lies before 'service_started_at'")


def orders_query(area: str | None = None, **wanted: str | None) -> Select[WorkOrderRow]:
    """Orders whose columns have the wanted values (None: any). ``area``: only those of its elders."""
    query = select(WorkOrderRow)
    if area is not None:
        query = query.where(WorkOrderRow.elder_id.in_(select(ElderRow.id).where(ElderRow.area == area)))
    return query.where(*(getattr(WorkOrderRow, name) == value for name, value in wanted.items() if value is not None))
