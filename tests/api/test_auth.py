"""Signing in: tokens that expire by the clock, refresh with reuse detection, throttling (I3)."""

import asyncio
from datetime import timedelta

import httpx
import jwt
import pytest

from callcenter.accounts.ended import EndedKeeper
from callcenter.accounts.permissions import Role
from callcenter.accounts.secrets import secrets_dir, signing_key
from callcenter.accounts.sign_in import forget
from callcenter.api.deps import Services
from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from tests.api.conftest import PASSWORD, START, Login

TOKEN, REFRESH, LOGOUT, ME = (f"/api/v1/auth/{path}" for path in ("token", "refresh", "logout", "me"))


async def _sign_in(client: httpx.AsyncClient, user: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(TOKEN, data={"username": user, "password": password, "grant_type": "password"})


async def _me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get(ME, headers={"Authorization": f"Bearer {token}"})


async def test_given_the_right_password_when_signed_in_then_the_token_says_who_and_what(
    client: httpx.AsyncClient, account: str
) -> None:
    pair = (await _sign_in(client, account)).json()
    assert pair["token_type"] == "bearer"
    assert pair["expires_in"] == 900
    me = (await _me(client, pair["access_token"])).json()
    assert (me["user"], me["role"]) == ("mei", "operator")
    assert "emergencies:act" in me["permissions"]
    assert "accounts:write" not in me["permissions"]


@pytest.mark.parametrize(("user", "password"), [("mei", "wrong password"), ("nobody", PASSWORD)])
async def test_given_a_wrong_name_or_password_when_signed_in_then_401_says_neither_which(
    client: httpx.AsyncClient, account: str, user: str, password: str
) -> None:
    response = await _sign_in(client, user, password)
    assert response.status_code == 401
    assert response.json()["detail"] == "user name or password is wrong"


async def test_given_a_token_when_its_time_is_over_then_401_says_to_refresh(
    client: httpx.AsyncClient, account: str, clock: ManualClock
) -> None:
    token = (await _sign_in(client, account)).json()["access_token"]
    clock.move_to(START + timedelta(seconds=899))
    assert (await _me(client, token)).status_code == 200
    clock.move_to(START + timedelta(seconds=900))
    response = await _me(client, token)
    assert response.status_code == 401
    assert "/api/v1/auth/refresh" in response.json()["detail"]


async def test_given_a_forged_token_when_used_then_401(client: httpx.AsyncClient, services: Services) -> None:
    now = int(START.timestamp())
    claims = {"iss": "callcenter", "sub": "x", "role": "admin", "area": None, "sid": "", "iat": now, "exp": now + 99}
    key = signing_key(services.settings)
    forged = [
        jwt.encode(claims, b"k" * 32, algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode({**claims, "role": "god"}, key, algorithm="HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, algorithm="HS256"),
        jwt.encode({**claims, "iss": "other"}, key, algorithm="HS256"),
        "x.y.z",
        "",
    ]
    for token in forged:
        assert (await _me(client, token)).status_code == 401
    assert (await _me(client, jwt.encode(claims, key, algorithm="HS256"))).status_code == 200


async def test_given_a_refresh_token_when_traded_then_a_new_pair_works(
    client: httpx.AsyncClient, account: str, clock: ManualClock
) -> None:
    first = (await _sign_in(client, account)).json()
    clock.move_to(START + timedelta(hours=11))
    second = (await client.post(REFRESH, json={"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await _me(client, second["access_token"])).status_code == 200


async def test_given_a_refresh_token_when_it_is_used_twice_then_the_whole_sign_in_ends(
    client: httpx.AsyncClient, account: str
) -> None:
    """RFC 9700 §4.14.2: a thief and the owner cannot both go on."""
    first = (await _sign_in(client, account)).json()["refresh_token"]
    second = (await client.post(REFRESH, json={"refresh_token": first})).json()["refresh_token"]
    assert (await client.post(REFRESH, json={"refresh_token": first})).status_code == 401
    assert (await client.post(REFRESH, json={"refresh_token": second})).status_code == 401


async def test_given_a_trade_whose_answer_was_lost_when_it_is_asked_for_again_then_it_is_answered_until_it_is_used(
    client: httpx.AsyncClient, account: str
) -> None:
    """B4: a page that is reloaded twice, or a network that is cut, signs nobody out in the middle of a call."""
    first = (await _sign_in(client, account)).json()["refresh_token"]
    trade = {"refresh_token": first, "next": "n" * 43}
    for _ in range(3):
        answer = await client.post(REFRESH, json=trade)
        assert (answer.status_code, answer.json()["refresh_token"]) == (200, "n" * 43)
        assert (await _me(client, answer.json()["access_token"])).status_code == 200
    third = (await client.post(REFRESH, json={"refresh_token": "n" * 43, "next": "m" * 43})).json()["refresh_token"]
    assert (await client.post(REFRESH, json=trade)).status_code == 401
    assert (await client.post(REFRESH, json={"refresh_token": third})).status_code == 401


@pytest.mark.parametrize("named", ["m" * 43, "the same"])
async def test_given_a_used_token_when_another_successor_is_named_then_the_whole_sign_in_ends(
    client: httpx.AsyncClient, account: str, named: str
) -> None:
    """RFC 9700 §4.14.2: who took a token does not know what it became."""
    first = (await _sign_in(client, account)).json()["refresh_token"]
    await client.post(REFRESH, json={"refresh_token": first, "next": "n" * 43})
    stolen = {"refresh_token": first, "next": first if named == "the same" else named}
    assert (await client.post(REFRESH, json=stolen)).status_code == 401
    assert (await client.post(REFRESH, json={"refresh_token": "n" * 43})).status_code == 401


async def test_given_a_token_of_its_own_as_successor_when_traded_then_401(
    client: httpx.AsyncClient, account: str
) -> None:
    token = (await _sign_in(client, account)).json()["refresh_token"]
    assert (await client.post(REFRESH, json={"refresh_token": token, "next": token})).status_code == 401


async def test_given_one_refresh_token_when_traded_many_times_at_once_then_at_most_one_trade_succeeds(
    client: httpx.AsyncClient, account: str
) -> None:
    token = (await _sign_in(client, account)).json()["refresh_token"]
    answers = await asyncio.gather(*(client.post(REFRESH, json={"refresh_token": token}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def test_given_a_refresh_token_when_it_is_too_old_then_401_and_it_is_swept_up(
    client: httpx.AsyncClient, account: str, clock: ManualClock, services: Services
) -> None:
    token = (await _sign_in(client, account)).json()["refresh_token"]
    clock.move_to(START + timedelta(hours=12))
    assert (await client.post(REFRESH, json={"refresh_token": token})).status_code == 401
    async with services.database.transaction() as session:
        await forget(session, clock.now() + timedelta(days=2))
    assert (await client.post(REFRESH, json={"refresh_token": token})).status_code == 401


async def test_given_signed_out_when_the_refresh_token_is_used_then_401(
    client: httpx.AsyncClient, account: str
) -> None:
    token = (await _sign_in(client, account)).json()["refresh_token"]
    for _ in range(2):
        assert (await client.post(LOGOUT, json={"refresh_token": token})).status_code == 204
    assert (await client.post(REFRESH, json={"refresh_token": token})).status_code == 401


async def test_given_five_failures_when_the_sixth_comes_then_429_until_the_window_has_passed(
    client: httpx.AsyncClient, account: str, clock: ManualClock
) -> None:
    for _ in range(5):
        assert (await _sign_in(client, account, "wrong password")).status_code == 401
    refused = await _sign_in(client, account)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "301"
    clock.move_to(START + timedelta(seconds=301))
    assert (await _sign_in(client, account)).status_code == 200


async def test_given_many_guesses_at_once_then_no_more_than_five_are_looked_at(
    client: httpx.AsyncClient, account: str
) -> None:
    answers = await asyncio.gather(*(_sign_in(client, account, f"wrong guess {n}") for n in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_given_one_address_guesses_when_another_signs_in_then_nobody_is_locked_out(
    services: Services, client: httpx.AsyncClient, account: str
) -> None:
    for _ in range(5):
        services.throttle.begin(account, "203.0.113.9")
    assert (await _sign_in(client, account)).status_code == 200


async def test_given_an_account_is_switched_off_when_it_signs_in_or_refreshes_then_401(
    client: httpx.AsyncClient, account: str, as_role: Login
) -> None:
    admin = await as_role("admin")
    token = (await _sign_in(client, account)).json()["refresh_token"]
    row = (await admin.get("/api/v1/accounts")).json()["items"][0]
    assert (await admin.patch(f"/api/v1/accounts/{row['id']}", json={"active": False})).status_code == 200
    assert (await client.post(REFRESH, json={"refresh_token": token})).status_code == 401
    assert (await _sign_in(client, account)).status_code == 401


async def test_given_an_account_is_switched_off_while_signed_in_then_its_access_token_is_void_at_once(
    client: httpx.AsyncClient, account: str, as_role: Login, services: Services, clock: ManualClock
) -> None:
    """I3: not when it would have run out; nobody else's is, and what has run out is not kept in mind."""
    ended = EndedKeeper(services.database, LocalBus(), clock, services.settings.token_minutes)
    services.tokens.ended = ended.has
    admin = await as_role("admin")
    pair = (await _sign_in(client, account)).json()
    session = services.tokens.read(pair["access_token"]).session
    await ended.refresh()
    assert (await _me(client, pair["access_token"])).status_code == 200
    row = (await admin.get("/api/v1/accounts")).json()["items"][0]
    await admin.patch(f"/api/v1/accounts/{row['id']}", json={"active": False})
    await ended.refresh()
    assert (await _me(client, pair["access_token"])).status_code == 401
    assert (await admin.get(ME)).status_code == 200
    clock.move_to(START + timedelta(minutes=services.settings.token_minutes, seconds=1))
    await ended.refresh()
    assert not ended.has(session)


async def test_given_ones_own_password_when_changed_then_the_new_one_signs_in_and_old_sign_ins_end(
    client: httpx.AsyncClient, account: str, as_role: Login
) -> None:
    refresh = (await _sign_in(client, account)).json()["refresh_token"]
    mei = await as_role("operator", user=account)
    wrong = {"old_password": "not the old one", "new_password": "another long password"}
    assert (await mei.post("/api/v1/auth/password", json=wrong)).status_code == 403
    weak = {"old_password": PASSWORD, "new_password": "mei-mei-mei"}
    assert (await mei.post("/api/v1/auth/password", json=weak)).status_code == 422
    right = {"old_password": PASSWORD, "new_password": "another long password"}
    assert (await mei.post("/api/v1/auth/password", json=right)).status_code == 204
    assert (await _sign_in(client, account)).status_code == 401
    assert (await _sign_in(client, account, "another long password")).status_code == 200
    assert (await client.post(REFRESH, json={"refresh_token": refresh})).status_code == 401


async def test_given_sign_ins_when_tried_then_each_leaves_a_trace(
    client: httpx.AsyncClient, account: str, as_role: Login
) -> None:
    await _sign_in(client, account)
    await _sign_in(client, account, "wrong password")
    trail = (await (await as_role("admin")).get("/api/v1/audit")).json()["items"]
    assert [(entry["action"], entry["subject_id"]) for entry in trail] == [
        ("sign_in_refused", "mei"),
        ("sign_in", "mei"),
    ]


def test_given_a_first_start_when_the_key_is_made_then_only_its_owner_can_read_it(services: Services) -> None:
    folder = secrets_dir(services.settings)
    assert (folder / "token.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert signing_key(services.settings) == signing_key(services.settings)
    assert [path.name for path in folder.iterdir()] == ["token.key"]


async def test_given_an_area_when_signed_in_then_the_token_carries_it(
    client: httpx.AsyncClient, as_role: Login
) -> None:
    admin = await as_role("admin")
    made = {"user": "zhan", "name": "站长", "role": Role.STATION, "password": PASSWORD, "area": "姑苏区"}
    assert (await admin.post("/api/v1/accounts", json=made)).status_code == 201
    token = (await _sign_in(client, "zhan")).json()["access_token"]
    assert (await _me(client, token)).json()["area"] == "姑苏区"
