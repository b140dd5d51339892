"""An operator's way back into an emergency whose room he left: a reloaded page, a step away from the desk (A2, R14)."""

import pytest

from callcenter.errors import Conflict
from tests.domain.test_control import seat, state
from tests.support.world import WANG, World


def test_who_left_her_with_120_comes_back_by_his_own_word(world: World) -> None:
    """A2: the desk is not wanted while she is not alone, so nothing rings by itself."""
    world.register("op1")
    line = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.request("120")
    world.answer(world.ringing("120"))
    world.hang_up(seat(world, "op1"))
    world.wait(5)
    assert state(world, "op1") == "ready"
    call = world.call_of(line)
    world.run(lambda: world.controller.control.rejoin(call, "op1"))
    world.answer(world.ringing("op1"))
    assert seat(world, "op1").room == line.room
    assert state(world, "op1") == "talking"
    with pytest.raises(Conflict):
        world.controller.control.rejoin(world.call_of(line), "op1")
