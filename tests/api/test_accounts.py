"""Accounts and webhooks over REST (I3, H3)."""

from typing import Any

import pytest

from callcenter.accounts.passwords import sip_ha1
from callcenter.accounts.permissions import Role
from callcenter.accounts.seats_keeper import SeatsKeeper
from callcenter.accounts.service import create_account, seat_accounts, set_own_auto_answer
from callcenter.accounts.web_phones import web_phone_password
from callcenter.api.deps import Services
from callcenter.bus import LocalBus
from tests.api.conftest import PASSWORD, Login

ACCOUNTS, WEBHOOKS = "/api/v1/accounts", "/api/v1/webhooks"
NEW: dict[str, Any] = {"user": "op9", "name": "九", "role": "operator", "password": PASSWORD}


async def test_given_a_seat_when_asked_for_then_its_sip_password_is_shown_once_and_asterisk_gets_the_digest(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ACCOUNTS, json={**NEW, "seat": True})).json()
    assert made["seat"] is True
    assert "sip_password" not in (await admin.get(f"{ACCOUNTS}/{made['id']}")).json()
    async with services.database.transaction() as session:
        (seat,) = await seat_accounts(session)
    assert (seat.user, seat.role, seat.sip_ha1) == ("op9", "operator", sip_ha1("op9", made["sip_password"]))


async def test_given_a_seat_when_renewed_or_taken_then_asterisk_sees_it(as_role: Login, services: Services) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ACCOUNTS, json={**NEW, "seat": True})).json()
    renewed = (await admin.patch(f"{ACCOUNTS}/{made['id']}", json={"seat": True})).json()
    assert renewed["sip_password"] not in (None, made["sip_password"])
    gone = (await admin.patch(f"{ACCOUNTS}/{made['id']}", json={"seat": False})).json()
    assert (gone["seat"], gone["sip_password"]) == (False, None)
    async with services.database.transaction() as session:
        assert await seat_accounts(session) == []


@pytest.mark.parametrize("change", [{"password": f"another {PASSWORD}"}, {"seat": True}])
async def test_given_a_stolen_phone_of_a_page_when_a_password_changes_then_its_password_is_another(
    as_role: Login, services: Services, change: dict[str, Any]
) -> None:
    """I3: in the page's own answer and in Asterisk's file alike; in memory and on disk."""
    admin = await as_role("admin")
    made = (await admin.post(ACCOUNTS, json={**NEW, "seat": True})).json()
    path = services.settings.data / "seats.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    keeper = SeatsKeeper(services.database, LocalBus(), path)

    async def known() -> set[str]:
        seats = [*(await keeper.read() or ()), *keeper.last()]
        return {web_phone_password(services.settings, seat.user, seat.phone_word) for seat in seats}

    before = await known()
    assert (await admin.patch(f"{ACCOUNTS}/{made['id']}", json={"name": "新"})).status_code == 200
    assert await known() == before
    assert (await admin.patch(f"{ACCOUNTS}/{made['id']}", json=change)).status_code == 200
    after = await known()
    assert (len(before), len(after), before & after) == (1, 1, set())


async def test_given_an_account_when_changed_then_only_what_is_given(as_role: Login) -> None:
    admin = await as_role("admin")
    made = await admin.post(ACCOUNTS, json={**NEW, "area": "姑苏区"})
    path = f"{ACCOUNTS}/{made.json()['id']}"
    changed = (await admin.patch(path, json={"role": "station"}, headers={"If-Match": made.headers["etag"]})).json()
    assert (changed["role"], changed["area"], changed["name"]) == ("station", "姑苏区", "九")
    assert (await admin.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.patch(path, json={"area": ""})).json()["area"] is None
    assert [item["user"] for item in (await admin.get(ACCOUNTS, params={"role": "station"})).json()["items"]] == ["op9"]
    assert (await admin.get(ACCOUNTS, params={"role": "qa"})).json()["items"] == []


