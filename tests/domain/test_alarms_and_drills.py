"""Case files of alarms without a call, of drills and of crowds (A6, R19, R21)."""

import pytest

from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.model import Who
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.errors import InvalidInput
from tests.support.outside import texted
from tests.support.world import (
    WANG,
    World,
)


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
