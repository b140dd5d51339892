"""Case files of the ring: who rings when, who stops, who is left alone for how long (A1, A8, A9, R13–R15, R18)."""

import pytest

from callcenter.calls.model import Role
from callcenter.emergency import facts as ef
from callcenter.emergency.incidents import MAX_ELDER_LEGS
from callcenter.errors import NotFound
from callcenter.telephony.events import HangupReason
from tests.support.world import (
    DUTY,
    LI,
    STRANGER,
    WANG,
    WANG_PENDANT,
    Account,
    World,
)


def with_operator(world: World) -> None:
    """Wang has pressed and op1 is with her."""
    world.register("op1", "op2")
    world.press(WANG)
    world.answer(world.ringing("op1"))


# --- the ring -----------------------------------------------------------------------------------------------


def test_a_press_rings_all_free_seats_at_once_and_the_first_to_answer_stops_the_others(world: World) -> None:
    """A1."""
    world.register("op1", "op2", "op3")
    elder = world.press(WANG)
    assert {channel.target for channel in world.all_ringing()} == {"op1", "op2", "op3"}
    world.answer(world.ringing("op2"))
    assert not world.all_ringing()
    assert elder.room == world.call_of(elder).room
    incident = world.incident()
    assert (incident.answered_by, incident.human_answer_ms, incident.late) == ("op2", 0, False)
    assert set(world.board.hung_up_by_us) == {
        leg.id for leg in world.call_of(elder).legs.values() if leg.number in ("op1", "op3")
    }


def test_r13_two_seats_answer_in_the_same_10_ms_then_one_is_in_and_both_are_right(world: World) -> None:
    """R13: the dialplan lets one in; the other is told, is not resting for long, and is free."""
    world.register("op1", "op2")
    elder = world.press(WANG)
    first, second = world.ringing("op1"), world.ringing("op2")
    world.answer(first, second)
    assert first.room == elder.room
    assert second.id not in world.board.channels
    call = world.call_of(elder)
    assert [leg.number for leg in call.live_legs if leg.role == Role.SEAT] == ["op1"]
    assert world.incident().answered_by == "op1"
    assert [body.by for body in world.bodies(ef.EmergencyAnswered)] == ["op1"]
    states = {seat.user: seat.state(world.clock.monotonic()) for seat in world.controller.routing.seats()}
    assert (states["op1"], states["op2"]) == ("talking", "ready")
    world.press(LI)
    assert world.rings("op2")


def test_a_seat_that_came_second_hears_so_in_peace_unless_another_elder_waits(world: World) -> None:
    """R13, A9: the sentence that somebody else has the call takes three seconds; no elder waits for its end."""
    world.register("op1", "op2")
    world.press(WANG)
    first, second = world.ringing("op1"), world.ringing("op2")
    world.run(lambda: world.board._up(first))
    world.run(lambda: world.board._up(second))
    world.run(lambda: world.board._claim(first))
    world.wait(1)
    assert second.id not in world.board.hung_up_by_us
    li = world.press(LI)
    assert second.id in world.board.hung_up_by_us
    world.answer(world.ringing("op2"))
    assert [leg.number for leg in world.call_of(li).live_legs if leg.role == Role.SEAT] == ["op2"]
    assert first.id not in world.board.hung_up_by_us


def test_an_operator_who_has_picked_up_is_not_pulled_away_by_the_next_press(world: World) -> None:
    """Between picking up and the room, another elder's press must not hang up on the first (R21)."""
    world.register("op1", "op2")
    world.press(WANG)
    picked_up = world.ringing("op1")
    world.run(lambda: world.board._up(picked_up))
    world.press(LI)
    assert picked_up.id in world.board.channels
    assert picked_up.id not in world.board.hung_up_by_us
    world.run(lambda: world.board._claim(picked_up))
    assert picked_up.room == picked_up.variables["CC_ROOM"]


def test_an_elder_whose_operator_is_on_the_way_takes_no_phone_from_another_elder(world: World) -> None:
    """R21: it may be picked up in this very moment, and would be cut off as soon as it is in the room."""
    world.register("op1", "op2")
    wang, li = world.press(WANG), world.press(LI)
    picked_up, rings_on = [
        next(seat for seat in world.all_ringing() if seat.variables["CC_ROOM"] == elder.room) for elder in (wang, li)
    ]
    world.run(lambda: world.board._up(picked_up))
    world.wait(0.5)
    assert rings_on.id not in world.board.hung_up_by_us
    world.run(lambda: world.board._claim(picked_up))
    world.answer(rings_on)
    assert rings_on.room == li.room


