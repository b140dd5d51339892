"""The database is away, or slow: the emergency line does not notice, and the record is whole afterwards (R5, R6)."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from callcenter.db import Database
from callcenter.timeline.model import FactRow
from tests.faults.center import Center
from tests.faults.proxy import UP, Proxy
from tests.faults.table import Tally
from tests.support.postgres import PostgresServer
from tests.support.sipp import AnsweredCall, Answerer, until

OUTAGE_SECONDS, OUTAGE_SECONDS_QUICK = 600.0, 6.0
SLOW_SECONDS = 2.0
"""R6: each statement."""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def road(server: PostgresServer) -> AsyncIterator[Proxy]:
    """The network between us and the database."""
    async with Proxy(server.port) as proxy:
        yield proxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    tmp_path_factory: pytest.TempPathFactory, server: PostgresServer, road: Proxy
) -> AsyncIterator[Center]:
    url = server.create("callcenter").replace(f":{server.port}/", f":{road.port}/")
    async with Center(tmp_path_factory.mktemp("center"), database_url=url) as center:
        yield center


async def whole(center: Center, tally: Tally, elder: int, op1: Answerer, trunk: Answerer) -> tuple[float, float]:
    """One emergency from the press to the close, with 120; seconds to the machine's and to the human's answer."""
    api = await center.api()
    dialled = len(_ambulances(trunk))
    begun = time.monotonic()
    caller = await center.press(tally, elder, 440)
    await caller.answered(3)
    machine = time.monotonic() - begun
    desk = await center.talk(tally, caller, op1, 440)
    human = time.monotonic() - begun
    (incident,) = await center.emergencies("open")
    await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"})
    # Some elders' plans have others called as well.
    await until(lambda: len(_ambulances(trunk)) == dialled + 1, 10, "120 to be dialled")
    await _ambulances(trunk)[-1].until("answered")
    await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "hospital"})
    await desk.until("ended", 15)
    return machine, human


def _ambulances(trunk: Answerer) -> list[AnsweredCall]:
    return [call for call in trunk.calls if call.number == "120"]


@pytest.mark.fault("R5")
async def test_away_for_ten_minutes_then_every_press_is_answered_and_the_record_is_drained_once_and_in_order(
    center: Center, tally: Tally, server: PostgresServer, full: bool
) -> None:
    """A10, R5."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    server.stop()
    away = time.monotonic() + (OUTAGE_SECONDS if full else OUTAGE_SECONDS_QUICK)
    rounds = 10 if full else 2
    for round_ in range(rounds):
        machine, human = await whole(center, tally, round_ % 5, op1, trunk)
        tally.note(f"database away: machine {machine * 1000:.0f} ms, human {human * 1000:.0f} ms")
        left = (away - time.monotonic()) / (rounds - round_)
        await asyncio.sleep(max(0.0, left))  # the outage is as long as it is
    assert not (await center.part("database"))["ok"]
    assert (await center.client.get("/readyz")).status_code == 200, "calls are answered all the same"
    behind = (await center.part("relay"))["lag_facts"]
    server.start()
    back = time.monotonic()
    await center.until(center.witness.drained, 30, "the journal to drain")
    tally.took(time.monotonic() - back)
    tally.note(f"about {behind} facts waited")
    orders = await center.until(lambda: _orders(center, rounds), 20, "a work order for each")
    assert len({order["incident_id"] for order in orders}) == rounds
    assert await _stored_order(center) == [fact.id for fact in center.witness.journal()]
    await center.audit(tally)


async def _orders(center: Center, count: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await (await center.api()).get("/work-orders?kind=emergency&limit=200"))["items"]
    return found if len(found) >= count else []


async def _stored_order(center: Center) -> list[str]:
    """Ids of the journal's facts as the database tells them, sorted by their time of recording."""
    journal = {fact.id for fact in center.witness.journal()}
    database = Database(center.settings.database)
    try:
        async with database.transaction() as session:
            return [fact for fact in await session.scalars(select(FactRow.id).order_by(FactRow.id)) if fact in journal]
    finally:
        await database.close()


@pytest.mark.fault("R6")
async def test_two_seconds_a_statement_then_the_figures_of_the_call_path_are_as_before(
    center: Center, tally: Tally, road: Proxy, full: bool
) -> None:
    """A10, R6: answer times with the database slow are those with it quick, give or take what a busy machine does."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    rounds = 10 if full else 3
    before = [await whole(center, tally, round_ % 5, op1, trunk) for round_ in range(rounds)]
    road.delay[UP] = SLOW_SECONDS
    slow = [await whole(center, tally, round_ % 5, op1, trunk) for round_ in range(rounds)]
    road.heal()
    for name, column in (("machine", 0), ("human", 1)):
        quick_ms, slow_ms = (1000 * statistics.median(one[column] for one in many) for many in (before, slow))
        tally.note(f"{name}: median {quick_ms:.0f} ms before, {slow_ms:.0f} ms with 2 s a statement")
        assert slow_ms < 2 * quick_ms + 300
    begun = time.monotonic()
    await center.audit(tally)
    tally.took(time.monotonic() - begun)
