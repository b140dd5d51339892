"""Work orders: one table of steps, every step on record, one order for each incident and disposition (C3–C7, C10)."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import FACTS, LocalBus, Message
from callcenter.calls.facts import CallDispositioned
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.emergency.facts import EmergencyClosed
from callcenter.errors import Conflict, IllegalTransition, NotFound
from callcenter.facts import Fact, record
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.service import closed_loop
from callcenter.timeline.model import FactRow
from callcenter.work_orders.deadlines import after_working_days, is_working_day
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.projector import WorkOrderProjector
from callcenter.work_orders.service import Draft
from callcenter.work_orders.states import TRANSITIONS, Kind, State, step

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

ALLOWED = {
    ("intake", "audited"), ("intake", "returned"), ("intake", "void"),
    ("audited", "dispatched"), ("audited", "returned"), ("audited", "void"),
    ("dispatched", "done"), ("dispatched", "returned"), ("dispatched", "void"),
    ("returned", "audited"), ("returned", "void"),
    ("done", "followed_up"), ("done", "dispatched"),
    ("followed_up", "closed"), ("followed_up", "dispatched"),
}  # fmt: skip


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)))
def test_given_any_state_when_any_step_is_asked_then_only_the_written_ones_are_made(state: State, to: State) -> None:
    """The whole table, state × step."""
    if (state, to) in ALLOWED:
        assert step(state, to) is to
    else:
        with pytest.raises(IllegalTransition, match=f"that is {state} cannot become {to}"):
            step(state, to)


def test_given_the_table_then_every_state_is_in_it_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {to for targets in TRANSITIONS.values() for to in targets} | {State.INTAKE} == set(State)


class Desk:
    """The services over one database, with a clock moved by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(NOW)
        self.bus = LocalBus()
        self.orders, self.follow_ups = closed_loop(self.clock, 24, self.bus)

    @asynccontextmanager
    async def order(self, *, state: State = State.INTAKE) -> AsyncIterator[tuple[AsyncSession, WorkOrderRow]]:
        """A session and an order brought to a state by its proper way."""
        async with self.database.transaction() as session:
            row = await self.orders.create(session, Draft(kind=Kind.SERVICE, summary="打扫卫生"), "op1")
            way = [State.AUDITED, State.DISPATCHED, State.DONE]
            for to in way[: way.index(state) + 1] if state in way else []:
                await self.orders.move(session, row, to, "sup1")
            yield session, row


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_given_a_new_order_then_it_has_number_deadline_and_history(desk: Desk) -> None:
    async with desk.order() as (session, row):
        assert (row.state, row.number, row.version) == ("intake", "20260302-0001", 1)
        assert row.due_at == NOW + timedelta(days=3)
        (first,) = await desk.orders.history(session, row.id)
        assert (first.from_state, first.to_state, first.actor, first.at) == (None, "intake", "op1", NOW)


async def test_given_orders_of_two_days_then_each_day_counts_from_one(desk: Desk) -> None:
    numbers = []
    for at in (NOW, NOW, NOW.replace(hour=17)):  # 17:00 UTC is the next day in Suzhou
        desk.clock.move_to(at)
        async with desk.order() as (_, row):
            numbers.append(row.number)
    assert numbers == ["20260302-0001", "20260302-0002", "20260303-0001"]


async def test_given_orders_made_at_the_same_time_then_no_number_is_given_twice(postgres_database: Database) -> None:
    desk = Desk(postgres_database)

    async def one() -> str:
        async with desk.order() as (_, row):
            return row.number

    numbers = await asyncio.gather(*(one() for _ in range(8)))
    assert sorted(numbers) == [f"20260302-{n:04d}" for n in range(1, 9)]


async def test_given_the_whole_way_then_every_step_is_on_record(desk: Desk) -> None:
    """C10: who, when, from, to."""
    async with desk.order(state=State.DONE) as (session, row):
        history = await desk.orders.history(session, row.id)
        assert [(step.from_state, step.to_state, step.actor) for step in history] == [
            (None, "intake", "op1"),
            ("intake", "audited", "sup1"),
            ("audited", "dispatched", "sup1"),
            ("dispatched", "done", "sup1"),
        ]
        assert row.service_ended_at == NOW
        assert history[-1].changes == {"service_ended_at": [None, "2026-03-02T08:00:00Z"]}


