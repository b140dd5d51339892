"""The page's audio alone loses its way, while everything else of it works: nobody is left in silence (R14, B7)."""

import pytest

from tests.stories.steps import ready
from tests.support.browser import Console
from tests.support.instance import Instance
from tests.support.sipp import until

CALLER, OPERATOR = 440.0, 640.0


@pytest.mark.parametrize("line", ["12349", "95120"])
async def test_given_a_talk_when_the_pages_audio_is_lost_then_it_is_told_and_another_seat_has_the_caller(
    center: Instance, console: Console, line: str
) -> None:
    """R14, B7: a routine caller as well as an elder in need; the page says what became of its call, and is back."""
    op1 = await console("op1", voice=OPERATOR)
    await op1.loses(0)
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    elder = center.elders[1]
    caller = await center.dial(line, elder["pendant"] if line == "95120" else elder["phones"][0], seconds=180)
    await caller.answered()
    caller.media.play(CALLER)
    if line == "12349":
        caller.media.key("0")
    await op1.phone("call?.state", "ringing", 30)
    await op1.say("answer")
    await op1.hears(CALLER)
    op2 = await center.seat("op2")
    await op1.loses(100)
    await op1.phone("call?.unheard", True)
    second = await op2.call(seconds=20)
    await second.answer()
    await until(lambda: second.hears(CALLER), 5, "the second operator to hear the caller")
    await op1.phone("call", None)
    await op1.page.get_by_text("通话的声音中断").wait_for()
    await op1.phone("status", "registered")
