"""An earthquake: a hundred elders press within one second, and five seats are there (R21)."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.sipp import Sipp
from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.ports import free_ports
from tests.support.sipp import AnsweredCall, Answerer

PRESSES, SEATS = 100, 5
HOLD_SECONDS = 150.0
pytestmark = [pytest.mark.fault("R21"), pytest.mark.long]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    async with Center(tmp_path_factory.mktemp("center"), wrap_up_seconds=0) as center:
        yield center


async def test_a_hundred_presses_in_a_second_then_all_are_answered_and_each_has_a_human_in_turn(
    center: Center, tally: Tally
) -> None:
    """A1, R21."""
    seats = await center.seats(*(f"op{number}" for number in range(1, SEATS + 1)))
    await center.trunk()
    api = await center.api()
    numbers = [f"139{7_000_000 + number:08d}" for number in range(PRESSES)]
    tally.tried += PRESSES
    begun = time.monotonic()
    crowd = await _crowd(center, numbers)
    await center.until(lambda: _open(center, PRESSES), 60, "a hundred emergencies")
    assert (await api.get("/emergency-line"))["mass_event"]
    desks = [asyncio.create_task(_operator(center, seat)) for seat in seats]
    try:
        await center.until(lambda: _answered(center), 240, "a human for each")
    finally:
        for desk in desks:
            desk.cancel()
        await asyncio.gather(*desks, return_exceptions=True)
        await crowd.end()
    tally.took(time.monotonic() - begun)
    answers = center.witness.bodies(ef.EmergencyAnswered)
    tally.answered += len(answers)
    waited = sorted(body.milliseconds for body in answers)
    tally.note(f"human after: median {waited[len(waited) // 2] / 1000:.1f} s, last {waited[-1] / 1000:.1f} s")
    machine = _machine_ms(center.witness.journal())
    tally.note(f"machine after: median {machine[len(machine) // 2]} ms, last {machine[-1]} ms")
    assert len(machine) == PRESSES
    await center.audit(tally)


async def _crowd(center: Center, numbers: list[str]) -> Sipp:
    """One call from each number, all within a second; they hold on for minutes."""
    port, media = free_ports(2)
    sipp = Sipp(center.folder, "caller", port, begin="", keys="", media="[media_port]", hold=int(HOLD_SECONDS * 1000))
    (sipp.folder / "callers.csv").write_text("SEQUENTIAL\n" + "".join(f"{number}\n" for number in numbers), "utf-8")
    await sipp.start(
        *(f"127.0.0.1:{center.settings.sip_port}", "-s", "95120", "-inf", "callers.csv", "-m", str(PRESSES)),
        *("-r", str(PRESSES), "-rp", "1000", "-l", "1000", "-mp", str(media), "-mi", "127.0.0.1"),
    )
    return sipp


async def _operator(center: Center, phone: Answerer) -> None:
    """Picks up whatever rings, and closes a moment later: a drop of the queue."""
    api = await center.api()
    while True:
        for call in phone.calls:
            if call.media is None and not call.events:
                await call.pick_up()
        for incident in await center.emergencies("open"):
            if incident["answered_by"] and incident["human_answer_ms"] is not None:
                await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        _forget(phone.calls)
        await asyncio.sleep(0.1)


def _forget(calls: list[AnsweredCall]) -> None:
    for call in [call for call in calls if {"ended", "cancelled"} & set(call.events) and call.media is None]:
        calls.remove(call)


async def _open(center: Center, count: int) -> bool:
    return await center.metric("callcenter_open_emergencies") >= count


async def _answered(center: Center) -> bool:
    return len(center.witness.bodies(ef.EmergencyAnswered)) >= PRESSES


def _machine_ms(journal: list[Fact]) -> list[int]:
    """From each INVITE to the machine's answer, sorted."""
    invited = {fact.call_id: fact.body.invited_at for fact in journal if isinstance(fact.body, cf.CallOpened)}
    answered: dict[str | None, int] = {}
    for fact in journal:
        if isinstance(fact.body, cf.LegAnswered) and fact.body.role == Role.ELDER:
            answered.setdefault(fact.call_id, round((fact.at - invited[fact.call_id]).total_seconds() * 1000))
    return sorted(answered.values())
