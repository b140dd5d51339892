"""Case files of the emergency line: who rings when, who stops, and that nobody is left alone (A1, A2, A8, A9)."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.emergency import facts as ef
from callcenter.errors import IllegalTransition, InvalidInput, NotFound
from callcenter.telephony.events import HangupReason, PbxConnected
from tests.support.world import (
    AMBULANCE,
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
    Account,
    World,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def with_operator(world: World) -> None:
    """Wang has pressed and op1 is with her."""
    world.register("op1", "op2")
    world.press(WANG)
    world.answer(world.ringing("op1"))


# --- the ring ----------------------------------------------------------------------------------------------


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


def test_a_mobile_that_did_not_answer_rings_again_after_its_rest_and_for_one_incident_at_a_time(world: World) -> None:
    world.press(WANG)
    world.press(LI)
    world.wait(5.5)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(35)
    assert {world.dialled(number) for number in DUTY} == {1}
    world.wait(5.5)
    assert {world.dialled(number) for number in DUTY} == {2}


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


# --- presses -----------------------------------------------------------------------------------------------


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
    for _ in range(5):
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


# --- the line that drops -----------------------------------------------------------------------------------


def test_r16_the_elder_hangs_up_before_any_answer_then_she_is_called_back_within_3_s_and_seats_ring_on(
    world: World,
) -> None:
    """A8, R16."""
    world.register("op1")
    elder = world.press(WANG)
    ring = world.ringing("op1")
    world.wait(1)
    world.hang_up(elder)
    assert ring.id in world.board.channels
    world.wait(3)
    callback = world.ringing(WANG)
    assert callback.context == "cc-callback"
    assert callback.variables["CC_ROLE"] == "elder"
    assert ring.id in world.board.channels
    world.answer(callback)
    world.answer(ring)
    assert callback.room == ring.room == world.incident().room
    assert world.incident().human_answer_ms == 4000


def test_r16_an_operator_who_answers_after_the_drop_does_not_stop_the_call_back(world: World) -> None:
    """She is not answered until she and a human are in one room (A1)."""
    world.register("op1")
    elder = world.press(WANG)
    ring = world.ringing("op1")
    world.hang_up(elder)
    world.answer(ring)
    assert world.incident().human_answer_ms is None
    world.wait(3)
    world.answer(world.ringing(WANG))
    assert world.incident().answered_by == "op1"
    assert world.incident().human_answer_ms == 3000


def test_an_operator_who_leaves_before_she_was_reached_has_not_answered_and_the_ladder_goes_on(world: World) -> None:
    world.register("op1", "op2")
    elder = world.press(WANG)
    ring = world.ringing("op1")
    world.hang_up(elder)
    world.answer(ring)
    assert not world.rings("op2")
    world.hang_up(ring)
    assert world.rings("op2")


def test_call_backs_are_repeated_at_longer_and_longer_intervals(world: World) -> None:
    elder = world.press(WANG)
    world.hang_up(elder)
    world.board.busy.add(WANG)
    times = []
    for _ in range(4 * 160):
        before = world.dialled(WANG)
        world.wait(0.25)
        if world.dialled(WANG) > before:
            times.append(world.clock.monotonic())
    gaps = [round(later - earlier) for earlier, later in pairwise(times)]
    assert times[0] <= 3
    assert gaps == [10, 20, 40, 60]


def test_a_second_drop_is_called_back_as_fast_as_the_first(world: World) -> None:
    elder = world.press(WANG)
    world.hang_up(elder)
    world.wait(2)
    callback = world.ringing(WANG)
    world.answer(callback)
    world.wait(5)
    world.hang_up(callback)
    assert world.dialled(WANG) == 1
    world.wait(3)
    assert world.dialled(WANG) == 2


def test_a_withheld_caller_who_drops_cannot_be_called_back_but_the_seats_ring_on(world: World) -> None:
    world.register("op1")
    elder = world.press("anonymous")
    world.hang_up(elder)
    world.wait(20)
    assert world.rings("op1")
    assert {dial.context for dial in world.board.dialled} == {"cc-seat", "cc-accept"}


def test_at_most_ten_elders_are_called_back_at_a_time(world: World) -> None:
    """R21: after a quake the trunk is not flooded by our own calls; call-backs on any call count."""
    world.register("op1")
    for number in range(12):
        world.hang_up(world.press(f"138111100{number:02}"))
    world.wait(3)
    calling = [channel for channel in world.board.channels.values() if channel.context == "cc-callback"]
    assert len(calling) == 10


# --- help --------------------------------------------------------------------------------------------------


def test_a2_five_people_in_one_room_and_the_elder_stays_with_120_when_op1_hangs_up(world: World) -> None:
    """A2: nobody's leaving ends the elder's call; she is not alone, so nobody rings."""
    with_operator(world)
    elder = next(c for c in world.board.channels.values() if c.elder)
    for role in ("120", "family", "doctor", "social_worker"):
        world.request(role)
    helpers = world.all_ringing()
    assert {channel.target for channel in helpers} == {
        "120",
        DAUGHTER,
        DOCTOR,
        SOCIAL_WORKER,
    }
    world.answer(*helpers)
    assert {channel.room for channel in world.board.channels.values()} == {elder.room}
    assert len(world.board.channels) == 6
    for channel in helpers[1:]:
        world.hang_up(channel)
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    world.wait(30)
    assert {channel.target for channel in world.board.channels.values()} == {"trunk", "120"}
    assert world.incident().open
    assert not world.all_ringing()
    world.hang_up(helpers[0])
    assert world.rings("op1")
    assert world.rings("op2")
    world.close_incident()
    assert world.board.kicked == [elder.id]
    assert not world.board.channels
    assert not world.incident().open


def test_a_request_is_idempotent_by_its_id_and_by_the_person(world: World) -> None:
    """One wish never dials twice."""
    with_operator(world)
    first = world.request("120", request_id="click-1")
    assert world.request("120", request_id="click-1") == first
    assert world.request("120", request_id="click-2") == first
    assert world.request("120") == first
    assert world.dialled(AMBULANCE) == 1
    world.run(lambda: world.board.refuse(world.ringing(AMBULANCE), HangupReason.BUSY))
    assert world.request("120", request_id="click-1") == first
    assert world.dialled(AMBULANCE) == 1
    assert world.request("120", request_id="click-3") != first
    assert world.dialled(AMBULANCE) == 2


def test_family_is_tried_in_order_and_begins_again(world: World) -> None:
    """A2: the daughter, the son, the guardian, the daughter."""
    with_operator(world)
    tried = []
    for _ in range(4):
        world.request("family")
        channel = next(c for c in world.all_ringing() if c.variables["CC_ROLE"] == "family")
        tried.append(channel.target)
        world.run(lambda channel=channel: world.board.refuse(channel, HangupReason.NO_ANSWER))
    assert tried == [DAUGHTER, SON, GUARDIAN, DAUGHTER]


def test_the_name_of_a_contact_is_on_the_leg_and_a_number_by_hand_has_none(world: World) -> None:
    with_operator(world)
    call = world.controller.calls.get(world.incident().calls[0])
    doctor, other = world.request("doctor"), world.request("number", "+86 138-1234-5678")
    legs = world.controller.calls.get(call.id).legs
    assert (legs[doctor].name, legs[doctor].role) == ("张医生", "doctor")
    assert (legs[other].name, legs[other].number) == ("", "13812345678")


@pytest.mark.parametrize(
    ("role", "number", "says"),
    [
        ("butcher", None, "role must be one of"),
        ("number", None, "needs the field 'number'"),
        ("number", "not a number", "not a phone number"),
        ("elder", None, "role must be one of"),
        ("seat", "op2", "role must be one of"),
    ],
)
def test_help_that_cannot_be_called_is_refused_with_the_remedy(
    world: World, role: str, number: str | None, says: str
) -> None:
    with_operator(world)
    with pytest.raises(InvalidInput, match=says):
        world.request(role, number)
    assert world.dialled("op2") == 1


def test_a_stranger_has_no_family_on_file_but_a_number_helps(world: World) -> None:
    world.register("op1")
    world.press(STRANGER)
    with pytest.raises(InvalidInput, match="give the field 'number'"):
        world.request("family")
    world.request("family", DAUGHTER)
    assert world.rings(DAUGHTER)


def test_an_elder_without_a_doctor_on_file_is_said_so(world: World) -> None:
    world.press(LI)
    with pytest.raises(InvalidInput, match="no doctor is in the elder's file"):
        world.request("doctor")


def test_help_for_a_closed_or_unknown_emergency_is_refused(world: World) -> None:
    with_operator(world)
    world.close_incident()
    with pytest.raises(IllegalTransition):
        world.request("120")
    with pytest.raises(NotFound):
        world.controller.emergencies.request_help("nobody", "120", None, actor="op1")
    assert world.dialled(AMBULANCE) == 0


def test_the_seats_code_is_the_same_as_the_click(world: World) -> None:
    """A2: *1 in the room; said twice it is one call; a code that cannot be is heard as such."""
    with_operator(world)
    seat = next(c for c in world.board.channels.values() if c.target == "op1")
    world.run(lambda: world.board.key(seat, "add-120"))
    world.run(lambda: world.board.key(seat, "add-120"))
    assert world.dialled(AMBULANCE) == 1
    assert [leg.role for leg in world.controller.calls.get(world.incident().calls[0]).legs.values()][-1] == "120"
    world.run(lambda: world.board.key(seat, "add-butcher"))
    assert world.board.played == [(seat.room, ("not-available",))]


def test_a_code_from_anybody_but_a_seat_is_ignored(world: World) -> None:
    with_operator(world)
    elder = next(c for c in world.board.channels.values() if c.elder)
    world.run(lambda: world.board.key(elder, "add-120"))
    assert world.dialled(AMBULANCE) == 0


def test_a_leg_is_removed_but_never_the_elders(world: World) -> None:
    with_operator(world)
    incident, leg_id = world.incident(), world.request("120")
    emergencies = world.controller.emergencies
    elder_leg = world.controller.calls.get(incident.calls[0]).elder_legs[0]
    with pytest.raises(InvalidInput, match="never cut"):
        emergencies.remove(incident.id, elder_leg.id, actor="op1")
    with pytest.raises(NotFound):
        emergencies.remove(incident.id, "nobody", actor="op1")
    world.run(lambda: emergencies.remove(incident.id, leg_id, actor="op1"))
    assert not world.rings(AMBULANCE)
    assert [body.leg_id for body in world.bodies(cf.LegRemoved)] == [leg_id]
    world.run(lambda: emergencies.remove(incident.id, leg_id, actor="op1"))
    assert len(world.bodies(cf.LegRemoved)) == 1


# --- a dial is on disk before it is sent -------------------------------------------------------------------


def test_a_dial_to_120_is_journalled_before_it_is_sent(world: World) -> None:
    with_operator(world)
    world.journal.stalled = True
    leg_id = world.request("120", request_id="click-1")
    assert world.dialled(AMBULANCE) == 0
    assert any(isinstance(f.body, cf.LegAdded) and f.body.leg_id == leg_id for f in world.journal.facts())


def test_a_crash_between_the_journal_and_the_dial_does_not_dial_again(world: World) -> None:
    """The request is on disk, so it is known to have been made; a person decides whether to make another."""
    with_operator(world)
    world.pbx.held.add("originate")
    leg_id = world.request("120", request_id="click-1")
    assert world.dialled(AMBULANCE) == 0
    world.crash()
    world.start()
    assert world.request("120", request_id="click-1") == leg_id
    world.wait(5)
    assert world.dialled(AMBULANCE) == 0
    leg = world.controller.calls.get(world.incident().calls[0]).legs[leg_id]
    assert (leg.state, leg.reason) == ("ended", "lost")
    assert world.request("120", request_id="click-2") != leg_id
    assert world.dialled(AMBULANCE) == 1


def test_a_crash_after_the_dial_finds_the_leg_again_and_does_not_dial_again(world: World) -> None:
    with_operator(world)
    leg_id = world.request("120", request_id="click-1")
    world.crash()
    world.start()
    assert world.request("120", request_id="click-1") == leg_id
    world.answer(world.ringing(AMBULANCE))
    assert world.controller.calls.get(world.incident().calls[0]).legs[leg_id].in_room
    assert world.dialled(AMBULANCE) == 1


def test_a_request_on_a_call_that_began_as_hotline_is_known_after_the_journal_carried_over(world: World) -> None:
    """The call is over, its incident is not: the carry must still say whom it has dialled."""
    world.register("op1")
    caller = world.hotline(WANG, "9")
    leg_id = world.request("120", request_id="click-1")
    world.run(lambda: world.board.refuse(world.ringing(AMBULANCE), HangupReason.BUSY))
    world.hang_up(caller)
    world.answer(world.ringing("op1"))
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    carried = list(world.controller.open_facts())
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*carried)
    world.start()
    assert world.request("120", request_id="click-1") == leg_id


def test_a_leg_removed_before_it_was_sent_is_never_dialled(world: World) -> None:
    with_operator(world)
    world.journal.stalled = True
    leg_id = world.request("120")
    world.run(lambda: world.controller.emergencies.remove(world.incident().id, leg_id, actor="op1"))
    world.compare()
    world.journal.stalled = False
    world.run(world.journal._moves.set)
    assert world.dialled(AMBULANCE) == 0
    assert not world.controller.calls.get(world.incident().calls[0]).legs[leg_id].live


def test_a_dial_that_asterisk_refuses_is_an_ended_leg(world: World) -> None:
    with_operator(world)
    world.pbx.refuses.add("originate")
    leg_id = world.request("120")
    leg = world.controller.calls.get(world.incident().calls[0]).legs[leg_id]
    assert (leg.state, leg.reason) == ("ended", "failed")


def test_r3_a_dial_whose_answer_came_too_late_is_ended_in_asterisk_too(world: World) -> None:
    """An ended leg stays ended: if it lives all the same it is hung up, or it would be dialled twice."""
    with_operator(world)
    world.pbx.held.add("originate")
    leg_id = world.request("120")
    order = world.pbx.of("originate")[-1][0]
    world.pbx.down = True
    world.run(world.pbx.release)
    world.pbx.down = False
    world.run(lambda: world.board.dial(order))  # type: ignore[arg-type]
    world.compare()
    assert not world.rings(AMBULANCE)
    assert world.board.hung_up_by_us[-1] == leg_id


# --- the close ---------------------------------------------------------------------------------------------


def test_a_close_needs_an_outcome_and_happens_once(world: World) -> None:
    with_operator(world)
    with pytest.raises(InvalidInput, match="outcome"):
        world.close_incident("  ")
    assert world.incident().open
    world.close_incident(" 送医 ")
    assert world.incident().outcome == "送医"
    with pytest.raises(IllegalTransition):
        world.close_incident("送医")


def test_a_close_while_asterisk_is_out_of_reach_is_carried_out_when_it_is_back(world: World) -> None:
    """Nobody rings for a closed incident, so nobody may be left alone in its room."""
    with_operator(world)
    world.lose_link()
    world.close_incident()
    assert len(world.board.channels) == 2
    world.wait(3)
    world.regain_link()
    world.wait(6)
    assert not world.board.channels
    assert not world.controller.calls.open_calls()


def test_a_crash_right_after_the_close_still_says_good_bye(world: World) -> None:
    with_operator(world)
    world.pbx.held |= {"kick", "hangup"}
    world.close_incident()
    carried = list(world.controller.open_facts())
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*carried)
    world.start()
    world.wait(6)
    assert not world.board.channels
    assert not world.incident().open


def test_a_close_with_nobody_on_the_line_leaves_no_open_call(world: World) -> None:
    """A call of ours that nobody is on yet ends with its incident."""
    world.register("op1")
    world.press(LI)
    world.answer(world.ringing("op1"))
    elder = world.press("anonymous")
    world.hang_up(elder)
    world.wait(1)
    assert world.controller.calls.get(world.incident().calls[-1]).via == "callback"
    world.close_incident()
    world.wait(1)
    assert [call.open for call in world.controller.calls.known() if call.via == "callback"] == [False]


# --- a restart in the middle -------------------------------------------------------------------------------


def test_r1_a_restart_in_the_middle_takes_up_the_talk_and_the_ladder(world: World) -> None:
    world.register("op1", "op2")
    world.press(WANG)
    world.answer(world.ringing("op1"))
    world.press(LI)
    assert world.rings("op2")
    rung = world.dialled("op2")
    world.crash()
    world.wait(4)
    world.start()
    assert world.dialled("op2") == rung
    wang, li = world.controller.emergencies.known()
    assert wang.human_answer_ms == 0
    world.answer(world.ringing("op2"))
    assert world.controller.emergencies.get(li.id).human_answer_ms == 4000


def test_r1_who_hung_up_while_the_controller_was_away_is_called_back(world: World) -> None:
    elder = world.press(WANG)
    world.crash()
    world.hang_up(elder)
    world.start()
    world.wait(3)
    assert world.rings(WANG)


def test_r1_a_call_admitted_in_the_last_moment_of_a_crash_is_adopted_in_the_room_where_she_is(world: World) -> None:
    """The second press joined the first one's room; the crash took its facts, not the room."""
    world.register("op1")
    world.press(WANG)
    world.wait(1)
    world.journal.flush()
    known = len(world.journal.lines)
    second = world.press(WANG_PENDANT)
    world.journal.flushed = known
    world.crash(lost=1000)
    world.start()
    assert len(world.controller.emergencies.known()) == 1
    assert world.call_of(second).via == "adopted"
    assert world.call_of(second).incident_id == world.incident().id
    assert second.room == world.incident().room


