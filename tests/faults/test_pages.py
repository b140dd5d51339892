"""The operator's phone is a page in a real Chromium, and the machine under it stops in the middle of a call (R14)."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from callcenter.calls import facts as cf
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.browser import Consoles, build_console, spare_address
from tests.support.sipp import until

OFFERED_SECONDS = 7.0
"""A page may be quiet for five seconds before it is taken for dead (B7); then she rings elsewhere within two (R14)."""

pytestmark = pytest.mark.long


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    build_console()
    spare_address()
    async with Center(tmp_path_factory.mktemp("center")) as center:
        yield center


@pytest.mark.fault("R14")
async def test_the_machine_under_a_page_stops_in_the_call_then_she_is_offered_to_the_next_seat(
    center: Center, tally: Tally
) -> None:
    """A2, R14: its sockets stand and nothing comes from them any more."""
    (op2,) = await center.seats("op2")
    async with Consoles.of(center) as console:
        op1 = await console("op1", voice=640)
        await center.until(lambda: center.registered(2), what="the page's phone")
        press = await center.press(tally, 0, 440)
        await op1.phone("call?.state", "ringing")
        await op1.say("answer")
        await op1.hears(440)
        tally.answered += 1
        await until(lambda: press.media.hears(640), 5, "the operator to be heard")
        # A talk is under way; a phone that leaves an elder within seconds is another case.
        talking = time.monotonic()
        await until(lambda: time.monotonic() - talking > 4 and press.media.hears(640), 5, "a talk")
        rung = len(op2.calls)
        op1.freeze()
        try:
            begun = time.monotonic()
            tally.tried += 1
            await until(lambda: len(op2.calls) > rung, OFFERED_SECONDS, "the next seat to ring")
            tally.note(f"the next seat rang {time.monotonic() - begun:.1f} s after the page's machine stopped")
            await center.talk(tally, press, op2, 440)
            tally.took(time.monotonic() - begun)
        finally:
            op1.thaw()
        await op1.phone("call", None, 20)
    incident = await center.of(0)
    assert incident["state"] == "open"
    assert not center.witness.bodies(cf.CallEnded, incident["id"])
    await center.audit(tally)
