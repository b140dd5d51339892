"""2026-03-08: the watch outside hears that all is well, and stops hearing it when it is not (R2, R4, R27)."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.instance import Instance
from tests.support.sipp import until
from tests.unit.test_deadman import outside

GOOD = "GET /ping/7f3a"


async def test_given_a_controller_that_hangs_or_has_lost_asterisk_then_the_pings_stop_until_it_is_well(
    tmp_path: Path,
) -> None:
    async with (
        outside() as (there, url),
        Instance(tmp_path, deadman_url=url, deadman_seconds=0.5, duty_numbers=("13900000001",)) as center,
    ):
        assert center.process is not None
        assert center.asterisk is not None
        await until(lambda: there.heard.count(GOOD) >= 2, 10, "pings")

        # It hangs: nothing at all is said, and that is the alarm.
        center.process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(_stopped, center.process.pid)
        heard = len(there.heard)
        there.news.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(there.news.wait(), 2)
        assert len(there.heard) == heard
        center.process.send_signal(signal.SIGCONT)
        await until(lambda: len(there.heard) > heard, 10, "pings again")

        # Asterisk dies: the loop lives, the line does not.
        await asyncio.to_thread(center.asterisk.kill)
        await until(lambda: there.heard[-1].startswith("POST /ping/7f3a/fail"), 20, "the failure")
        # It is back, and so are the pings.
        await asyncio.to_thread(center.asterisk.start)
        await until(lambda: there.heard[-1] == GOOD, 30, "pings after all is well")


def _stopped(pid: int) -> None:
    """Wait until the process has stopped: what it had begun to say is said by then."""
    while Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "T":
        pass
