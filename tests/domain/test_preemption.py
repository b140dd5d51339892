"""Case files of pre-emption: an emergency that nobody picks up takes an operator from a routine call (A9, R11)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.routing import facts as f
from callcenter.routing.model import Demand
from callcenter.routing.preemption import AGAIN_SECONDS, Talk, choose
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOW = 100.0
BUSY = frozenset({"free_seats", "busy_seats"})


# --- the choice -----------------------------------------------------------------------------------------------


def demand(call_id: str, *, priority: int = 0, since: float = 0.0, resting: dict[str, float] | None = None) -> Demand:
    return Demand(call_id, BUSY, ring_all=True, priority=priority, since=since, resting=resting or {})


def talk(user: str, seconds: float) -> Talk:
    return Talk(user, START - timedelta(seconds=seconds))


def test_who_has_talked_longest_goes_to_the_most_urgent() -> None:
    talks = [talk("op1", 10), talk("op2", 300), talk("op3", 60)]
    demands = [demand("later", since=5), demand("first"), demand("graver", priority=1, since=9)]
    assert choose(demands, talks, {}, (), NOW) == {"op2": "graver", "op3": "first", "op1": "later"}


@pytest.mark.parametrize(
    ("what", "waiting", "taken_at", "on_the_way"),
    [
        ("not asked for by now", Demand("e", frozenset({"free_seats"}), True, 0, 0.0), {}, ()),
        ("a synthetic press", Demand("e", BUSY | {"test_seat"}, True, 0, 0.0), {}, ()),
        ("taken for her a moment ago", demand("e"), {"e": NOW - AGAIN_SECONDS + 0.1}, ()),
        ("somebody has just picked up", demand("e"), {}, ("e",)),
        ("the seat rests for her", demand("e", resting={"op1": NOW + 1}), {}, ()),
    ],
)
def test_nobody_is_taken(what: str, waiting: Demand, taken_at: dict[str, float], on_the_way: tuple[str, ...]) -> None:
    assert choose([waiting], [talk("op1", 10)], taken_at, on_the_way, NOW) == {}, what


def test_after_ten_seconds_another_may_be_taken() -> None:
    assert choose([demand("e")], [talk("op1", 9)], {"e": NOW - AGAIN_SECONDS}, (), NOW) == {"op1": "e"}


USERS = [f"op{number}" for number in range(5)]
CALLS = [f"e{number}" for number in range(5)]


@given(
    st.lists(
        st.builds(
            demand,
            st.sampled_from(CALLS),
            priority=st.integers(0, 2),
            since=st.floats(0, 4),
            resting=st.dictionaries(st.sampled_from(USERS), st.sampled_from([NOW - 1, NOW + 1]), max_size=2),
        ),
        unique_by=lambda it: it.call_id,
    ),
    st.lists(st.builds(talk, st.sampled_from(USERS), st.floats(0, 600)), unique_by=lambda it: it.user),
    st.dictionaries(st.sampled_from(CALLS), st.floats(NOW - 20, NOW), max_size=3),
    st.frozensets(st.sampled_from(CALLS), max_size=2),
)
def test_at_most_one_each_and_nobody_who_may_have_one_goes_without(
    demands: list[Demand], talks: list[Talk], taken_at: dict[str, float], on_the_way: frozenset[str]
) -> None:
    taken = choose(demands, talks, taken_at, on_the_way, NOW)
    assert set(taken) <= {it.user for it in talks}
    assert all(number == 1 for number in Counter(taken.values()).values())
    for it in demands:
        recent = NOW - taken_at.get(it.call_id, -100) < AGAIN_SECONDS
        if recent or it.call_id in on_the_way:
            assert it.call_id not in taken.values()
        elif it.call_id not in taken.values():
            assert all(one.user in taken or it.resting.get(one.user, 0) > NOW for one in talks)


# --- in the room ------------------------------------------------------------------------------------------------


def seat_channel(world: World, user: str) -> Channel:
    return next(channel for channel in world.board.channels.values() if channel.target == user)


def state(world: World, user: str) -> str:
    return str(world.controller.routing.state_of(world.controller.routing.seat(user)))


def talking(world: World, number: str = STRANGER) -> tuple[Channel, Channel]:
    """op1 talks with a routine caller: the caller's channel and the operator's."""
    world.register("op1")
    caller = world.hotline(number)
    world.answer(world.ringing("op1"))
    world.wait(20)
    return caller, seat_channel(world, "op1")


def test_a_routine_call_is_put_on_hold_at_3_s_and_its_operator_is_with_the_elder_before_5(world: World) -> None:
    """A1, A9: no new ringing: the operator's own line is moved."""
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.wait(2.75)
    assert operator.room == caller.room
    world.wait(0.5)
    assert operator.room is None
    assert caller.room is not None
    assert world.dialled("op1") == 1
    world.wait(1.5)
    assert operator.room == elder.room
    incident = world.incident()
    assert incident.answered_by == "op1"
    assert not incident.late
    assert world.controller.routing.seat("op1").talking_on == elder.variables["CC_CALL"]
    ended = next(body for body in world.bodies(cf.LegEnded) if body.role == Role.SEAT)
    assert ended.reason == "preempted"
    assert (caller.room, ("held-apology",)) in world.board.played
    assert world.call_of(caller).open
    moved = next(leg for leg in world.call_of(elder).legs.values() if leg.role == Role.SEAT)
    assert (moved.channel_id, moved.in_room, moved.accepted) == (operator.id, True, True)
    assert operator.variables["CC_LEG"] == moved.id
    assert operator.variables["CC_CALL"] == elder.variables["CC_CALL"]


