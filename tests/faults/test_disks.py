"""A disk is full: the one for recordings, the one for the journal (R8, R9). Real disks of a few MiB, really full."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.center import Center
from tests.faults.disk import fill, free, small_disks
from tests.faults.table import Tally

RECORDINGS_MB, JOURNAL_MB = 24, 8

pytestmark = pytest.mark.long


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    center = Center(tmp_path_factory.mktemp("center"), disk_low_mb=2, disk_full_mb=1)
    settings = center.settings
    center.under = small_disks({settings.recordings_dir: RECORDINGS_MB, settings.journal_dir: JOURNAL_MB})
    async with center:
        yield center


@pytest.mark.fault("R8")
@pytest.mark.long
async def test_no_room_for_recordings_then_calls_go_on_the_watchdog_says_so_and_the_gap_is_listed(
    center: Center, tally: Tally
) -> None:
    """B6, R8."""
    op1, op2 = await center.seats("op1", "op2")
    folder = center.settings.recordings_dir
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    fill(center, folder)
    begun = time.monotonic()
    second = await center.press(tally, 1, 840)
    await center.talk(tally, second, op2, 840)
    assert desk.hears(440), "the talk goes on"
    await center.until(lambda: _found(center, "disk_full"), 30, "the watchdog to say so")
    tally.note(f"the watchdog said so after {time.monotonic() - begun:.1f} s")
    api = await center.api()
    call_id = (await center.of(1))["calls"][0]
    await api.post(f"/emergencies/{(await center.of(1))['id']}/close", {"outcome": "hospital"})
    gaps = await center.until(lambda: _gaps(center, call_id), 60, "the gap to be listed")
    tally.note(f"listed: {gaps[0]['status']}, {gaps[0].get('problem')}")

    free(center, folder)
    freed = time.monotonic()
    (op3,) = await center.seats("op3")
    third = await center.press(tally, 2, 1040)
    await center.talk(tally, third, op3, 1040)
    third_call = (await center.of(2))["calls"][0]
    await api.post(f"/emergencies/{(await center.of(2))['id']}/close", {"outcome": "hospital"})
    await center.until(lambda: _verified(center, third_call), 60, "a recording that is whole")
    tally.took(time.monotonic() - freed)
    await center.audit(tally)


async def _found(center: Center, check: str) -> bool:
    return check in await center.findings()


async def _recordings(center: Center, call_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await (await center.api()).get(f"/recordings?call_id={call_id}"))["items"]
    return found


async def _gaps(center: Center, call_id: str) -> list[dict[str, Any]]:
    return [one for one in await _recordings(center, call_id) if one["status"] in ("gap", "degraded")]


async def _verified(center: Center, call_id: str) -> bool:
    found = await _recordings(center, call_id)
    return bool(found) and all(one["status"] == "verified" for one in found)


@pytest.mark.fault("R9")
async def test_no_room_for_the_journal_then_calls_go_on_under_alarm_and_nothing_of_them_is_lost(
    center: Center, tally: Tally
) -> None:
    """A10, R9: what the disk refuses waits in memory and is written when there is room again."""
    op1, op2 = await center.seats("op1", "op2")
    trunk = await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    await center.talk(tally, talking, op1, 440)
    center.witness.mark()
    fill(center, center.settings.journal_dir)
    begun = time.monotonic()
    second = await center.press(tally, 1, 840)
    await center.talk(tally, second, op2, 840)
    tally.note(f"a human {time.monotonic() - begun:.2f} s after a press with the disk full")
    api = await center.api()
    key = {"Idempotency-Key": "full-disk"}
    for _ in range(2):
        incident = (await center.of(1))["id"]
        await api.post(f"/emergencies/{incident}/legs", {"role": "120"}, headers=key)
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    await center.until(lambda: _journal(center, False), 15, "/readyz to say so")
    await center.until(lambda: _found(center, "journal"), 15, "the watchdog to say so")
    tally.note(f"alarm {time.monotonic() - begun:.1f} s after the disk was full")
    assert "journal cannot write" in center.log()
    assert await center.metric("callcenter_journal_pending") > 0

    free(center, center.settings.journal_dir)
    freed = time.monotonic()
    await center.until(lambda: _journal(center, True), 30, "the journal to write again")
    tally.took(time.monotonic() - freed)
    assert await center.metric("callcenter_journal_pending") == 0
    assert [call.number for call in trunk.calls] == ["120"]
    assert len(await center.emergencies("open")) == 2
    await center.audit(tally)


async def _journal(center: Center, ok: bool) -> bool:
    return bool((await center.part("journal"))["ok"] == ok)
