"""Follow-ups: due within 24 h of a service, tried, completed; a suspected complaint keeps the order open (C7)."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.service import Answer, FollowUps, closed_loop
from callcenter.follow_ups.states import TRANSITIONS, Outcome, State, step
from callcenter.timeline.model import FactRow
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.service import Draft, WorkOrders
from callcenter.work_orders.states import Kind
from callcenter.work_orders.states import State as OrderState

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

ALLOWED = {
    ("due", "in_progress"), ("due", "done"), ("due", "cancelled"),
    ("in_progress", "in_progress"), ("in_progress", "done"), ("in_progress", "cancelled"),
}  # fmt: skip


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)))
def test_given_any_state_when_any_step_is_asked_then_only_the_written_ones_are_made(state: State, to: State) -> None:
    if (state, to) in ALLOWED:
        assert step(state, to) is to
    else:
        with pytest.raises(IllegalTransition):
            step(state, to)


def test_given_the_table_then_every_state_is_in_it() -> None:
    assert set(TRANSITIONS) == set(State)


class Case:
    """A done work order and its follow-up, in one open session."""

    def __init__(self, session: AsyncSession, orders: WorkOrders, follow_ups: FollowUps, clock: ManualClock) -> None:
        self.session, self.orders, self.follow_ups, self.clock = session, orders, follow_ups, clock
        self.order: WorkOrderRow
        self.follow_up: FollowUpRow

    async def begin(self) -> None:
        draft = Draft(kind=Kind.SERVICE, summary="送餐", elder_id="elder-1", call_id="call-1")
        self.order = await self.orders.create(self.session, draft, "op1")
        for state in (OrderState.AUDITED, OrderState.DISPATCHED):
            await self.orders.move(self.session, self.order, state, "op1")
        ended = NOW - timedelta(hours=1)
        await self.orders.move(self.session, self.order, OrderState.DONE, "op1", service_ended_at=ended)
        (self.follow_up,) = await self.all()

    async def all(self) -> list[FollowUpRow]:
        return list(await self.session.scalars(select(FollowUpRow).order_by(FollowUpRow.id)))

    async def complete(self, **said: object) -> None:
        answer = Answer(result="满意", **said)  # type: ignore[arg-type]
        await self.follow_ups.complete(self.session, self.follow_up, answer, "op2")


@pytest.fixture
async def case(database: Database) -> AsyncIterator[Case]:
    clock = ManualClock(NOW)
    orders, follow_ups = closed_loop(clock, 24)
    async with database.transaction() as session:
        made = Case(session, orders, follow_ups, clock)
        await made.begin()
        yield made


async def test_given_a_done_order_then_its_follow_up_is_due_24_hours_after_the_service(case: Case) -> None:
    """SZ 6.2.5."""
    assert case.follow_up.state == "due"
    assert case.follow_up.due_at == NOW + timedelta(hours=23)
    assert (case.follow_up.work_order_id, case.follow_up.elder_id) == (case.order.id, "elder-1")


async def test_given_an_attempt_that_fails_then_it_is_counted_and_the_follow_up_stays_open(case: Case) -> None:
    for outcome in (Outcome.NO_ANSWER, Outcome.BUSY):
        await case.follow_ups.attempt(case.session, case.follow_up, outcome, "op1", note="下午再打")
    assert case.follow_up.state == "in_progress"
    assert [(tried.outcome, tried.actor) for tried in case.follow_up.attempts] == [
        ("no_answer", "op1"),
        ("busy", "op1"),
    ]
    assert case.order.state == "done"


async def test_given_an_answer_then_the_order_is_followed_up_and_can_be_closed(case: Case) -> None:
    await case.complete(rating=5, wishes="周二再来", call_id="call-9")
    assert (case.follow_up.state, case.follow_up.rating, case.follow_up.done_by) == ("done", 5, "op2")
    assert (case.follow_up.done_at, case.follow_up.wishes) == (NOW, "周二再来")
    assert case.order.state == "followed_up"
    await case.orders.move(case.session, case.order, OrderState.CLOSED, "op2")


async def test_given_a_suspected_complaint_then_the_order_stays_open_until_it_is_settled(case: Case) -> None:
    await case.complete(rating=1, suspected_complaint=True)
    assert (case.order.state, case.order.suspected_complaint) == ("followed_up", True)
    with pytest.raises(Conflict, match="suspected complaint"):
        await case.orders.move(case.session, case.order, OrderState.CLOSED, "sup1")
    assert case.order.state == "followed_up"
    await case.orders.move(case.session, case.order, OrderState.CLOSED, "sup1", reason="站长上门，已和解")
    assert case.order.state == "closed"


async def test_given_a_completed_follow_up_then_it_cannot_be_tried_or_completed_again(case: Case) -> None:
    await case.complete()
    with pytest.raises(IllegalTransition):
        await case.complete()
    with pytest.raises(IllegalTransition):
        await case.follow_ups.attempt(case.session, case.follow_up, Outcome.BUSY, "op1")


@pytest.mark.parametrize("rating", [0, 6, -1])
async def test_given_a_rating_out_of_range_then_nothing_is_recorded(case: Case, rating: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 5"):
        await case.complete(rating=rating)
    assert case.follow_up.state == "due"


async def test_given_an_open_follow_up_when_the_order_is_moved_past_it_by_hand_then_it_is_refused(case: Case) -> None:
    with pytest.raises(Conflict, match="complete the follow-up"):
        await case.orders.move(case.session, case.order, OrderState.FOLLOWED_UP, "op1")


async def test_given_a_second_dispatch_then_the_follow_up_is_cancelled_and_a_new_one_comes(case: Case) -> None:
    """C6, C7."""
    await case.orders.move(case.session, case.order, OrderState.DISPATCHED, "sup1", reason="回单不合格")
    assert case.follow_up.state == "cancelled"
    case.clock.move_to(NOW + timedelta(days=1))
    await case.orders.move(case.session, case.order, OrderState.DONE, "sup1")
    _, second = await case.all()
    assert (second.state, second.due_at) == ("due", NOW + timedelta(days=2))


async def test_given_the_whole_story_then_its_facts_are_on_the_calls_timeline(case: Case) -> None:
    """A7."""
    await case.follow_ups.attempt(case.session, case.follow_up, Outcome.BUSY, "op1")
    await case.complete(rating=4)
    facts = await case.session.scalars(select(FactRow).where(FactRow.call_id == "call-1").order_by(FactRow.id))
    assert [fact.kind for fact in facts][-4:] == [
        "follow_up.due",
        "follow_up.attempted",
        "follow_up.completed",
        "work_order.moved",
    ]


async def test_given_an_unknown_id_then_not_found(case: Case) -> None:
    with pytest.raises(NotFound):
        await case.follow_ups.get(case.session, "nothing")
