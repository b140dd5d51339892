"""What a person takes as done is on disk before the answer says so: a kill -9 right after it takes nothing back (A10).

While the disk does not take it the answer is 202: done, and not yet kept (R9).
"""

import asyncio

import httpx
import pytest

from callcenter.api.app import create_app
from callcenter.api.deps import Services, controller_of
from callcenter.emergency.facts import EmergencyClosed
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal
from tests.support.sipp import until
from tests.support.world import WANG

API = "/api/v1"
KEY = {"Idempotency-Key": "once"}


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


@pytest.fixture
async def operator(as_role: Login) -> httpx.AsyncClient:
    return await as_role("operator")


@pytest.fixture
async def path(operator: httpx.AsyncClient) -> str:
    raised = await operator.post(f"{API}/emergencies", json={"caller": WANG})
    assert raised.status_code == 201, raised.text
    return f"{API}/emergencies/{raised.json()['id']}"


def closed_on_disk(journal: MemoryJournal) -> bool:
    return any(isinstance(fact.body, EmergencyClosed) for fact in journal.facts()[: journal.flushed])


async def test_given_a_slow_disk_when_an_operator_closes_then_the_answer_comes_after_the_fact_is_on_it(
    operator: httpx.AsyncClient, services: Services, path: str, journal: MemoryJournal
) -> None:
    journal.stalled = True
    closing = asyncio.create_task(operator.post(f"{path}/close", json={"outcome": "hospital"}, headers=KEY))
    emergencies = controller_of(services).emergencies
    await until(lambda: not emergencies.open_count, what="the close to be heard")
    for _ in range(5):
        await operator.get(path)
    assert not closing.done(), "the disk has not taken it: a kill -9 now would open it again"
    again = asyncio.create_task(operator.post(f"{path}/close", json={"outcome": "hospital"}, headers=KEY))
    journal.move()
    assert [(await answer).status_code for answer in (closing, again)] == [200, 200]
    assert closed_on_disk(journal)


async def test_given_a_full_disk_when_it_closes_then_202_until_the_disk_has_it(
    operator: httpx.AsyncClient, path: str, journal: MemoryJournal
) -> None:
    """R9: calls and acts go on; nobody is told that what could be lost is kept."""
    journal.full = True
    ways = [
        ("POST", "/legs", {"role": "120"}),
        ("PUT", "/kind", {"kind": "fire"}),
        ("POST", "/close", {"outcome": "hospital"}),
    ]
    answers = [await operator.request(way, f"{path}{act}", json=body, headers=KEY | {"Idempotency-Key": act[1:]})
               for way, act, body in ways]  # fmt: skip
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert answers[-1].json()["state"] == "closed"
    assert (await operator.get(path)).status_code == 200
    journal.full = False
    again = await operator.post(f"{path}/close", json={"outcome": "hospital"}, headers={"Idempotency-Key": "close"})
    assert (again.status_code, again.json()["state"]) == (200, "closed")
    assert closed_on_disk(journal)


async def test_given_a_close_whose_answer_a_kill_swallowed_when_it_is_sent_again_then_it_is_answered(
    operator: httpx.AsyncClient, services: Services, path: str
) -> None:
    """The key is kept in memory alone; what was closed is on disk. Another's close, or another outcome, is refused."""
    body = {"outcome": "hospital", "cause": "fall", "summary": "送医"}
    assert (await operator.post(f"{path}/close", json=body, headers=KEY)).status_code == 200
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=operator.headers) as restarted:
        again = await restarted.post(f"{path}/close", json=body, headers=KEY)
        assert (again.status_code, again.json()["state"]) == (200, "closed")
        for other, headers in ((body, {}), (body | {"outcome": "false_alarm"}, {"Idempotency-Key": "another"})):
            assert (await restarted.post(f"{path}/close", json=other, headers=headers)).status_code == 409
