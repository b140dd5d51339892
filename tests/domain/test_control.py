"""Call control: hold, transfer, three-way, park, calls by operators; nobody is ever lost by it (A9, B1, B7)."""

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.routing import facts as rf
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import DAUGHTER, LI, STRANGER, WANG, World


def seat(world: World, user: str) -> Channel:
    """The seat's channel that is up or rings."""
    return [channel for channel in world.board.channels.values() if channel.target == user][-1]


def talking(world: World, *also: str, caller: str = STRANGER) -> Channel:
    """A caller with op1; ``also``: other seats whose phones are on. Answers the caller's channel."""
    world.register("op1")
    line = world.hotline(caller)
    world.answer(world.ringing("op1"))
    world.register(*also)
    assert line.room == seat(world, "op1").room
    return line


def state(world: World, user: str) -> str:
    return str(world.controller.routing.state_of(world.controller.routing.seat(user)))


def hold(world: World, line: Channel) -> None:
    world.run(lambda: world.controller.control.hold(world.call_of(line), "op1"))


def resume(world: World, line: Channel) -> None:
    world.run(lambda: world.controller.control.resume(world.call_of(line), "op1"))


def transfer(world: World, line: Channel, to: str, mode: str = "attended") -> None:
    world.run(lambda: world.controller.control.transfer(world.call_of(line), to, mode, "op1"))


def park(world: World, line: Channel) -> int:
    return world.run_result(lambda: world.controller.control.park(world.call_of(line), "op1"))


def in_front(world: World, line: Channel) -> bool:
    """Whether she waits before somebody who has waited for longer than she."""
    queue = world.controller.hotline.queue()
    return bool(queue) and queue[0] == line.variables["CC_CALL"]


def test_an_operators_page_that_goes_in_the_call_loses_nobody_and_a_phone_that_hangs_up_ends_it(world: World) -> None:
    """R14: a page says with its last word that nobody hung up (Q.850 cause 27)."""
    line = talking(world)
    world.run(lambda: world.board.end(seat(world, "op1").id, HangupReason.UNREACHABLE))
    assert line.id in world.board.channels
    assert in_front(world, line)
    world.wait(6)
    world.answer(world.ringing("op1"))
    assert line.room == seat(world, "op1").room
    world.wait(2)
    world.hang_up(seat(world, "op1"))
    assert line.id not in world.board.channels


@pytest.mark.parametrize("how", [HangupReason.NORMAL, HangupReason.FAILED])
def test_a_phone_that_answers_and_drops_her_at_once_loses_nobody_and_the_next_seat_has_her(
    world: World, how: HangupReason
) -> None:
    """B1, B7: one headset that answers by itself and drops would hang up on every caller, one after the other."""
    line = talking(world, "op2")
    world.run(lambda: world.board.end(seat(world, "op1").id, how))
    assert world.call_of(line).open
    assert in_front(world, line)
    assert not world.rings("op1")
    world.answer(world.ringing("op2"))
    world.wait(2)
    world.hang_up(seat(world, "op2"))
    assert not world.call_of(line).open


# --- hold ------------------------------------------------------------------------------------------------------


def test_on_hold_she_is_out_of_the_room_with_music_and_comes_back(world: World) -> None:
    line = talking(world)
    hold(world, line)
    assert line.context == "cc-hold"
    assert line.room is None
    assert world.call_of(line).held
    assert seat(world, "op1").room is not None
    world.wait(60)  # the lease is extended for as long as she is held
    assert line.context == "cc-hold"
    resume(world, line)
    assert line.room == seat(world, "op1").room
    assert not world.call_of(line).held
    assert world.call_of(line).open


def test_hold_is_refused_to_who_is_not_on_the_call_and_twice(world: World) -> None:
    line = talking(world, "op2")
    with pytest.raises(Conflict):
        world.controller.control.hold(world.call_of(line), "op2")
    hold(world, line)
    with pytest.raises(Conflict):
        world.controller.control.hold(world.call_of(line), "op1")
    resume(world, line)
    with pytest.raises(Conflict):
        world.controller.control.resume(world.call_of(line), "op1")


