"""Phones that die in a routine call, and pages that are not heard: the caller is not left to nobody (R14, B7)."""

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.life.facts import LegResumed, LegStalled
from tests.domain.test_dead_phone import ends, known_to_answer, loses_power
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, World


def in_a_routine_call(world: World, *others: str) -> tuple[Channel, Channel]:
    """A caller talks with op1; op1's phone answers questions, and both sides have been heard for 3 s."""
    world.register("op1")
    caller = world.hotline(STRANGER)
    seat = world.ringing("op1")
    world.answer(seat)
    world.register(*others)
    caller.sends = seat.sends = True
    world.wait(3)
    return caller, seat


def test_r14_a_phone_that_dies_in_a_routine_call_stays_off_until_it_answers_again(world: World) -> None:
    """B7: it is registered for minutes still; rung once more, the next caller would wait for nobody."""
    caller, seat = in_a_routine_call(world)
    loses_power(world, seat)
    world.wait(5)
    assert ends(world, seat.id) == ["dead"]
    assert not world.controller.routing.has_phone("op1")
    world.wait(40)  # two comparisons with what is registered
    world.compare()
    assert not world.controller.routing.has_phone("op1")
    assert world.dialled("op1") == 1
    world.board.answers_options["op1"] = True
    world.wait(6)
    assert world.controller.routing.has_phone("op1")
    world.answer(world.ringing("op1"))
    assert caller.room == world.call_of(caller).room
    assert world.call_of(caller).staffed


def test_r14_whose_operators_phone_dies_hears_so_and_is_first_in_line(world: World) -> None:
    """B7: before whoever waited, no word of an emergency that there is not, and all of it on record."""
    caller, seat = in_a_routine_call(world)
    waiting = world.hotline(LI)
    world.wait(2)
    loses_power(world, seat)
    world.wait(5)
    queue = world.controller.hotline.queue()
    assert queue == [caller.variables["CC_CALL"], waiting.variables["CC_CALL"]]
    assert (caller.room, ("transferring",)) in world.board.played
    assert not any("held-apology" in prompts for _, prompts in world.board.played)
    assert [(body.to, body.why) for body in world.bodies(cf.CallReturned)] == [("queue", "operator_gone")]
    world.register("op2")
    world.wait(1)
    rescue = world.ringing("op2")
    world.answer(rescue)
    assert rescue.room == caller.room
    assert world.dialled("op1") == 1


def test_r14_a_page_that_is_killed_in_a_routine_call_is_not_rung_until_it_is_back(world: World) -> None:
    """B7: the browser is gone, its registration is not; the seat's telephone, where there is one, is rung instead."""
    world.register("op1-web")
    world.run(lambda: world.controller.routing.page("op1", True))
    world.board.answers_options["op1-web"] = None
    caller = world.hotline(STRANGER)
    seat = world.ringing("op1")
    world.answer(seat)
    caller.sends = seat.sends = True
    world.wait(3)
    seat.sends = False
    world.run(lambda: world.controller.routing.page("op1", False))
    world.wait(40)
    world.compare()
    assert ends(world, seat.id) == ["dead"]
    assert not world.controller.routing.has_phone("op1")
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]
    world.run(lambda: world.controller.routing.page("op1", True))
    world.wait(1)
    assert world.rings("op1")


def at_a_page_for_a_caller(world: World) -> tuple[Channel, Channel]:
    """A caller talks with op1's page, which pings; op2's phone is on too."""
    world.register("op1-web")
    world.run(lambda: world.controller.routing.page("op1", True))
    world.board.answers_options["op1-web"] = None
    caller = world.hotline(STRANGER)
    seat = world.ringing("op1")
    world.answer(seat)
    caller.sends = True
    return caller, seat


def test_r14_a_page_that_is_not_heard_in_a_routine_call_is_told_so_and_mends_that(world: World) -> None:
    """B7: its sound alone has lost its way; as with an elder."""
    caller, seat = at_a_page_for_a_caller(world)
    seat.sends = True
    world.wait(3)
    for time in (1, 2):
        seat.sends = False
        world.wait(4)
        assert [(body.seat, body.role) for body in world.bodies(LegStalled)] == [("op1", Role.SEAT)] * time
        seat.sends = True
        world.wait(2)
        assert [body.seat for body in world.bodies(LegResumed)] == ["op1"] * time
        world.wait(30)
    assert seat.room == caller.room


@pytest.mark.parametrize("heard_before", [True, False])
def test_r14_a_caller_whose_operators_page_stays_unheard_is_offered_on_or_comes_back_to_the_same_seat(
    world: World, heard_before: bool
) -> None:
    """B7: she is never left alone in silence; the page's phone is there, and is rung again after its wrap-up."""
    caller, seat = at_a_page_for_a_caller(world)
    seat.sends = heard_before
    world.wait(3)
    seat.sends = False
    world.wait(12)
    assert ends(world, seat.id) == ["dead"]
    assert [(body.to, body.why) for body in world.bodies(cf.CallReturned)] == [("queue", "operator_gone")]
    assert world.controller.routing.has_phone("op1")
    world.wait(5)
    again = world.ringing("op1")
    again.sends = True
    world.answer(again)
    assert again.room == caller.room


def test_r14_a_supervisors_phone_that_dies_while_it_listens_is_let_go(world: World) -> None:
    caller, _ = in_a_routine_call(world, "sup1")
    world.run(lambda: world.controller.monitoring.start(world.call_of(caller), "sup1", "listen"))
    spy = world.ringing("sup1")
    world.answer(spy)
    spy.sends = True
    world.wait(3)
    loses_power(world, spy)
    world.wait(5)
    assert ends(world, spy.id) == ["dead"]
    assert world.call_of(caller).staffed
    assert not world.controller.routing.has_phone("sup1")


def test_r14_a_phone_that_dies_in_the_first_second_of_a_routine_call_is_noticed(world: World) -> None:
    known_to_answer(world)
    world.hotline(STRANGER)
    seat = world.ringing("op1")
    world.answer(seat)
    loses_power(world, seat)
    world.wait(5)
    assert ends(world, seat.id) == ["dead"]
    assert not world.controller.routing.has_phone("op1")