def test_the_held_caller_goes_back_to_the_same_seat_before_everybody_else(world: World) -> None:
    """A9: first in line, to the seat she had, at once, without wrap-up."""
    caller, operator = talking(world)
    earlier = world.hotline(LI)
    elder = world.press(WANG)
    world.wait(6)
    assert operator.room == elder.room
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"], earlier.variables["CC_CALL"]]
    world.register("op2")
    assert world.ringing("op2").variables["CC_ROOM"] == earlier.room, "others do not wait for her seat, nor take hers"
    world.hang_up(operator)
    world.wait(0.5)
    world.answer(world.ringing("op1"))
    assert seat_channel(world, "op1").room == caller.room
    assert world.call_of(caller).staffed
    assert state(world, "op1") == "talking"
    call = world.call_of(caller)
    world.hang_up(caller)
    assert not world.controller.calls.get(call.id).open
    assert state(world, "op1") == "wrap_up"


def test_r14_who_was_taken_for_an_elder_and_drops_her_at_once_is_rung_for_her_not_for_the_held_caller(
    world: World,
) -> None:
    """R14: a slip of the hand, and the only seat must not be gone for minutes: she is alone."""
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.wait(5)
    assert operator.room == elder.room
    world.hang_up(operator)
    world.wait(1)
    assert not world.rings("op1")
    world.wait(1)
    world.answer(world.ringing("op1"))
    assert seat_channel(world, "op1").room == elder.room
    world.close_incident()
    world.wait(1)
    assert world.ringing("op1").variables["CC_ROOM"] == caller.room


def test_after_30_s_any_free_seat_may_take_the_held_caller(world: World) -> None:
    caller, _ = talking(world)
    world.press(WANG)
    world.wait(4)
    world.register("op2")
    world.wait(28)
    assert not world.rings("op2")
    world.wait(2)
    assert world.ringing("op2").variables["CC_ROOM"] == caller.room


def test_when_the_seats_phone_is_off_the_held_caller_does_not_wait_for_it(world: World) -> None:
    caller, operator = talking(world)
    world.press(WANG)
    world.wait(5)
    world.unregister("op1")
    world.register("op2")
    assert world.ringing("op2").variables["CC_ROOM"] == caller.room
    assert operator.room is not None


def test_a_held_caller_who_hangs_up_is_gone_and_counted(world: World) -> None:
    caller, _ = talking(world)
    world.press(WANG)
    world.wait(5)
    call_id = caller.variables["CC_CALL"]
    world.hang_up(caller)
    assert world.controller.hotline.queue() == []
    assert not world.controller.calls.get(call_id).open
    assert [body.answered for body in world.bodies(cf.CallEnded)] == [True]
    assert state(world, "op1") == "talking"


def test_an_operator_who_comes_second_is_free_and_has_the_caller_back_at_once(world: World) -> None:
    """Somebody else picked up while the word of warning played (R13)."""
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.wait(2.9)
    world.register("op2")
    world.wait(0.5)
    assert operator.room is None
    world.answer(world.ringing("op2"))
    assert seat_channel(world, "op2").room == elder.room
    world.wait(2)
    assert operator.id not in world.board.channels
    world.answer(world.ringing("op1"))
    assert seat_channel(world, "op1").room == caller.room
    assert world.incident().answered_by == "op2"


def test_one_operator_for_each_waiting_elder_and_never_one_who_talks_on_an_emergency(world: World) -> None:
    world.register("op1", "op2", "op3")
    for number in (STRANGER, "051266660001"):
        world.hotline(number)
        world.answer(world.all_ringing()[0])
    busy = world.press(LI)
    world.answer(world.all_ringing()[0])
    assert not world.all_ringing()
    helped = next(channel for channel in world.board.channels.values() if channel.room == busy.room and channel != busy)
    elder = world.press(WANG)
    world.wait(6)
    assert len(world.bodies(f.HotlineHeld)) == 1
    assert helped.room == busy.room
    assert sum(channel.room == elder.room for channel in world.board.channels.values()) == 2


