"""Where an elder is, where she has been, and what her terminals say, over REST (A4, A5, I1)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from callcenter.api.deps import Services
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.location.facts import FenceCrossed
from callcenter.location.geo import moved
from callcenter.location.model import PositionRow
from callcenter.location.telemetry import Telemetry
from callcenter.people.directory import Directory
from callcenter.settings import Settings
from tests.api.conftest import START, Login, with_controller
from tests.support.memory import MemoryJournal

HOME = (31.2987, 120.5560)
ELDER: dict[str, Any] = {
    "name": "张玉珍", "code": "SZ-4", "area": "虎丘区", "phones": ["13800001004"], "address": "狮山路 35 号",
    "door_code": "8040*", "key_holder_name": "施老师", "latitude": HOME[0], "longitude": HOME[1],
}  # fmt: skip


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


@pytest.fixture
async def elder(as_role: Login, services: Services) -> str:
    """An elder with a terminal MT-4 that she carries."""
    admin = await as_role("admin")
    elder_id: str = (await admin.post("/api/v1/elders", json=ELDER)).json()["id"]
    terminal = {"kind": "mobile_terminal", "serial": "MT-4", "number": "13800003004", "elder_id": elder_id}
    await admin.post("/api/v1/devices", json=terminal)
    await services.directory.refresh()
    return elder_id


@pytest.fixture
async def terminals(client: httpx.AsyncClient, as_role: Login, services: Services) -> httpx.AsyncClient:
    """A client that is an alarm source."""
    made = await (await as_role("admin")).post("/api/v1/alarm-sources", json={"name": "terminals"})
    await services.alarm_sources.refresh()
    client.headers["Authorization"] = f"Bearer {made.json()['secret']}"
    return client


def place(north: float, **fields: object) -> dict[str, Any]:
    latitude, longitude = moved(HOME, north, 0)
    return {"device": "MT-4", "latitude": latitude, "longitude": longitude, "accuracy_m": 12.0, **fields}


def telemetry(services: Services, path: Path, days: float = 7) -> Telemetry:
    assert services.controller is not None
    return Telemetry(
        services.database,
        path,
        services.controller.location,
        services.controller.presence,
        services.clock,
        days=days,
    )


async def test_a4_the_newest_fix_is_shown_against_the_registered_address(
    elder: str, terminals: httpx.AsyncClient, as_role: Login, clock: ManualClock
) -> None:
    sent = [place(150, at=START.isoformat(), battery=41), place(90, at=(START - timedelta(minutes=5)).isoformat())]
    answer = await terminals.post("/api/v1/positions", json={"positions": sent})
    assert answer.json() == {"accepted": 2, "refused": []}
    clock.move_to(START + timedelta(minutes=2))
    shown = (await (await as_role("operator")).get(f"/api/v1/elders/{elder}/location")).json()
    fix = shown["fix"]
    assert fix["distance_m"] == pytest.approx(150, abs=0.5)
    assert (fix["age_seconds"], fix["accuracy_m"], fix["dated"]) == (120.0, 12.0, "device")
    assert (fix["device_kind"], fix["battery"]) == ("mobile_terminal", 41)
    assert fix["map_link"] == shown["map_link"]
    assert f"position={fix['longitude']:.6f},{fix['latitude']:.6f}" in fix["map_link"]
    registered = shown["registered"]
    assert (registered["address"], registered["door_code"], registered["key_holder_name"]) == (
        "狮山路 35 号",
        "8040*",
        "施老师",
    )


async def test_a4_without_a_fix_the_address_is_the_place(elder: str, as_role: Login) -> None:
    shown = (await (await as_role("operator")).get(f"/api/v1/elders/{elder}/location")).json()
    assert shown["fix"] is None
    assert "120.556000,31.298700" in shown["map_link"]


async def test_i1_the_door_code_is_for_those_who_care_and_a_place_for_its_area(elder: str, as_role: Login) -> None:
    path = f"/api/v1/elders/{elder}/location"
    assert (await (await as_role("qa")).get(path)).json()["registered"]["door_code"] is None
    assert (await (await as_role("station", area="虎丘区")).get(path)).status_code == 200
    for answer in (
        await (await as_role("station", area="吴中区")).get(path),
        await (await as_role("station", area="吴中区")).get(f"/api/v1/elders/{elder}/positions"),
        await (await as_role("operator")).get("/api/v1/elders/nobody/location"),
    ):
        assert answer.status_code == 404
    assert (await (await as_role("qa")).get(f"/api/v1/elders/{elder}/positions")).status_code == 403


async def test_given_fixes_that_are_none_when_sent_then_they_are_named_and_the_others_taken(
    elder: str, terminals: httpx.AsyncClient, services: Services
) -> None:
    """Null island, strangers, clocks from the future, accuracy that is none."""
    future = (START + timedelta(minutes=9)).isoformat()
    sent = [
        place(0) | {"latitude": 0.0, "longitude": 0.0},
        place(10) | {"device": "MT-99"},
        place(20, at=future) | {"accuracy_m": -3},
    ]
    answer = await terminals.post("/api/v1/positions", json={"positions": sent})
    assert answer.json()["refused"] == [
        {"index": 0, "reason": "no_place"},
        {"index": 1, "reason": "unknown_device"},
    ]
    assert services.controller is not None
    fix = services.controller.location.latest(elder)
    assert fix is not None
    assert (fix.at, fix.dated, fix.accuracy_m) == (START, "received", None)
    too_many = {"positions": [place(0)] * 101}
    nonsense = [place(0) | {"latitude": 91}, place(0) | {"device": None}, {"longitude": "x"}]
    assert (await terminals.post("/api/v1/positions", json={"positions": nonsense})).status_code == 422
    answer = await terminals.post("/api/v1/positions", json={"positions": [*nonsense, place(40)]})
    unusable = [{"index": index, "reason": "unusable"} for index in range(3)]
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": unusable})
    beats = {"devices": [{"battery": 5}, {"device": "MT-99"}]}
    assert [one["reason"] for one in (await terminals.post("/api/v1/heartbeats", json=beats)).json()["refused"]] == [
        "unusable",
        "unknown_device",
    ]
    assert (await terminals.post("/api/v1/positions", json=too_many)).status_code == 422


async def test_given_positions_when_written_down_then_they_are_listed_for_some_days_and_looking_is_on_record(
    elder: str, terminals: httpx.AsyncClient, as_role: Login, services: Services, clock: ManualClock, tmp_path: Path
) -> None:
    writer = telemetry(services, tmp_path / "telemetry.json")
    sent = [place(10 * number, at=(START - timedelta(minutes=10 - number)).isoformat()) for number in range(5)]
    for _ in range(2):  # a terminal that sends its batch again
        await terminals.post("/api/v1/positions", json={"positions": sent})
        await writer.step()
    admin = await as_role("admin")
    path = f"/api/v1/elders/{elder}/positions"
    items = (await admin.get(path)).json()["items"]
    assert [item["latitude"] for item in items] == [one["latitude"] for one in reversed(sent)]
    since = (START - timedelta(minutes=8)).isoformat()
    assert len((await admin.get(path, params={"since": since})).json()["items"]) == 3
    assert '"subject":"positions"' in (await admin.get("/api/v1/audit")).text
    clock.move_to(START + timedelta(days=8))
    await writer.step()
    assert (await (await as_role("admin")).get(path)).json()["items"] == []


async def test_a10_what_terminals_said_is_known_after_a_restart_and_waits_for_the_database(
    elder: str, terminals: httpx.AsyncClient, services: Services, settings: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    await terminals.post("/api/v1/positions", json={"positions": [place(77, battery=8)]})
    path = tmp_path / "telemetry.json"
    nobody = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    cut = telemetry(replace(services, database=nobody), path)
    with pytest.raises(OSError, match=r"refused|Connect"):
        await cut.step()
    await nobody.close()
    assert path.stat().st_mode & 0o777 == 0o600
    again = Controller(settings, clock, MemoryJournal(), lambda: services.directory.directory, "", live=lambda: True)
    Telemetry(nobody, path, again.location, again.presence, clock, days=7).restore()
    before = services.controller
    assert before is not None
    assert again.location.latest(elder) == before.location.latest(elder)
    device = next(iter(before.presence.everybody))
    assert again.alarms.last_heard(device) == START
    assert again.presence.battery(device) == 8
    # The database comes back: what waited is written.
    await telemetry(services, path).step()
    assert before.location.take_news() == []
    async with services.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(PositionRow)) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"latest":1}', b"\xff\xfe"])
def test_given_a_damaged_file_when_restored_then_nothing_fails(
    settings: Settings, clock: ManualClock, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "telemetry.json"
    path.write_bytes(content)
    controller = Controller(settings, clock, MemoryJournal(), Directory, "", live=lambda: True)
    nobody = Database("sqlite+aiosqlite:///")
    Telemetry(nobody, path, controller.location, controller.presence, clock, days=7).restore()
    assert controller.location.everybody == {}


async def test_r28_a_damaged_line_costs_its_device_only(
    elder: str, terminals: httpx.AsyncClient, services: Services, settings: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    await terminals.post("/api/v1/positions", json={"positions": [place(77)]})
    path = tmp_path / "telemetry.json"
    telemetry(services, path).save()
    path.write_bytes(b'{"device":"cut","heard":{"at"\n' + path.read_bytes() + b"\xff\xfe\n")
    again = Controller(settings, clock, MemoryJournal(), lambda: services.directory.directory, "", live=lambda: True)
    Telemetry(services.database, path, again.location, again.presence, clock, days=7).restore()
    assert again.location.latest(elder) is not None
    assert len(again.presence.everybody) == 1


async def test_a5_a_fence_drawn_over_rest_alarms_when_she_leaves(
    elder: str,
    terminals: httpx.AsyncClient,
    as_role: Login,
    services: Services,
    journal: MemoryJournal,
    clock: ManualClock,
) -> None:
    station = await as_role("station")
    circle = {"name": "小区", "centre": {"latitude": HOME[0], "longitude": HOME[1]}, "radius_m": 200, "tell": []}
    made = await station.post(f"/api/v1/elders/{elder}/fences", json=circle)
    assert made.status_code == 201
    await services.directory.refresh()
    for north in (0, 50, 700, 800):
        await terminals.post("/api/v1/positions", json={"positions": [place(north)]})
        clock.move_to(clock.now() + timedelta(seconds=30))
    (crossed,) = [fact for fact in journal.facts() if isinstance(fact.body, FenceCrossed)]
    incident = (await (await as_role("operator")).get(f"/api/v1/emergencies/{crossed.incident_id}")).json()
    assert (incident["kind"], incident["elder_id"]) == ("fence", elder)
