"""Phones on their desks that lose power: off within five seconds, back by themselves (B7, R11)."""

from tests.support.world import World


def on_the_desk(world: World, agent: str) -> None:
    """op1's phone is on, has said what it is, and has been asked once."""
    world.board.agents["op1"] = agent
    world.register("op1")
    world.compare()
    world.wait(1)


def asked(world: World) -> int:
    return len(world.pbx.of("answers"))


def on(world: World) -> bool:
    return world.controller.routing.has_phone("op1")


def test_a_phone_that_answered_and_answers_no_more_is_off_within_five_seconds_and_comes_back(world: World) -> None:
    on_the_desk(world, "baresip v1.0.0")
    assert asked(world) == 1
    world.wait(4)
    assert on(world)
    world.board.answers_options["op1"] = False
    waited = 0.0
    while on(world):
        world.wait(0.25)
        waited += 0.25
    assert 2 <= waited <= 5, "two answers are missing, not one"
    world.board.answers_options["op1"] = True
    world.wait(6)
    assert on(world)


def test_a_phone_that_has_just_registered_is_asked_at_once(world: World) -> None:
    """B7: not from the next comparison on, which is a quarter of a minute away."""
    world.wait(2)
    world.board.agents["op1"] = "baresip v1.0.0"
    world.register("op1")
    world.wait(3)
    assert asked(world)
    world.board.answers_options["op1"] = False
    world.wait(5)
    assert not on(world)


def test_one_answer_that_is_lost_is_none(world: World) -> None:
    on_the_desk(world, "baresip v1.0.0")
    before = asked(world)
    world.board.answers_options["op1"] = False
    while asked(world) == before:
        world.wait(0.25)
    world.board.answers_options["op1"] = True
    world.wait(10)
    assert on(world)


def test_a_phone_that_never_answered_is_not_judged_and_not_asked_again(world: World) -> None:
    world.board.answers_options["op1"] = False
    on_the_desk(world, "Kettle/2")
    world.wait(30)
    assert on(world)
    assert asked(world) == 1


def test_what_does_not_say_what_it_is_is_not_asked(world: World) -> None:
    for agent in ("", "SIPp/Linux"):
        on_the_desk(world, agent)
        world.wait(10)
        assert asked(world) == 0
