"""2026-03-06, 02:00: the database is locked, then stopped. Calls as before; the record drains later (A10, R5)."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.instance import Api, Instance
from tests.support.postgres import PostgresServer
from tests.support.sipp import until


async def test_locked_database_file_calls_go_on_and_the_journal_drains_when_it_is_free(center: Instance) -> None:
    op1 = await center.seat("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    api = await center.sign_in("op1")
    lock = sqlite3.connect(center.settings.data / "callcenter.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    incident = await _an_emergency_from_press_to_120(center, api, op1, trunk)
    await api.post(f"/emergencies/{incident}/close", {"outcome": "hospital"})
    lock.execute("ROLLBACK")
    lock.close()
    await _all_in_the_record_once(center, api, incident)


@pytest.fixture
async def on_postgres(tmp_path: Path) -> AsyncIterator[tuple[Instance, PostgresServer]]:
    with PostgresServer() as server:
        async with Instance(tmp_path, database_url=server.create("callcenter")) as instance:
            yield instance, server


async def test_postgresql_stopped_in_a_call_nothing_on_the_call_path_notices_and_all_is_in_the_record_later(
    on_postgres: tuple[Instance, PostgresServer],
) -> None:
    center, server = on_postgres
    op1 = await center.seat("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    api = await center.sign_in("op1")
    server.stop()
    incident = await _an_emergency_from_press_to_120(center, api, op1, trunk)
    # Even a restart without the database serves the emergency line: directory and seats are on disk.
    center.kill()
    await center.serve()
    open_one = await api.get(f"/emergencies/{incident}")
    assert {leg["role"] for leg in open_one["legs"] if leg["state"] == "joined"} == {"elder", "seat", "120"}
    assert open_one["elder_id"] == center.elders[0]["id"]
    await api.post(f"/emergencies/{incident}/close", {"outcome": "hospital"})
    server.start()
    await _all_in_the_record_once(center, api, incident)


async def _an_emergency_from_press_to_120(center: Instance, api: Api, op1: Any, trunk: Any) -> str:
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await press.answered(1)
    desk = await (await op1.call(seconds=3)).answer()
    press.media.play(440)
    await until(lambda: desk.hears(440), 3, "the operator to hear her")
    (incident,) = (await api.get("/emergencies?state=open"))["items"]
    assert incident["elder_id"] == center.elders[0]["id"]
    await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers={"Idempotency-Key": "k"})
    await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers={"Idempotency-Key": "k"})
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    assert [call.number for call in trunk.calls].count("120") == 1
    return str(incident["id"])


async def _all_in_the_record_once(center: Instance, api: Api, incident: str) -> None:
    async def drained() -> Any:
        answer = await center.client.get("/readyz")
        relay = answer.json()["parts"]["relay"]
        return relay["ok"] and relay["lag_facts"] == 0

    await center.until(drained, 30, "the journal to drain")

    async def order() -> Any:
        return (await api.get("/work-orders?kind=emergency"))["items"]

    (made,) = await center.until(order, 10, "the work order")
    assert made["incident_id"] == incident
    timeline = (await api.get(f"/emergencies/{incident}/timeline?limit=500"))["items"]
    kinds = [fact["kind"] for fact in timeline]
    assert len({fact["id"] for fact in timeline}) == len(timeline)
    assert kinds.count("emergency.opened") == kinds.count("emergency.closed") == kinds.count("emergency.answered") == 1
    assert sum(fact["kind"] == "leg.added" and fact["data"]["role"] == "120" for fact in timeline) == 1
