"""What the watchdog presses is nobody's work: no order, no webhook; a person's emergency beside it is (B5, H3). A drill
is told outside as what it is, and makes no work (A6)."""

from datetime import UTC, datetime

from sqlalchemy import select

from callcenter.bus import LocalBus
from callcenter.calls.facts import SYNTHETIC
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.emergency import facts as ef
from callcenter.emergency.in_earnest import in_earnest
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.emergency.tables import EmergencyProjector, EmergencyRow
from callcenter.facts import Fact, record
from callcenter.follow_ups.service import closed_loop
from callcenter.routing.facts import SeatDeclared
from callcenter.webhooks.model import DeliveryRow
from callcenter.webhooks.projector import WebhookProjector
from callcenter.webhooks.service import SubscriptionInput, create_subscription
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.projector import WorkOrderProjector

AT = datetime(2026, 3, 7, 2, tzinfo=UTC)


def incident(id: str, origin: str) -> list[Fact]:
    opened = ef.EmergencyOpened(origin=origin, room=id, invited_at=AT, plan=DEFAULT_PLAN)
    closed = ef.EmergencyClosed(outcome=SYNTHETIC, closed_at=AT)
    return [record(body, AT, "watchdog", call_id=f"call-{id}", incident_id=id) for body in (opened, closed)]


async def test_given_both_kinds_in_one_batch_then_only_the_persons_makes_work(database: Database) -> None:
    clock = ManualClock(AT)
    ours, theirs = incident("ours", SYNTHETIC), incident("theirs", "press")
    other = record(SeatDeclared(seat="op1", state="ready"), AT, "op1")
    facts = [*ours, *theirs, other]
    orders, _ = closed_loop(clock, 24, LocalBus())
    async with database.transaction() as session:
        await create_subscription(session, clock, SubscriptionInput(url="http://127.0.0.1/hook", kinds=["*"]))
    async with database.transaction() as session:
        for projector in (EmergencyProjector(), WorkOrderProjector(orders), WebhookProjector()):
            await projector.apply(session, facts)
        assert await in_earnest(session, facts) == [*theirs, other]
        assert await in_earnest(session, [other]) == [other]
    async with database.transaction() as session:
        rows = (await session.scalars(select(EmergencyRow.id).order_by(EmergencyRow.id))).all()
        assert rows == ["ours", "theirs"]
        assert (await session.scalars(select(WorkOrderRow.incident_id))).all() == ["theirs"]
        told = (await session.scalars(select(DeliveryRow.fact_id))).all()
        assert set(told) >= {fact.id for fact in [*theirs, other]}
        assert not set(told) & {fact.id for fact in ours}


async def test_given_a_drill_then_it_is_told_but_nobody_has_to_follow_it_up(database: Database) -> None:
    clock = ManualClock(AT)
    facts = [*incident("exercise", "drill"), *incident("theirs", "press")]
    orders, _ = closed_loop(clock, 24, LocalBus())
    async with database.transaction() as session:
        for projector in (EmergencyProjector(), WorkOrderProjector(orders)):
            await projector.apply(session, facts)
        assert await in_earnest(session, facts) == facts
    async with database.transaction() as session:
        assert (await session.scalars(select(WorkOrderRow.incident_id))).all() == ["theirs"]
