"""Calling back instead of waiting: she keeps her place, the operator comes first, nobody is dialled twice (B1)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from callcenter.callbacks import facts as f
from callcenter.callbacks.model import CallBack, State
from callcenter.callbacks.service import VIA
from callcenter.calls import facts as cf
from callcenter.errors import Conflict, IllegalTransition, InvalidInput
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World

OTHER = "13900000077"


@pytest.fixture
def day(world: World) -> Iterator[World]:
    """The clock at noon in Shanghai, outside the quiet hours."""
    now = world.clock.now()
    noon = now.replace(hour=4, minute=0, second=0, microsecond=0)
    world.clock.pass_time(((noon - now) % timedelta(days=1)).total_seconds())
    return iter([world])


@pytest.fixture
def noon(day: Iterator[World]) -> World:
    return next(day)


def press(world: World, caller: Channel, key: str) -> None:
    """She presses a key in her room, and is asked what she wants."""
    world.run(lambda: world.board.key(caller, f"caller-{key}"))


def ask(world: World, caller: Channel, *keys: str) -> CallBack:
    """She presses 1 while she waits, and then these keys."""
    press(world, caller, "1")
    assert caller.context == "cc-menu"
    for key in ("", *keys):
        world.choose(caller, key)
    return world.controller.callbacks.known()[-1]


def seat_of(world: World, user: str) -> Channel:
    return next(channel for channel in world.board.channels.values() if channel.target == user)


# --- asking ----------------------------------------------------------------------------------------------------


def test_she_hears_her_number_confirms_it_and_keeps_her_place(noon: World) -> None:
    caller = noon.hotline(WANG)
    call = noon.call_of(caller)
    noon.wait(20)
    press(noon, caller, "1")
    noon.choose(caller, "")
    said = caller.variables["CC_PROMPTS"].split("&")
    assert said[:3] == ["callback-number", "digit-1-tel", "digit-3"]
    assert said[-1] == "callback-confirm"
    assert noon.controller.hotline.queue() == []
    noon.choose(caller, "1")
    (asked,) = noon.bodies(f.CallBackAsked)
    assert (asked.number, asked.elder_id, asked.queue) == (WANG, "elder-wang", "general")
    assert abs((asked.since - call.invited_at).total_seconds()) < 2
    assert not noon.call_of(caller).open
    assert noon.controller.callbacks.get(asked.callback_id).state is State.WAITING


def test_another_number_may_be_keyed_in_but_none_that_costs(noon: World) -> None:
    """Toll fraud: an emergency service, a service number, or one abroad is refused, and then asked for again."""
    caller = noon.hotline(WANG)
    press(noon, caller, "1")
    noon.choose(caller, "")
    noon.choose(caller, "2")
    for refused in ("120", "16812345678"):
        noon.choose(caller, refused)
        assert caller.variables["CC_PROMPTS"] == "callback-refused&key-number"
    noon.choose(caller, OTHER)
    noon.choose(caller, "1")
    assert [body.number for body in noon.bodies(f.CallBackAsked)] == [OTHER]


@pytest.mark.parametrize("keys", [("0",), ("", "", ""), ("2", "", "", ""), ("2", "110", "119", "120")])
def test_who_does_not_want_it_after_all_waits_on_in_her_place(noon: World, keys: tuple[str, ...]) -> None:
    first = noon.hotline(WANG)
    noon.wait(1)
    second = noon.hotline(LI)
    press(noon, first, "1")
    for key in ("", *keys):
        noon.choose(first, key)
    assert first.room == noon.call_of(first).room
    assert noon.controller.hotline.queue() == [first.variables["CC_CALL"], second.variables["CC_CALL"]]
    assert noon.bodies(f.CallBackAsked) == []


def test_a_number_that_withheld_callers_key_in_again_and_again_is_left_in_peace(noon: World) -> None:
    """Nuisance calls: whoever asks waits on in her place, and its own phone may still ask."""
    for _ in range(2):
        ask(noon, noon.hotline("anonymous"), OTHER, "1")
        noon.run(lambda: noon.controller.callbacks.cancel(noon.controller.callbacks.waiting()[0].id, "op1"))
    ask(noon, third := noon.hotline("anonymous"), OTHER, "1")
    assert noon.controller.hotline.queue() == [third.variables["CC_CALL"]]
    ask(noon, noon.hotline(OTHER), "1")
    assert [body.dictated for body in noon.bodies(f.CallBackAsked)] == [True, True, False]


def test_while_she_is_asked_no_seat_rings_for_her(noon: World) -> None:
    caller = noon.hotline(WANG)
    press(noon, caller, "1")
    noon.register("op1")
    noon.wait(2)
    assert not noon.rings("op1")
    noon.choose(caller, "")
    noon.choose(caller, "0")
    assert noon.rings("op1")


def test_a_key_pressed_while_she_talks_to_somebody_means_nothing(noon: World) -> None:
    noon.register("op1")
    caller = noon.hotline(WANG)
    noon.answer(noon.ringing("op1"))
    for key in ("1", "9"):
        press(noon, caller, key)
    assert caller.context == "cc-room"
    assert noon.call_of(caller).line == "hotline"


def test_9_in_the_queue_is_an_emergency(noon: World) -> None:
    """B1: wherever she is."""
    caller = noon.hotline(WANG)
    press(noon, caller, "9")
    noon.register("op1", "op2")
    assert noon.call_of(caller).incident_id == noon.incident().id
    assert caller.room == noon.incident().room
    assert caller.variables["CC_LINE"] == "emergency"
    assert noon.rings("op1")
    assert noon.rings("op2")
    assert noon.controller.hotline.queue() == []


def test_9_in_the_questions_of_a_call_back_is_an_emergency(noon: World) -> None:
    caller = noon.hotline(WANG)
    press(noon, caller, "1")
    noon.choose(caller, "")
    noon.choose(caller, "9")
    assert noon.call_of(caller).line == "emergency"
    assert caller.room == noon.incident().room


def test_one_number_has_one_call_back(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    again = noon.run_result(
        lambda: noon.controller.callbacks.ask(WANG, queue="general", since=noon.clock.now(), actor="op1")
    )
    assert again.id == asked.id
    assert len(noon.bodies(f.CallBackAsked)) == 1


def test_a_number_that_costs_is_refused_to_the_desk_as_well(noon: World) -> None:
    with pytest.raises(InvalidInput):
        noon.controller.callbacks.ask("120", queue="general", since=noon.clock.now(), actor="op1")


# --- calling ---------------------------------------------------------------------------------------------------


def test_the_seat_rings_first_with_her_number_then_she_is_dialled_and_they_speak(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    assert not noon.rings(WANG)
    noon.register("op1")
    noon.wait(1)
    seat = noon.ringing("op1")
    dial = next(dial for dial in noon.board.dialled if dial.channel_id == seat.id)
    assert dial.caller_number == WANG
    assert "回拨" in dial.caller_name
    assert not noon.rings(WANG), "nobody is called before there is somebody to speak with"
    noon.answer(seat)
    her = noon.ringing(WANG)
    assert noon.controller.callbacks.get(asked.id).state is State.CALLING
    noon.answer(her)
    done = noon.controller.callbacks.get(asked.id)
    assert done.state is State.DONE
    call = noon.controller.calls.get(done.call_id or "")
    assert (call.line, call.via, call.elder_id) == ("outbound", VIA, "elder-wang")
    assert her.room == seat.room
    noon.wait(30)
    noon.hang_up(her)
    assert not noon.board.channels
    assert noon.dialled(WANG) == 1


def test_her_place_is_before_whoever_came_later_and_behind_whoever_came_before(noon: World) -> None:
    first = noon.hotline(STRANGER)
    noon.wait(1)
    kept = noon.hotline(WANG)
    noon.wait(1)
    asked = ask(noon, kept, "1")
    last = noon.hotline(LI)
    noon.register("op1")
    noon.wait(1)
    assert noon.ringing("op1").variables["CC_ROOM"] == first.room
    noon.answer(noon.ringing("op1"))
    noon.register("op2")
    noon.wait(1)
    assert noon.ringing("op2").variables["CC_ROOM"] not in (first.room, last.room)
    noon.answer(noon.ringing("op2"))
    noon.answer(noon.ringing(WANG))
    assert noon.controller.callbacks.get(asked.id).state is State.DONE
    assert noon.controller.hotline.queue() == [last.variables["CC_CALL"]]


@pytest.mark.parametrize("reason", [HangupReason.NO_ANSWER, HangupReason.BUSY, HangupReason.REJECTED])
def test_who_does_not_answer_is_tried_again_by_the_rule_and_then_it_is_work_for_somebody(
    noon: World, reason: HangupReason
) -> None:
    noon.register("op1")
    noon.pause("op1")
    asked = ask(noon, noon.hotline(WANG), "1")
    for _ in range(4):
        noon.ready("op1")
        noon.wait(noon.settings.wrap_up_seconds + 2)
        noon.answer(noon.ringing("op1"))
        her = noon.ringing(WANG)
        noon.run(lambda channel=her: noon.board.refuse(channel, reason))  # type: ignore[misc]
        noon.wait(1)
        assert not noon.board.channels, "the operator is let go"
        noon.pause("op1")
        after = noon.controller.callbacks.get(asked.id)
        rest = (after.next_at - noon.clock.now()).total_seconds()
        if after.state is State.WAITING:
            noon.ready("op1")
            noon.wait(min(60, rest - 5))
            assert not noon.rings("op1"), "not before her rest is over"
            noon.clock.pass_time(max(0.0, (after.next_at - noon.clock.now()).total_seconds()))
    failed = noon.controller.callbacks.get(asked.id)
    assert failed.state is State.FAILED
    assert noon.dialled(WANG) == 4
    assert [attempt.reason for attempt in failed.attempts] == [reason] * 4


def test_a_seat_that_does_not_pick_up_costs_her_no_attempt(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    noon.run(lambda: noon.board.refuse(noon.ringing("op1"), HangupReason.NO_ANSWER))
    noon.register("op2")
    noon.wait(5)
    noon.answer(noon.ringing("op2"))
    noon.answer(noon.ringing(WANG))
    assert noon.controller.callbacks.get(asked.id).state is State.DONE


def test_an_operator_who_hangs_up_before_she_answers_is_followed_by_the_next(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    noon.answer(noon.ringing("op1"))
    her = noon.ringing(WANG)
    noon.hang_up(seat_of(noon, "op1"))
    assert her.id not in noon.board.channels
    waiting = noon.controller.callbacks.get(asked.id)
    assert (waiting.state, waiting.counted) == (State.WAITING, 0)
    noon.unregister("op1")
    noon.register("op2")
    noon.wait(8)
    noon.answer(noon.ringing("op2"))
    noon.answer(noon.ringing(WANG))
    assert noon.controller.callbacks.get(asked.id).state is State.DONE


def test_an_emergency_goes_before_a_call_back(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    assert noon.rings("op1")
    elder = noon.press(LI)
    assert noon.ringing("op1").variables["CC_ROOM"] == elder.room
    assert noon.controller.callbacks.get(asked.id).state is State.WAITING


def test_in_the_quiet_hours_nobody_is_woken_who_asked_long_ago(world: World) -> None:
    now = world.clock.now()
    late = now.replace(hour=14, minute=0, second=0, microsecond=0)  # 22:00 in Shanghai
    world.clock.pass_time(((late - now) % timedelta(days=1)).total_seconds())
    asked = ask(world, world.hotline(WANG), "1")
    world.clock.pass_time(31 * 60)
    world.register("op1")
    world.wait(2)
    assert not world.rings("op1")
    world.run(lambda: world.controller.callbacks.hasten(asked.id, "op1"))
    world.wait(1)
    assert world.rings("op1")


# --- she calls herself, somebody cancels -----------------------------------------------------------------------


def test_if_she_calls_again_herself_she_has_her_old_place_and_is_not_called_back(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.wait(60)
    other = noon.hotline(LI)
    noon.wait(10)
    again = noon.hotline(WANG)
    assert noon.controller.callbacks.get(asked.id).state is State.CANCELLED
    assert noon.controller.hotline.queue() == [again.variables["CC_CALL"], other.variables["CC_CALL"]]
    noon.register("op1", "op2")
    noon.wait(1)
    assert noon.dialled(WANG) == 0


def test_if_she_calls_while_she_is_being_called_the_seat_is_let_go_and_has_her_at_once(noon: World) -> None:
    ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    noon.answer(noon.ringing("op1"))
    assert noon.rings(WANG)
    again = noon.hotline(WANG)
    noon.wait(noon.settings.wrap_up_seconds + 3)
    assert not noon.rings(WANG)
    assert noon.ringing("op1").variables["CC_ROOM"] == again.room


def test_what_is_cancelled_rings_nobody_and_cannot_be_cancelled_twice(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    assert noon.rings("op1")
    noon.run(lambda: noon.controller.callbacks.cancel(asked.id, "op2"))
    noon.wait(1)
    assert not noon.board.channels
    with pytest.raises(IllegalTransition):
        noon.controller.callbacks.cancel(asked.id, "op2")
    with pytest.raises(IllegalTransition):
        noon.controller.callbacks.hasten(asked.id, "op2")


def test_a_failed_one_is_not_opened_again_beside_another_of_the_same_number(noon: World) -> None:
    first = noon.run_result(lambda: noon.controller.callbacks.ask(WANG, queue="general", since=noon.clock.now()))
    for body in (f.CallBackCalling(callback_id=first.id), f.CallBackFailed(callback_id=first.id, reason="busy")):
        noon.run(lambda said=body: noon.controller.ledger.record(said, actor="system"))  # type: ignore[misc]
    noon.run(lambda: noon.controller.callbacks.ask(WANG, queue="general", since=noon.clock.now()))
    with pytest.raises(Conflict):
        noon.controller.callbacks.hasten(first.id, "op1")


# --- restarts --------------------------------------------------------------------------------------------------


def test_a_restart_keeps_her_place_and_dials_nobody_twice(noon: World) -> None:
    """A10: it lives in the journal."""
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.crash()
    noon.start()
    assert noon.controller.callbacks.get(asked.id).state is State.WAITING
    noon.register("op1")
    noon.wait(1)
    noon.answer(noon.ringing("op1"))
    assert noon.rings(WANG)
    noon.crash()
    noon.start()
    noon.wait(2)
    assert noon.dialled(WANG) == 1
    noon.answer(noon.ringing(WANG))
    assert noon.controller.callbacks.get(asked.id).state is State.DONE


def test_what_happened_while_the_controller_was_gone_is_found_out(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    noon.register("op1")
    noon.wait(1)
    noon.answer(noon.ringing("op1"))
    her = noon.ringing(WANG)
    noon.crash()
    noon.board.refuse(her, HangupReason.NO_ANSWER)
    noon.start()
    noon.wait(2)
    after = noon.controller.callbacks.get(asked.id)
    assert after.state is State.WAITING
    assert not noon.rings(WANG)
    assert noon.dialled(WANG) == 1


def test_a_new_segment_of_the_journal_begins_with_what_is_open(noon: World) -> None:
    asked = ask(noon, noon.hotline(WANG), "1")
    carried = list(noon.controller.callbacks.carried())
    assert [type(fact.body) for fact in carried] == [f.CallBackAsked]
    noon.run(lambda: noon.controller.callbacks.cancel(asked.id, "op1"))
    assert list(noon.controller.callbacks.carried()) == []


def test_who_waits_long_is_offered_it_after_her_place(noon: World) -> None:
    noon.hotline(WANG)
    noon.wait(100)
    said = [prompts for _, prompts in noon.board.played]
    assert [prompts[-1] for prompts in said].count("callback-offer") == 1
    assert said[0] == ("next-in-line",)
    assert noon.bodies(cf.CallEnded) == []
