"""Intake out of facts: hotline calls, dispositions, voicemails and call-backs become items, each once (B5)."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import LocalBus
from callcenter.callbacks import facts as bf
from callcenter.callbacks.tables import CallBackProjector
from callcenter.calls import facts as cf
from callcenter.calls.tables import CallProjector
from callcenter.clock import ManualClock
from callcenter.complaints.model import ComplaintRow
from callcenter.complaints.service import Complaints
from callcenter.db import Database
from callcenter.errors import IllegalTransition
from callcenter.facts import Body, Fact, record
from callcenter.follow_ups.service import closed_loop
from callcenter.ids import new_id
from callcenter.intake.model import IntakeRow
from callcenter.intake.projector import OUTCOMES, IntakeProjector
from callcenter.intake.service import Intake
from callcenter.intake.states import TRANSITIONS, State, step
from callcenter.routing.hotline import DISPOSITIONS
from callcenter.voicemail.facts import VoicemailLeft
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.projector import WorkOrderProjector

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ALLOWED = {("new", "taken"), ("new", "done"), ("taken", "new"), ("taken", "done")}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)))
def test_given_any_state_when_any_step_then_only_the_written_ones(state: State, to: State) -> None:
    if (state, to) in ALLOWED:
        assert step(state, to) is to
    else:
        with pytest.raises(IllegalTransition):
            step(state, to)
    assert set(TRANSITIONS) == set(State)


def test_given_every_disposition_then_it_settles_an_item() -> None:
    assert set(OUTCOMES) == set(DISPOSITIONS)


class Desk:
    """The relay's projectors that matter here, over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        clock, bus = ManualClock(NOW), LocalBus()
        orders, _ = closed_loop(clock, 24, bus)
        intake, complaints = Intake(clock, bus), Complaints(clock, bus)
        self._projectors = (
            *(CallProjector(), CallBackProjector(), WorkOrderProjector(orders)),
            IntakeProjector(intake, complaints),
        )

    async def take_in(self, *facts: Fact) -> None:
        async with self.database.transaction() as session:
            for projector in self._projectors:
                await projector.apply(session, facts)
                await session.flush()

    async def items(self) -> Sequence[IntakeRow]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(IntakeRow).order_by(IntakeRow.id))).all()

    async def only(self, session: AsyncSession, table: type[WorkOrderRow] | type[ComplaintRow]) -> str:
        return str((await session.scalars(select(table.id))).one())


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def said(body: Body, call_id: str, actor: str = "pbx", after: float = 0) -> Fact:
    return record(body, NOW + timedelta(seconds=after), actor, call_id=call_id)


def call(call_id: str, *, line: str = "hotline", via: str = "controller", digit: str = "1") -> list[Fact]:
    """A hotline call that op1 answers."""
    opened = cf.CallOpened(
        line=line,
        caller="13800001001",
        did="12349",
        room=call_id,
        recording="r",
        invited_at=NOW,
        leg_id=f"{call_id[:30]}-e",
        channel_id="1",
        elder_id="e1",
        elder_name="陈桂英",
        via=via,
    )
    seat = f"{call_id[:30]}-s"
    return [
        said(opened, call_id),
        said(cf.MenuChosen(digit=digit), call_id, "elder", 1),
        said(cf.LegAdded(leg_id=seat, role="seat", number="op1"), call_id, "system", 2),
        said(cf.LegJoined(leg_id=seat, role="seat"), call_id, "pbx", 3),
    ]


async def test_b5_given_a_hotline_call_when_answered_then_an_item_that_the_operator_has(desk: Desk) -> None:
    call_id = new_id()
    facts = call(call_id)
    await desk.take_in(*facts)
    await desk.take_in(facts[-1])
    (item,) = await desk.items()
    assert (item.channel, item.kind, item.state, item.taken_by) == ("phone", "service", "taken", "op1")
    assert (item.call_id, item.elder_id, item.contact, item.caller) == (call_id, "e1", "陈桂英", "13800001001")


@pytest.mark.parametrize(
    ("line", "via"), [("emergency", "controller"), ("hotline", "synthetic"), ("outbound", "operator")]
)
async def test_given_another_kind_of_call_when_answered_then_no_item(desk: Desk, line: str, via: str) -> None:
    await desk.take_in(*call(new_id(), line=line, via=via))
    assert await desk.items() == []


@pytest.mark.parametrize("disposition", DISPOSITIONS)
async def test_b5_given_a_disposition_when_told_then_the_item_is_settled_with_what_it_became(
    desk: Desk, disposition: str
) -> None:
    call_id = new_id()
    body = cf.CallDispositioned(disposition=disposition, summary="要求打扫", elder_id="e2")
    disposed = said(body, call_id, "op1", 60)
    await desk.take_in(*call(call_id), disposed)
    await desk.take_in(disposed)
    (item,) = await desk.items()
    assert (item.state, item.outcome, item.done_by) == ("done", OUTCOMES[disposition], "op1")
    assert (item.elder_id, item.text) == ("e2", "要求打扫")
    async with desk.database.transaction() as session:
        if disposition == "complaint":
            complaint = (await session.scalars(select(ComplaintRow))).one()
            assert (item.outcome_id, complaint.text) == (complaint.id, "要求打扫")
            assert complaint.respond_by == disposed.at + timedelta(hours=2)
        elif disposition in ("work_order", "enquiry", "callback"):
            assert item.outcome_id == await desk.only(session, WorkOrderRow)
        else:
            assert item.outcome_id is None


