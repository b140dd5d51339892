"""The hotline: longest idle first, who waits keeps her place, an emergency goes before, and what she hears (B1, B7)."""

import pytest

from callcenter.calls import facts as cf
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.routing import facts as f
from callcenter.routing.announcements import number_prompts, position_prompts
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World


def seat_channel(world: World, user: str) -> Channel:
    return next(channel for channel in world.board.channels.values() if channel.target == user)


# --- the queue -------------------------------------------------------------------------------------------------


def test_a_caller_rings_the_seat_that_is_longest_idle_and_only_that(world: World) -> None:
    world.register("op2")
    world.wait(1)
    world.register("op1", "op3")
    caller = world.hotline(WANG)
    assert {channel.target for channel in world.all_ringing()} == {"op2"}
    world.answer(world.ringing("op2"))
    assert seat_channel(world, "op2").room == caller.room
    assert world.controller.hotline.queue() == []
    assert [body.seat for body in world.bodies(f.HotlineOffered)] == ["op2"]


def test_a_seat_that_does_not_answer_is_passed_over_for_the_next(world: World) -> None:
    world.register("op1")
    world.wait(1)
    world.register("op2")
    world.hotline(WANG)
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.NO_ANSWER))
    assert {channel.target for channel in world.all_ringing()} == {"op2"}


def test_callers_wait_in_the_order_in_which_they_came(world: World) -> None:
    first = world.hotline(WANG)
    world.wait(1)
    second = world.hotline(LI)
    assert world.controller.hotline.queue() == [first.variables["CC_CALL"], second.variables["CC_CALL"]]
    world.register("op1")
    assert world.ringing("op1").variables["CC_ROOM"] == first.room


def test_paused_seats_wrap_up_and_supervisors_are_left_alone_however_long_she_waits(world: World) -> None:
    world.register("op1", "sup1")
    world.pause("op1")
    world.hotline(WANG)
    world.wait(120)
    assert not world.board.dialled


def test_wrap_up_ends_by_itself_and_then_the_next_caller_rings(world: World) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    world.answer(world.ringing("op1"))
    world.hang_up(caller)
    assert world.controller.routing.state_of(world.controller.routing.seat("op1")) == "wrap_up"
    world.hotline(LI)
    world.wait(4.75)
    assert not world.rings("op1")
    world.wait(0.5)
    assert world.rings("op1")


def test_an_emergency_takes_the_seat_that_rings_for_the_hotline_and_the_caller_keeps_her_place(world: World) -> None:
    """A9: a routine call never stands before an emergency."""
    world.register("op1")
    waiting = world.hotline(STRANGER)
    world.wait(1)
    world.hotline(LI)
    assert world.ringing("op1").variables["CC_ROOM"] == waiting.room
    elder = world.press(WANG)
    assert world.ringing("op1").variables["CC_ROOM"] == elder.room
    assert world.controller.hotline.queue()[0] == waiting.variables["CC_CALL"]
    assert waiting.room is not None
    world.register("op2")
    world.answer(world.ringing("op1"))
    assert world.ringing("op2").variables["CC_ROOM"] == waiting.room


def test_no_second_seat_rings_while_the_first_is_on_its_way_into_the_room(world: World) -> None:
    world.register("op1", "op2")
    world.hotline(WANG)
    picked_up = world.all_ringing()[0]
    world.run(lambda: world.board._up(picked_up))
    world.wait(2)
    assert len(world.board.dialled) == 1


@pytest.mark.parametrize("who", ["caller", "seat"])
def test_a_hotline_call_is_over_when_either_side_hangs_up(world: World, who: str) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    call_id = caller.variables["CC_CALL"]
    world.answer(world.ringing("op1"))
    world.wait(10)
    world.hang_up(caller if who == "caller" else seat_channel(world, "op1"))
    assert not world.board.channels
    call = world.controller.calls.get(call_id)
    assert not call.open
    assert [(body.answered, body.seconds) for body in world.bodies(cf.CallEnded)] == [(True, 10.0)]


def test_a_caller_who_gives_up_leaves_the_queue_and_the_phone_stops(world: World) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    world.hang_up(caller)
    assert not world.board.channels
    assert world.controller.hotline.queue() == []
    assert [body.answered for body in world.bodies(cf.CallEnded)] == [False]


def test_a_caller_who_hangs_up_in_the_menu_is_an_ended_call(world: World) -> None:
    caller = world.hotline(WANG, "")
    assert world.call_of(caller).elder_legs[0].state == "answered"
    world.hang_up(caller)
    assert len(world.bodies(cf.CallEnded)) == 1


