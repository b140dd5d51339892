"""The routes of the call path while the database is away: what memory holds is answered, the rest is 503, never 404."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Request

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api import merged
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.ids import new_id
from callcenter.people.directory import Directory
from callcenter.settings import Settings
from tests.support.fake_pbx import FakePbx, SimulatedSwitchboard
from tests.support.memory import MemoryJournal
from tests.support.world import WANG


@pytest.fixture
async def away(settings: Settings, clock: ManualClock, fast_passwords: Passwords) -> AsyncIterator[httpx.AsyncClient]:
    """op1, signed in, and a database that nobody answers for; one call and one emergency are in memory."""
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    controller = Controller(
        settings,
        clock,
        MemoryJournal(),
        Directory,
        "",
        pbx=FakePbx(SimulatedSwitchboard(clock)),
        live=lambda: True,
    )
    services = replace(
        build_services(settings, clock, database, LocalBus()), passwords=fast_passwords, controller=controller
    )
    controller.arrivals.open(line="emergency", did="95120", raw_caller=WANG, channel_id="1.1", invited_at=clock.now())
    token = services.tokens.issue(Principal("op1", Role.OPERATOR))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(services)),
        base_url="http://test/api/v1",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client
    await database.close()


@pytest.mark.parametrize("resource", ["calls", "emergencies"])
async def test_a10_what_is_in_memory_is_answered(away: httpx.AsyncClient, resource: str) -> None:
    (item,) = (await away.get(f"/{resource}")).json()["items"]
    answer = await away.get(f"/{resource}/{item['id']}")
    assert (answer.status_code, answer.json()["id"]) == (200, item["id"])


@pytest.mark.parametrize("resource", ["calls", "emergencies"])
async def test_what_only_the_database_could_know_is_503_and_not_said_to_be_missing(
    away: httpx.AsyncClient, resource: str
) -> None:
    (item,) = (await away.get(f"/{resource}")).json()["items"]
    for path in (f"/{resource}/{new_id()}", f"/{resource}/{item['id']}/timeline"):
        answer = await away.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), path


async def test_r6_a_list_does_not_wait_for_a_database_that_does_not_answer(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is live is told all the same; the question that is given up leaves nothing behind."""
    monkeypatch.setattr(merged, "PATIENCE_SECONDS", 0.05)
    given_up = asyncio.Event()

    async def endless(_session: object) -> list[str]:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return ["stored"]

    async def quick(_session: object) -> list[str]:
        return ["stored"]

    request = Request({"type": "http", "app": app, "headers": [], "state": {}})
    assert await merged.read(request, services, endless, ["live"]) == ["live"]
    await asyncio.wait_for(given_up.wait(), 2)
    assert await merged.read(request, services, quick, ["live"]) == ["stored"]
