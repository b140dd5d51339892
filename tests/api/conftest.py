"""The whole application over a migrated database, spoken to as a client does; a clock moved by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.accounts.service import create_account
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.settings import Settings, load_settings
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres,
    postgres_template,
    sqlite_template,
)
from tests.support.fake_pbx import FakePbx, SimulatedSwitchboard
from tests.support.memory import MemoryJournal

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
Login = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path / "var", _env_file=None)


@pytest.fixture
def fast_passwords() -> Passwords:
    """argon2id at its smallest: the tests are about everything else."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def services(settings: Settings, clock: ManualClock, database: Database, fast_passwords: Passwords) -> Services:
    return replace(build_services(settings, clock, database, LocalBus()), passwords=fast_passwords)


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


def with_controller(services: Services, journal: MemoryJournal) -> Services:
    """The same with a controller on a simulated switchboard."""
    controller = Controller(
        services.settings,
        services.clock,
        journal,
        lambda: services.directory.directory,
        "",
        pbx=FakePbx(SimulatedSwitchboard(services.clock)),
        live=lambda: True,
    )
    return replace(services, controller=controller)


@pytest.fixture
def database(migrated: Database) -> Database:  # noqa: F811
    """Every API test runs on both databases."""
    return migrated


@pytest.fixture
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is nobody."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as made:
        yield made


@pytest.fixture
async def as_role(app: FastAPI, services: Services) -> AsyncIterator[Login]:
    """``await as_role("operator")``: a client with a fresh token of that role; ``area=`` narrows it."""
    clients: list[httpx.AsyncClient] = []

    async def login(role: str, user: str | None = None, area: str | None = None) -> httpx.AsyncClient:
        token = services.tokens.issue(Principal(user or f"{role}1", Role(role), area, "test"))
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"},
        )
        clients.append(made)
        return made

    yield login
    for made in clients:
        await made.aclose()


@pytest.fixture
async def account(services: Services) -> str:
    """An operator's account in the database: its user name; the password is `PASSWORD`."""
    async with services.database.transaction() as session:
        await create_account(
            session,
            services.clock,
            services.passwords,
            user="mei",
            name="梅",
            role=Role.OPERATOR,
            password=PASSWORD,
            sip_password="sip",
        )
    return "mei"
