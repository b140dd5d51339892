"""The screen-pop and my work: one answer with everything, fast, also without the database (A10, B4, B5, I1, I3)."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.bus import LocalBus
from callcenter.calls.facts import CallDispositioned, CallEnded
from callcenter.calls.tables import CallProjector
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.people.directory import Contact, Device, Directory, Elder
from callcenter.settings import Settings
from callcenter.work_orders.model import WorkOrderRow
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal

API = "/api/v1"
SHARED = "051265001001"


@pytest.fixture
def services(services: Services, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> Services:
    # A busy machine is no database that is away.
    monkeypatch.setattr("callcenter.api.screen.PATIENCE", 30)
    return with_controller(services, journal)


def controller_of(services: Services) -> Controller:
    assert services.controller is not None
    return services.controller


def rings(services: Services, number: str, line: str = "hotline") -> str:
    """Somebody calls: the call's id."""
    controller = controller_of(services)
    before = {call.id for call in controller.calls.known()}
    controller.arrivals.open(
        line=line, did="12349", raw_caller=number, channel_id=f"c{len(before)}", invited_at=services.clock.now()
    )
    return next(call.id for call in controller.calls.known() if call.id not in before)


@pytest.fixture
async def elder(as_role: Login, services: Services) -> dict[str, Any]:
    admin = await as_role("admin")
    body = {
        "name": "陈桂英",
        "phones": ["13800001001", SHARED],
        "area": "姑苏区",
        "birth_date": "1941-03-12",
        "door_code": "3012#",
        "medical_notes": "青霉素过敏",
        "contacts": [{"role": "family", "name": "陈晓燕", "phone": "13900001001"}],
    }
    made: dict[str, Any] = (await admin.post(f"{API}/elders", json=body)).json()
    husband = {"name": "陈建国", "phones": [SHARED], "area": "吴中区"}
    assert (await admin.post(f"{API}/elders", json=husband)).status_code == 201
    await services.directory.refresh()
    return made


async def test_b4_given_finished_orders_when_she_calls_then_only_what_is_still_to_come_is_open_and_has_words(
    as_role: Login, services: Services, elder: dict[str, Any]
) -> None:
    """B4: a service that has ended is not open; an emergency closed without a word is told in words, not as a code."""
    operator = await as_role("operator")
    made = [
        (await operator.post(f"{API}/work-orders", json={"summary": summary, "elder_id": elder["id"]})).json()["id"]
        for summary in ("打扫", "理发", "送餐", "false_alarm")
    ]
    async with services.database.transaction() as session:
        for order, state in zip(made, ("done", "followed_up", "dispatched", "dispatched"), strict=True):
            row = await session.get(WorkOrderRow, order)
            assert row is not None
            row.state = state
            row.kind = "emergency" if row.summary == "false_alarm" else row.kind
    screen = (await operator.get(f"{API}/calls/{rings(services, '13800001001')}/screen")).json()
    assert [(one["summary"], one["title"]) for one in screen["open_orders"]] == [
        ("", {"zh": "误报", "en": "False alarm"}),
        ("送餐", None),
    ]


async def test_b4_given_a_known_caller_when_it_rings_then_everything_is_in_one_answer(
    as_role: Login, services: Services, journal: MemoryJournal, elder: dict[str, Any]
) -> None:
    operator = await as_role("operator")
    first = rings(services, "13800001001")
    ledger = controller_of(services).ledger
    await operator.put(f"{API}/calls/{first}/note", json={"text": "问助餐", "revision": 0})
    ledger.record(CallDispositioned(disposition="answered"), actor="op1", call_id=first)
    ledger.record(CallEnded(answered=True, seconds=9), actor="pbx", call_id=first)
    async with services.database.transaction() as session:
        await CallProjector().apply(session, journal.facts())
    order = await operator.post(f"{API}/work-orders", json={"summary": "打扫", "elder_id": elder["id"]})
    complaint = await operator.post(f"{API}/complaints", json={"text": "迟到", "elder_id": elder["id"]})
    item = await operator.post(f"{API}/intake", json={"text": "问价", "elder_id": elder["id"]})
    decided = {"outcome": "follow_up", "text": "问价"}
    assert (await operator.post(f"{API}/intake/{item.json()['id']}/outcome", json=decided)).status_code == 200
    waiting = await operator.post(f"{API}/intake", json={"text": "问医院", "elder_id": elder["id"]})
    emergency = rings(services, "13800001001", "emergency")

    second = rings(services, "13800001001")
    answer = await operator.get(f"{API}/calls/{second}/screen")
    assert answer.status_code == 200, answer.text
    screen = answer.json()
    assert screen["complete"] is True
    assert (screen["elder"]["name"], screen["elder"]["age"], screen["elder"]["door_code"]) == ("陈桂英", 84, "3012#")
    assert screen["elder"]["medical_notes"] == "青霉素过敏"
    assert [contact["name"] for contact in screen["contacts"]] == ["陈晓燕"]
    assert [(past["id"], past["disposition"], past["note"]) for past in screen["last_calls"]] == [
        (first, "answered", "问助餐")
    ]
    assert order.json()["id"] in {one["id"] for one in screen["open_orders"]}
    assert [one["id"] for one in screen["complaints"]] == [complaint.json()["id"]]
    assert len(screen["open_follow_ups"]) == 1
    assert [one["id"] for one in screen["intake"]] == [waiting.json()["id"]]
    incident = controller_of(services).calls.get(emergency).incident_id
    assert [one["id"] for one in screen["open_emergencies"]] == [incident]


