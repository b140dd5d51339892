"""2026-03-07, 04:10: the process that writes the record dies. No line notices; the record is whole (A10, R5)."""

import os
import signal
from pathlib import Path

from tests.support.instance import Instance
from tests.support.sipp import until


def children(pid: int) -> list[int]:
    """The living processes that ``pid`` started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for listed in found for child in listed.read_text().split()]


def worker(center: Instance) -> int:
    """The worker's process id."""
    assert center.process is not None
    for child in children(center.process.pid):
        if b"work" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    raise AssertionError("there is no worker")


async def test_a_worker_killed_in_a_call_is_started_again_and_the_record_is_whole(center: Instance) -> None:
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=60)
    await press.answered(2)
    first = worker(center)
    os.kill(first, signal.SIGKILL)
    desk = await (await op1.call()).answer()
    press.media.play(440)
    await until(lambda: desk.hears(440), 5, "the operator to hear her")

    async def found() -> str:
        items = (await api.get("/emergencies?state=open"))["items"]
        return items[0]["id"] if items and items[0]["human_answer_ms"] is not None else ""

    incident = await center.until(found, what="her emergency")
    await api.post(f"/emergencies/{incident}/close", {"outcome": "false_alarm"})

    async def recorded() -> bool:
        timeline = (await api.get(f"/emergencies/{incident}/timeline"))["items"]
        kinds = [fact["kind"] for fact in timeline]
        assert len({fact["id"] for fact in timeline}) == len(timeline)
        return kinds.count("emergency.opened") == kinds.count("emergency.closed") == 1 and "leg.joined" in kinds

    await center.until(recorded, 30, "the whole record")
    assert worker(center) != first


async def test_the_worker_does_not_outlive_us(center: Instance) -> None:
    orphan = worker(center)
    center.kill()
    await until(lambda: not Path(f"/proc/{orphan}").exists(), 10, "the worker's end")
    await center.serve()
    assert worker(center) != orphan
