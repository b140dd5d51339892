"""Nothing comes: no call from the trunk, no synthetic press that arrives; silence itself is the alarm (R27)."""

import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.providers import Provider, provider

QUIET_SECONDS = 6.0

pytestmark = pytest.mark.long


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside() -> AsyncIterator[Provider]:
    """The watch outside, which is pinged while all is well."""
    async with provider() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, outside: Provider) -> AsyncIterator[Center]:
    async with Center(
        tmp_path_factory.mktemp("center"),
        silence_hours=QUIET_SECONDS / 3600,
        disk_full_mb=1,
        deadman_url=f"{outside.url}/ping",
        deadman_seconds=0.5,
    ) as center:
        yield center


@pytest.mark.fault("R27")
async def test_no_call_in_the_expected_time_then_it_is_raised_and_cleared_by_the_next_press(
    center: Center, tally: Tally
) -> None:
    """R27; our own press goes through the whole chain meanwhile and rings nobody."""
    (op1,) = await center.seats("op1")
    begun = time.monotonic()
    await center.until(lambda: _found(center, True), QUIET_SECONDS + 10, "silence to be an alarm")
    tally.note(f"said after {time.monotonic() - begun:.1f} s")
    admin = await center.sign_in("admin")
    own = await admin.post("/watchdog/press")
    assert own["result"] == "done"
    tally.note(f"synthetic press: machine {own['system_ms']} ms, in the room {own['human_ms']} ms")
    assert not op1.calls
    assert not await center.emergencies("open")
    press = await center.press(tally, 0, 440)
    begun = time.monotonic()
    await center.talk(tally, press, op1, 440)
    await center.until(lambda: _found(center, False), 20, "the alarm to be over")
    tally.took(time.monotonic() - begun)
    await center.audit(tally)


async def _found(center: Center, there: bool) -> bool:
    return ("no_calls" in await center.findings()) == there


@pytest.mark.fault("R27")
async def test_the_controller_hangs_then_the_watch_outside_hears_nothing_any_more(
    center: Center, tally: Tally, outside: Provider
) -> None:
    """R27: who watches the watchdog."""
    await center.seats("op1")
    before = len(outside.requests)
    await center.until(lambda: _pinged(outside, before), 20, "a ping")
    hung = center.send("serve", signal.SIGSTOP)
    try:
        heard = len(outside.requests)
        begun = time.monotonic()
        await center.until(lambda: _passed(begun, 3), 5, "three seconds")
        assert len(outside.requests) <= heard + 1
    finally:
        hung.send(signal.SIGCONT)
    begun, heard = time.monotonic(), len(outside.requests)
    await center.until(lambda: _pinged(outside, heard), 20, "a ping again")
    tally.took(time.monotonic() - begun)
    await center.audit(tally)


async def _pinged(outside: Provider, before: int) -> bool:
    return len(outside.requests) > before


async def _passed(begun: float, seconds: float) -> bool:
    return time.monotonic() - begun > seconds
