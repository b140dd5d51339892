"""Case files of a line that drops: the elder is called back, whoever waits in her room (A8, R16)."""

from itertools import pairwise

from callcenter.emergency import facts as ef
from tests.support.world import (
    LI,
    WANG,
    World,
)


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


def test_r16_she_hangs_up_before_she_is_in_her_room_then_it_is_on_record_that_her_line_dropped(world: World) -> None:
    """The call-back is begun by the drop, not by the opening of her emergency a moment before her call's."""
    elder = world.press(WANG, admitted=False)
    world.hang_up(elder)
    assert len(world.bodies(ef.LineDropped)) == 1
    world.wait(3)
    assert world.dialled(WANG) == 1


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
    elder = world.press(LI)
    world.hang_up(elder)
    world.board.busy.add(LI)
    times = []
    for _ in range(4 * 160):
        before = world.dialled(LI)
        world.wait(0.25)
        if world.dialled(LI) > before:
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


def test_r18_a_further_press_while_seats_ring_neither_stops_a_phone_nor_rings_it_anew(world: World) -> None:
    world.register("op1", "op2")
    first = world.press(WANG)
    world.wait(1)
    for _ in range(3):
        world.press(WANG)
        world.wait(0.5)
    world.hang_up(first)
    world.wait(0.5)
    assert (world.dialled("op1"), world.dialled("op2")) == (1, 1)
    world.answer(world.ringing("op1"))
    assert world.incident().answered_by == "op1"
    assert len({channel.room for channel in world.board.channels.values()}) == 1
    assert not world.rings("op2")
