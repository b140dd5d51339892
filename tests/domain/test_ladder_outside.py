"""Case files of people outside: who is told at once, who in turn, and what counts as acceptance (A2, A3, R10, R15)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.model import Who
from callcenter.emergency.plan import DEFAULT_PLAN, Plan, Step
from callcenter.errors import InvalidInput
from callcenter.notifications.facts import MessageRequested
from callcenter.people.directory import Contact, Elder
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
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


def texted(world: World) -> list[str]:
    return [body.to for body in world.bodies(MessageRequested)]


def outside(world: World) -> set[str]:
    return {channel.target for channel in world.all_ringing() if channel.role not in ("seat", "elder")}


def prompts(channel: Channel) -> str:
    return channel.variables["CC_PROMPTS"]


# --- one press tells all ------------------------------------------------------------------------------------


def test_a3_one_press_rings_and_texts_guardian_leader_and_cadre_in_the_moment_the_desk_rings(village: World) -> None:
    village.register("op1")
    village.press(WANG)
    village.wait(0.25)
    assert village.rings("op1")
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


# --- a human's wish -----------------------------------------------------------------------------------------


def with_operator(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    world.answer(world.ringing("op1"))


def test_r10_120_that_is_busy_is_tried_again_and_the_operator_is_told_at_once(world: World) -> None:
    with_operator(world)
    world.board.busy.add(AMBULANCE)
    world.request("120")
    world.wait(0.5)
    assert ("ambulance-not-reached",) in [prompts for _, prompts in world.board.played]
    world.wait(60)
    assert world.dialled(AMBULANCE) == 3
    (failed,) = world.bodies(ef.HelpFailed)
    assert failed.role == "120"
    assert failed.why == "busy"


def test_r10_with_a_second_trunk_the_second_attempt_goes_out_by_it_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    world.run(lambda: world.board.refuse(world.ringing(AMBULANCE), HangupReason.UNREACHABLE))
    world.wait(0.25)
    routes = [dial.target for dial in world.board.dialled if AMBULANCE in dial.target]
    assert routes == ["PJSIP/120@trunk", "PJSIP/120@trunk2"]
    assert len(world.all_ringing(AMBULANCE)) == 1
    world.close()


def test_r10_120_that_answers_and_says_nothing_is_told_and_the_other_route_tried(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    world.answer(world.ringing(AMBULANCE))
    world.wait(14)
    assert not world.bodies(ef.HelpSilent)
    world.wait(2)
    assert len(world.bodies(ef.HelpSilent)) == 1
    assert ("ambulance-silent",) in [prompts for _, prompts in world.board.played]
    assert [dial.target for dial in world.board.dialled if "120" in dial.target][-1] == "PJSIP/120@trunk2"
    assert len([c for c in world.board.channels.values() if c.role == "120"]) == 1
    world.close()


def test_r10_120_that_spoke_once_is_never_taken_for_silent(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    ambulance = world.ringing(AMBULANCE)
    world.answer(ambulance)
    assert ambulance.listened_to, "else nobody would say that it speaks"
    world.wait(3)
    world.run(lambda: world.controller.emergencies.heard(ambulance.id))
    world.wait(60)
    assert not world.bodies(ef.HelpSilent)
    assert world.dialled(AMBULANCE) == 1
    world.close()


def test_family_is_called_in_order_until_somebody_comes_and_twice_at_most(world: World) -> None:
    with_operator(world)
    world.board.busy |= {DAUGHTER, SON, GUARDIAN}
    world.request("family")
    world.wait(5)
    tried = [
        dial.target for dial in world.board.dialled if dial.target.partition("@")[0][6:] in {DAUGHTER, SON, GUARDIAN}
    ]
    assert tried == [f"PJSIP/{number}@trunk" for number in (DAUGHTER, SON, GUARDIAN)]
    world.wait(120)
    assert [world.dialled(number) for number in (DAUGHTER, SON, GUARDIAN)] == [2, 2, 2]
    assert [body.role for body in world.bodies(ef.HelpFailed)] == ["family"]


def test_all_of_the_family_at_once_when_asked_for(world: World) -> None:
    with_operator(world)
    world.run(
        lambda: world.controller.emergencies.request_help(
            world.incident().id, "family", None, actor="op1", everybody=True
        )
    )
    assert {DAUGHTER, SON, GUARDIAN} <= outside(world)


def test_a_second_click_while_the_first_relative_talks_calls_the_next(world: World) -> None:
    with_operator(world)
    first = world.request("family")
    world.accept(world.ringing(DAUGHTER))
    second = world.request("family")
    assert second != first
    assert world.rings(SON)


def test_whom_an_operator_takes_off_is_not_called_again(world: World) -> None:
    with_operator(world)
    leg = world.request("doctor")
    world.run(lambda: world.controller.emergencies.remove(world.incident().id, leg, actor="op1"))
    world.wait(60)
    assert world.dialled(DOCTOR) == 1


def test_one_request_is_not_dialled_again_after_a_crash_that_swallowed_its_end(world: World) -> None:
    """The other end may have heard it ring: only a human may say whether to call again."""
    with_operator(world)
    world.request("120", request_id="click")
    ambulance = world.ringing(AMBULANCE)
    world.crash()
    world.board.hang_up(ambulance)
    world.start()
    world.wait(60)
    assert world.dialled(AMBULANCE) == 1
    assert [(body.role, body.why) for body in world.bodies(ef.HelpFailed)] == [("120", "lost")]


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


# --- alarms, drills, crowds ---------------------------------------------------------------------------------


def test_r19_an_alarm_without_voice_rings_the_desk_at_once_and_is_called_back_after_60_s(world: World) -> None:
    world.register("op1")
    who = Who(caller=WANG, elder_id="elder-wang", elder_name="王秀英")
    world.run(
        lambda: world.controller.emergencies.alarm(who, Kind.FALL, DEFAULT_PLAN, actor="source:t", voice_seconds=60)
    )
    world.answer(world.ringing("op1"))
    world.wait(59)
    assert world.dialled(WANG) == 0
    world.wait(2.5)
    world.answer(world.ringing(WANG))
    assert len({channel.room for channel in world.board.channels.values()}) == 1


def test_r19_a_second_alarm_that_needs_no_voice_has_her_called_back_at_once(world: World) -> None:
    """A press, then smoke: nobody waits for her voice any more."""
    who = Who(caller=WANG, elder_id="elder-wang", elder_name="王秀英")
    line = world.controller.emergencies
    world.run(lambda: line.alarm(who, Kind.MANUAL, DEFAULT_PLAN, actor="source:t", voice_seconds=60))
    world.wait(5)
    assert world.dialled(WANG) == 0
    world.run(lambda: line.alarm(who, Kind.SMOKE, DEFAULT_PLAN, actor="source:t"))
    world.wait(2)
    assert world.dialled(WANG) == 1
    assert world.incident().kind == Kind.SMOKE


def test_r19_an_alarm_whose_voice_comes_is_one_incident_and_is_not_called_back(world: World) -> None:
    world.register("op1")
    who = Who(caller=WANG, elder_id="elder-wang")
    world.run(
        lambda: world.controller.emergencies.alarm(who, Kind.FALL, DEFAULT_PLAN, actor="source:t", voice_seconds=60)
    )
    world.wait(5)
    world.press(WANG)
    assert world.rings("op1")
    world.answer(world.ringing("op1"))
    world.wait(120)
    assert world.dialled(WANG) == 0
    assert world.incident().kind == Kind.FALL


def test_r19_nobody_can_call_her_back_but_somebody_takes_the_alarm_on(world: World) -> None:
    """A smoke alarm of a flat without a phone: the operator's acceptance is the answer."""
    world.register("op1")
    world.run(lambda: world.controller.emergencies.alarm(Who(), Kind.SMOKE, DEFAULT_PLAN, actor="source:t"))
    world.wait(0.5)
    world.answer(world.ringing("op1"))
    assert world.incident().human_answer_ms is not None


