"""Nothing comes: no call, no heartbeat, no press of our own that arrives; silence itself is the alarm (R27)."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.providers import Provider, provider
from tests.support.sipp import until

QUIET_SECONDS = 6.0
HEARTBEAT_SECONDS = 10
"""The shortest there is; a device is silent after two that did not come."""


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
    await center.until(lambda: _found(center, "no_calls"), QUIET_SECONDS + 10, "silence to be an alarm")
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
    await center.until(lambda: _gone(center, "no_calls"), 20, "the alarm to be over")
    tally.took(time.monotonic() - begun)
    await center.audit(tally)


@pytest.mark.fault("R27")
async def test_a_press_of_our_own_does_not_arrive_then_it_is_an_alarm_here_and_outside_while_elders_are_answered(
    center: Center, tally: Tally, outside: Provider
) -> None:
    """R27: Asterisk cannot reach us, and nothing else would say so before an elder presses."""
    (op1,) = await center.seats("op1")
    admin = await center.sign_in("admin")
    center.cli("dialplan set global CC_AGI agi://127.0.0.1:1")
    begun = time.monotonic()
    try:
        assert (await admin.post("/watchdog/press"))["result"] == "failed"
        await center.until(lambda: _found(center, "press_failed"), 10, "the finding")
        heard = len(outside.requests)
        await center.until(lambda: _told_of_it(outside, heard), 20, "the watch outside to be told")
        tally.note(f"said outside {time.monotonic() - begun:.1f} s after the press that was not answered")
        press = await center.press(tally, 0, 440)
        await center.talk(tally, press, op1, 440)
    finally:
        center.cli(f"dialplan set global CC_AGI agi://127.0.0.1:{center.settings.agi_port}")
    mended = time.monotonic()
    await until(lambda: not list(center.settings.spool_dir.glob("*.json")), 10, "an empty spool")
    assert (await admin.post("/watchdog/press"))["result"] == "done"
    await center.until(lambda: _gone(center, "press_failed"), 10, "the alarm to be over")
    heard = len(outside.requests)
    await center.until(lambda: _pinged(outside, heard), 20, "a ping again")
    tally.took(time.monotonic() - mended)
    await center.audit(tally)


async def _told_of_it(outside: Provider, before: int) -> bool:
    return any(one.path == "/ping/fail" and one.body == b"press_failed" for one in outside.requests[before:])


@pytest.mark.fault("R27")
@pytest.mark.long
async def test_a_pendant_that_is_not_heard_of_any_more_is_an_alarm_until_it_is(center: Center, tally: Tally) -> None:
    """F1, R27: two heartbeats that did not come."""
    token = await center.source("monitor")
    admin = await center.sign_in("admin")
    number = center.elders[2]["pendant"]
    (device,) = (await admin.get(f"/devices?number={number}"))["items"]
    body = {"heartbeat_seconds": HEARTBEAT_SECONDS}
    await admin.call("PATCH", f"/devices/{device['id']}", json=body)
    begun = time.monotonic()
    await center.until(lambda: _found(center, "device_silent"), 2 * HEARTBEAT_SECONDS + 15, "it to be missed")
    tally.note(f"a device was missed after {time.monotonic() - begun:.1f} s")
    found = (await admin.get("/watchdog"))["findings"]
    assert [one["subject"] for one in found if one["check"] == "device_silent"] == [device["id"]]
    begun = time.monotonic()
    pendant = asyncio.create_task(_beats(center, token, number))
    await center.until(lambda: _gone(center, "device_silent"), 90, "it to be heard of for a minute")
    tally.took(time.monotonic() - begun)
    assert not pendant.done(), "every heartbeat was taken"
    pendant.cancel()
    await admin.call("PATCH", f"/devices/{device['id']}", json={"heartbeat_seconds": None})
    await center.audit(tally)


async def _beats(center: Center, token: str, number: str) -> None:
    """A pendant that says every few seconds that it is there."""
    while True:
        answer = await center.alarm(token, {"devices": [{"device": number}]}, "heartbeats")
        assert answer.json()["accepted"] == 1, answer.text
        await asyncio.sleep(HEARTBEAT_SECONDS / 4)


async def _found(center: Center, check: str) -> bool:
    return check in await center.findings()


async def _gone(center: Center, check: str) -> bool:
    return check not in await center.findings()


@pytest.mark.fault("R27")
async def test_the_controller_hangs_then_the_watch_outside_hears_nothing_any_more(
    center: Center, tally: Tally, outside: Provider
) -> None:
    """R27: who watches the watchdog."""
    (op1,) = await center.seats("op1")
    before = len(outside.requests)
    await center.until(lambda: _pinged(outside, before), 20, "a ping")
    hung = center.send("serve", signal.SIGSTOP)
    try:
        heard = len(outside.requests)
        begun = time.monotonic()
        await center.until(lambda: _passed(begun, 3), 5, "three seconds")
        assert len(outside.requests) <= heard + 1
        press = await center.press(tally, 0, 440)
        await center.talk(tally, press, op1, 440)
    finally:
        hung.send(signal.SIGCONT)
    begun, heard = time.monotonic(), len(outside.requests)
    await center.until(lambda: _pinged(outside, heard), 20, "a ping again")
    tally.took(time.monotonic() - begun)
    await center.audit(tally)


async def _pinged(outside: Provider, before: int) -> bool:
    """Whether it was told since then that all is well; of a failure it is told by POST."""
    return any(one.method == "GET" for one in outside.requests[before:])


async def _passed(begun: float, seconds: float) -> bool:
    return time.monotonic() - begun > seconds
