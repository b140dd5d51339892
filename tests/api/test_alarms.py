"""Alarms over REST: who may send them, what comes of them, on both databases and on none (A5, A10, R18, R26, I3)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.alarms.projector import AlarmProjector
from callcenter.alarms.sources import signature
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.emergency.facts import EmergencyOpened
from callcenter.location.telemetry import Telemetry
from callcenter.settings import Settings
from tests.api.conftest import START, Login, with_controller
from tests.support.fake_pbx import FakePbx, SimulatedSwitchboard
from tests.support.memory import MemoryJournal

ALARMS, SOURCES = "/api/v1/alarms", "/api/v1/alarm-sources"
PRESS: dict[str, Any] = {"reference": "1", "kind": "manual", "device": "PD-1"}
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


@pytest.fixture
async def elder(as_role: Login, services: Services) -> str:
    """An elder of 姑苏区 with a pendant PD-1 and a smoke detector SM-1."""
    admin = await as_role("admin")
    made = await admin.post(
        "/api/v1/elders",
        json={"name": "陈桂英", "code": "SZ-1", "area": "姑苏区", "phones": ["13800001001"], "address": "平江路 128 号",
              "door_code": "3012#", "latitude": 31.3175, "longitude": 120.6353},
    )  # fmt: skip
    elder_id: str = made.json()["id"]
    pendant = {"kind": "pendant", "serial": "PD-1", "number": "13800003001", "elder_id": elder_id}
    assert (await admin.post("/api/v1/devices", json=pendant | {"heartbeat_seconds": 600})).status_code == 201
    detector = {"kind": "smoke_detector", "serial": "SM-1", "elder_id": elder_id}
    assert (await admin.post("/api/v1/devices", json=detector)).status_code == 201
    await services.directory.refresh()
    return elder_id


async def new_source(as_role: Login, services: Services, **fields: object) -> dict[str, Any]:
    admin = await as_role("admin")
    made = await admin.post(SOURCES, json={"name": "home", **fields})
    assert made.status_code == 201, made.text
    await services.alarm_sources.refresh()
    source: dict[str, Any] = made.json()
    return source


@pytest.fixture
async def send(client: httpx.AsyncClient, as_role: Login, services: Services) -> Send:
    """``await send(alarm)`` as the source ``home``, which has a token."""
    secret = (await new_source(as_role, services))["secret"]

    async def post(alarm: dict[str, Any], path: str = ALARMS, token: str = secret) -> httpx.Response:
        return await client.post(path, json=alarm, headers={"Authorization": f"Bearer {token}"})

    return post


async def test_a5_an_alarm_opens_an_incident_and_says_so(send: Send, elder: str, as_role: Login) -> None:
    answer = await send(PRESS | {"kind": "fall", "battery": 71.6, "at": "2026-03-02T09:00:00+08:00"})
    assert answer.status_code == 202
    made = answer.json()
    assert (made["state"], made["acknowledged"], made["duplicate"], made["ignored"]) == ("raised", False, False, [])
    operator = await as_role("operator")
    incident = (await operator.get(f"/api/v1/emergencies/{made['incident_id']}")).json()
    assert (incident["elder_id"], incident["kind"], incident["origin"]) == (elder, "fall", "alarm")
    (shown,) = (await operator.get(ALARMS)).json()["items"]
    assert (shown["id"], shown["source"], shown["battery"], shown["elder_id"]) == (made["id"], "home", 72, elder)
    assert shown["at"] == "2026-03-02T09:00:00+08:00"


async def test_r18_a_thousand_resends_at_once_are_one_incident(send: Send, elder: str, services: Services) -> None:
    assert services.controller is not None
    answers: list[httpx.Response] = []
    for _ in range(20):
        answers += await asyncio.gather(*(send(PRESS) for _ in range(50)))
    assert [answer.status_code for answer in answers].count(202) == 1
    assert {answer.status_code for answer in answers} == {200, 202}
    assert len({answer.json()["incident_id"] for answer in answers}) == 1
    assert services.controller.emergencies.open_count == 1


async def test_r26_a_test_alarm_is_acknowledged_and_a_real_one_with_its_reference_is_not_hidden(
    send: Send, elder: str
) -> None:
    tested = (await send(PRESS | {"kind": "test"})).json()
    assert (tested["state"], tested["acknowledged"], tested["incident_id"]) == ("acknowledged", True, None)
    assert (await send(PRESS | {"kind": "test"})).status_code == 200
    real = await send(PRESS)
    assert (real.status_code, real.json()["state"]) == (202, "raised")


async def test_a8_what_cannot_be_used_of_an_alarm_is_named_and_keeps_it_not_out(send: Send, services: Services) -> None:
    odd = {
        "reference": "7",
        "kind": "smoke",
        "serial": "x" * 100,
        "caller": 13800001001,
        "elder_code": "\x00",
        "battery": "low",
        "at": 1772413200,
        "position": {"latitude": 200, "longitude": "east"},
        "firmware": {"anything": ["else"]},
    }
    answer = await send(odd)
    assert answer.status_code == 202
    assert answer.json()["ignored"] == ["at", "battery", "caller", "device", "elder_code", "position"]
    assert services.controller is not None
    assert services.controller.emergencies.open_count == 1


@pytest.mark.parametrize("broken", [{"kind": "sos"}, {"reference": ""}, {"reference": None}, {"reference": "a\nb"}])
async def test_given_an_alarm_that_says_not_what_or_which_it_is_then_422(send: Send, broken: dict[str, Any]) -> None:
    answer = await send(PRESS | broken)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_given_the_disk_does_not_take_it_when_sent_then_503_and_sending_again_is_safe(
    send: Send, elder: str, journal: MemoryJournal, services: Services
) -> None:
    """R9: the incident is open all the same; only the word that it is safe is not given."""
    journal.full = True
    assert (await send(PRESS)).status_code == 503
    assert services.controller is not None
    assert services.controller.emergencies.open_count == 1
    assert (await send(PRESS)).status_code == 503
    journal.full = False
    answer = await send(PRESS)
    assert (answer.status_code, answer.json()["duplicate"]) == (200, True)
    assert services.controller.emergencies.open_count == 1


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json"])
async def test_a8_an_alarm_is_json_whatever_its_content_type_says(
    client: httpx.AsyncClient, as_role: Login, services: Services, content_type: str | None
) -> None:
    secret = (await new_source(as_role, services))["secret"]
    headers = {"Authorization": f"Bearer {secret}", **({"Content-Type": content_type} if content_type else {})}
    for body, status in ((json.dumps(PRESS).encode(), 202), (b"{", 422), (b"", 422), (b"\xff", 422)):
        answer = await client.post(ALARMS, content=body, headers=headers)
        assert answer.status_code == status, answer.text


# --- who may send -------------------------------------------------------------------------------------------


async def test_i3_nobody_else_may_send(
    client: httpx.AsyncClient, send: Send, as_role: Login, services: Services
) -> None:
    operator = await as_role("operator")
    body = json.dumps(PRESS).encode()
    now = str(int(START.timestamp()))
    for path in (ALARMS, "/api/v1/positions", "/api/v1/heartbeats"):
        assert (await client.post(path, json=PRESS)).status_code == 401
        assert (await operator.post(path, json=PRESS)).status_code == 401
        assert (await send(PRESS, path, token="ccas_wrong")).status_code == 401
        signed = {"X-Timestamp": now, "X-Signature": signature("ccas_wrong", now, body)}
        assert (await client.post(path, content=body, headers=signed)).status_code == 401
    assert services.controller is not None
    assert services.controller.emergencies.open_count == 0


async def test_i3_guessing_is_slowed_but_a_right_token_is_never_kept_waiting(send: Send) -> None:
    answers = [(await send(PRESS, token=f"guess{number}")).status_code for number in range(40)]
    assert answers == [401] * 30 + [429] * 10
    assert (await send(PRESS)).status_code == 202


async def test_i3_a_signature_holds_for_its_body_and_its_time(
    client: httpx.AsyncClient, as_role: Login, services: Services, clock: ManualClock
) -> None:
    key = (await new_source(as_role, services, name="monitors", auth="hmac"))["secret"]
    body = json.dumps(PRESS | {"kind": "test"}).encode()

    async def post(content: bytes, timestamp: str, signed: str) -> int:
        headers = {"X-Timestamp": timestamp, "X-Signature": signed, "Content-Type": "application/json"}
        return (await client.post(ALARMS, content=content, headers=headers)).status_code

    now = int(START.timestamp())
    assert await post(body, str(now), signature(key, str(now), body)) == 202
    assert await post(body, str(now), signature(key, str(now), body).upper().replace("SHA256", "sha256")) == 200
    for timestamp in (str(now - 299), str(now + 299)):
        assert await post(body, timestamp, signature(key, timestamp, body)) == 200
    for timestamp in (str(now - 301), str(now + 301), "soon", "", "9" * 30, "-1", "1e9"):
        assert await post(body, timestamp, signature(key, timestamp, body)) == 401
    assert await post(body + b" ", str(now), signature(key, str(now), body)) == 401
    assert await post(body, str(now + 1), signature(key, str(now), body)) == 401


async def test_i3_a_rotated_secret_goes_out_slowly_and_a_disabled_source_at_once(
    send: Send, as_role: Login, services: Services, clock: ManualClock
) -> None:
    admin = await as_role("admin")
    (source,) = (await admin.get(SOURCES)).json()["items"]
    assert "secret" not in source
    path = f"{SOURCES}/{source['id']}"
    rotated = (await admin.post(f"{path}/rotation", json={"keep_old_hours": 1})).json()
    await services.alarm_sources.refresh()
    assert (await send(PRESS | {"kind": "test"})).status_code == 202
    assert (await send(PRESS | {"kind": "test"}, token=rotated["secret"])).status_code == 200
    clock.move_to(START + timedelta(hours=1))
    assert (await send(PRESS)).status_code == 401
    assert (await send(PRESS, token=rotated["secret"])).status_code == 202
    admin = await as_role("admin")  # an hour later, a fresh token
    assert (await admin.patch(path, json={"enabled": False})).status_code == 200
    await services.alarm_sources.refresh()
    assert (await send(PRESS, token=rotated["secret"])).status_code == 401
    assert (await admin.post(SOURCES, json={"name": "home"})).status_code == 409


async def test_c10_a_secret_is_shown_once_and_never_in_the_trail(as_role: Login, services: Services) -> None:
    secret = (await new_source(as_role, services, auth="hmac"))["secret"]
    admin = await as_role("admin")
    entries = (await admin.get("/api/v1/audit")).text
    assert "alarm_sources" in entries
    assert secret not in entries
    saved = services.settings.data / "secrets" / "alarm-sources.json"
    assert saved.stat().st_mode & 0o777 == 0o600


# --- the record ---------------------------------------------------------------------------------------------


async def relay(services: Services, journal: MemoryJournal) -> None:
    async with services.database.transaction() as session:
        await AlarmProjector().apply(session, journal.facts())


async def test_given_alarms_on_record_when_listed_then_memory_and_database_are_one_list(
    send: Send, elder: str, as_role: Login, services: Services, journal: MemoryJournal
) -> None:
    for number, kind in enumerate(("manual", "smoke", "test", "battery")):
        await send({"reference": str(number), "kind": kind, "device": "PD-1"})
    await send({"reference": "x", "kind": "gas", "device": "unknown", "caller": "13999999999"})
    await relay(services, journal)
    await relay(services, journal)
    operator = await as_role("operator")
    everything = (await operator.get(ALARMS)).json()["items"]
    assert [item["kind"] for item in everything] == ["gas", "battery", "test", "smoke", "manual"]
    assert services.controller is not None
    services.controller.alarms._latest.clear()
    assert (await operator.get(ALARMS)).json()["items"] == everything
    first = (await operator.get(ALARMS, params={"limit": 2})).json()
    second = (await operator.get(ALARMS, params={"limit": 9, "cursor": first["next"]})).json()
    assert first["items"] + second["items"] == everything
    for query, kinds in (
        ({"kind": "smoke"}, ["smoke"]),
        ({"state": "acknowledged"}, ["test"]),
        ({"elder_id": elder, "state": "raised"}, ["smoke", "manual"]),
        ({"until": "2026-03-02T09:00:00+08:00"}, []),
    ):
        assert [item["kind"] for item in (await operator.get(ALARMS, params=query)).json()["items"]] == kinds


async def test_i3_a_station_sees_the_alarms_of_its_area(send: Send, elder: str, as_role: Login) -> None:
    await send(PRESS)
    await send({"reference": "x", "kind": "gas", "device": "unknown"})
    own, other = await as_role("station", area="姑苏区"), await as_role("station", area="吴中区")
    assert [item["elder_id"] for item in (await own.get(ALARMS)).json()["items"]] == [elder]
    assert (await other.get(ALARMS)).json()["items"] == []


async def test_f2_a_devices_last_test_and_last_word_are_in_its_file(
    send: Send,
    elder: str,
    as_role: Login,
    services: Services,
    journal: MemoryJournal,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    await send(PRESS | {"kind": "test"})
    await relay(services, journal)
    answer = await send(
        {"devices": [{"device": "PD-1", "battery": 64}, {"device": "XX"}, {"device": "SM-1"}]},
        "/api/v1/heartbeats",
    )
    assert answer.json() == {"accepted": 2, "refused": [{"index": 1, "reason": "unknown_device"}]}
    station = await as_role("station")
    controller = services.controller
    assert controller is not None
    telemetry = Telemetry(
        services.database, tmp_path / "t.json", controller.location, controller.presence, clock, days=7
    )
    for device in (await station.get("/api/v1/devices")).json()["items"]:
        assert device["last_seen_at"] == "2026-03-02T09:00:00+08:00"
    await telemetry.step()
    controller.presence._heard.clear()
    pendant = (await station.get("/api/v1/devices", params={"kind": "pendant"})).json()["items"][0]
    assert pendant["last_seen_at"] == pendant["last_test_at"] == "2026-03-02T09:00:00+08:00"
    assert (pendant["battery"], pendant["heartbeat_seconds"], pendant["version"]) == (64, 600, 1)
    # Nobody edited the device, so the directory is as it was.
    assert await services.directory.refresh() is False


# --- without the database -----------------------------------------------------------------------------------


async def test_a10_after_a_restart_without_the_database_alarms_are_taken_and_places_shown(
    elder: str, services: Services, settings: Settings, clock: ManualClock, as_role: Login, journal: MemoryJournal,
    fast_passwords: Passwords,
) -> None:  # fmt: skip
    secret = (await new_source(as_role, services))["secret"]
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    built = replace(build_services(settings, clock, database, LocalBus()), passwords=fast_passwords)
    built.alarm_sources.restore()
    built.directory.restore()
    board = FakePbx(SimulatedSwitchboard(clock))
    controller = Controller(
        settings, clock, journal, lambda: built.directory.directory, "", pbx=board, live=lambda: True
    )
    app = create_app(replace(built, controller=controller))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        by_source = {"Authorization": f"Bearer {secret}"}
        position = {"latitude": 31.32, "longitude": 120.64, "accuracy_m": 15}
        made = await client.post(ALARMS, json=PRESS | {"position": position}, headers=by_source)
        assert made.status_code == 202
        as_operator = {"Authorization": f"Bearer {built.tokens.issue(Principal('op1', Role.OPERATOR))}"}
        (alarm,) = (await client.get(ALARMS, headers=as_operator)).json()["items"]
        assert (alarm["elder_id"], alarm["incident_id"]) == (elder, made.json()["incident_id"])
        where = (await client.get(f"/api/v1/elders/{elder}/location", headers=as_operator)).json()
        assert where["fix"]["latitude"] == 31.32
        assert where["registered"]["door_code"] == "3012#"
    opened = [fact.body for fact in journal.facts() if isinstance(fact.body, EmergencyOpened)]
    assert [body.elder_id for body in opened] == [elder]
    await database.close()
