"""Case files of an emergency that stays open: whatever comes next finds a human, and nothing outlives its close."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.model import Who
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.notifications.facts import MessageRequested
from callcenter.people.directory import Contact, Directory, Elder
from tests.support.fake_pbx import Channel
from tests.support.world import COMMUNITY, DUTY, GUARDIAN, LI, SOCIAL_WORKER, STRANGER, WANG, WANG_PENDANT, World

ABROAD = "+85212345678"
WHO = Who(caller=WANG, elder_id="elder-wang", elder_name="王秀英")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.register("op1")
    yield world
    world.close()


def left_open(world: World) -> str:
    """Her emergency was answered, everybody hung up, the call-back was taken off, and nobody closed it."""
    her = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(5)
    world.hang_up(seat)
    world.hang_up(her)
    world.wait(3)
    incident = world.incident()
    legs = [leg for call in world.controller.emergencies.calls_of(incident) for leg in call.elder_legs if leg.live]
    world.run(lambda: world.controller.emergencies.remove(incident.id, legs[0].id, actor="op1"))
    world.wait(5)
    assert not world.all_ringing()
    return incident.id


def alarm(world: World, kind: Kind = Kind.SMOKE, voice_seconds: float = 0.0) -> None:
    world.run(
        lambda: world.controller.emergencies.alarm(
            WHO, kind, DEFAULT_PLAN, actor="source:x", voice_seconds=voice_seconds
        )
    )


def test_an_alarm_on_an_emergency_that_was_answered_and_never_closed_reaches_a_human_again(world: World) -> None:
    """A8, R18: joining must not mean that nobody is rung."""
    left_open(world)
    alarm(world)
    assert world.controller.emergencies.open_count == 1
    world.answer(world.ringing("op1"))
    (heard,) = world.bodies(ef.PressHeard)
    assert heard.by == "op1"
    world.wait(30)
    assert not world.rings("op1")


def test_a_press_hung_up_at_once_on_such_an_emergency_keeps_seats_ringing_also_over_a_crash(world: World) -> None:
    left_open(world)
    world.hang_up(world.press(WANG))
    world.wait(1)
    world.crash()
    world.start()
    world.wait(1)
    assert world.rings("op1")


def test_an_alarm_while_an_operator_is_with_her_rings_nobody_else_when_he_leaves(world: World) -> None:
    her = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(5)
    alarm(world)
    world.wait(5)
    world.hang_up(her)
    world.hang_up(seat)
    world.wait(1)
    assert [pressed.unheard for pressed in world.bodies(ef.EmergencyPressed)] == [False]
    assert not world.rings("op1")


def test_a_terminal_that_alarms_and_calls_is_called_back_within_three_seconds_of_its_drop(world: World) -> None:
    """R16, R19: its own call has come; the minute for which it would have been waited is over."""
    alarm(world, Kind.MANUAL, voice_seconds=60)
    her = world.press(WANG_PENDANT)
    world.wait(1)
    world.hang_up(her)
    world.wait(3)
    assert world.dialled(WANG) + world.dialled(WANG_PENDANT) == 1


def test_the_on_call_mobile_that_drops_is_rung_again(tmp_path: Path) -> None:
    """A9: she must not be left alone because the only one on call had been with her before."""
    world = World(tmp_path, duty=DUTY[:1])
    world.press(STRANGER)
    world.wait(6)
    mobile = world.ringing(DUTY[0])
    world.accept(mobile)
    world.wait(20)
    world.hang_up(mobile)
    world.wait(10)
    assert world.rings(DUTY[0])
    world.close()


def test_a_file_that_loses_its_numbers_stops_nobody_elses_call_back(world: World) -> None:
    """One elder's deleted file must not hold up another's call-back."""
    her = world.press("anonymous")
    call = world.controller.calls.open_calls()[0]
    matched = cf.ElderMatched(elder_id="elder-wang", elder_name="王秀英")
    world.run(
        lambda: world.controller.ledger.record(matched, actor="op1", call_id=call.id, incident_id=call.incident_id)
    )
    world.hang_up(her)
    world.wait(2)
    world.directory = Directory()
    world.hang_up(world.press(STRANGER))
    world.wait(60)
    assert world.dialled(STRANGER) > 0


@pytest.mark.parametrize(
    "shown", ["+88213000001", "+19005550100", "120", "110", "12345", "95120", "16812345", "12590123", "179510044207123"]
)
def test_a_number_that_is_easily_forged_is_not_called_back_by_the_machine(world: World, shown: str) -> None:
    """Calling back whatever a stranger shows would pay a fraud abroad, or keep 120 busy; seats ring all the same."""
    world.hang_up(world.press(shown))
    world.wait(120)
    assert world.dialled(shown) == 0
    assert world.dialled("op1") > 0


def test_a_relative_abroad_who_is_on_file_is_called_back(tmp_path: Path) -> None:
    elder = Elder(id="e", code="1", name="周", contacts=(Contact(role="family", name="女儿", phone=ABROAD),))
    world = World(tmp_path, elders=[elder])
    world.hang_up(world.press(ABROAD))
    world.wait(3)
    assert world.rings(ABROAD)
    world.close()


def test_an_ambulance_that_says_nothing_is_not_told_of_after_the_close(world: World) -> None:
    world.press(WANG)
    world.answer(world.ringing("op1"))
    world.request("120")
    world.answer(world.ringing("120"))
    world.wait(2)
    world.close_incident()
    world.wait(30)
    assert not world.bodies(ef.HelpSilent)


def test_who_was_taken_for_somebody_else_first_has_an_emergency_of_her_own_by_her_press(world: World) -> None:
    """A8: her press must not go into another elder's room."""
    her: Channel = world.press(WANG)
    call = world.call_of(her)
    matched = cf.ElderMatched(elder_id="elder-li", elder_name="李国强")
    world.run(
        lambda: world.controller.ledger.record(matched, actor="op1", call_id=call.id, incident_id=call.incident_id)
    )
    world.press(WANG_PENDANT)
    assert world.controller.emergencies.open_count == 2
    world.press(LI)
    assert world.controller.emergencies.open_count == 2


