"""Case files of an elder who says nothing (R17): who is prompted when, once, and never while she is alone."""

import pytest

from callcenter.emergency.silence import Silent, Spoke
from tests.support.fake_pbx import Channel
from tests.support.world import DUTY, WANG, WANG_PENDANT, World


def stages(world: World) -> list[str]:
    return [body.stage for body in world.bodies(Silent)]


def with_operator(world: World) -> tuple[Channel, Channel]:
    """Wang has pressed and op1 is with her."""
    world.register("op1")
    elder = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    return elder, seat


def says(world: World, channel: Channel, seconds: float = 1.0) -> None:
    world.run(lambda: world.board.talk(channel))
    world.wait(seconds)
    world.run(lambda: world.board.hush(channel))


def test_r17_silence_gets_worse_step_by_step_and_her_word_ends_it(world: World) -> None:
    elder, _ = with_operator(world)
    world.wait(9.5)
    assert stages(world) == []
    world.wait(1)
    assert stages(world) == ["ask"]
    assert world.board.played == [(elder.room, ("ask-if-ok",))]
    assert world.incident().silence == "ask"
    world.wait(10)
    assert stages(world) == ["ask", "louder"]
    assert elder.volume == 4
    world.wait(20)
    assert stages(world)[2:] == ["call_back"]
    world.wait(20)
    assert stages(world)[3:] == ["send_someone"]
    world.wait(100)
    assert len(stages(world)) == 4
    assert [round(body.seconds) for body in world.bodies(Silent)] == [10, 20, 40, 60]

    says(world, elder)
    assert len(world.bodies(Spoke)) == 1
    assert world.incident().silence == ""
    assert elder.volume == 1
    # Silent again: a new silence, from her last word.
    world.wait(9.5)
    assert len(stages(world)) == 4
    world.wait(1)
    assert stages(world)[4:] == ["ask"]


def test_r17_who_speaks_now_and_then_is_not_silent(world: World) -> None:
    elder, _ = with_operator(world)
    for _ in range(6):
        world.wait(8)
        says(world, elder, 15)
    assert stages(world) == []
    assert world.bodies(Spoke) == []


def test_r17_the_machine_does_not_ask_into_the_operators_sentence(world: World) -> None:
    elder, seat = with_operator(world)
    world.run(lambda: world.board.talk(seat))
    world.wait(15)
    assert stages(world) == []
    world.run(lambda: world.board.hush(seat))
    world.wait(2.5)
    assert stages(world) == []
    world.wait(1)
    assert stages(world) == ["ask"]
    world.run(lambda: world.board.talk(seat))
    world.wait(5)
    assert stages(world) == ["ask", "louder"]
    assert elder.volume == 4


def test_r17_alone_with_the_music_she_is_not_asked(world: World) -> None:
    world.press(WANG)
    world.wait(70)
    assert stages(world) == []


def test_r17_an_operator_who_is_alone_in_the_room_waits_for_the_call_back_and_nothing_else(world: World) -> None:
    elder, _ = with_operator(world)
    world.hang_up(elder)
    world.wait(15)
    assert stages(world) == []


def test_r17_a_mobile_that_has_not_accepted_is_not_company(world: World) -> None:
    elder = world.press(WANG)
    world.wait(6)
    mobile = world.ringing(DUTY[0])
    world.answer(mobile)
    world.wait(15)
    assert stages(world) == []
    world.run(lambda: world.board.press_one(mobile))
    world.wait(9.5)
    assert elder.room == mobile.room
    assert stages(world) == []
    world.wait(1)
    assert stages(world) == ["ask"]


def test_r17_either_of_her_two_lines_counts(world: World) -> None:
    with_operator(world)
    world.wait(5)
    pendant = world.press(WANG_PENDANT)
    world.wait(8)
    says(world, pendant)
    world.wait(9)
    assert stages(world) == []


def test_r17_a_new_line_of_hers_begins_a_new_silence(world: World) -> None:
    elder, _ = with_operator(world)
    world.wait(45)
    assert world.incident().silence == "call_back"
    world.hang_up(elder)
    world.press(WANG)
    assert world.incident().silence == ""
    world.wait(9.5)
    assert len(stages(world)) == 3
    world.wait(1)
    assert stages(world)[3:] == ["ask"]


@pytest.mark.parametrize("outage", ["crash", "link"])
def test_r17_a_silence_outlives_a_restart_and_no_stage_comes_twice(world: World, outage: str) -> None:
    elder, _ = with_operator(world)
    world.wait(22)
    assert stages(world) == ["ask", "louder"]
    if outage == "crash":
        world.crash()
        world.start()
    else:
        world.lose_link()
        world.wait(5)
        world.regain_link()
    world.wait(19)
    assert stages(world) == ["ask", "louder"]
    world.wait(2)
    assert stages(world) == ["ask", "louder", "call_back"]
    says(world, elder)
    assert elder.volume == 1
    assert world.incident().silence == ""


def test_r17_a_closed_emergency_is_silent_for_good(world: World) -> None:
    with_operator(world)
    world.wait(5)
    world.close_incident()
    world.wait(60)
    assert stages(world) == []
