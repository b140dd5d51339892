"""Requests from terminals, apps and the public form: once each, limited, hostile input, no JavaScript (B5, R22)."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from callcenter.alarms.source_service import SourceInput, create_source, new_secret
from callcenter.alarms.sources import Auth
from callcenter.api.deps import Services
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import TooManyAttempts
from callcenter.intake.limits import PER_ADDRESS, SECONDS, TOGETHER, Limit
from callcenter.intake.model import IntakeRow
from callcenter.people.schemas import ElderInput
from callcenter.people.service import create_elder
from tests.api.conftest import START

FORM = {"name": "陈晓燕", "phone": "138 0000 1001", "text": "想了解上门助浴的价格", "kind": "question", "consent": True}


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """What is tested here does not depend on the database; the rows are written as those of test_intake."""
    return migrated_sqlite


@pytest.fixture
async def token(services: Services) -> str:
    secret = new_secret()
    async with services.database.transaction() as session:
        await create_source(session, services.clock, SourceInput(name="app", auth=Auth.TOKEN), secret)
        await create_elder(
            session, services.clock, ElderInput(name="陈桂英", code="SZ-1", phones=["13800001001"], area="姑苏区")
        )
    await services.alarm_sources.refresh()
    await services.directory.refresh()
    return secret


async def rows(services: Services) -> list[IntakeRow]:
    async with services.database.transaction() as session:
        return list(await session.scalars(select(IntakeRow).order_by(IntakeRow.id)))


async def test_b5_given_an_app_when_it_sends_twice_then_one_item_of_the_elder(
    client: httpx.AsyncClient, services: Services, token: str
) -> None:
    body = {"reference": "A-1", "text": "想预约理发", "channel": "app", "elder_code": "SZ-1", "unknown": [1]}
    headers = {"Authorization": f"Bearer {token}"}
    first = await client.post("/api/v1/requests", json=body, headers=headers)
    again = await client.post("/api/v1/requests", json=body, headers=headers)
    assert (first.status_code, first.json()["duplicate"]) == (201, False)
    assert (again.status_code, again.json()) == (200, {"id": first.json()["id"], "duplicate": True})
    (row,) = await rows(services)
    assert (row.channel, row.kind, row.state, row.contact, row.caller) == (
        "app",
        "service",
        "new",
        "陈桂英",
        "13800001001",
    )
    assert row.source == "app:A-1"
    assert row.elder_id is not None


async def test_i3_given_no_or_a_wrong_token_when_a_terminal_sends_then_401(
    client: httpx.AsyncClient, token: str
) -> None:
    body = {"reference": "A-1", "text": "x"}
    assert (await client.post("/api/v1/requests", json=body)).status_code == 401
    wrong = await client.post("/api/v1/requests", json=body, headers={"Authorization": "Bearer x"})
    assert wrong.status_code == 401


async def test_b5_given_the_public_api_when_asked_then_an_item_with_consent(
    client: httpx.AsyncClient, services: Services, token: str
) -> None:
    answer = await client.post("/api/v1/public/requests", json={**FORM, "elder": "陈桂英", "address": "平江路"})
    assert answer.status_code == 201, answer.text
    (row,) = await rows(services)
    assert row.id.upper().endswith(answer.json()["reference"])
    assert (row.channel, row.caller, row.contact, row.consent_at) == ("web", "13800001001", "陈晓燕", START)
    assert row.text == "想了解上门助浴的价格\n老人：陈桂英\n地址：平江路"
    assert row.elder_id is not None


@pytest.mark.parametrize(
    ("change", "status"),
    [({"consent": False}, 422), ({"phone": "x"}, 422), ({"name": "a\nb"}, 422), ({"text": "长" * 2001}, 422),
     ({"text": "\x00"}, 422), ({"more": 1}, 422), ({"website": "http://spam"}, 201)],
)  # fmt: skip
async def test_r22_given_bad_input_or_a_program_when_sent_then_nothing_is_kept(
    client: httpx.AsyncClient, services: Services, change: dict[str, Any], status: int
) -> None:
    answer = await client.post("/api/v1/public/requests", json={**FORM, **change})
    assert answer.status_code == status
    assert await rows(services) == []


async def test_r22_given_a_flood_from_one_address_when_over_the_limit_then_429_until_time_has_passed(
    client: httpx.AsyncClient, services: Services, clock: ManualClock
) -> None:
    for _ in range(PER_ADDRESS):
        assert (await client.post("/api/v1/public/requests", json=FORM)).status_code == 201
    refused = await client.post("/api/v1/public/requests", json=FORM)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    page = await client.post("/request", data={"name": "x"})
    assert (page.status_code, "分钟后再试" in page.text) == (429, True)
    clock.move_to(START + timedelta(seconds=SECONDS + 1))
    assert (await client.post("/api/v1/public/requests", json=FORM)).status_code == 201
    assert len(await rows(services)) == PER_ADDRESS + 1


async def test_r22_given_a_restart_or_a_second_process_when_flooded_then_the_limit_still_stands(
    app: FastAPI, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    """What is in memory is gone; what was taken in is on the audit trail with its address."""
    for _ in range(PER_ADDRESS):
        assert (await client.post("/api/v1/public/requests", json=FORM)).status_code == 201
    app.state.public_limit = Limit()
    clock.move_to(START + timedelta(seconds=60))
    refused = await client.post("/api/v1/public/requests", json=FORM)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(int(SECONDS) - 60 + 1))
    page = await client.post("/request", data={**FORM, "consent": "1"})
    assert (page.status_code, "10 分钟后再试" in page.text) == (429, True)
    clock.move_to(START + timedelta(seconds=SECONDS + 1))
    assert (await client.post("/api/v1/public/requests", json=FORM)).status_code == 201


@pytest.mark.parametrize(
    "phone", ["12", "120", "12349", "65001001", "1380000100", "138000010012", "+86", "0512-65001001 转 801", "x", ""]
)
async def test_b5_given_a_number_that_nobody_is_reached_by_when_sent_then_said_what_to_write(
    client: httpx.AsyncClient, services: Services, phone: str
) -> None:
    page = await client.post("/request", data={**FORM, "phone": phone, "consent": "1"})
    assert page.status_code == 422
    assert "11 位手机号（如 13800001001），或带区号的固定电话（如 0512-65001001）" in page.text
    assert f'value="{phone}"' in page.text
    answer = await client.post("/api/v1/public/requests", json={**FORM, "phone": phone})
    assert (answer.status_code, "0512-65001001" in answer.json()["detail"]) == (422, True)
    assert await rows(services) == []


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("１３８ ００００ １００１", "13800001001"),
        ("(0512) 6500.1001", "051265001001"),
        ("+86 138-0000-1001", "13800001001"),
        ("+1 202 555 0123", "+12025550123"),
    ],
)
async def test_b5_given_a_number_as_people_write_it_when_the_form_is_sent_then_kept_as_it_is_dialled(
    client: httpx.AsyncClient, services: Services, phone: str, number: str
) -> None:
    sent = await client.post("/request", data={**FORM, "phone": phone, "consent": "1"})
    assert sent.status_code == 303
    assert [row.caller for row in await rows(services)] == [number]


def test_r22_given_many_addresses_when_all_together_are_too_many_then_refused_and_a_64_counts_as_one() -> None:
    limit = Limit()
    for n in range(PER_ADDRESS):
        limit.begin(f"2001:db8::{n}", 0)
    with pytest.raises(TooManyAttempts):
        limit.begin("2001:db8::ffff", 0)
    for n in range(TOGETHER - PER_ADDRESS):
        limit.begin(f"10.0.{n // 250}.{n % 250}", 1)
    with pytest.raises(TooManyAttempts):
        limit.begin("10.9.9.9", 2)
    limit.begin("10.9.9.9", SECONDS + 1)


def test_r22_given_a_socket_for_both_kinds_of_addresses_then_every_ipv4_home_is_one_of_its_own() -> None:
    """All of ::ffff:0:0/96 lies in one /64: one stranger could use up everybody's requests."""
    limit = Limit()
    for n in range(PER_ADDRESS + 1):
        limit.begin(f"::ffff:10.0.0.{n}", 0)
    for _ in range(PER_ADDRESS):
        limit.begin("10.1.1.1", 0)
    with pytest.raises(TooManyAttempts):
        limit.begin("::ffff:10.1.1.1", 0)