@pytest.mark.parametrize("how", ["hangs_up", "dies"])
def test_the_operator_leaves_while_she_is_on_hold_and_she_is_the_first_in_the_queue(world: World, how: str) -> None:
    """B7: never lost, never dropped."""
    before = world.hotline(LI)
    world.wait(5)
    world.register("op1")
    world.answer(world.ringing("op1"))
    later = world.hotline(WANG)
    hold(world, before)
    if how == "dies":
        world.run(lambda: world.board.end(seat(world, "op1").id, HangupReason.FAILED))
    else:
        world.hang_up(seat(world, "op1"))
    assert world.call_of(before).open
    assert before.room is not None, "she is in her room again, where the next seat will find her"
    assert in_front(world, before)
    world.register("op2")
    assert world.ringing("op2").variables["CC_ROOM"] == before.room
    world.answer(world.ringing("op2"))
    assert world.controller.hotline.queue() == [later.variables["CC_CALL"]]


def test_the_operators_phone_dies_without_a_word_while_she_is_on_hold(world: World) -> None:
    """R14, B7: no BYE ever comes from it; she does not hear music for ever."""
    line = talking(world, "op2")
    desk = seat(world, "op1")
    desk.sends = True
    hold(world, line)
    world.wait(5)
    assert line.context == "cc-hold", "a living phone holds for as long as it likes"
    desk.sends = False
    world.wait(5)
    assert line.context == "cc-hold", "whoever mutes is not dead"
    world.board.answers_options["op1"] = False
    world.wait(3)
    assert next(leg.reason for leg in world.call_of(line).legs.values() if leg.number == "op1") == "dead"
    assert world.ringing("op2").variables["CC_ROOM"] == line.room
    assert not world.rings("op1")


def test_the_operators_phone_dies_in_the_middle_of_a_sentence_and_she_is_not_hung_up_on(world: World) -> None:
    """R14: she is the next one's."""
    line = talking(world, "op2")
    desk = seat(world, "op1")
    desk.sends = True
    world.wait(3)
    desk.sends, world.board.answers_options["op1"] = False, False
    world.wait(3)
    assert world.call_of(line).open
    world.answer(world.ringing("op2"))
    assert line.room == seat(world, "op2").room
    world.wait(2)
    world.hang_up(seat(world, "op2"))
    assert not world.call_of(line).open


def test_an_emergency_takes_the_operator_and_whom_he_held_is_first_in_line_for_him(world: World) -> None:
    """A9: what he held is not lost."""
    line = talking(world)
    hold(world, line)
    elder = world.press(LI)
    world.wait(6)
    assert seat(world, "op1").room == elder.room
    assert line.room is not None
    assert world.call_of(line).open
    assert in_front(world, line)
    assert [body.seat for body in world.bodies(rf.HotlineHeld)] == ["op1"]
    world.close_incident()
    world.wait(1)
    assert world.ringing("op1").variables["CC_ROOM"] == line.room


def test_an_elder_in_an_emergency_is_never_held_parked_or_given_away(world: World) -> None:
    """A2."""
    world.register("op1", "op2")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    call, control = world.call_of(elder), world.controller.control
    for act in (
        lambda: control.hold(call, "op1"),
        lambda: control.park(call, "op1"),
        lambda: control.transfer(call, "seat:op2", "blind", "op1"),
        lambda: control.transfer(call, "queue:general", "blind", "op1"),
        lambda: control.hang_up(call, "op1"),
        lambda: control.mute(call, call.elder_legs[0].id, True, "op1"),
    ):
        with pytest.raises(Conflict):
            act()
    assert elder.room == seat(world, "op1").room


