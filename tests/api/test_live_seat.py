"""A seat whose page is its phone: there while the page pings, gone when it does not (A10, B7)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from fastapi import FastAPI

from callcenter.accounts.model import SeatAccount
from callcenter.accounts.permissions import Principal, Role
from callcenter.api import live_seat
from callcenter.api.deps import Services
from callcenter.db import Database
from callcenter.feed import Feed
from callcenter.routing.service import Routing
from callcenter.telephony.events import PhoneStatus
from tests.api.conftest import with_controller
from tests.support.live_page import Page, opened
from tests.support.memory import MemoryJournal
from tests.support.sipp import until


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """The database has no part in it."""
    return migrated_sqlite


@pytest.fixture
def services(services: Services, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(live_seat, "SILENT_SECONDS", 0.2)
    return replace(with_controller(services, journal), feed=Feed(services.database))


@pytest.fixture
def routing(services: Services) -> Routing:
    """op1 with a phone in the browser and no other; op2 with both."""
    assert services.controller is not None
    routing = services.controller.routing
    routing.staff([SeatAccount("op1", "operator", ""), SeatAccount("op2", "operator", "")])
    for endpoint in ("op1-web", "op2", "op2-web"):
        routing.phone(PhoneStatus(endpoint, True))
    return routing


def token(services: Services, user: str = "op1", role: Role = Role.OPERATOR) -> str:
    return services.tokens.issue(Principal(user, role))


async def pinging(page: Page, while_: Callable[[], bool]) -> None:
    """Ping until a condition no longer holds."""
    number = 0
    while while_():
        number += 1
        page.say({"ping": number})
        await page.until(partial(_answered, number=number))
        await asyncio.sleep(0.02)


def _answered(page: Page, number: int) -> bool:
    return page.heard[-1].get("n") == number


async def test_given_a_pinging_page_then_its_seat_is_ready_and_when_it_freezes_offline_until_it_thaws(
    app: FastAPI, services: Services, routing: Routing
) -> None:
    async with opened(app, token=token(services)) as page:
        await page.hears("hello")
        page.say({"seat": "a"})
        loop = asyncio.get_running_loop()
        enough = loop.time() + 0.5
        states = set()

        def still() -> bool:
            states.add(routing.state_of(routing.seat("op1")))
            return loop.time() < enough

        await pinging(page, still)
        assert states == {"ready"}
        await until(lambda: routing.state_of(routing.seat("op1")) == "offline", 2, "the silent seat to go offline")
        page.say({"ping": 0})
        await until(lambda: routing.state_of(routing.seat("op1")) == "ready", 2, "the seat to be back")
    await until(lambda: routing.state_of(routing.seat("op1")) == "offline", 2, "the seat whose page is closed")


async def test_given_a_second_socket_of_the_same_page_when_the_first_closes_then_the_seat_stays(
    app: FastAPI, services: Services, routing: Routing
) -> None:
    """A page that reconnects is here twice for a moment."""
    async with opened(app, token=token(services)) as new:
        async with opened(app, token=token(services)) as old:
            for page in (old, new):
                await page.hears("hello")
                page.say({"seat": "a"})
                page.say({"ping": 1})
                await page.hears("pong")
        assert routing.state_of(routing.seat("op1")) == "ready"
        # Another tab is the phone now: this one says that it no longer is.
        new.say({"seat": False})
        await until(lambda: routing.state_of(routing.seat("op1")) == "offline", 2, "the seat to be offline")


async def test_given_pages_on_two_machines_then_the_later_is_the_phone_and_stays_so_when_the_other_reconnects(
    app: FastAPI, services: Services, routing: Routing
) -> None:
    """Whoever moves to another desk leaves a page behind, and that must not take the phone back by itself."""
    async with opened(app, token=token(services)) as later:
        async with opened(app, token=token(services)) as left_behind:
            await left_behind.hears("hello")
            left_behind.say({"seat": "window"})
            await until(lambda: routing.seat("op1").page, 2, "the first page")
            later.say({"seat": "door"})
            await left_behind.hears("seat_taken")
        async with opened(app, token=token(services)) as left_behind:
            left_behind.say({"seat": "window"})
            await left_behind.hears("seat_taken")
            assert routing.seat("op1").page
            assert "seat_taken" not in later.kinds
            left_behind.say({"seat": "window, on purpose"})
            await later.hears("seat_taken")


async def test_given_a_telephone_beside_the_page_when_the_page_goes_then_the_seat_stays_by_that(
    app: FastAPI, services: Services, routing: Routing
) -> None:
    async with opened(app, token=token(services, "op2")) as page:
        await page.hears("hello")
        page.say({"seat": "a"})
        await until(lambda: routing.seat("op2").phone == "web", 2, "the browser to be the phone that rings")
    await until(lambda: routing.seat("op2").phone == "sip", 2, "the other phone to take its place")
    assert routing.state_of(routing.seat("op2")) == "ready"


async def test_given_a_page_that_only_looks_on_when_it_pings_then_it_is_answered_and_is_no_phone(
    app: FastAPI, services: Services, routing: Routing
) -> None:
    async with opened(app, token=token(services, "op1", Role.STATION)) as page:
        await page.hears("hello")
        for word in ({"seat": "a"}, {"seat": True}, {"seat": "x" * 65}, {"ping": "x" * 100}, {"ping": 7}):
            page.say(word)
        assert (await page.hears("pong"))["n"] == 7
    assert routing.seat("op1").page is None