async def test_b5_given_a_browser_without_javascript_when_the_form_is_sent_then_received(
    client: httpx.AsyncClient, services: Services
) -> None:
    shown = await client.get("/request")
    assert (shown.status_code, '<html lang="zh-CN">' in shown.text) == (200, True)
    assert "<script" not in shown.text
    assert "form-action 'self'" in shown.headers["Content-Security-Policy"]
    labelled = set(re.findall(r'<label for="(\w+)"', shown.text))
    assert labelled == set(re.findall(r'<(?:input|select|textarea) id="(\w+)"', shown.text))
    sent = await client.post("/request", data={**FORM, "consent": "1"})
    assert sent.status_code == 303
    received = await client.get(sent.headers["Location"])
    (row,) = await rows(services)
    assert row.id[-6:].upper() in received.text


async def test_b5_given_english_when_the_form_is_wrong_then_said_beside_the_fields_and_nothing_is_lost(
    client: httpx.AsyncClient, services: Services
) -> None:
    hostile = '"><script>alert(1)</script>'
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    answer = await client.post("/request", data={"name": hostile, "phone": "x", "text": hostile}, headers=english)
    assert answer.status_code == 422
    assert "A phone number we can reach is needed" in answer.text
    assert "<script" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text
    assert 'aria-invalid="true" aria-describedby="bad-phone"' in answer.text
    unagreed = await client.post("/request?lang=en", data={**FORM, "consent": ""})
    assert (unagreed.status_code, "We need your consent" in unagreed.text) == (422, True)
    reflected = await client.get("/request", params={"done": "<b>A1</b>", "lang": "xx"})
    assert "<b>bA1b</b>" in reflected.text
    assert await rows(services) == []


async def test_r22_given_too_much_when_posted_to_the_form_then_413_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/request", data={**FORM, "text": "长" * 40_000})
    assert (answer.status_code, "内容太长" in answer.text) == (413, True)
    files = await client.post("/request", files={"text": ("a.txt", b"x")}, data={"name": "x"})
    assert files.status_code == 422