def test_the_controller_dies_while_she_is_on_hold_and_the_lease_brings_her_back_to_the_operator(world: World) -> None:
    """R1, A10: hold ends by itself; after the restart nobody believes that she is still held."""
    line = talking(world)
    hold(world, line)
    world.crash()
    world.wait(20)
    assert line.room == seat(world, "op1").room
    world.start()
    assert not world.call_of(line).held
    assert world.call_of(line).staffed
    assert state(world, "op1") == "talking"


def test_a_restart_in_the_middle_of_a_hold_keeps_it(world: World) -> None:
    line = talking(world)
    hold(world, line)
    world.crash()
    world.start()
    assert world.call_of(line).held
    world.wait(30)
    assert line.context == "cc-hold"
    resume(world, line)
    assert line.room == seat(world, "op1").room


def test_the_operator_hangs_up_on_hold_while_the_controller_is_dead(world: World) -> None:
    line = talking(world)
    hold(world, line)
    world.crash()
    world.board.hang_up(seat(world, "op1"))
    world.start()
    assert world.call_of(line).open
    assert in_front(world, line)
    assert line.room is not None


# --- transfer --------------------------------------------------------------------------------------------------


def test_attended_the_two_speak_first_then_she_is_with_the_other(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    assert line.context == "cc-hold"
    world.answer(world.ringing("op2"))
    assert seat(world, "op2").room == seat(world, "op1").room
    assert world.call_of(line).transfer is not None
    world.run(lambda: world.controller.control.complete(world.call_of(line), "op1"))
    call = world.call_of(line)
    assert line.room == seat(world, "op2").room
    assert not any(channel.target == "op1" for channel in world.board.channels.values())
    assert call.transfer is None
    assert [body.to for body in world.bodies(cf.CallTransferred)] == ["seat:op2"]
    assert next(leg.reason for leg in call.legs.values() if leg.number == "op1") == "transferred"
    assert state(world, "op1") == "wrap_up"
    world.hang_up(line)
    assert not world.call_of(line).open
    assert state(world, "op2") == "wrap_up"


def test_hanging_up_in_the_consultation_completes_the_transfer(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.answer(world.ringing("op2"))
    world.hang_up(seat(world, "op1"))
    assert line.room == seat(world, "op2").room
    assert world.call_of(line).open


@pytest.mark.parametrize("reason", [HangupReason.NO_ANSWER, HangupReason.BUSY, HangupReason.REJECTED])
def test_nobody_answers_the_consultation_and_she_is_back_with_her_operator(world: World, reason: HangupReason) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.run(lambda: world.board.refuse(world.ringing("op2"), reason))
    assert line.room == seat(world, "op1").room
    assert [body.why for body in world.bodies(cf.TransferFailed)] == [reason]
    assert state(world, "op2") == "ready", "it was asked by a colleague, and is neither paused nor at rest"


def test_cancelling_lets_the_other_go(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.answer(world.ringing("op2"))
    world.run(lambda: world.controller.control.cancel(world.call_of(line), "op1"))
    assert line.room == seat(world, "op1").room
    assert not any(channel.target == "op2" for channel in world.board.channels.values())
    assert world.call_of(line).open


def test_blind_the_operator_is_free_at_once_and_she_hears_music(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2", "blind")
    assert not any(channel.target == "op1" for channel in world.board.channels.values())
    assert world.call_of(line).open
    assert line.room is not None
    world.answer(world.ringing("op2"))
    assert line.room == seat(world, "op2").room
    assert world.call_of(line).transfer is None
    assert len(world.bodies(cf.CallTransferred)) == 1


def test_blind_and_nobody_answers_she_rings_back_to_who_sent_her(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2", "blind")
    world.run(lambda: world.board.refuse(world.ringing("op2"), HangupReason.NO_ANSWER))
    assert world.ringing("op1").variables["CC_ROOM"] == line.room
    world.answer(world.ringing("op1"))
    assert world.call_of(line).staffed
    world.hang_up(line)
    assert not world.call_of(line).open


def test_blind_and_neither_answers_she_is_the_first_in_the_queue(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2", "blind")
    world.run(lambda: world.board.refuse(world.ringing("op2"), HangupReason.BUSY))
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.NO_ANSWER))
    assert world.call_of(line).open
    assert in_front(world, line)
    assert [body.to for body in world.bodies(cf.CallReturned)] == ["seat:op1", "queue"]


def test_to_a_queue_she_waits_there_and_the_next_seat_has_her(world: World) -> None:
    line = talking(world)
    transfer(world, line, "queue:general", "blind")
    assert world.call_of(line).open
    assert world.controller.hotline.queue() == [line.variables["CC_CALL"]]
    world.register("op3")
    world.answer(world.ringing("op3"))
    assert line.room == seat(world, "op3").room


def test_to_a_number_outside_the_two_talk_on_alone_until_one_hangs_up(world: World) -> None:
    line = talking(world)
    transfer(world, line, f"number:+86 {DAUGHTER}", "blind")
    outside = world.ringing(DAUGHTER)
    world.answer(outside)
    assert outside.room == line.room
    assert world.call_of(line).open
    world.hang_up(outside)
    assert not world.call_of(line).open
    assert not world.board.channels


@pytest.mark.parametrize("to", ["number:+12025550123", "number:abc", "op2", "seat:", "queue:", "elder:1"])
def test_what_cannot_be_transferred_to(world: World, to: str) -> None:
    """Numbers abroad cost money: whoever steals a sign-in must not spend it."""
    line = talking(world)
    with pytest.raises(InvalidInput):
        world.controller.control.transfer(world.call_of(line), to, "blind", "op1")


def test_a_seat_that_is_away_or_busy_is_refused_at_once_and_nothing_has_happened(world: World) -> None:
    line = talking(world)
    with pytest.raises(Conflict):
        world.controller.control.transfer(world.call_of(line), "seat:op2", "blind", "op1")
    with pytest.raises(NotFound):
        world.controller.control.transfer(world.call_of(line), "seat:nobody", "blind", "op1")
    with pytest.raises(NotFound):
        world.controller.control.transfer(world.call_of(line), "queue:nowhere", "blind", "op1")
    assert line.room == seat(world, "op1").room
    assert not world.bodies(cf.TransferStarted)


def test_an_emergency_takes_the_phone_that_rings_for_a_consultation_and_she_is_back_with_her_operator(
    world: World,
) -> None:
    """A9: the free phone is the elder's; nobody has to be pulled out of a call for her."""
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    elder = world.press(LI)
    world.wait(1)
    assert world.ringing("op2").variables["CC_ROOM"] == elder.room
    assert line.room == seat(world, "op1").room
    assert world.call_of(line).transfer is None


def test_an_emergency_takes_the_operator_out_of_a_consultation_outside_and_she_waits_first_for_him(
    world: World,
) -> None:
    """A9: what he held is not lost, and whom he asked is let go."""
    line = talking(world)
    transfer(world, line, f"number:{DAUGHTER}")
    world.answer(world.ringing(DAUGHTER))
    elder = world.press(LI)
    world.wait(6)
    assert seat(world, "op1").room == elder.room
    assert not [channel for channel in world.board.channels.values() if channel.target == DAUGHTER]
    assert line.room is not None
    assert in_front(world, line)
    assert [body.why for body in world.bodies(cf.TransferFailed)] == ["preempted"]


def test_an_emergency_takes_the_operator_out_of_a_consultation_and_his_colleague_has_the_caller(world: World) -> None:
    """A9: somebody of ours is with her already, so she need not wait."""
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.answer(world.ringing("op2"))
    elder = world.press(LI)
    world.wait(6)
    assert seat(world, "op1").room == elder.room
    assert line.room == seat(world, "op2").room
    assert world.controller.hotline.queue() == []
    assert not world.bodies(rf.HotlineHeld)


def test_a_restart_in_the_consultation_goes_on_where_it_was(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.answer(world.ringing("op2"))
    world.crash()
    world.start()
    assert world.call_of(line).transfer is not None
    assert world.call_of(line).held
    world.run(lambda: world.controller.control.complete(world.call_of(line), "op1"))
    assert line.room == seat(world, "op2").room


def test_the_consulted_seat_hung_up_while_the_controller_was_dead(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2")
    world.answer(world.ringing("op2"))
    world.crash()
    world.board.hang_up(seat(world, "op2"))
    world.start()
    assert line.room == seat(world, "op1").room
    assert world.call_of(line).transfer is None


def test_a_transfer_whose_dial_the_crash_took_has_failed(world: World) -> None:
    line = talking(world, "op2")
    world.pbx.held.add("originate")
    transfer(world, line, "seat:op2")
    world.crash(lost=1)
    world.start()
    world.wait(2)
    assert world.call_of(line).open
    assert world.call_of(line).transfer is None
    assert line.room == seat(world, "op1").room


# --- three-way ---------------------------------------------------------------------------------------------------


def test_three_in_a_room_and_one_is_taken_out(world: World) -> None:
    line = talking(world)
    leg = world.run_result(lambda: world.controller.control.invite(world.call_of(line), f"number:{DAUGHTER}", "op1"))
    daughter = world.ringing(DAUGHTER)
    world.answer(daughter)
    assert {line.room, daughter.room, seat(world, "op1").room} == {line.room}
    with pytest.raises(Conflict):
        world.controller.control.invite(world.call_of(line), f"number:{DAUGHTER}", "op1")
    world.run(lambda: world.controller.control.remove(world.call_of(line), leg.id, "op1"))
    assert daughter.id not in world.board.channels
    assert world.call_of(line).staffed


def test_muting_and_hanging_up(world: World) -> None:
    line = talking(world)
    own = next(leg for leg in world.call_of(line).legs.values() if leg.number == "op1")
    world.run(lambda: world.controller.control.mute(world.call_of(line), own.id, True, "op1"))
    assert world.pbx.of("mute") == [(line.room, own.channel_id, True)]
    assert world.call_of(line).legs[own.id].muted
    world.run(lambda: world.controller.control.hang_up(world.call_of(line), "op1"))
    assert not world.board.channels
    assert not world.call_of(line).open


# --- park ------------------------------------------------------------------------------------------------------


def test_parked_she_waits_with_music_and_any_seat_fetches_her(world: World) -> None:
    line = talking(world, "op2")
    assert park(world, line) == 1
    assert not any(channel.target == "op1" for channel in world.board.channels.values())
    call = world.call_of(line)
    assert call.open
    assert call.parked is not None
    world.wait(30)
    assert not world.all_ringing()
    world.run(lambda: world.controller.control.retrieve(world.call_of(line), "op2"))
    world.answer(world.ringing("op2"))
    assert line.room == seat(world, "op2").room
    assert world.call_of(line).parked is None
    assert [body.by for body in world.bodies(cf.CallRetrieved)] == ["op2"]


def test_parked_out_of_a_hold_she_stays_parked(world: World) -> None:
    """Back from hold she is in the room before her operator has left it: he has not fetched her."""
    line = talking(world, "op2")
    hold(world, line)
    world.wait(1)
    park(world, line)
    world.wait(5)
    assert line.id in world.board.channels
    assert world.call_of(line).parked is not None
    world.run(lambda: world.controller.control.retrieve(world.call_of(line), "op2"))
    world.answer(world.ringing("op2"))
    assert [body.by for body in world.bodies(cf.CallRetrieved)] == ["op2"]
    assert line.room == seat(world, "op2").room


def test_every_parked_call_has_a_slot_of_its_own(world: World) -> None:
    line = talking(world)
    park(world, line)
    world.wait(6)
    second = world.hotline(WANG)
    world.answer(world.ringing("op1"))
    assert park(world, second) == 2
    world.hang_up(line)
    world.wait(6)
    third = world.hotline(LI)
    world.answer(world.ringing("op1"))
    assert park(world, third) == 1


def test_nobody_fetches_her_she_rings_back_then_waits_first(world: World) -> None:
    line = talking(world)
    park(world, line)
    world.wait(121)
    assert world.ringing("op1").variables["CC_ROOM"] == line.room
    assert world.call_of(line).parked is None
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.NO_ANSWER))
    assert world.call_of(line).open
    assert in_front(world, line)


def test_the_fetching_seat_does_not_answer_and_she_stays_parked(world: World) -> None:
    line = talking(world, "op2")
    park(world, line)
    world.run(lambda: world.controller.control.retrieve(world.call_of(line), "op2"))
    world.run(lambda: world.board.refuse(world.ringing("op2"), HangupReason.NO_ANSWER))
    assert world.call_of(line).parked is not None
    assert world.call_of(line).open


def test_a_restart_keeps_slots(world: World) -> None:
    line = talking(world, "op2")
    park(world, line)
    world.crash()
    world.start()
    assert world.call_of(line).open
    assert not world.all_ringing()
    world.wait(119)
    assert world.call_of(line).parked is not None
    world.wait(3)
    assert world.rings("op1")


def test_parked_and_in_need_9_is_an_emergency(world: World) -> None:
    """B1, A2: alone with music she has no other way to say so."""
    line = talking(world, "op2")
    park(world, line)
    world.wait(1)
    world.run(lambda: world.board.key(line, "caller-9"))
    assert world.call_of(line).line == "emergency"
    assert line.room == world.incident().room
    world.answer(world.ringing("op2"))
    assert seat(world, "op2").room == line.room
    world.wait(130)
    assert world.call_of(line).open
    assert line.room == seat(world, "op2").room, "nobody gives her back to anybody"


def test_between_two_operators_9_is_an_emergency(world: World) -> None:
    line = talking(world, "op2")
    transfer(world, line, "seat:op2", "blind")
    world.run(lambda: world.board.key(line, "caller-9"))
    assert world.incident().room == line.room
    world.answer(world.ringing("op2"))
    world.wait(5)
    assert seat(world, "op2").room == line.room


def test_with_somebody_who_speaks_9_is_a_key(world: World) -> None:
    line = talking(world)
    world.run(lambda: world.board.key(line, "caller-9"))
    assert world.call_of(line).line == "hotline"


def test_on_hold_9_is_an_emergency_and_her_operator_has_her_at_once(world: World) -> None:
    line = talking(world, "op2")
    hold(world, line)
    line.variables["CC_NODE"] = "emergency"
    world.choose(line, "")
    call = world.call_of(line)
    assert (call.line, call.held, call.staffed) == ("emergency", False, True)
    assert line.room == world.incident().room == seat(world, "op1").room
    world.wait(130)
    assert line.room == seat(world, "op1").room
    assert not world.controller.emergencies.waiting(world.incident().id)


# --- calls by operators ------------------------------------------------------------------------------------------


def call_out(world: World, number: str = DAUGHTER) -> Call:
    return world.run_result(lambda: world.controller.control.call_out(number, "op1", purpose="follow_up"))


def test_the_seat_rings_first_then_the_number_and_the_call_ends_with_either(world: World) -> None:
    world.register("op1")
    call = call_out(world)
    assert call.line == "outbound"
    assert not world.rings(DAUGHTER)
    world.answer(world.ringing("op1"))
    far = world.ringing(DAUGHTER)
    world.answer(far)
    assert far.room == seat(world, "op1").room
    assert state(world, "op1") == "talking"
    assert world.bodies(cf.CallOpened)[-1].purpose == "follow_up"
    world.hang_up(far)
    assert not world.controller.calls.get(call.id).open
    assert not world.board.channels
    assert state(world, "op1") == "wrap_up"


@pytest.mark.parametrize("reason", [HangupReason.NO_ANSWER, HangupReason.BUSY])
def test_the_number_does_not_answer_and_the_call_is_over(world: World, reason: HangupReason) -> None:
    world.register("op1")
    call = call_out(world)
    world.answer(world.ringing("op1"))
    world.run(lambda: world.board.refuse(world.ringing(DAUGHTER), reason))
    assert not world.controller.calls.get(call.id).open
    assert not world.board.channels


def test_the_operators_own_phone_does_not_answer_and_the_number_is_not_called(world: World) -> None:
    world.register("op1")
    call = call_out(world)
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.NO_ANSWER))
    assert not world.controller.calls.get(call.id).open
    assert world.dialled(DAUGHTER) == 0
    assert state(world, "op1") == "ready"


def test_a_waiting_caller_does_not_take_the_seat_that_rings_for_its_own_call_an_emergency_does(world: World) -> None:
    """A9."""
    world.register("op1")
    call_out(world)
    world.hotline(STRANGER)
    world.wait(3)
    assert world.ringing("op1").variables["CC_CALL"] != world.controller.hotline.queue()[0]
    elder = world.press(WANG)
    world.wait(1)
    assert world.ringing("op1").variables["CC_ROOM"] == elder.room


def test_an_emergency_takes_the_operator_from_whom_he_called_and_that_one_waits_first(world: World) -> None:
    """A9: nobody is hung up on."""
    world.register("op1")
    call = call_out(world)
    world.answer(world.ringing("op1"))
    far = world.ringing(DAUGHTER)
    world.answer(far)
    elder = world.press(WANG)
    world.wait(6)
    assert seat(world, "op1").room == elder.room
    assert world.controller.calls.get(call.id).open
    assert world.controller.hotline.queue() == [call.id]
    assert far.room is not None


def test_a_restart_between_the_operator_and_the_number_goes_on(world: World) -> None:
    world.register("op1")
    call_out(world)
    world.crash()
    world.board.pick_up(world.ringing("op1"))
    world.start()
    world.wait(1)
    assert world.dialled(DAUGHTER) == 1


def test_numbers_abroad_and_nonsense_are_not_dialled(world: World) -> None:
    world.register("op1")
    for number in ("+1 202 555 0123", "0012025550123", "16812345", "17951 0044 207 123 45", "abc", ""):
        with pytest.raises(InvalidInput):
            world.controller.control.call_out(number, "op1")
    with pytest.raises(Conflict):
        world.controller.control.call_out(DAUGHTER, "op2")


@pytest.mark.parametrize("way", ["park", "seat:op2", "queue:general"])
def test_killed_in_the_moment_in_which_her_operator_is_let_go_she_is_the_duty_desks_after_a_while(
    world: World, way: str
) -> None:
    """A10: in company her lease is long; the short one holds before he leaves the room."""
    line = talking(world, "op2")
    world.wait(3)
    if way == "park":
        park(world, line)
    else:
        transfer(world, line, way, "blind")
    assert not [channel for channel in world.board.channels.values() if channel.target == "op1"]
    world.crash()
    for ringing in world.all_ringing():
        world.board.refuse(ringing, HangupReason.NO_ANSWER)
    world.wait(20)
    assert line.context == "cc-fallback"
    world.start()
    world.wait(3)
    assert world.call_of(line).open
    assert line.id in world.board.channels


def test_the_lease_of_a_transfer_is_that_of_company_when_the_other_has_her(world: World) -> None:
    """R1: she is not taken out of their talk when the controller dies later."""
    line = talking(world, "op2")
    world.wait(3)
    transfer(world, line, "seat:op2", "blind")
    world.answer(world.ringing("op2"))
    world.wait(3)
    world.crash()
    world.wait(60)
    assert line.room == seat(world, "op2").room


def test_the_operator_hangs_up_while_the_controller_is_dead_and_who_is_on_the_line_still_is_asked(world: World) -> None:
    """A10: nobody knows how it ended; she waits first in line instead of being cut off."""
    line = talking(world)
    world.wait(3)
    world.crash()
    world.board.hang_up(seat(world, "op1"))
    world.start()
    assert world.call_of(line).open
    assert world.controller.hotline.queue() == [line.variables["CC_CALL"]]
    world.wait(5)
    world.answer(world.ringing("op1"))
    assert world.call_of(line).staffed
