"""What tests of people outside ask of a `World`."""

from callcenter.notifications.facts import MessageRequested
from tests.support.fake_pbx import Channel
from tests.support.world import WANG, World


def texted(world: World) -> list[str]:
    """The numbers that were texted, in order."""
    return [body.to for body in world.bodies(MessageRequested)]


def outside(world: World) -> set[str]:
    """What rings outside just now, by dial string."""
    return {channel.target for channel in world.all_ringing() if channel.role not in ("seat", "elder")}


def prompts(channel: Channel) -> str:
    """What somebody outside hears before the key."""
    return channel.variables["CC_PROMPTS"]


def with_operator(world: World) -> None:
    """Wang has pressed and op1 is with her."""
    world.register("op1")
    world.press(WANG)
    world.answer(world.ringing("op1"))
