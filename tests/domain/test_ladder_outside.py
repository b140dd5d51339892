"""Case files of people outside: who is told at once, who in turn, and what counts as acceptance (A2, A3, R10, R15)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.plan import Plan, Step
from callcenter.people.directory import Contact, Elder
from callcenter.telephony.events import HangupReason
from tests.support.outside import outside, prompts, texted, with_operator
from tests.support.world import (
    AMBULANCE,
    COMMUNITY,
    DAUGHTER,
    DOCTOR,
    DUTY,
    GUARDIAN,
    LI,
    SOCIAL_WORKER,
    SON,
    STRANGER,
    WANG,
    WANG_PENDANT,
    World,
)

LEADER, CADRE = "13700000008", "13700000009"
TELL_ALL = Plan(
    id="tell-all",
    name="一键通知",
    steps=(Step(0, ("free_seats", "guardian", "group_leader", "village_cadre")),),
)
VILLAGER = Elder(
    id="elder-zhao",
    code="0003",
    name="赵大爷",
    phones=(WANG,),
    plan_id="tell-all",
    address="麻城市某村 3 栋 2 单元 501 室",
    contacts=(
        Contact(role="guardian", name="监护人", phone=GUARDIAN),
        Contact(role="group_leader", name="组长", phone=LEADER),
        Contact(role="village_cadre", name="村干部", phone=CADRE),
        Contact(role="family", name="女儿", phone=DAUGHTER),
    ),
)


@pytest.fixture
def village(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, plans=[TELL_ALL], elders=[VILLAGER])
    yield world
    world.close()


# --- one press tells all ------------------------------------------------------------------------------------


def test_a3_one_press_rings_and_texts_guardian_leader_and_cadre_in_the_moment_the_desk_rings(village: World) -> None:
    village.register("op1")
    village.press(WANG)
    village.wait(0.25)
    assert village.rings("op1")
    assert outside(village) == {GUARDIAN, LEADER, CADRE}
    assert sorted(texted(village)) == [GUARDIAN, LEADER, CADRE]


def test_a3_a_seat_that_picks_up_in_the_same_moment_does_not_keep_anybody_from_being_told(village: World) -> None:
    village.register("op1")
    elder = village.press(WANG)
    village.answer(village.ringing("op1"))
    assert village.call_of(elder).staffed
    village.wait(0.5)
    assert outside(village) == {GUARDIAN, LEADER, CADRE}
    assert sorted(texted(village)) == [GUARDIAN, LEADER, CADRE]


def test_a3_who_is_told_at_once_rings_on_when_the_desk_answers_and_joins_by_key_1(village: World) -> None:
    village.register("op1")
    elder = village.press(WANG)
    village.wait(0.25)
    village.answer(village.ringing("op1"))
    assert outside(village) == {GUARDIAN, LEADER, CADRE}
    village.accept(village.ringing(LEADER))
    assert village.call_of(elder).staffed
    village.run(lambda: village.board.refuse(village.ringing(GUARDIAN), HangupReason.BUSY))
    village.wait(60)
    # Each was told once; while somebody of ours is with her nobody is called again.
    assert [village.dialled(number) for number in (GUARDIAN, LEADER, CADRE)] == [1, 1, 1]
    assert len(texted(village)) == 3


def test_a3_without_a_desk_who_did_not_answer_is_rung_again_after_a_rest(village: World) -> None:
    village.press(WANG)
    village.wait(1)
    village.run(lambda: village.board.refuse(village.ringing(CADRE), HangupReason.NO_ANSWER))
    village.wait(9)
    assert village.dialled(CADRE) == 1
    village.wait(2)
    assert village.dialled(CADRE) == 2
    assert texted(village).count(CADRE) == 1


def test_whoever_is_outside_hears_where_and_what_before_the_key(village: World) -> None:
    """Building, unit and room in recorded pieces, read as on a door plate; then what to press."""
    village.press(WANG)
    village.wait(0.25)
    said = prompts(village.ringing(GUARDIAN)).split("&")
    assert said[0] == "emergency-from"
    assert said[1:9] == ["digit-3", "building", "digit-2", "unit", "digit-5", "digit-0", "digit-1-tel", "room"]
    assert said[-2:] == ["kind-manual", "press-1-to-accept"]


# --- the later steps ----------------------------------------------------------------------------------------


def test_r15_voicemail_presses_no_key_so_the_next_relative_is_tried(world: World) -> None:
    world.press(WANG)
    world.wait(10.5)
    assert {DAUGHTER, GUARDIAN} <= outside(world)
    voicemail = world.ringing(DAUGHTER)
    world.answer(voicemail)
    world.wait(5)
    assert world.incident().human_answer_ms is None
    assert not world.rings(SON)
    world.wait(5.5)
    assert world.rings(SON)
    world.hang_up(voicemail)
    (ended,) = [body for body in world.bodies(cf.LegEnded) if body.role == "family"]
    assert ended.reason == "not_accepted"


def test_the_plan_goes_on_to_social_worker_community_and_doctor_and_never_stops(world: World) -> None:
    world.press(WANG)
    world.wait(20.5)
    assert {SOCIAL_WORKER, COMMUNITY} <= outside(world)
    world.wait(20)
    assert DOCTOR in outside(world)
    world.wait(600)
    assert world.dialled(DOCTOR) >= 10
    assert world.incident().open


def test_a_relative_who_accepts_is_with_her_but_the_desk_is_still_wanted(world: World) -> None:
    world.press(WANG)
    world.wait(10.5)
    world.accept(world.ringing(DAUGHTER))
    world.register("op1")
    assert world.rings("op1")
    assert world.incident().human_answer_ms is None
    world.wait(60)
    assert world.dialled(SON) == 0


def test_first_to_accept_wins_and_the_escalation_stops_ringing(world: World) -> None:
    world.press(WANG)
    world.wait(20.5)
    world.accept(world.ringing(DUTY[0]))
    assert world.incident().answered_by == DUTY[0]
    assert outside(world) == set()
    world.wait(120)
    assert outside(world) == set()


def test_a_phone_that_stops_ringing_because_another_accepted_or_it_is_over_is_on_record_as_cancelled(
    world: World,
) -> None:
    world.press(WANG)
    world.wait(20.5)
    world.accept(world.ringing(DUTY[0]))
    world.request("doctor")
    world.close_incident()
    ended = {body.role: body.reason for body in world.bodies(cf.LegEnded)}
    for role in ("family", "guardian", "social_worker", "community", "doctor"):
        assert ended[role] == "cancelled", role


def test_when_she_is_alone_again_the_plan_begins_anew(world: World) -> None:
    world.press(WANG)
    world.wait(5.5)
    duty = world.ringing(DUTY[0])
    world.accept(duty)
    world.wait(30)
    world.hang_up(duty)
    world.wait(4)
    assert not outside(world) & {DAUGHTER}
    world.wait(8)
    assert {DUTY[1], DAUGHTER} <= outside(world)


def test_a_plan_may_take_picking_up_for_acceptance(tmp_path: Path) -> None:
    """A terminal of a guardian without keys."""
    plan = Plan(id="tell-all", name="x", steps=(Step(0, ("free_seats", "guardian"), accept="answer"),))
    world = World(tmp_path, plans=[plan], elders=[VILLAGER])
    elder = world.press(WANG)
    world.wait(0.25)
    guardian = world.ringing(GUARDIAN)
    world.answer(guardian)
    assert guardian.room == elder.room
    world.close()


def test_one_doctor_of_two_elders_is_never_rung_for_both_at_once(tmp_path: Path) -> None:
    plan = Plan(id="p", name="p", steps=(Step(0, ("doctor",)),))
    contacts = (Contact(role="doctor", name="张医生", phone=DOCTOR),)
    elders = [
        Elder(id=f"e{n}", code=f"{n}", name="x", phones=(number,), plan_id="p", contacts=contacts)
        for n, number in enumerate((WANG, LI))
    ]
    world = World(tmp_path, plans=[plan], elders=elders, duty=())
    world.press(WANG)
    world.press(LI)
    world.wait(1)
    assert world.dialled(DOCTOR) == 1
    world.run(lambda: world.board.refuse(world.ringing(DOCTOR), HangupReason.REJECTED))
    world.wait(0.5)
    assert world.dialled(DOCTOR) == 2
    assert len(world.all_ringing(DOCTOR)) == 1
    world.close()


def test_a_crash_in_mid_ladder_dials_nobody_twice(world: World) -> None:
    world.press(WANG)
    world.wait(11)
    ringing = outside(world)
    before = {number: world.dialled(number) for number in ringing}
    world.crash()
    world.start()
    world.wait(3)
    assert {number: world.dialled(number) for number in ringing} == before
    assert texted(world) == list(dict.fromkeys(texted(world)))


# --- the elder's line ---------------------------------------------------------------------------------------


def test_r16_she_drops_while_the_operator_talks_with_her_then_her_room_waits_and_120_is_told(world: World) -> None:
    with_operator(world)
    world.request("120")
    world.answer(world.ringing(AMBULANCE))
    elder = next(channel for channel in world.board.channels.values() if channel.elder)
    world.hang_up(elder)
    assert len(world.bodies(ef.LineDropped)) == 1
    assert ("elder-line-dropped",) in [prompts for _, prompts in world.board.played]
    world.wait(3)
    callback = world.ringing(WANG)
    assert {c.target for c in world.board.channels.values()} == {"op1", AMBULANCE, WANG}
    world.answer(callback)
    assert ("elder-back",) in [prompts for _, prompts in world.board.played]
    assert len({c.room for c in world.board.channels.values()}) == 1
    assert world.incident().open


def test_r16_then_her_other_phones_then_her_people_are_tried(world: World) -> None:
    with_operator(world)
    elder = next(channel for channel in world.board.channels.values() if channel.elder)
    world.board.busy |= {WANG, WANG_PENDANT}
    world.hang_up(elder)
    world.wait(1.5)
    assert (world.dialled(WANG), world.dialled(WANG_PENDANT)) == (1, 0)
    world.wait(1)
    assert world.dialled(WANG_PENDANT) == 1
    world.wait(0.5)
    assert {DAUGHTER, GUARDIAN} <= outside(world)
    world.wait(12)
    assert {SOCIAL_WORKER, COMMUNITY} <= outside(world)


def test_an_operator_who_knows_that_she_meant_to_hang_up_takes_the_call_back_off(world: World) -> None:
    with_operator(world)
    world.hang_up(next(channel for channel in world.board.channels.values() if channel.elder))
    world.wait(2)
    leg = world.ringing(WANG).id
    world.run(lambda: world.controller.emergencies.remove(world.incident().id, leg, actor="op1"))
    world.wait(120)
    assert world.dialled(WANG) == 1
    again = world.press(WANG)
    world.hang_up(again)
    world.wait(3)
    assert world.dialled(WANG) == 2


def test_however_often_she_is_called_back_it_is_one_call_on_record(world: World) -> None:
    elder = world.press(LI)
    world.board.busy.add(LI)
    world.hang_up(elder)
    world.wait(300)
    assert world.dialled(LI) > 5
    assert len(world.incident().calls) == 2
    world.close_incident()
    assert not world.controller.calls.open_calls()


def test_a_stranger_without_a_number_is_looked_for_by_seats_alone(world: World) -> None:
    world.register("op1")
    channel = world.press("anonymous")
    world.wait(45)
    assert outside(world) == set(DUTY)
    assert world.rings("op1")
    assert channel.room
    assert STRANGER not in texted(world)
