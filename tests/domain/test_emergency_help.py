"""Case files of help: 120, family, doctor by click or code, one wish never dialled twice (A2), closed on purpose."""

from functools import partial

import pytest

from callcenter.calls import facts as cf
from callcenter.errors import IllegalTransition, InvalidInput, NotFound
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import Dial
from tests.support.world import (
    AMBULANCE,
    DAUGHTER,
    DOCTOR,
    GUARDIAN,
    LI,
    SOCIAL_WORKER,
    SON,
    STRANGER,
    WANG,
    World,
)


def with_operator(world: World) -> None:
    """Wang has pressed and op1 is with her."""
    world.register("op1", "op2")
    world.press(WANG)
    world.answer(world.ringing("op1"))


# --- help ---------------------------------------------------------------------------------------------------


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
    world.accept(*helpers)
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


def test_r10_the_same_number_asked_for_in_another_role_is_the_same_person(world: World) -> None:
    """One operator clicks 120 while another types the number: no double dial."""
    with_operator(world)
    first = world.request("120")
    assert world.request("number", AMBULANCE) == first
    assert world.request("family", "1 2 0") == first
    doctor = world.request("number", DOCTOR)
    assert world.request("doctor") == doctor
    assert (world.dialled(AMBULANCE), world.dialled(DOCTOR)) == (1, 1)


def test_family_is_tried_in_order_and_begins_again(world: World) -> None:
    """A2: the daughter, the son, the guardian, the daughter."""
    with_operator(world)
    tried = []
    for _ in range(4):
        world.request("family")
        channel = next(c for c in world.all_ringing() if c.variables["CC_ROLE"] == "family")
        tried.append(channel.target)
        world.run(partial(world.board.refuse, channel, HangupReason.NO_ANSWER))
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


# --- a dial is on disk before it is sent --------------------------------------------------------------------


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


def late_answer(world: World) -> tuple[str, Dial]:
    """120 is asked for; what Asterisk says to it is never heard. The leg, and the order that was sent."""
    with_operator(world)
    world.pbx.held.add("originate")
    leg_id = world.request("120")
    order = world.pbx.of("originate")[-1][0]
    assert isinstance(order, Dial)
    world.pbx.down = True
    world.run(world.pbx.release)
    world.pbx.down = False
    world.pbx.held.clear()
    return leg_id, order


def test_r3_a_dial_whose_answer_came_too_late_and_that_rings_goes_on_ringing(world: World) -> None:
    """Given up, it would be cut off in mid-ring and dialled a second time."""
    leg_id, order = late_answer(world)
    world.run(lambda: world.board.dial(order))
    world.compare()
    assert world.rings(AMBULANCE)
    world.wait(20)
    assert world.dialled(AMBULANCE) == 1
    assert world.controller.calls.get(world.incident().calls[0]).legs[leg_id].live


def test_r3_a_dial_whose_answer_came_too_late_and_that_never_rang_is_lost_at_the_next_comparison(world: World) -> None:
    leg_id, _ = late_answer(world)
    assert world.controller.calls.get(world.incident().calls[0]).legs[leg_id].live
    world.compare()
    leg = world.controller.calls.get(world.incident().calls[0]).legs[leg_id]
    assert (leg.state, leg.reason) == ("ended", "lost")


# --- the close ----------------------------------------------------------------------------------------------


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