async def test_given_a_step_the_table_does_not_hold_then_nothing_changes(desk: Desk) -> None:
    async with desk.order() as (session, row):
        with pytest.raises(IllegalTransition):
            await desk.orders.move(session, row, State.CLOSED, "op1")
        assert row.state == "intake"
        assert len(await desk.orders.history(session, row.id)) == 1


@pytest.mark.parametrize(
    ("state", "to"), [(State.INTAKE, State.VOID), (State.INTAKE, State.RETURNED), (State.DONE, State.DISPATCHED)]
)
async def test_given_a_step_back_or_away_without_reason_then_it_is_refused(desk: Desk, state: State, to: State) -> None:
    """C6: void orders are voided with authority."""
    async with desk.order(state=state) as (session, row):
        with pytest.raises(Conflict, match="reason"):
            await desk.orders.move(session, row, to, "op1", reason="  ")
        await desk.orders.move(session, row, to, "op1", reason="老人改主意")
        assert row.state == to
        assert (await desk.orders.history(session, row.id))[-1].reason == "老人改主意"


async def test_given_an_end_of_service_in_the_future_or_before_its_start_then_it_is_refused(desk: Desk) -> None:
    async with desk.order(state=State.DISPATCHED) as (session, row):
        with pytest.raises(Conflict, match="future"):
            await desk.orders.move(session, row, State.DONE, "op1", service_ended_at=NOW + timedelta(hours=1))
    async with desk.order(state=State.DISPATCHED) as (session, row):
        await desk.orders.change(session, row, {"service_started_at": NOW - timedelta(hours=1)}, "op1")
        with pytest.raises(Conflict, match="before"):
            await desk.orders.move(session, row, State.DONE, "op1", service_ended_at=NOW - timedelta(hours=2))


async def test_given_an_end_of_service_for_another_step_then_it_is_refused(desk: Desk) -> None:
    async with desk.order() as (session, row):
        with pytest.raises(Conflict, match="belongs to the step to done"):
            await desk.orders.move(session, row, State.AUDITED, "op1", service_ended_at=NOW)


async def test_given_changed_fields_then_before_and_after_are_on_record(desk: Desk) -> None:
    """C10."""
    async with desk.order() as (session, row):
        await desk.orders.change(session, row, {"summary": "擦窗户", "wishes": ""}, "op2")
        await desk.orders.change(session, row, {"summary": "擦窗户"}, "op2")
        history = await desk.orders.history(session, row.id)
        assert len(history) == 2
        assert (history[1].changes, history[1].actor) == ({"summary": ["打扫卫生", "擦窗户"]}, "op2")
        assert row.version == 2


async def test_given_an_ended_order_then_nothing_of_it_can_be_changed(desk: Desk) -> None:
    async with desk.order() as (session, row):
        await desk.orders.move(session, row, State.VOID, "sup1", reason="重复")
        with pytest.raises(Conflict, match="C10"):
            await desk.orders.change(session, row, {"summary": "x"}, "op1")


