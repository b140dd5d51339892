"""Errors at the edge: problem details for every one, limits, headers, nothing of our insides (R22)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.api.edge import MAX_BODY
from callcenter.api.problems import database_error
from callcenter.db import Database
from callcenter.errors import Unavailable
from callcenter.migrations import upgrade_async
from tests.api.conftest import Login
from tests.support.postgres import PostgresServer


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """What is tested here is the same on every database."""
    return migrated_sqlite


def _is_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert str(body["type"]).startswith("urn:callcenter:problem:")
    return body


async def test_given_no_such_path_when_asked_then_404_problem(client: httpx.AsyncClient) -> None:
    _is_problem(await client.get("/api/v1/nothing"), 404)


async def test_given_a_wrong_method_when_asked_then_405_problem_names_the_right_one(client: httpx.AsyncClient) -> None:
    response = await client.delete("/api/v1/auth/token")
    _is_problem(response, 405)
    assert "POST" in response.headers["allow"]


async def test_given_no_token_when_asked_then_401_problem_says_where_to_sign_in(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/elders")
    assert "/api/v1/auth/token" in str(_is_problem(response, 401)["detail"])
    assert response.headers["www-authenticate"] == "Bearer"


async def test_given_bad_fields_when_posted_then_422_points_at_each(as_role: Login) -> None:
    admin = await as_role("admin")
    body = {
        "name": "",
        "phones": ["not a phone"],
        "contacts": [{"role": "family", "name": "女儿", "phone": "<script>"}],
    }
    problem = _is_problem(await admin.post("/api/v1/elders", json=body), 422)
    pointers = {item["pointer"] for item in problem["errors"]}  # type: ignore[attr-defined]
    assert pointers == {"/name", "/phones/0", "/contacts/0/phone"}


async def test_given_broken_json_when_posted_then_422(as_role: Login) -> None:
    admin = await as_role("admin")
    headers = {"Content-Type": "application/json"}
    _is_problem(await admin.post("/api/v1/elders", content=b'{"name": ', headers=headers), 422)


async def test_given_a_bad_query_when_asked_then_422_names_it(as_role: Login) -> None:
    admin = await as_role("admin")
    problem = _is_problem(await admin.get("/api/v1/elders?limit=0"), 422)
    assert problem["errors"][0]["pointer"] == "query/limit"  # type: ignore[index]


async def test_given_a_declared_body_over_1_mib_when_posted_then_413_unread(client: httpx.AsyncClient) -> None:
    _is_problem(await client.post("/api/v1/auth/refresh", content=b"x" * (MAX_BODY + 1)), 413)


async def test_given_an_undeclared_body_over_1_mib_when_posted_then_413(as_role: Login) -> None:
    admin = await as_role("admin")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    for path in ("/api/v1/elders", "/api/v1/devices"):
        for headers in ({}, {"Idempotency-Key": "k"}):
            response = await admin.post(path, content=endless(), headers=headers)
            _is_problem(response, 413)


async def test_given_a_crash_when_asked_then_500_problem_without_insides(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("secret inside")

    response = await client.get("/crash")
    _is_problem(response, 500)
    assert "secret" not in response.text


async def test_given_any_answer_then_it_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/api/openapi.json", "/api/v1/elders", "/nothing"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_given_a_request_id_when_it_is_sound_then_it_is_kept_else_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get("/nothing", headers={"X-Request-ID": "abc-1"})
    assert kept.headers["x-request-id"] == "abc-1"
    replaced = await client.get("/nothing", headers={"X-Request-ID": "a b;c"})
    assert replaced.headers["x-request-id"] != "a b;c"


async def test_given_the_docs_page_when_opened_then_its_script_may_run(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/docs")
    assert response.status_code == 200
    assert "cdn.jsdelivr.net" in response.headers["content-security-policy"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "down"}])
async def test_given_the_database_is_gone_when_asked_then_503_problem(
    services: Services, headers: dict[str, str]
) -> None:
    """A10, R5: the API says so, and lives on."""
    gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    app = create_app(replace(services, database=gone))
    token = services.tokens.issue(Principal("admin", Role.ADMIN))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {token}"}
    ) as admin:
        _is_problem(await admin.get("/api/v1/elders"), 503)
        _is_problem(await admin.post("/api/v1/elders", json={"name": "陈桂英"}, headers=headers), 503)
        _is_problem(await admin.post("/api/v1/auth/token", data={"username": "admin", "password": "x"}), 503)
        assert (await admin.get("/api/v1/auth/me")).status_code == 200
    await gone.close()


async def test_given_many_requests_at_once_then_each_has_its_own_id(client: httpx.AsyncClient) -> None:
    responses = await asyncio.gather(*(client.get("/nothing") for _ in range(20)))
    assert len({response.headers["x-request-id"] for response in responses}) == 20


async def test_given_postgresql_crashes_when_asked_then_503_and_after_its_restart_all_is_well(
    services: Services,
) -> None:
    """R5: pooled connections die with it; nobody sees an error of ours."""
    with PostgresServer() as server:
        await upgrade_async(server.url)
        database = Database(server.url)
        token = services.tokens.issue(Principal("admin", Role.ADMIN))
        transport = httpx.ASGITransport(create_app(replace(services, database=database)))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {token}"}
        ) as admin:
            assert (await admin.post("/api/v1/elders", json={"name": "甲"})).status_code == 201
            await asyncio.to_thread(server.stop)
            _is_problem(await admin.post("/api/v1/elders", json={"name": "乙"}), 503)
            _is_problem(await admin.get("/api/v1/elders", headers={"Idempotency-Key": "x"}), 503)
            await asyncio.to_thread(server.start)
            names = [item["name"] for item in (await admin.get("/api/v1/elders")).json()["items"]]
            assert names == ["甲"]
        await database.close()


async def test_given_sqlite_is_locked_by_another_when_written_then_503_problem(
    services: Services, tmp_path: Path
) -> None:
    """R6: the lock is waited for, then the caller is told to try again."""
    url = f"sqlite+aiosqlite:///{tmp_path}/locked.db"
    await upgrade_async(url)
    database = Database(url)
    token = services.tokens.issue(Principal("admin", Role.ADMIN))
    transport = httpx.ASGITransport(create_app(replace(services, database=database)))
    holder = sqlite3.connect(tmp_path / "locked.db")
    holder.execute("BEGIN IMMEDIATE")
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as admin:
        _is_problem(await admin.post("/api/v1/elders", json={"name": "甲"}), 503)
        holder.rollback()
        assert (await admin.post("/api/v1/elders", json={"name": "甲"})).status_code == 201
    holder.close()
    await database.close()


def test_given_a_postgresql_that_is_still_starting_when_asked_then_the_database_is_away_and_it_is_no_defect() -> None:
    """A10: 57P03 comes as an error of no special class, while the server recovers after a crash."""
    starting = DBAPIError("select 1", None, asyncpg.CannotConnectNowError("starting"))
    assert isinstance(database_error(starting), Unavailable)
    assert database_error(DBAPIError("select 1", None, asyncpg.UndefinedTableError("no such table"))) is None
