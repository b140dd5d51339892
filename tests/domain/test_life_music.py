"""Case files of music that plays on although somebody has come: she must hear who is with her (A1)."""

from callcenter.telephony.events import HoldMusic
from tests.support.fake_pbx import Channel
from tests.support.world import WANG, World


def music(world: World, channel: Channel, playing: bool) -> None:
    world.run(lambda: world.board.events.append(HoldMusic(channel.id, playing)))


def with_music(world: World) -> Channel:
    world.register("op1")
    elder = world.press(WANG)
    music(world, elder, True)
    return elder


def test_music_that_stops_when_somebody_comes_is_nobodys_business(world: World) -> None:
    elder = with_music(world)
    world.wait(2)
    world.answer(world.ringing("op1"))
    music(world, elder, False)
    world.wait(5)
    assert world.pbx.of("redirect") == []


def test_music_that_plays_on_is_stopped_by_sending_her_into_her_room_anew(world: World) -> None:
    elder = with_music(world)
    world.answer(world.ringing("op1"))
    world.wait(1)
    assert world.pbx.of("redirect") == [(elder.id, "cc-room", "rejoin")]
    assert elder.room is not None
    assert not world.controller.emergencies.waiting(world.incident().id)
    world.wait(10)
    assert len(world.pbx.of("redirect")) == 1


def test_what_asterisk_did_not_hear_is_said_again(world: World) -> None:
    elder = with_music(world)
    world.pbx.refuses.add("redirect")
    world.answer(world.ringing("op1"))
    world.wait(1)
    world.pbx.refuses.clear()
    world.wait(3)
    assert world.pbx.of("redirect") == [(elder.id, "cc-room", "rejoin")] * 2


def test_alone_she_has_her_music(world: World) -> None:
    with_music(world)
    world.wait(30)
    assert world.pbx.of("redirect") == []


def test_a_caller_of_the_hotline_as_well(world: World) -> None:
    world.register("op1")
    caller = world.hotline(WANG)
    music(world, caller, True)
    world.answer(world.ringing("op1"))
    world.wait(1)
    assert world.pbx.of("redirect") == [(caller.id, "cc-room", "rejoin")]
