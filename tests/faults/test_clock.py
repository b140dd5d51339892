"""The clock of the machine jumps, forward and back, in mid-call (R23)."""

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import pytest_asyncio

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from tests.faults.center import Center, Unwatched
from tests.faults.table import Tally
from tests.support.sipp import until

LIBRARY = "/usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1"
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def offset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How far the product's clock is from the machine's; read anew every second."""
    path = tmp_path_factory.mktemp("clock") / "offset"
    path.write_text("+0s\n")
    return path


def faketime() -> str:
    """The library through which a process sees another time; Debian's package faketime."""
    (library,) = Path("/").glob(LIBRARY.lstrip("/"))
    return str(library)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, offset: Path) -> AsyncIterator[Center]:
    environ = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",  # reading the file at each look would take most of the processor
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "America/St_Johns",  # half an hour off, with daylight saving: nothing may depend on it
    }
    async with Unwatched(tmp_path_factory.mktemp("center"), environ=environ) as center:
        yield center


def set_clock(offset: Path, jump: str) -> None:
    """From now on it is so much later, or earlier."""
    offset.write_text(f"{jump}\n")


@pytest.mark.fault("R23")
@pytest.mark.parametrize("jump", ["+7200s", "-7200s", "+0s"])
async def test_the_clock_jumps_in_mid_call_then_nobody_notices_and_no_duration_is_negative(
    center: Center, tally: Tally, offset: Path, jump: str
) -> None:
    """R23: the ladder goes by a clock that cannot be set; what is written down is never below nought."""
    op1, op2 = await center.seats("op1", "op2")
    await center.trunk()
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    waiting = await center.press(tally, 1, 840)
    await waiting.answered(3)
    begun = time.monotonic()
    set_clock(offset, jump)
    await center.until(lambda: _is_off(center, float(jump.strip("s"))), what="the clock to have jumped")
    await center.talk(tally, waiting, op2, 840)
    tally.took(time.monotonic() - begun)
    assert desk.hears(440)
    third = await center.press(tally, 2, 640)
    await third.answered(3)
    api = await center.api()
    for elder in (0, 1):
        await api.post(f"/emergencies/{(await center.of(elder))['id']}/close", {"outcome": "exercise"})
    await until(lambda: "ended" in desk.events, 15, "the talk's end")
    await center.whoever(tally, [op1, op2], 640, seconds=15)
    assert all(body.seconds >= 0 for body in center.witness.bodies(cf.CallEnded))
    assert all(body.milliseconds >= 0 for body in center.witness.bodies(ef.EmergencyAnswered))
    await center.audit(tally)


async def _is_off(center: Center, seconds: float) -> bool:
    """Whether our process's clock is so far from the machine's, by the Date of what it answers."""
    told = parsedate_to_datetime((await center.client.get("/readyz")).headers["date"])
    return abs(told.timestamp() - time.time() - seconds) < 60
