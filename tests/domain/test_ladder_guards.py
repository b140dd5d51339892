"""Case files of what must not stop the ladder: a bad plan, a stranger who gets a name, a busy day before a restart."""

from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.incidents import RECENT_INCIDENTS
from callcenter.emergency.plan import DEFAULT_PLAN, Plan, Step
from callcenter.facts import encode, record
from callcenter.people.directory import Elder
from tests.support.memory import START
from tests.support.world import DAUGHTER, DUTY, LI, STRANGER, WANG, World


@pytest.mark.parametrize("steps", [(), (Step(0, ("family",)),), (Step(0, ("somebody",)),), (Step(60, ("duty",)),)])
def test_a9_given_a_plan_that_forgets_the_seats_then_seats_and_mobiles_ring_all_the_same(
    tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    """A9: a plan adds to the ladder; whatever is stored in it, an emergency rings the house."""
    plan = Plan(id="p", name="p", steps=steps)
    world = World(tmp_path, plans=[plan], elders=[Elder(id="e", code="1", name="王", phones=(WANG,), plan_id="p")])
    world.register("op1", "sup1")
    world.press(WANG)
    assert world.rings("op1")
    world.wait(3.5)
    assert world.rings("sup1")
    world.wait(2)
    assert world.rings(DUTY[0])
    world.close()


def test_given_an_incident_that_cannot_be_looked_after_then_the_others_ladder_goes_on(tmp_path: Path) -> None:
    damaged = Plan(id="p", name="p", steps=(Step("soon", ("free_seats",)),))  # type: ignore[arg-type]
    elders = [
        Elder(id="e1", code="1", name="王", phones=(WANG,), plan_id="p"),
        Elder(id="e2", code="2", name="李", phones=(LI,)),
    ]
    world = World(tmp_path, plans=[damaged], elders=elders)
    world.register("op1", "op2")
    world.press(WANG)
    world.press(LI)
    assert world.rings("op1")
    assert world.rings("op2")
    world.wait(6)
    (call,) = [call for call in world.controller.calls.open_calls() if call.elder_id == "e2"]
    assert {leg.number for leg in call.live_legs if leg.role == "duty"} == set(DUTY)
    world.close()


def test_r20_given_a_stranger_when_the_operator_says_who_she_is_then_her_family_can_be_called(world: World) -> None:
    world.register("op1")
    elder = world.press(STRANGER)
    call = world.call_of(elder)
    world.answer(world.ringing("op1"))
    world.run(
        lambda: world.controller.ledger.record(
            cf.ElderMatched(elder_id="elder-wang", elder_name="王秀英"),
            actor="op1",
            call_id=call.id,
            incident_id=call.incident_id,
        )
    )
    assert world.incident().elder_id == "elder-wang"
    world.request("family")
    assert world.rings(DAUGHTER)
    for number in (STRANGER, WANG):
        assert world.call_of(world.press(number)).incident_id == call.incident_id
    world.close_incident()
    for number in (STRANGER, WANG):
        assert world.call_of(world.press(number)).incident_id != call.incident_id


def test_a1_an_answer_just_after_the_limit_is_late_although_no_tick_saw_it(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    world.wait(5)
    world.clock.pass_time(0.1)
    world.answer(world.ringing("op1"))
    assert world.incident().human_answer_ms == 5100
    assert world.incident().late
    assert len(world.bodies(ef.AnswerLate)) == 1


def test_r1_given_a_day_of_closed_incidents_when_the_controller_restarts_then_its_heart_beats(world: World) -> None:
    """More incidents than are kept in memory were closed: clearing up after them must not stop leases and queue."""
    world.crash()
    for number in range(RECENT_INCIDENTS + 1):
        incident_id = f"incident-{number:04d}"
        opened = ef.EmergencyOpened(origin="press", room=incident_id, invited_at=START, plan=DEFAULT_PLAN)
        closed = ef.EmergencyClosed(outcome="误报", closed_at=START)
        for body in (opened, closed):
            world.journal.lines.append(encode(record(body, START, "op1", incident_id=incident_id)))
    world.journal.flush()
    world.start()
    elder = world.press(WANG)
    world.wait(20)
    assert elder.room == world.incident().room


def test_r12_a_phone_that_answers_by_itself_and_drops_cuts_short_nobody_elses_ringing_for_ever(world: World) -> None:
    """R12, R14: it is offered the elder again within 2 s, then more and more seldom; a human beside it gets to her."""
    world.register("op1", "op2")
    world.press(WANG)
    longest = 0.0
    rang_since, ring = world.clock.monotonic(), world.ringing("op2")
    for _ in range(60):
        if world.rings("op1"):
            world.answer(world.ringing("op1"))
            world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
        world.wait(0.25)
        if world.ringing("op2") is not ring:
            rang_since, ring = world.clock.monotonic(), world.ringing("op2")
        longest = max(longest, world.clock.monotonic() - rang_since)
    assert longest > 5
    assert 3 <= world.dialled("op1") <= 6


def test_r14_a_seat_alone_that_loses_an_elder_at_once_is_rung_again_within_two_seconds(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    world.answer(world.ringing("op1"))
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    world.wait(2)
    assert world.rings("op1")
