"""Devices and response plans over REST (F1, F2, A6)."""

from datetime import timedelta
from typing import Any

from callcenter.api.deps import Services
from callcenter.clock import ManualClock
from callcenter.emergency.plan import DEFAULT_PLAN, Plan
from callcenter.people.loader import load_directory
from tests.api.conftest import START, Login

DEVICES, PLANS = "/api/v1/devices", "/api/v1/response-plans"
PENDANT = {"kind": "pendant", "serial": "P-1", "number": "+86 139 0000 3001"}
PLAN: dict[str, Any] = {
    "name": "跌倒",
    "steps": [{"at_seconds": 0, "targets": ["free_seats"]}, {"at_seconds": 4, "targets": ["duty", "family"]}],
    "checklist": ["不要让老人自行起身"],
}


async def test_given_a_new_device_when_registered_then_it_goes_live_only_through_a_test(as_role: Login) -> None:
    """F2: no go-live without a test."""
    station = await as_role("station")
    made = (await station.post(DEVICES, json=PENDANT)).json()
    assert (made["state"], made["number"]) == ("out_of_service", "13900003001")
    path = f"{DEVICES}/{made['id']}/state"
    refused = await station.put(path, json={"state": "in_service"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "illegal_transition"
    assert (await station.put(path, json={"state": "on_test"})).json()["state"] == "on_test"
    assert (await station.put(path, json={"state": "in_service"})).json()["state"] == "in_service"


async def test_given_a_device_on_test_when_the_test_runs_out_then_it_is_what_it_was(
    as_role: Login, clock: ManualClock
) -> None:
    """R26: a forgotten test ends by itself."""
    station = await as_role("station")
    made = (await station.post(DEVICES, json=PENDANT)).json()
    path = f"{DEVICES}/{made['id']}"
    for state in ("on_test", "in_service", "on_test"):
        answer = await station.put(f"{path}/state", json={"state": state, "test_minutes": 10})
    assert answer.json()["on_test_until"] == "2026-03-02T09:10:00+08:00"
    clock.move_to(START + timedelta(minutes=11))
    shown = (await station.get(path)).json()
    assert (shown["state"], shown["on_test_until"]) == ("in_service", None)
    assert (await station.put(f"{path}/state", json={"state": "faulty"})).json()["state"] == "faulty"


async def test_given_devices_when_filtered_then_those_that_fit_are_listed(as_role: Login) -> None:
    admin = await as_role("admin")
    elder = (await admin.post("/api/v1/elders", json={"name": "甲", "area": "姑苏区"})).json()["id"]
    await admin.post(DEVICES, json={**PENDANT, "elder_id": elder})
    await admin.post(DEVICES, json={"kind": "smoke_detector", "serial": "S-1"})
    for query, serials in (
        ({}, ["P-1", "S-1"]),
        ({"kind": "pendant"}, ["P-1"]),
        ({"elder_id": elder}, ["P-1"]),
        ({"number": "008613900003001"}, ["P-1"]),
        ({"state": "in_service"}, []),
    ):
        items = (await admin.get(DEVICES, params=query)).json()["items"]
        assert [item["serial"] for item in items] == serials
    station = await as_role("station", area="吴中区")
    assert (await station.get(DEVICES)).json()["items"] == []
    assert (await station.post(DEVICES, json={**PENDANT, "serial": "P-2", "elder_id": elder})).status_code == 409


async def test_given_a_device_when_changed_or_deleted_then_versions_and_serials_are_kept_apart(as_role: Login) -> None:
    admin = await as_role("admin")
    first = await admin.post(DEVICES, json=PENDANT)
    await admin.post(DEVICES, json={"kind": "terminal", "serial": "T-1"})
    path, etag = f"{DEVICES}/{first.json()['id']}", first.headers["etag"]
    assert (await admin.patch(path, json={"serial": "T-1"})).status_code == 409
    assert (await admin.patch(path, json={"elder_id": "nobody"})).status_code == 409
    changed = await admin.patch(path, json={"number": None}, headers={"If-Match": etag})
    assert (changed.json()["number"], changed.json()["serial"]) == (None, "P-1")
    assert (await admin.patch(path, json={"number": "13900003002"}, headers={"If-Match": etag})).status_code == 412
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_given_a_plan_when_written_and_changed_then_it_reads_back(as_role: Login) -> None:
    admin = await as_role("admin")
    made = await admin.post(PLANS, json=PLAN)
    assert made.status_code == 201
    path = f"{PLANS}/{made.json()['id']}"
    assert (await admin.get(path)).json() == made.json()
    changed = (await admin.patch(path, json={"name": "跌倒与走失", "repeat_every_seconds": 20})).json()
    assert (changed["name"], changed["repeat_every_seconds"]) == ("跌倒与走失", 20)
    assert changed["steps"] == made.json()["steps"]
    assert [item["id"] for item in (await admin.get(PLANS)).json()["items"]] == [made.json()["id"]]
    assert (await admin.patch(path, json={"name": "x", "version": 1})).status_code == 409


async def test_given_a_plan_that_cannot_be_carried_out_when_written_then_422_names_the_step(as_role: Login) -> None:
    admin = await as_role("admin")
    late = {**PLAN, "steps": [{"at_seconds": 2, "targets": ["duty"]}]}
    refused = await admin.post(PLANS, json=late)
    assert refused.status_code == 422
    assert "at 0 seconds" in refused.json()["detail"]
    nobody = {**PLAN, "steps": [{"at_seconds": 0, "targets": ["the king"]}]}
    refused = await admin.post(PLANS, json=nobody)
    assert refused.json()["errors"][0]["pointer"] == "/steps/0/targets/0"


async def test_given_a_plan_in_use_when_deleted_then_409_until_nobody_has_it(as_role: Login) -> None:
    admin = await as_role("admin")
    plan = (await admin.post(PLANS, json=PLAN)).json()["id"]
    assert (await admin.post(PLANS, json=PLAN)).status_code == 409
    elder = (await admin.post("/api/v1/elders", json={"name": "甲", "plan_id": plan})).json()["id"]
    assert (await admin.delete(f"{PLANS}/{plan}")).status_code == 409
    await admin.patch(f"/api/v1/elders/{elder}", json={"plan_id": None})
    assert (await admin.delete(f"{PLANS}/{plan}")).status_code == 204
    assert (await admin.get(f"{PLANS}/{plan}")).status_code == 404


async def test_a6_given_a_plan_of_the_centers_own_when_made_the_default_then_it_is_everybodys_who_has_no_other(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    assert (await admin.get(f"{PLANS}/default")).status_code == 404
    for steps in (PLAN["steps"], [*PLAN["steps"], {"at_seconds": 9, "targets": ["120"]}]):
        made = await admin.put(f"{PLANS}/default", json={**PLAN, "steps": steps})
        assert made.status_code == 200
        assert made.json()["id"] == "default"
    assert (await admin.put(f"{PLANS}/default", json=PLAN, headers={"If-Match": '"1"'})).status_code == 412
    assert (await _serves(services)).steps[-1].targets == ("120",)
    assert (await admin.delete(f"{PLANS}/default")).status_code == 204
    assert await _serves(services) == DEFAULT_PLAN


async def _serves(services: Services) -> Plan:
    """The plan of a stranger."""
    async with services.database.transaction() as session:
        return (await load_directory(session)).plan_for(None)


async def test_a6_given_an_area_with_a_plan_when_another_is_made_for_it_then_409_names_it(as_role: Login) -> None:
    """Which of two an elder would get, nobody could say."""
    admin = await as_role("admin")
    first = (await admin.post(PLANS, json={**PLAN, "area": "麻城"})).json()["id"]
    refused = await admin.post(PLANS, json={**PLAN, "name": "另一个", "area": "麻城"})
    assert refused.status_code == 409
    assert "跌倒" in refused.json()["detail"]
    other = (await admin.post(PLANS, json={**PLAN, "name": "另一个"})).json()["id"]
    assert (await admin.patch(f"{PLANS}/{other}", json={"area": "麻城"})).status_code == 409
    assert (await admin.patch(f"{PLANS}/{first}", json={"area": "麻城", "priority": 2})).status_code == 200