def test_who_loses_her_operator_comes_before_those_who_pressed_after_her(world: World) -> None:
    """R14, R21: she does not wait behind a whole crowd again."""
    world.register("op1")
    first = world.press(STRANGER)
    operator = world.ringing("op1")
    world.answer(operator)
    world.wait(1)
    world.press(f"{STRANGER[:-1]}8")
    world.wait(5)
    world.hang_up(operator)
    world.wait(2)
    assert world.ringing("op1").variables["CC_ROOM"] == first.room


def test_wrap_up_and_paused_seats_and_supervisors_ring_from_3_s_and_mobiles_from_5_s(world: World) -> None:
    """A9, R11: op1 free does not answer, op2 is paused, op3 in wrap-up after a hotline call."""
    world.register("op1", "op2", "op3", "sup1")
    world.pause("op1")
    world.pause("op2")
    caller = world.hotline(STRANGER)
    world.answer(world.ringing("op3"))
    world.hang_up(caller)
    world.ready("op1")
    world.press(WANG)
    assert {channel.target for channel in world.all_ringing()} == {"op1"}
    world.wait(2.75)
    assert {channel.target for channel in world.all_ringing()} == {"op1"}
    world.wait(0.5)
    assert {channel.target for channel in world.all_ringing()} == {"op1", "op2", "op3", "sup1"}
    world.wait(1.5)
    assert not world.rings(DUTY[0])
    world.wait(0.5)
    assert world.rings(DUTY[0])
    assert world.rings(DUTY[1])


def test_after_the_limit_the_answer_is_late_once(world: World) -> None:
    """A1: five seconds, counted as a breach exactly once."""
    world.register("op1")
    world.press(WANG)
    world.wait(5)
    assert not world.incident().late
    world.wait(10)
    assert world.incident().late
    assert [body.limit_seconds for body in world.bodies(ef.AnswerLate)] == [5]
    world.answer(world.ringing("op1"))
    assert world.incident().human_answer_ms == 15_000


def test_mobiles_stop_when_somebody_is_in_and_may_ring_again_at_once_for_the_next(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    world.wait(6)
    world.answer(world.ringing("op1"))
    assert not world.all_ringing()
    world.press(LI)
    world.wait(5.5)
    assert {channel.target for channel in world.all_ringing()} == set(DUTY)


def test_r15_a_mobile_that_answers_and_presses_nothing_has_not_accepted(world: World) -> None:
    elder = world.press(WANG)
    world.wait(5.25)
    voicemail, colleague = world.ringing(DUTY[0]), world.ringing(DUTY[1])
    world.answer(voicemail)
    assert world.incident().human_answer_ms is None
    world.hang_up(voicemail)
    world.answer(colleague)
    world.run(lambda: world.board.press_one(colleague))
    assert colleague.room == elder.room
    assert world.incident().answered_by == DUTY[1]


def test_a_mobile_that_did_not_answer_rings_again_after_its_rest(world: World) -> None:
    world.press(WANG)
    world.wait(5.5)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(35)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(5.5)
    assert {world.dialled(number) for number in DUTY} == {2}


def test_a_mobile_rings_for_one_incident_at_a_time_and_then_for_the_next(world: World) -> None:
    world.press(WANG)
    world.press(LI)
    world.wait(5.5)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(29)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(2)
    assert {world.dialled(number) for number in DUTY} == {2}
    assert {world.call_of(channel).elder_id for channel in world.all_ringing(DUTY[0])} == {"elder-li"}


def test_a_seat_that_refuses_is_left_alone_for_its_rest_even_when_the_elder_is_gone(world: World) -> None:
    """Once the elder has hung up every refusal ends a call; the incident must not ring op1 in a loop."""
    world.register("op1")
    elder = world.press(WANG)
    world.board.busy.add("op1")
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.BUSY))
    world.hang_up(elder)
    assert world.dialled("op1") == 1
    world.wait(4.5)
    assert world.dialled("op1") == 1
    world.wait(1)
    assert world.dialled("op1") == 2
    world.wait(6)
    assert world.dialled("op1") == 3


