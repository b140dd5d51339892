"""What a page is told to register its phone with (B1, I3)."""

import pytest

from callcenter.accounts.model import SeatAccount
from callcenter.accounts.web_phones import web_phone_password
from callcenter.api.deps import Services
from callcenter.db import Database
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """The database has no part in it: it may be away (A10)."""
    return migrated_sqlite


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


async def test_given_a_seat_when_asked_for_its_phone_then_the_page_can_register(
    services: Services, as_role: Login
) -> None:
    assert services.controller is not None
    services.controller.routing.staff([SeatAccount("op1", "operator", "", True, "word")])
    answer = await (await as_role("operator", user="op1")).get("/api/v1/seats/me/phone")
    assert answer.json() == {
        "user": "op1-web",
        "password": web_phone_password(services.settings, "op1", "word"),
        "domain": "callcenter",
        "ws_url": "ws://127.0.0.1:8088/ws",
        "ice_servers": [],
        "auto_answer": True,
    }
    assert answer.headers["Cache-Control"] == "no-store"


async def test_given_no_seat_when_asked_for_its_phone_then_there_is_none(as_role: Login) -> None:
    assert (await (await as_role("qa")).get("/api/v1/seats/me/phone")).status_code == 404


async def test_given_a_role_without_a_seat_then_it_has_no_phone(as_role: Login) -> None:
    assert (await (await as_role("station")).get("/api/v1/seats/me/phone")).status_code == 403