def test_a_phone_that_is_hung_up_in_the_middle_of_the_move_leaves_both_waiting(world: World) -> None:
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.pbx.held.add("redirect")
    world.wait(3.25)
    world.hang_up(operator)
    world.pbx.release()
    world.wait(0.25)
    assert world.call_of(elder).human_at is None
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]
    world.wait(3)
    assert world.ringing("op1").variables["CC_ROOM"] == elder.room


def test_a_move_that_asterisk_refuses_ends_the_operators_line_and_rings_it_anew(world: World) -> None:
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.pbx.refuses.add("redirect")
    world.wait(3.25)
    assert operator.id not in world.board.channels
    world.wait(4)
    world.answer(world.ringing("op1"))
    assert seat_channel(world, "op1").room == elder.room
    assert world.call_of(caller).open


# --- crashes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [("CC_CALL",), ("CC_CALL", "CC_ROOM"), ("CC_CALL", "CC_ROOM", "CC_LEG")])
def test_a_crash_between_the_words_to_asterisk_brings_the_operator_to_the_elder_all_the_same(
    world: World, told: tuple[str, ...]
) -> None:
    """The journal knows of the move, the line's variables say half of it: the journal is right (R1, A9)."""
    _, operator = talking(world)
    elder = world.press(WANG)
    world.pbx.held.add("set_variable")
    world.wait(3.25)
    call = world.call_of(elder)
    (leg,) = [leg for leg in call.live_legs if leg.role == "seat"]
    said = {"CC_CALL": call.id, "CC_ROOM": call.room, "CC_LEG": leg.id}
    operator.variables |= {name: said[name] for name in told}
    world.journal.flush()
    world.crash()
    world.start()
    world.wait(4)
    assert operator.room == elder.room
    assert world.call_of(elder).legs[leg.id].accepted


@pytest.mark.parametrize("lost", range(8))
@pytest.mark.parametrize("moved", [False, True])
def test_a_crash_in_the_middle_of_the_move_leaves_the_operator_with_exactly_one_of_them(
    world: World, lost: int, moved: bool
) -> None:
    """Whatever the journal lost, and whether or not Asterisk had been told: nobody is cut off, nobody has two."""
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.wait(2.9)
    if not moved:
        world.pbx.held.add("redirect")
    world.journal.flush()
    world.journal.stalled = True
    world.wait(0.25)
    world.crash(lost)
    world.start()
    world.wait(2.5)
    assert elder.room is not None
    assert caller.room is not None
    world.wait(20)
    with_elder = [c for c in world.board.channels.values() if c.room == elder.room and c is not elder]
    with_caller = [c for c in world.board.channels.values() if c.room == caller.room and c is not caller]
    assert len(with_elder) + len(with_caller) <= 1
    if operator.id in world.board.channels:
        assert operator.room in (elder.room, caller.room)
        found = world.controller.calls.leg_of_channel(operator.id)
        assert found is not None
        assert found[1].in_room
        assert found[0].room == operator.room
    if not with_elder:
        world.answer(world.ringing("op1"))
        with_elder = [seat_channel(world, "op1")]
    assert world.incident().answered_by == "op1"
    assert with_elder[0].room == elder.room
    if world.call_of(caller).open:
        world.hang_up(with_elder[0])
        world.wait(0.5)
        assert world.rings("op1")


def test_a_lost_link_in_the_middle_of_the_move_is_made_good(world: World) -> None:
    caller, operator = talking(world)
    elder = world.press(WANG)
    world.wait(2.9)
    world.pbx.held.add("redirect")
    world.wait(0.2)
    world.lose_link()
    world.pbx.release()
    world.regain_link()
    world.wait(2)
    assert operator.room == elder.room
    assert caller.room != elder.room
    assert world.incident().answered_by == "op1"


def test_reasons_of_hanging_up_stay_asterisks_own(world: World) -> None:
    _, operator = talking(world)
    world.run(lambda: world.board.end(operator.id, HangupReason.FAILED))
    assert [body.reason for body in world.bodies(cf.LegEnded) if body.role == Role.SEAT] == ["failed"]


def test_an_operator_alone_in_the_room_of_an_elder_whose_line_dropped_is_taken_for_the_next(tmp_path: Path) -> None:
    """The only operator waits for a call-back to be answered; another elder presses: she is not left alone for it."""
    world = World(tmp_path, duty=())
    world.register("op1")
    dropped = world.press(LI)
    world.answer(world.ringing("op1"))
    world.hang_up(dropped)
    world.wait(5)
    pressed = world.press(WANG)
    world.wait(15)
    (operator,) = (channel for channel in world.board.channels.values() if channel.target == "op1")
    assert operator.room == pressed.room
    world.answer(world.ringing(LI))
    assert [one.open for one in world.controller.emergencies.known()] == [True, True]
    world.close()
