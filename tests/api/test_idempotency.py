"""Idempotency-Key: sent twice, done once, answered alike; also in a race of two processes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from callcenter.accounts.permissions import Principal, Role
from callcenter.api import idempotency
from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.api.idempotency_model import AnswerRow
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import Conflict
from callcenter.people.model import ElderRow
from tests.api.conftest import START, Login

ELDERS = "/api/v1/elders"
KEY = {"Idempotency-Key": "key-1"}


async def _count(services: Services, table: Any) -> int:
    async with services.database.transaction() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_given_a_key_when_the_request_comes_again_then_it_was_done_once_and_is_answered_alike(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    first = await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)
    again = await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await _count(services, ElderRow) == 1


async def test_given_a_delete_when_it_comes_again_then_204_as_before(as_role: Login) -> None:
    admin = await as_role("admin")
    path = f"{ELDERS}/{(await admin.post(ELDERS, json={'name': '甲'})).json()['id']}"
    assert [(await admin.delete(path, headers=KEY)).status_code for _ in range(2)] == [204, 204]
    assert (await admin.delete(path)).status_code == 404


async def test_given_a_used_key_when_it_comes_with_another_request_then_422(as_role: Login) -> None:
    admin = await as_role("admin")
    await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)
    assert (await admin.post(ELDERS, json={"name": "乙"}, headers=KEY)).status_code == 422
    assert (await admin.post("/api/v1/devices", json={"name": "甲"}, headers=KEY)).status_code == 422


async def test_given_a_key_when_another_user_sends_it_then_it_is_another_key(
    as_role: Login, services: Services
) -> None:
    for user in ("a", "b"):
        admin = await as_role("admin", user=user)
        assert (await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)).status_code == 201
    assert await _count(services, ElderRow) == 2


async def test_given_an_error_when_the_request_comes_again_then_it_is_tried_again(as_role: Login) -> None:
    admin = await as_role("admin")
    body = {"name": "甲", "plan_id": "missing"}
    assert (await admin.post(ELDERS, json=body, headers=KEY)).status_code == 409
    assert (await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)).status_code == 201


async def test_given_a_day_has_passed_when_the_key_comes_again_then_it_is_new(
    as_role: Login, services: Services, clock: ManualClock
) -> None:
    admin = await as_role("admin")
    await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)
    clock.move_to(START + timedelta(hours=24, seconds=1))
    admin = await as_role("admin")
    assert (await admin.post(ELDERS, json={"name": "甲"}, headers=KEY)).status_code == 201
    assert await _count(services, ElderRow) == 2
    clock.move_to(START + timedelta(hours=49))
    async with services.database.transaction() as session:
        await idempotency.forget(session, clock.now())
    assert await _count(services, AnswerRow) == 0


async def test_given_duplicates_at_once_in_one_process_then_one_is_done_and_all_are_answered_alike(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    answers = await asyncio.gather(*(admin.post(ELDERS, json={"name": "甲"}, headers=KEY) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await _count(services, ElderRow) == 1


async def test_given_duplicates_at_once_in_two_processes_then_one_is_done_and_both_are_answered_alike(
    services: Services,
) -> None:
    """Two applications with a pool each stand for two processes: nothing is shared but the database."""
    headers = {"Authorization": f"Bearer {services.tokens.issue(Principal('a', Role.ADMIN))}"}
    second = Database(services.database.url)
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(create_app(s)), base_url="http://test", headers=headers)
        for s in (services, replace(services, database=second))
    ]
    for round_ in range(5):
        key = {"Idempotency-Key": f"race-{round_}"}
        body = {"name": f"老人{round_}"}
        answers = await asyncio.gather(*(client.post(ELDERS, json=body, headers=key) for client in clients))
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
    assert await _count(services, ElderRow) == 5
    for client in clients:
        await client.aclose()
    await second.close()


async def test_given_an_answer_with_a_secret_when_it_is_asked_again_then_409_and_nothing_kept_it(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    body = {"user": "op9", "name": "九", "role": "operator", "password": "a long enough password", "seat": True}
    first = await admin.post("/api/v1/accounts", json=body, headers=KEY)
    assert first.json()["sip_password"]
    again = await admin.post("/api/v1/accounts", json=body, headers=KEY)
    assert again.status_code == 409
    assert "only once" in again.json()["detail"]
    async with services.database.transaction() as session:
        assert (await session.execute(select(AnswerRow.body))).scalars().all() == [None]


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\x7f"])
async def test_given_a_key_of_no_use_when_sent_then_422(as_role: Login, key: str) -> None:
    admin = await as_role("admin")
    answer = await admin.post(ELDERS, json={"name": "甲"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_given_no_token_when_a_key_is_sent_then_401_and_nothing_is_kept(
    client: httpx.AsyncClient, services: Services
) -> None:
    assert (await client.post(ELDERS, json={"name": "甲"}, headers=KEY)).status_code == 401
    assert await _count(services, AnswerRow) == 0


def _live_app(services: Services, done: list[str]) -> FastAPI:
    """An application with one live act; its database is not there (A10)."""
    app = create_app(services)
    router = idempotency.router("/acts", "acts", live=True)

    @router.post("/{name}")
    async def act(name: str) -> dict[str, int]:
        await asyncio.sleep(0)
        if name == "refused":
            raise Conflict("not now")
        done.append(name)
        return {"number": len(done)}

    app.include_router(router)
    return app


async def test_given_a_live_act_when_the_database_is_down_then_it_is_done_once(services: Services) -> None:
    """A10: 120 is never dialled twice for one request, nor not at all because of a database."""
    gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    done: list[str] = []
    headers = {"Authorization": f"Bearer {services.tokens.issue(Principal('a', Role.ADMIN))}"}
    transport = httpx.ASGITransport(_live_app(replace(services, database=gone), done))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        answers = await asyncio.gather(*(client.post("/api/v1/acts/120", headers=KEY) for _ in range(5)))
        assert [answer.json() for answer in answers] == [{"number": 1}] * 5
        assert (await client.post("/api/v1/acts/family", headers=KEY)).status_code == 422
        assert (await client.post("/api/v1/acts/120")).json() == {"number": 2}
        refused = {"Idempotency-Key": "key-2"}
        assert [(await client.post("/api/v1/acts/refused", headers=refused)).status_code for _ in range(2)] == [409] * 2
    assert done == ["120", "120"]
    await gone.close()


async def test_given_a_live_key_when_a_day_has_passed_then_it_is_new(services: Services, clock: ManualClock) -> None:
    done: list[str] = []
    transport = httpx.ASGITransport(_live_app(services, done))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for hours in (0, 25):
            clock.move_to(START + timedelta(hours=hours))
            token = services.tokens.issue(Principal("a", Role.ADMIN))
            await client.post("/api/v1/acts/120", headers={**KEY, "Authorization": f"Bearer {token}"})
    assert done == ["120", "120"]