@pytest.mark.parametrize(
    ("reason", "rest"),
    [
        (HangupReason.NO_ANSWER, 1.0),
        (HangupReason.UNREACHABLE, 3.0),
        (HangupReason.FAILED, 3.0),
        (HangupReason.BUSY, 5.0),
        (HangupReason.REJECTED, 10.0),
    ],
)
def test_a_seat_that_did_not_take_it_rings_again_after_its_rest(
    world: World, reason: HangupReason, rest: float
) -> None:
    world.register("op1")
    world.press(WANG)
    world.run(lambda: world.board.refuse(world.ringing("op1"), reason))
    world.wait(rest - 0.25)
    assert world.dialled("op1") == 1
    world.wait(0.5)
    assert world.dialled("op1") == 2


def test_a_phone_that_comes_on_while_somebody_waits_rings_at_once(world: World) -> None:
    world.press(WANG)
    world.wait(1)
    world.register("op3")
    assert world.rings("op3")


def test_r14_the_operators_phone_dies_then_the_others_ring_at_once(world: World) -> None:
    with_operator(world)
    world.wait(60)
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    assert world.rings("op2")


def test_an_account_that_lost_its_seat_keeps_its_call_and_takes_no_new_one(world: World) -> None:
    with_operator(world)
    world.run(lambda: world.controller.routing.staff([Account("op2")]))
    world.run(lambda: world.controller.routing.reconcile_phones(frozenset({"op1", "op2"})))
    assert any(channel.target == "op1" for channel in world.board.channels.values())
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    assert {channel.target for channel in world.all_ringing()} == {"op2"}
    with pytest.raises(NotFound):
        world.controller.routing.seat("op1")


def test_a_phone_of_nobody_is_no_seat(world: World) -> None:
    world.register("desk9")
    world.press(WANG)
    assert not world.all_ringing()


# --- presses ------------------------------------------------------------------------------------------------


def test_r18_a_second_press_joins_the_open_incident_and_raises_it(world: World) -> None:
    """A8, R18: from the phone first, then from the pendant: one incident, one room, both in the timeline."""
    world.register("op1")
    first = world.press(WANG)
    world.wait(1)
    second = world.press(WANG_PENDANT)
    assert len(world.controller.emergencies.known()) == 1
    incident = world.incident()
    assert incident.priority == 1
    assert incident.calls == (first.variables["CC_CALL"], second.variables["CC_CALL"])
    assert first.room == second.room == incident.room
    assert world.bodies(ef.EmergencyPressed) == [ef.EmergencyPressed(priority=1)]
    assert world.call_of(second).device_id == "device-1"


def test_r18_eight_presses_in_a_minute_are_one_incident_until_its_lines_are_a_flood(world: World) -> None:
    for number in range(8):
        channel = world.press(WANG)
        if number < 7:
            world.hang_up(channel)
    assert [incident.priority for incident in world.controller.emergencies.known()] == [7]
    for _ in range(MAX_ELDER_LEGS - 1):
        world.press(WANG)
    assert len(world.controller.emergencies.known()) == 1
    world.press(WANG)
    assert len(world.controller.emergencies.known()) == 2


def test_the_raised_incident_has_the_only_seat(world: World) -> None:
    world.register("op1")
    world.press(LI)
    assert world.ringing("op1").variables["CC_CALL"] == world.incident().calls[0]
    world.press(WANG)
    world.press(WANG)
    wang = world.incident()
    assert wang.priority == 1
    assert world.ringing("op1").variables["CC_ROOM"] == wang.room


@pytest.mark.parametrize("number", [STRANGER, "anonymous", "", "unknown", "0", "%%%", "sip:x@y", "1" * 200])
def test_r20_unknown_withheld_and_malformed_callers_reach_a_human(world: World, number: str) -> None:
    """A8, R20."""
    world.register("op1")
    elder = world.press(number)
    world.answer(world.ringing("op1"))
    assert world.call_of(elder).elder_id is None
    assert world.incident().human_answer_ms == 0


def test_withheld_callers_are_never_taken_for_one_another(world: World) -> None:
    world.press("anonymous")
    world.press("anonymous")
    assert len(world.controller.emergencies.known()) == 2


def test_a_press_after_the_close_is_a_new_incident(world: World) -> None:
    with_operator(world)
    first = world.incident().id
    world.close_incident()
    world.press(WANG)
    assert world.incident().id != first