def test_a_choice_that_comes_after_she_hung_up_puts_nobody_in_the_queue(world: World) -> None:
    """A dead call in the queue would stop every phone from ringing, for everybody."""
    world.register("op1")
    caller = world.hotline(WANG, "")
    world.hang_up(caller)
    world.choose(caller, "1")
    assert world.controller.hotline.queue() == []
    world.press(LI)
    assert world.rings("op1")


@pytest.mark.parametrize("digit", ["0", "1", "2", "3"])
def test_every_choice_but_9_waits_for_a_seat(world: World, digit: str) -> None:
    caller = world.hotline(WANG, digit)
    assert world.call_of(caller).digit == digit
    assert world.call_of(caller).line == "hotline"
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]


@pytest.mark.parametrize("digit", ["4", "", "99", "*"])
def test_what_is_no_choice_is_helped_once_and_then_it_is_an_operator(world: World, digit: str) -> None:
    """B1: an elder who cannot press keys needs a human most."""
    caller = world.hotline(WANG, "")
    world.choose(caller, digit)
    assert caller.variables["CC_PROMPTS"] == ("wrong-input&menu" if digit else "no-input")
    assert world.controller.hotline.queue() == []
    world.choose(caller, digit)
    assert caller.context == "cc-room"
    assert world.call_of(caller).digit == "0"
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]


def test_menu_9_makes_it_an_emergency(world: World) -> None:
    """B1: her call becomes an incident; all free seats ring at once."""
    world.register("op1", "op2")
    caller = world.hotline(WANG, "9")
    call = world.call_of(caller)
    assert (call.line, call.digit, call.incident_id) == ("emergency", "9", world.incident().id)
    assert world.incident().origin == "menu"
    assert world.incident().elder_id == "elder-wang"
    assert caller.room == world.incident().room
    assert {channel.target for channel in world.all_ringing()} == {"op1", "op2"}
    assert world.controller.hotline.queue() == []


def test_menu_9_of_a_stranger_is_an_emergency_as_well(world: World) -> None:
    world.hotline("anonymous", "9")
    assert (world.incident().origin, world.incident().elder_id) == ("menu", None)


def test_menu_9_while_her_pendant_is_pressed_joins_that_incident(world: World) -> None:
    elder = world.press(WANG)
    caller = world.hotline(WANG, "9")
    assert caller.room == elder.room
    assert world.incident().priority == 1
    assert len(world.controller.emergencies.known()) == 1


def test_menu_9_and_hung_up_in_the_same_moment_is_still_an_emergency(world: World) -> None:
    """A8: a dropped press is never lost."""
    world.register("op1")
    caller = world.hotline(WANG, "")
    world.hang_up(caller)
    world.choose(caller, "9")
    assert world.rings("op1")
    world.wait(3)
    assert world.rings(WANG)


# --- what she hears --------------------------------------------------------------------------------------------


def test_a_waiting_caller_hears_her_place_after_8_s_and_then_every_25_s(world: World) -> None:
    first, second = world.hotline(WANG), world.hotline(LI)
    world.wait(7.75)
    assert world.board.played == []
    world.wait(0.5)
    assert world.board.played == [
        (first.room, ("next-in-line",)),
        (second.room, ("you-are-number", "digit-2", "position-suffix")),
    ]
    world.wait(24.5)
    assert len(world.board.played) == 2
    world.hang_up(first)
    world.wait(0.5)
    assert world.board.played[2:] == [(second.room, ("next-in-line",))]


def test_nothing_is_played_into_a_room_she_has_not_reached_yet(world: World) -> None:
    caller = world.hotline(WANG, "")
    world.run(lambda: world.controller.hotline.enqueue(caller.variables["CC_CALL"], "1"))
    world.wait(20)
    assert world.board.played == []


DIGITS = "零一二三四五六七八九"
SPOKEN = {f"digit-{number}": word for number, word in enumerate(DIGITS)} | {"number-10": "十", "number-100": "百"}


def chinese(number: int) -> str:
    """Independent of the code: built from the decimal digits, then contracted as it is spoken."""
    hundreds, tens, ones = (int(digit) for digit in f"{number:03}")
    words = f"{DIGITS[hundreds]}百{DIGITS[tens]}十{DIGITS[ones]}"
    for written, spoken in (("零百", ""), ("零十", "零"), ("零零", "零")):
        words = words.replace(written, spoken)
    words = words.strip("零") if number else "零"
    return words.removeprefix("一") if number < 20 and words.startswith("一十") else words