def test_r1_a_lone_call_that_no_journal_knows_is_adopted_and_rings(world: World) -> None:
    world.register("op1")
    known = len(world.journal.lines)
    elder = world.press(WANG)
    world.journal.flushed = known
    world.crash(lost=1000)
    world.start()
    assert world.call_of(elder).via == "adopted"
    assert world.ringing("op1").variables["CC_ROOM"] == elder.room


def test_r1_a_seat_dialled_in_the_last_moment_of_a_crash_is_taken_over(world: World) -> None:
    """It rings, or is in the room already; to ring the others would only tell them that it is taken."""
    world.register("op1", "op2")
    world.press(WANG)
    world.wait(1)
    kept = [f for f in world.journal.facts() if not isinstance(f.body, cf.LegAdded)]
    seat = world.ringing("op1")
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.answer(seat)
    world.start()
    assert world.controller.calls.leg_of_channel(seat.id) is not None
    assert world.incident().answered_by == "op1"
    assert not world.rings("op2")


def test_r1_a_crash_between_the_incident_and_its_call_loses_no_press(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    kept = [f for f in world.journal.facts() if f.kind in ("seat.phone", "emergency.opened")]
    world.crash()
    for channel in list(world.board.channels.values()):
        world.hang_up(channel)
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    assert world.rings("op1")
    world.wait(3)
    assert world.rings(WANG)


def test_r1_a_call_that_comes_while_the_first_snapshot_is_listed_is_not_written_off(world: World) -> None:
    """She is younger than the list; her absence from it means nothing."""
    world.crash()
    world.linked = True
    world.run(lambda: None)
    before = world.board.snapshot()
    world.start()
    world.lose_link()
    world.linked, world.pbx.down = True, False
    elder = world.press(WANG)
    world.run(lambda: world.controller.hear(PbxConnected(before)))
    assert world.call_of(elder).elder_legs[0].live
    world.hang_up(elder)
    assert not world.call_of(elder).elder_legs[0].live


def test_r23_events_heard_while_the_comparison_is_asked_are_newer_than_its_answer(world: World) -> None:
    """The seat joins after the listing: the old list must not put it out of the room again."""
    world.register("op1", "op2")
    world.press(WANG)
    ring = world.ringing("op1")
    world.wait(1)
    world.pbx.held.add("snapshot")

    async def compare_while_answering() -> None:
        task = asyncio.create_task(world.controller.compare())
        await asyncio.sleep(0)
        world.clock.pass_time(0.02)
        world.board.pick_up(ring)
        world.board.phone("op3", True)
        await world._settle()
        world.pbx.release()
        await task
        await world._settle()

    world.runner.run(compare_while_answering())
    leg = world.controller.calls.get(world.incident().calls[0]).legs[ring.id]
    assert leg.in_room
    assert world.bodies(cf.LegLeft) == []
    assert world.controller.routing.seat("op3").registered


def test_r23_a_clock_set_back_makes_no_duration_negative(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.clock.set_wall(-3600)
    world.answer(world.ringing("op1"))
    assert world.incident().human_answer_ms == 0
    world.close_incident()
    assert [body.seconds for body in world.bodies(cf.CallEnded)] == [0.0]
    assert elder.id not in world.board.channels


def test_r3_while_asterisk_is_out_of_reach_nobody_is_dialled_and_afterwards_everybody(world: World) -> None:
    world.register("op1")
    world.lose_link()
    elder = world.press(WANG)
    world.wait(2)
    assert not world.board.dialled
    world.regain_link()
    assert elder.room is not None
    assert world.rings("op1")


def test_r3_what_was_hung_up_in_an_outage_is_noticed_at_once(world: World) -> None:
    world.register("op1", "op2")
    world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(1)
    world.lose_link()
    world.hang_up(seat)
    world.wait(1)
    world.regain_link()
    assert world.rings("op2")


def test_an_elder_who_hung_up_in_an_outage_seconds_after_calling_is_noticed_soon(world: World) -> None:
    elder = world.press(WANG)
    world.wait(1)
    world.lose_link()
    world.hang_up(elder)
    world.regain_link()
    world.wait(3)
    assert world.rings(WANG)