async def test_b4_given_a_relative_or_a_shared_number_when_it_rings_then_who_it_may_be(
    as_role: Login, services: Services, elder: dict[str, Any]
) -> None:
    operator = await as_role("operator")
    by_daughter = (await operator.get(f"{API}/calls/{rings(services, '13900001001')}/screen")).json()
    assert (by_daughter["elder"]["name"], by_daughter["relative"]["name"]) == ("陈桂英", "陈晓燕")
    shared = (await operator.get(f"{API}/calls/{rings(services, SHARED)}/screen")).json()
    assert shared["elder"] is None
    assert {one["name"] for one in shared["candidates"]} == {"陈桂英", "陈建国"}
    stranger = (await operator.get(f"{API}/calls/{rings(services, '13912345678')}/screen")).json()
    assert (stranger["elder"], stranger["candidates"], stranger["contacts"]) == (None, [], [])
    withheld = (await operator.get(f"{API}/calls/{rings(services, '')}/screen")).json()
    assert (withheld["caller"], withheld["last_calls"], withheld["complete"]) == ("", [], True)


async def test_i1_given_a_reviewer_when_it_rings_then_no_door_code_and_another_area_sees_nothing(
    as_role: Login, services: Services, elder: dict[str, Any]
) -> None:
    call_id = rings(services, "13800001001")
    reviewed = (await (await as_role("qa")).get(f"{API}/calls/{call_id}/screen")).json()
    assert (reviewed["elder"]["door_code"], reviewed["elder"]["medical_notes"]) == (None, None)
    elsewhere = await as_role("operator", area="吴中区")
    assert (await elsewhere.get(f"{API}/calls/{call_id}/screen")).status_code == 404
    assert (await elsewhere.get(f"{API}/calls/none/screen")).status_code == 404


@pytest.fixture
async def away(settings: Settings, clock: ManualClock, fast_passwords: Passwords) -> AsyncIterator[Services]:
    """A database that nobody answers for, and a directory that was restored from disk."""
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    made = replace(build_services(settings, clock, database, LocalBus()), passwords=fast_passwords)
    made.directory._directory = Directory(
        [
            Elder(
                id="e1",
                code="1",
                name="王秀英",
                phones=("13800000001",),
                contacts=(Contact(role="family", name="女儿", phone="13700000001"),),
                devices=(Device(id="d1", kind="pendant", number="13800000011"),),
            )
        ]
    )
    yield with_controller(made, MemoryJournal())
    await database.close()


async def test_a10_given_the_database_away_when_it_rings_then_what_memory_knows_and_soon(away: Services) -> None:
    token = away.tokens.issue(Principal("op1", Role.OPERATOR))
    call_id = rings(away, "13800000011")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(away)),
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        begun = time.monotonic()
        screen = (await client.get(f"{API}/calls/{call_id}/screen")).json()
        assert time.monotonic() - begun < 2
    assert (screen["complete"], screen["elder"]["name"], screen["device_id"]) == (False, "王秀英", "d1")
    assert [contact["name"] for contact in screen["contacts"]] == ["女儿"]
    assert screen["last_calls"] == []


async def test_b5_given_work_of_all_kinds_when_i_ask_then_mine_and_what_nobody_has(
    as_role: Login, services: Services
) -> None:
    mei, lan = await as_role("operator", "mei"), await as_role("operator", "lan")
    await lan.post(f"{API}/intake", json={"text": "兰的"})
    mine = (await mei.post(f"{API}/intake", json={"text": "梅的"})).json()["id"]
    free = (await lan.post(f"{API}/intake", json={"text": "无人", "take": False})).json()["id"]
    await lan.post(f"{API}/work-orders", json={"summary": "兰的"})
    await mei.post(f"{API}/work-orders", json={"summary": "梅的", "due_at": "2026-03-01T00:00:00+08:00"})
    hers = (await lan.post(f"{API}/complaints", json={"text": "x"})).json()["id"]
    await lan.post(f"{API}/complaints/{hers}/respond", json={})
    open_one = (await lan.post(f"{API}/complaints", json={"text": "y"})).json()["id"]
    work = (await mei.get(f"{API}/work/mine")).json()
    assert [one["id"] for one in work["intake"]["items"]] == [mine, free]
    assert (work["work_orders"]["count"], work["work_orders"]["late"]) == (1, 1)
    assert [one["id"] for one in work["complaints"]["items"]] == [open_one]
    assert [work[name]["count"] for name in ("callbacks", "voicemails", "follow_ups")] == [0, 0, 0]
    station = await as_role("station", area="姑苏区")
    assert {pile["count"] for pile in (await station.get(f"{API}/work/mine")).json().values()} == {0}