async def test_b5_given_a_duty_mobile_that_answers_when_told_then_the_item_waits_for_the_desk(desk: Desk) -> None:
    call_id = new_id()
    opened, chosen, *_ = call(call_id)
    added = said(cf.LegAdded(leg_id="d", role="duty", number="13911110001"), call_id, "system", 2)
    joined = said(cf.LegJoined(leg_id="d", role="duty"), call_id, "pbx", 3)
    await desk.take_in(opened, chosen, added, joined)
    (item,) = await desk.items()
    assert (item.state, item.taken_by) == ("new", None)


async def test_r20_given_a_human_says_who_called_when_told_then_the_item_is_hers(desk: Desk) -> None:
    call_id = new_id()
    await desk.take_in(*call(call_id), said(cf.ElderMatched(elder_id="e9"), call_id, "op1", 5))
    (item,) = await desk.items()
    assert item.elder_id == "e9"


async def test_b5_given_a_voicemail_when_left_then_new_for_anybody(desk: Desk) -> None:
    call_id = new_id()
    left = VoicemailLeft(
        voicemail_id="v1", caller="13800001001", seconds=12.4, offset_seconds=3, ended="key", elder_id="e1"
    )
    await desk.take_in(*call(call_id)[:2], said(left, call_id))
    (item,) = await desk.items()
    assert (item.channel, item.state, item.source, item.text) == (
        "voicemail",
        "new",
        "voicemail:v1",
        "语音留言（12 秒）",
    )
    assert (item.kind, item.elder_id, item.caller) == ("service", "e1", "13800001001")


def asked(**more: object) -> bf.CallBackAsked:
    return bf.CallBackAsked(
        callback_id="b1",
        number="13800001001",
        caller="13800001001",
        queue="general",
        since=NOW,
        **more,  # type: ignore[arg-type]
    )


async def test_b5_given_a_callback_asked_by_key_when_she_is_reached_then_the_same_item_is_dealt_with(
    desk: Desk,
) -> None:
    first, ours = new_id(), new_id()
    await desk.take_in(*call(first)[:2], said(asked(), first))
    (item,) = await desk.items()
    assert (item.channel, item.state, item.call_id) == ("callback", "new", first)
    back = call(ours, line="outbound", via="queue_callback")
    await desk.take_in(back[0], said(bf.CallBackCalling(callback_id="b1"), ours), *back[2:])
    (item,) = await desk.items()
    assert (item.state, item.taken_by, item.call_id) == ("taken", "op1", ours)
    await desk.take_in(said(cf.CallDispositioned(disposition="answered", summary="已答"), ours, "op1", 99))
    (item,) = await desk.items()
    assert (item.state, item.outcome) == ("done", "answer")


async def test_b5_given_a_callback_when_it_fails_or_she_calls_herself_then_said(desk: Desk) -> None:
    call_id = new_id()
    await desk.take_in(
        *call(call_id)[:2], said(asked(), call_id), said(bf.CallBackFailed(callback_id="b1", reason="busy"), call_id)
    )
    (item,) = await desk.items()
    assert (item.state, item.text.endswith("多次回电未接通")) == ("new", True)
    await desk.take_in(said(bf.CallBackCancelled(callback_id="b1", why="called_herself"), call_id))
    (item,) = await desk.items()
    assert (item.state, item.outcome, item.answer) == ("done", "none", "已自行来电")


async def test_given_a_callback_that_staff_placed_when_told_then_no_item(desk: Desk) -> None:
    await desk.take_in(record(asked(by_caller=False), NOW, "op1"))
    assert await desk.items() == []


async def test_b5_given_a_callback_that_staff_placed_when_it_fails_then_it_is_in_the_list_again(desk: Desk) -> None:
    """What it was placed for is done with the outcome call-back: nobody would look there."""
    ours = new_id()
    calling, failed = bf.CallBackCalling(callback_id="b1"), bf.CallBackFailed(callback_id="b1", reason="busy")
    await desk.take_in(record(asked(by_caller=False, elder_id="e1"), NOW, "op1"))
    await desk.take_in(*call(ours, line="outbound")[:1], said(calling, ours), said(failed, ours))
    (item,) = await desk.items()
    assert (item.channel, item.state, item.source) == ("callback", "new", "callback:b1")
    assert (item.caller, item.elder_id, item.text) == ("13800001001", "e1", "约定的回电多次未接通")