def test_a6_a_drill_dials_only_who_it_names_and_swallows_no_real_press(world: World) -> None:
    world.register("op1", "op2", "sup1")
    drill = Drill(seats=("op1",), numbers={"elder": "13811110000", "120": "13811110001"})
    who = Who(caller=WANG, elder_id="elder-wang", elder_name="王秀英")
    world.run(
        lambda: world.controller.emergencies.alarm(
            who, Kind.FALL, DEFAULT_PLAN, actor="sup1", origin="drill", drill=drill
        )
    )
    incident = world.incident()
    world.wait(120)
    assert world.rings("op1")
    assert not world.rings("op2")
    assert not world.rings("sup1")
    assert {dial.target for dial in world.board.dialled} == {"PJSIP/op1", "PJSIP/13811110000@trunk"}
    assert not texted(world)
    world.answer(world.ringing("op1"))
    leg = world.run_result(lambda: world.controller.emergencies.request_help(incident.id, "120", None, actor="op1"))
    assert leg.number == "13811110001"
    with pytest.raises(InvalidInput, match="nobody stands in for family"):
        world.controller.emergencies.request_help(incident.id, "family", None, actor="op1")
    world.press(WANG)
    assert len([one for one in world.controller.emergencies.known() if one.open]) == 2


def test_r21_a_crowd_is_noticed_told_of_and_served_by_gravity_presses_and_age(world: World) -> None:
    world.register("op1")
    callers = [world.press(f"138111100{number:02}") for number in range(12)]
    world.wait(1)
    assert len(world.bodies(ef.MassBegan)) == 1
    assert world.controller.emergencies.mass_event
    world.wait(20)
    told = {room for room, prompts in world.board.played if prompts == ("mass-event",)}
    assert told == {channel.room for channel in callers}
    # Who presses again is more urgent: the one seat rings for her.
    world.press("13811110007")
    world.wait(0.5)
    (ringing,) = world.all_ringing("op1")
    assert ringing.room is None
    assert world.call_of(ringing).caller == "13811110007"


def test_a_stranger_without_a_number_is_looked_for_by_seats_alone(world: World) -> None:
    world.register("op1")
    channel = world.press("anonymous")
    world.wait(45)
    assert outside(world) == set(DUTY)
    assert world.rings("op1")
    assert channel.room
    assert STRANGER not in texted(world)
