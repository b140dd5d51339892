"""Follow-ups: due when a service ends, tried, completed with the elder's word (C7, SZ 6.2.5)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.facts import Body, record
from callcenter.follow_ups.facts import FollowUpAttempted, FollowUpCancelled, FollowUpCompleted, FollowUpDue
from callcenter.follow_ups.model import AttemptRow, FollowUpRow
from callcenter.follow_ups.states import OPEN, Outcome, State, step
from callcenter.ids import new_id
from callcenter.people.model import ElderRow
from callcenter.timeline.service import tell
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.service import WorkOrders
from callcenter.work_orders.states import State as OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the elder said. ``rating`` 1 (bad) to 5 (good), None when she gave none."""

    result: str
    rating: int | None = None
    wishes: str = ""
    suspected_complaint: bool = False
    call_id: str | None = None


class FollowUps:
    """The service. It reacts to work orders, and moves them on when the elder was asked; it never commits.

    ``hours``: `Settings.follow_up_hours`.
    """

    def __init__(self, work_orders: WorkOrders, clock: Clock, hours: float, bus: Bus | None = None) -> None:
        self._orders = work_orders
        self._clock = clock
        self._due_after = timedelta(hours=hours)
        self._bus = bus
        work_orders.reactions.append(self._order_moved)

    async def get(self, session: AsyncSession, id: str) -> FollowUpRow:
        """The follow-up of that id; raises `NotFound`."""
        row = await session.get(FollowUpRow, id)
        if row is None:
            raise NotFound("no follow-up has this id")
        return row

    async def attempt(
        self,
        session: AsyncSession,
        row: FollowUpRow,
        outcome: Outcome,
        actor: str,
        *,
        note: str = "",
        call_id: str | None = None,
    ) -> None:
        """Note a call that did not get through. Raises `IllegalTransition` once the follow-up is over."""
        self._set_state(row, State.IN_PROGRESS)
        row.attempts.append(
            AttemptRow(id=new_id(), at=self._clock.now(), actor=actor, outcome=outcome, note=note, call_id=call_id)
        )
        await self._tell(
            session,
            row,
            actor,
            FollowUpAttempted(follow_up_id=row.id, work_order_id=row.work_order_id, outcome=outcome),
        )

    async def complete(self, session: AsyncSession, row: FollowUpRow, answer: Answer, actor: str) -> None:
        """Record what the elder said and move the order to followed up.

        A suspected complaint marks the order, which then cannot be closed without saying how it was
        settled. Raises `IllegalTransition` once the follow-up is over.
        """
        if answer.rating is not None and not 1 <= answer.rating <= 5:
            raise InvalidInput("'rating' goes from 1 to 5")
        self._set_state(row, State.DONE)
        row.result, row.rating, row.wishes, row.call_id = answer.result, answer.rating, answer.wishes, answer.call_id
        row.suspected_complaint = answer.suspected_complaint
        row.done_by, row.done_at = actor, self._clock.now()
        body = FollowUpCompleted(
            follow_up_id=row.id,
            work_order_id=row.work_order_id,
            rating=answer.rating,
            suspected_complaint=answer.suspected_complaint,
        )
        await self._tell(session, row, actor, body)
        order = await self._orders.get(session, row.work_order_id)
        if answer.suspected_complaint:
            await self._orders.change(session, order, {"suspected_complaint": True}, actor)
        await self._orders.move(session, order, OrderState.FOLLOWED_UP, actor)

    async def _order_moved(self, session: AsyncSession, order: WorkOrderRow, _before: OrderState | None) -> None:
        """C7: an order that is done is followed up; one that is dispatched again will be, after that."""
        open_ones = select(FollowUpRow).where(FollowUpRow.work_order_id == order.id, FollowUpRow.state.in_(OPEN))
        waiting = list(await session.scalars(open_ones))
        if order.state == OrderState.DONE:
            await self._make(session, order)
        elif order.state == OrderState.FOLLOWED_UP and waiting:
            raise Conflict(f"complete the follow-up {waiting[0].id} of this order: that moves the order on (C7)")
        elif order.state == OrderState.DISPATCHED:
            for row in waiting:
                self._set_state(row, State.CANCELLED)
                body = FollowUpCancelled(follow_up_id=row.id, work_order_id=order.id)
                await self._tell(session, row, "system", body)

    async def _make(self, session: AsyncSession, order: WorkOrderRow) -> None:
        now = self._clock.now()
        row = FollowUpRow(
            id=new_id(),
            state=State.DUE.value,
            work_order_id=order.id,
            elder_id=order.elder_id,
            due_at=(order.service_ended_at or now) + self._due_after,
            wishes="",
            suspected_complaint=False,
            result="",
            created_at=now,
            updated_at=now,
            attempts=[],
        )
        session.add(row)
        body = FollowUpDue(follow_up_id=row.id, work_order_id=order.id, due_at=row.due_at)
        await self._tell(session, row, "system", body)

    def _set_state(self, row: FollowUpRow, to: State) -> None:
        row.state = step(State(row.state), to).value
        row.updated_at = self._clock.now()

    async def _tell(self, session: AsyncSession, row: FollowUpRow, actor: str, body: Body) -> None:
        order = await self._orders.get(session, row.work_order_id)
        fact = record(body, self._clock.now(), actor, call_id=order.call_id, incident_id=order.incident_id)
        await tell(session, self._bus, fact)
        await session.flush()


def closed_loop(clock: Clock, follow_up_hours: float, bus: Bus | None = None) -> tuple[WorkOrders, FollowUps]:
    """Work orders and follow-ups that know of each other."""
    work_orders = WorkOrders(clock, bus)
    return work_orders, FollowUps(work_orders, clock, follow_up_hours, bus)


def follow_ups_query(
    area: str | None = None,
    *,
    states: Collection[State] = (),
    due_before: datetime | None = None,
    work_order_id: str | None = None,
    elder_id: str | None = None,
) -> Select[FollowUpRow]:
    """Follow-ups that fit all that is given. ``area``: only those of its elders."""
    query = select(FollowUpRow)
    if area is not None:
        query = query.where(FollowUpRow.elder_id.in_(select(ElderRow.id).where(ElderRow.area == area)))
    if states:
        query = query.where(FollowUpRow.state.in_(states))
    if due_before is not None:
        query = query.where(FollowUpRow.due_at < due_before)
    if work_order_id is not None:
        query = query.where(FollowUpRow.work_order_id == work_order_id)
    if elder_id is not None:
        query = query.where(FollowUpRow.elder_id == elder_id)
    return query