async def test_given_a_bad_or_taken_account_when_posted_then_it_is_refused(as_role: Login) -> None:
    admin = await as_role("admin")
    assert (await admin.post(ACCOUNTS, json=NEW)).status_code == 201
    assert (await admin.post(ACCOUNTS, json=NEW)).status_code == 409
    # A withheld number comes as anonymous: such a seat would be asked for its password in the caller's place (A8).
    for bad in (
        {"user": "Op 9"},
        {"user": "op9]\n[x"},
        {"user": "anonymous"},
        {"user": "trunk"},
        {"password": "short"},
        {"role": "god"},
        {"more": 1},
    ):
        assert (await admin.post(ACCOUNTS, json={**NEW, **bad})).status_code == 422
    assert (
        await admin.post(ACCOUNTS, json={**NEW, "user": "longer", "password": "longer-than-ten"})
    ).status_code == 422
    assert (await admin.get(f"{ACCOUNTS}/none")).status_code == 404


async def test_given_the_last_administrator_when_demoted_or_switched_off_then_409(
    as_role: Login, services: Services
) -> None:
    async with services.database.transaction() as session:
        row = await create_account(
            session, services.clock, services.passwords, user="root", name="管理员", role=Role.ADMIN, password=PASSWORD
        )
    admin = await as_role("admin", user="root")
    path = f"{ACCOUNTS}/{row.id}"
    bound = {**NEW, "user": "south", "role": "admin", "area": "south"}
    assert (await admin.post(ACCOUNTS, json=bound)).status_code == 201, "who is bound to an area makes no accounts"
    for change in ({"role": "operator"}, {"active": False}, {"area": "north"}):
        assert (await admin.patch(path, json=change)).status_code == 409
    assert (await admin.post(ACCOUNTS, json={**NEW, "role": "admin"})).status_code == 201
    assert (await admin.patch(path, json={"role": "operator"})).status_code == 200


async def test_given_a_webhook_when_made_changed_and_ended_then_its_secret_shows_once(as_role: Login) -> None:
    admin = await as_role("admin")
    made = await admin.post(WEBHOOKS, json={"url": "https://example.org/hook", "kinds": ["call.*", "call.*"]})
    assert made.json()["secret"].startswith("whsec_")
    assert made.json()["kinds"] == ["call.*"]
    path = f"{WEBHOOKS}/{made.json()['id']}"
    assert "secret" not in (await admin.get(path)).json()
    changed = await admin.patch(path, json={"active": False}, headers={"If-Match": made.headers["etag"]})
    assert (changed.json()["active"], changed.json()["url"]) == (False, "https://example.org/hook")
    assert (await admin.get(f"{path}/deliveries")).json() == {"items": [], "next": None}
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404
    assert (await admin.get(WEBHOOKS)).json()["items"] == []


async def test_given_a_url_that_is_not_http_when_subscribed_then_422(as_role: Login) -> None:
    admin = await as_role("admin")
    bad = ("ftp://x/y", "file:///etc/passwd", "javascript:alert(1)", "http://u:p@host/", "http://", "http:///x", "x")
    for url in bad:
        answer = await admin.post(WEBHOOKS, json={"url": url, "kinds": ["*"]})
        assert answer.status_code == 422, url
    assert (await admin.post(WEBHOOKS, json={"url": "http://host/", "kinds": ["Not A Kind"]})).status_code == 422


async def test_given_a_seat_when_told_to_pick_up_by_itself_then_routing_and_the_memory_on_disk_know(
    as_role: Login, services: Services
) -> None:
    """A1, R12: by an administrator, or by the operator for the own seat; off unless said."""
    admin = await as_role("admin")
    made = (await admin.post(ACCOUNTS, json={**NEW, "seat": True})).json()
    assert made["auto_answer"] is False
    path = services.settings.data / "seats.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    keeper = SeatsKeeper(services.database, LocalBus(), path)

    async def known() -> list[bool]:
        seats = [*(await keeper.read() or ()), *keeper.last()]
        return [seat.auto_answer for seat in seats]

    assert await known() == [False, False]
    changed = await admin.patch(f"{ACCOUNTS}/{made['id']}", json={"auto_answer": True})
    assert changed.json()["auto_answer"] is True
    assert await known() == [True, True]
    async with services.database.transaction() as session:
        await set_own_auto_answer(session, services.clock, "op9", False)
    assert await known() == [False, False]