def test_numbers_are_said_as_in_mandarin() -> None:
    assert [chinese(n) for n in (1, 10, 12, 20, 21, 100, 105, 110, 120, 999)] == [
        "一", "十", "十二", "二十", "二十一", "一百", "一百零五", "一百一十", "一百二十", "九百九十九",
    ]  # fmt: skip
    for number in range(1, 1000):
        assert "".join(SPOKEN[prompt] for prompt in number_prompts(number)) == chinese(number)
    assert number_prompts(1000) == number_prompts(999)
    assert number_prompts(0) == ["digit-0"]


def test_places_in_the_queue() -> None:
    assert position_prompts(1) == ["next-in-line"]
    assert position_prompts(12) == ["you-are-number", "number-10", "digit-2", "position-suffix"]


# --- dispositions and restarts ---------------------------------------------------------------------------------


def test_a_call_is_disposed_of_once_and_with_a_known_word(world: World) -> None:
    """B7."""
    caller = world.hotline(WANG)
    call = world.call_of(caller)
    hotline = world.controller.hotline
    with pytest.raises(InvalidInput, match="disposition must be one of"):
        hotline.dispose(call, "eaten", "", "", None, "op1")
    world.hang_up(caller)
    done = hotline.dispose(world.controller.calls.get(call.id), "enquiry", "问路", "route", None, "op1")
    assert (done.disposition, done.elder_id) == ("enquiry", "elder-wang")
    with pytest.raises(Conflict, match="already dispositioned"):
        hotline.dispose(world.controller.calls.get(call.id), "enquiry", "", "", None, "op1")


def test_r1_after_a_restart_callers_wait_on_in_the_old_order(world: World) -> None:
    first = world.hotline(WANG)
    world.wait(1)
    second = world.hotline(LI)
    menu = world.hotline(STRANGER, "")
    world.crash()
    world.wait(2)
    world.start()
    assert world.controller.hotline.queue() == [first.variables["CC_CALL"], second.variables["CC_CALL"]]
    world.choose(menu, "2")
    assert len(world.controller.hotline.queue()) == 3


def test_r1_a_choice_lost_in_a_crash_still_waits_because_she_is_in_her_room(world: World) -> None:
    caller = world.hotline(WANG, "")
    known = len(world.journal.lines)
    world.choose(caller, "1")
    world.journal.flushed = known
    world.crash(lost=1000)
    world.start()
    assert world.call_of(caller).digit == ""
    world.register("op1")
    assert world.ringing("op1").variables["CC_ROOM"] == caller.room


def test_r1_a_caller_who_left_while_the_controller_was_away_frees_the_seat(world: World) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    world.answer(world.ringing("op1"))
    world.crash()
    world.hang_up(caller)
    world.start()
    assert not world.board.channels
    assert not world.controller.calls.open_calls()


def test_r1_a_crash_between_her_end_and_the_seats_is_finished_afterwards(world: World) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    world.answer(world.ringing("op1"))
    world.pbx.held.add("hangup")
    world.hang_up(caller)
    assert seat_channel(world, "op1")
    world.crash()
    world.start()
    assert not world.board.channels
    assert not world.controller.calls.open_calls()


# --- declarations ----------------------------------------------------------------------------------------------


def test_a_seat_is_set_to_ready_or_paused_and_to_nothing_else(world: World) -> None:
    routing = world.controller.routing
    world.register("op1")
    with pytest.raises(InvalidInput, match="ready or paused"):
        routing.declare("op1", "talking", "", "op1")
    with pytest.raises(NotFound):
        routing.declare("nobody", "ready", "", "nobody")
    world.pause("op1")
    assert (routing.seat("op1").declared, routing.seat("op1").reason) == ("paused", "午休")
    assert routing.state_of(routing.seat("op1")) == "paused"


def test_a_seat_that_pauses_while_it_rings_stops_ringing_and_the_next_is_offered(world: World) -> None:
    world.register("op1")
    world.wait(1)
    world.register("op2")
    world.hotline(WANG)
    world.pause("op1")
    assert {channel.target for channel in world.all_ringing()} == {"op2"}


def test_a_pause_lasts_over_a_restart(world: World) -> None:
    world.register("op1")
    world.pause("op1")
    world.crash()
    world.start()
    assert world.controller.routing.seat("op1").declared == "paused"
