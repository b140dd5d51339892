"""The journal's disk is half dead: it takes words and never says that it has them, or says that it cannot (R9)."""

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callcenter.asterisk_config import REPO
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.sipp import until

SHIM = """
import errno, os, pathlib, time

order, flush = pathlib.Path(os.environ["SICK_DISK"]), os.fdatasync

def sick(descriptor):
    while (said := order.read_text()) == "hangs":
        time.sleep(0.02)
    if said == "fails":
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    flush(descriptor)

os.fdatasync = sick
"""
"""Loaded by every Python of the product before all else: what its disk answers is what a file says."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the disk does: ``hangs``, ``fails``, or whatever else: it is well."""
    folder = tmp_path_factory.mktemp("disk")
    (folder / "sitecustomize.py").write_text(SHIM, "utf-8")
    order = folder / "order"
    order.write_text("well", "utf-8")
    return order


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> AsyncIterator[Center]:
    environ = {"SICK_DISK": str(disk), "PYTHONPATH": f"{disk.parent}:{REPO}"}
    async with Center(tmp_path_factory.mktemp("center"), environ=environ) as center:
        yield center
        orders(disk, "well")


def orders(disk: Path, what: str) -> None:
    """From now on the disk does that; in one piece, for it is read all the time."""
    new = disk.with_suffix(".new")
    new.write_text(what, "utf-8")
    new.rename(disk)


@pytest.mark.fault("R9")
@pytest.mark.parametrize("how", ["hangs", "fails"])
async def test_a_disk_that_takes_nothing_any_more_then_calls_go_on_under_alarm_and_nothing_of_them_is_lost(
    center: Center, tally: Tally, disk: Path, how: str
) -> None:
    """A10, R9: nobody waits for the disk for longer than half a second, and 120 is dialled once all the same."""
    op1, op2 = await center.seats("op1", "op2")
    trunk = await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    center.witness.mark()
    orders(disk, how)
    begun = time.monotonic()
    second = await center.press(tally, 1, 840)
    await center.talk(tally, second, op2, 840)
    tally.note(f"the disk {how}: a human {time.monotonic() - begun:.2f} s after a press")
    key = {"Idempotency-Key": f"disk-{how}"}
    api = await center.api()
    incident = (await center.of(1))["id"]
    for _ in range(2):
        await api.post(f"/emergencies/{incident}/legs", {"role": "120"}, headers=key)
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    await center.until(lambda: _journal(center, False), 10, "/readyz to say so")
    await center.until(lambda: _alarm(center), 10, "the watchdog to say so, as critical")
    assert desk.hears(440), "the talk goes on"
    assert await center.metric("callcenter_journal_pending") > 0

    orders(disk, "well")
    well = time.monotonic()
    await center.until(lambda: _journal(center, True), 10, "the journal to write again")
    tally.took(time.monotonic() - well)
    assert await center.metric("callcenter_journal_pending") == 0
    assert [call.number for call in trunk.calls] == ["120"]
    await center.audit(tally)


@pytest.mark.fault("R9")
async def test_killed_while_the_disk_hangs_then_what_was_on_it_is_there_and_both_elders_are_with_a_human(
    center: Center, tally: Tally, disk: Path
) -> None:
    """R1 and R9 at once: lost is only what the disk never had; her room and the call in it are found in Asterisk."""
    op1, op2 = await center.seats("op1", "op2")
    await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    orders(disk, "hangs")
    second = await center.press(tally, 1, 840)
    await second.answered(3)
    killed = center.send("serve", signal.SIGKILL)
    begun = time.monotonic()
    written = {fact.id for fact in center.witness.journal()}
    orders(disk, "well")
    await center.revived("serve", killed)
    assert written <= {fact.id for fact in center.witness.journal()}
    center.witness.forget()  # what pages were shown and the disk never took is the tail that may be lost
    center.witness.mark()
    await center.talk(tally, second, op2, 840, seconds=20)
    tally.took(time.monotonic() - begun)
    await until(lambda: desk.hears(440), 5, "the talk to go on")
    assert len(await center.emergencies("open")) == 2
    await center.audit(tally)


async def _journal(center: Center, ok: bool) -> bool:
    return bool((await center.part("journal"))["ok"] == ok)


async def _alarm(center: Center) -> bool:
    found = (await (await center.api()).get("/watchdog"))["findings"]
    return any((one["check"], one["severity"]) == ("journal", "critical") for one in found)