async def test_given_an_unknown_id_then_not_found(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        with pytest.raises(NotFound):
            await desk.orders.get(session, "nothing")


async def test_given_a_second_dispatch_then_the_end_of_service_is_open_again(desk: Desk) -> None:
    """C6, 二次派单."""
    async with desk.order(state=State.DONE) as (session, row):
        await desk.orders.move(session, row, State.DISPATCHED, "sup1", reason="回单不合格")
        assert row.service_ended_at is None
        await desk.orders.move(session, row, State.DONE, "sup1")
        assert row.service_ended_at == NOW


async def test_given_a_committed_change_then_its_fact_is_stored_and_published_and_a_rolled_back_one_is_not(
    desk: Desk,
) -> None:
    async with desk.bus.subscribe([FACTS]) as messages:
        with pytest.raises(IllegalTransition):
            async with desk.order() as (session, row):
                await desk.orders.move(session, row, State.CLOSED, "op1")
        async with desk.order() as (_, row):
            pass
        message = await asyncio.wait_for(anext(messages), 5)
        assert isinstance(message, Message)
        fact = message.fact()
        assert (fact.kind, fact.actor) == ("work_order.created", "op1")
        async with desk.database.transaction() as session:
            stored = list(await session.scalars(select(FactRow)))
        assert [(one.id, one.data["work_order_id"]) for one in stored] == [(fact.id, row.id)]


# -- from calls and emergencies ------------------------------------------------------------------


def closed(incident: str = "incident-1", **more: str) -> Fact:
    body = EmergencyClosed(outcome="hospital", closed_at=NOW - timedelta(minutes=1), elder_id="elder-1", **more)
    return record(body, NOW, "op1", call_id="call-1", incident_id=incident)


def dispositioned(disposition: str, kind: str = "", call: str = "call-2") -> Fact:
    body = CallDispositioned(disposition=disposition, summary="要求打扫", kind=kind, elder_id="elder-1")
    return record(body, NOW, "op1", call_id=call)


async def project(desk: Desk, *facts: Fact) -> list[WorkOrderRow]:
    async with desk.database.transaction() as session:
        await WorkOrderProjector(desk.orders).apply(session, facts)
    async with desk.database.transaction() as session:
        return list(await session.scalars(select(WorkOrderRow).order_by(WorkOrderRow.number)))


async def test_given_a_closed_emergency_then_one_done_order_and_one_follow_up_due_within_24_hours(desk: Desk) -> None:
    """C7."""
    (order,) = await project(desk, closed(summary="摔倒，已送医"))
    ended = NOW - timedelta(minutes=1)
    assert (order.kind, order.state, order.elder_id, order.call_id) == ("emergency", "done", "elder-1", "call-1")
    assert (order.incident_id, order.service_ended_at, order.summary) == ("incident-1", ended, "摔倒，已送医")
    async with desk.database.transaction() as session:
        (follow_up,) = await session.scalars(select(FollowUpRow))
        assert (follow_up.work_order_id, follow_up.state) == (order.id, "due")
        assert follow_up.due_at == ended + timedelta(hours=24)


async def test_given_the_same_facts_again_then_nothing_is_made_twice(desk: Desk) -> None:
    facts = [closed(), closed(), dispositioned("work_order"), dispositioned("complaint")]
    first = await project(desk, *facts)
    second = await project(desk, *facts)
    assert [order.id for order in first] == [order.id for order in second]
    assert [order.kind for order in second] == ["emergency", "service"]
    async with desk.database.transaction() as session:
        assert len(list(await session.scalars(select(FollowUpRow)))) == 1


@pytest.mark.parametrize(
    ("disposition", "kind", "expected"),
    [
        ("work_order", "", ["service"]),
        ("work_order", "enquiry", ["enquiry"]),
        ("work_order", "emergency", ["service"]),
        ("work_order", "nonsense", ["service"]),
        ("complaint", "", ["complaint"]),
        ("enquiry", "", ["enquiry"]),
        ("callback", "", ["callback"]),
        ("answered", "", []),
        ("wrong_number", "", []),
        ("abandoned", "", []),
    ],
)
async def test_given_a_disposition_then_an_order_is_taken_in_when_something_is_left_to_do(
    desk: Desk, disposition: str, kind: str, expected: list[str]
) -> None:
    """B5: answered on the spot, or it becomes a work order."""
    orders = await project(desk, dispositioned(disposition, kind))
    assert [(order.kind, order.state) for order in orders] == [(kind, "intake") for kind in expected]


async def test_given_facts_without_call_or_incident_then_they_are_passed_by(desk: Desk) -> None:
    stray = [
        record(CallDispositioned(disposition="work_order"), NOW, "op1"),
        record(EmergencyClosed(outcome="false_alarm", closed_at=NOW), NOW, "op1", call_id="c"),
    ]
    assert await project(desk, *stray) == []


def test_given_a_holiday_then_working_days_pass_over_it() -> None:
    """C1: three working days; 1–5 May 2026 is a holiday, and Saturday 9 May is worked."""
    at = datetime(2026, 4, 30, 2, tzinfo=UTC)
    assert after_working_days(at, 3) == datetime(2026, 5, 8, 2, tzinfo=UTC)


def test_given_a_year_without_a_published_calendar_then_monday_to_friday_are_worked() -> None:
    day = datetime(2098, 3, 3, tzinfo=UTC).date()
    assert [is_working_day(day + timedelta(days=n)) for n in range(7)].count(True) == 5