def test_an_emergency_that_nobody_closes_does_not_ring_her_people_all_night(world: World) -> None:
    """A8: they are called when she is not reached, at the plan's pace at first; then less and less often."""
    her = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(5)
    world.hang_up(seat)
    world.hang_up(her)
    world.wait(600, step=1.0)
    soon = {number: world.dialled(number) for number in (GUARDIAN, SOCIAL_WORKER, COMMUNITY)}
    assert all(count >= 4 for count in soon.values())
    world.wait(3600, step=1.0)
    assert all(world.dialled(number) - count <= 20 for number, count in soon.items())
    assert world.dialled(WANG) > 40


def test_a_helper_who_came_and_went_is_not_called_again_by_the_machine(world: World) -> None:
    her = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(5)
    world.hang_up(seat)
    world.hang_up(her)
    while not world.rings(SOCIAL_WORKER):
        world.wait(1)
    helper = world.ringing(SOCIAL_WORKER)
    world.accept(helper)
    world.wait(5)
    before = world.dialled(SOCIAL_WORKER)
    world.hang_up(helper)
    world.wait(300, step=1.0)
    assert world.dialled(SOCIAL_WORKER) == before


def test_in_a_crowd_every_family_is_texted_and_called_though_the_lines_are_few(tmp_path: Path) -> None:
    """A3, R21: the families of the first must not keep those of the last from hearing."""
    numbers = [(f"138100{n:05d}", f"137100{n:05d}") for n in range(100)]
    elders = [
        Elder(id=f"e{own}", code=own, name="n", phones=(own,), contacts=(Contact("family", "女儿", daughter),))
        for own, daughter in numbers
    ]
    world = World(tmp_path, elders=elders)
    for own, _ in numbers:
        world.press(own)
    world.wait(12)
    families = {daughter for _, daughter in numbers}
    texted = [wanted.to for wanted in world.bodies(MessageRequested) if wanted.to in families]
    assert sorted(texted) == sorted(families)
    world.wait(180, step=1.0)
    assert all(world.dialled(daughter) for daughter in families)
    assert all(world.dialled(mobile) for mobile in DUTY)
    world.close()


def test_the_only_operator_leaves_a_drill_for_somebody_in_need(tmp_path: Path) -> None:
    """A6, A9: a drill never stands before an emergency."""
    world = World(tmp_path, duty=())
    world.register("op1")
    drill = Drill(("op1",), {})
    world.run(
        lambda: world.controller.emergencies.alarm(
            Who(caller=LI, elder_id="elder-li"), Kind.FALL, DEFAULT_PLAN, actor="sup1", origin="drill", drill=drill
        )
    )
    world.answer(world.ringing("op1"))
    world.wait(2)
    her = world.press(WANG)
    world.wait(4)
    seat = world.ringing("op1")
    assert seat.variables["CC_ROOM"] == her.variables["CC_ROOM"]
    world.answer(seat)
    world.wait(5)
    assert world.incident().human_answer_ms is not None
    world.close()


def test_a_seat_that_rings_for_a_drill_rings_for_somebody_in_need_instead(tmp_path: Path) -> None:
    world = World(tmp_path, duty=())
    world.register("op1")
    drill = Drill(("op1",), {})
    world.run(
        lambda: world.controller.emergencies.alarm(
            Who(elder_id="elder-li"), Kind.FIRE, DEFAULT_PLAN, actor="sup1", origin="drill", drill=drill
        )
    )
    assert world.rings("op1")
    her = world.press(WANG)
    world.wait(1)
    assert world.ringing("op1").variables["CC_ROOM"] == her.variables["CC_ROOM"]
    world.close()


def test_a_voicemail_that_answers_for_her_is_not_her(world: World) -> None:
    """A8, R15: it is not called for ever; her other phone and her people are."""
    world.hang_up(world.press(WANG))
    for _ in range(300):
        world.wait(1)
        for channel in world.all_ringing(WANG):
            world.answer(channel)
            world.wait(2)
            world.hang_up(channel)
    assert world.dialled(WANG_PENDANT) > 0
    assert world.dialled(SOCIAL_WORKER) > 0
    assert 4 <= world.dialled(WANG) <= 12


def test_a_line_that_drops_again_after_a_talk_is_called_back_at_once(world: World) -> None:
    """R16."""
    world.hang_up(world.press(WANG))
    for _ in range(6):
        world.wait(3)
        (line,) = world.all_ringing(WANG)
        world.answer(line)
        world.wait(40)
        world.hang_up(line)
