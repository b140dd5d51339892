"""2026-05-01, 22:00: the database is gone for ten minutes, and elders press as on any evening (A10, R5).

Seats, on-call mobile by key 1, family by key, a line that drops and its call-back, the close: nothing waits for the
database. When it is back, the journal drains, once and in order, and the rows are what happened.
"""

import json
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.calls.model import evolve as evolve_call
from callcenter.calls.tables import load_calls
from callcenter.db import Database
from callcenter.emergency.model import evolve as evolve_incident
from callcenter.emergency.tables import EmergencyRow, to_incident
from callcenter.facts import Fact
from callcenter.timeline.model import FactRow
from callcenter.timeline.service import row_values
from tests.faults.witness import journal_of, twice
from tests.stories import steps
from tests.stories.steps import after, hears
from tests.support.instance import Api, Instance
from tests.support.postgres import PostgresServer
from tests.support.sipp import Answerer, until

ON_CALL = "13900000001"
ELDER, OPERATOR, HELPER = 700.0, 1300.0, 1900.0


@pytest.fixture
async def on_postgres(tmp_path: Path) -> AsyncIterator[tuple[Instance, PostgresServer]]:
    with PostgresServer() as server:
        database = server.create("callcenter")
        async with Instance(tmp_path, database_url=database, duty_numbers=(ON_CALL,), token_minutes=120) as center:
            yield center, server


async def test_twenty_seconds_without_the_database_nothing_waits_for_it(
    on_postgres: tuple[Instance, PostgresServer],
) -> None:
    await _an_evening_without(on_postgres, 20)


@pytest.mark.long
async def test_ten_minutes_without_the_database_nothing_waits_for_it(
    on_postgres: tuple[Instance, PostgresServer],
) -> None:
    await _an_evening_without(on_postgres, 600)


async def _an_evening_without(on_postgres: tuple[Instance, PostgresServer], seconds: float) -> None:
    center, server = on_postgres
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    trunk = await center.trunk()
    api = await center.sign_in("op1")
    await steps.ready(center, api, 2)

    server.stop()
    gone = time.monotonic()
    incidents = [await _nobody_at_the_desk(center, api, trunk)]
    incidents.append(await _her_line_drops_with_her_daughter_there(center, api, op1, trunk))
    for evening in count():
        if time.monotonic() - gone > seconds:
            break
        incidents.append(await _a_press_that_op2_answers(center, api, op2, 2 + evening % 6))
    relay = (await center.client.get("/readyz")).json()["parts"]["relay"]
    assert not relay["ok"]
    assert relay["lag_facts"] > 0
    listed = {one["id"]: one["state"] for one in (await api.get("/emergencies?limit=200"))["items"]}
    assert listed == dict.fromkeys(incidents, "closed"), "the list is whole without the database too"

    await center.until(lambda: _no_call_is_open(center), what="the last call to end")
    server.start()
    journal = journal_of(center.settings.journal_dir / center.settings.node)
    assert not twice(journal)
    await _drains_in_order(center, journal)
    await steps.drained(center)
    await _rows_are_what_happened(center, [fact for fact in journal if fact.incident_id in listed], incidents)
    orders = await center.until(lambda: _orders(api, len(incidents)), 10, "the work orders")
    assert sorted(order["incident_id"] for order in orders) == sorted(incidents), "one each"


async def _nobody_at_the_desk(center: Instance, api: Api, trunk: Answerer) -> str:
    """Both seats ring and nobody picks up; at 5 s the on-call mobile, which presses 1."""
    press = await center.dial("95120", center.elders[1]["pendant"], seconds=60)
    press.media.play(ELDER)
    mobile = await steps.accept(await trunk.call(ON_CALL, seconds=10))
    mobile.play(HELPER)
    await hears(press.media, HELPER, what="her to hear the man on call")
    await hears(mobile, ELDER, what="him to hear her")
    incident = await steps.the_open_one(center, api)
    assert incident["answered_by"] == ON_CALL
    assert incident["late"]
    await steps.close(api, incident["id"], "resolved", "fall")
    await until(lambda: steps.gone(press), 10, "her line to end")
    await mobile.until("ended")
    return str(incident["id"])


async def _her_line_drops_with_her_daughter_there(center: Instance, api: Api, op1: Answerer, trunk: Answerer) -> str:
    """op1 answers, brings the daughter in by *2, who presses 1; the elder's line drops and is called back."""
    elder = center.elders[0]
    press = await center.dial("95120", elder["pendant"], seconds=60)
    press.media.play(ELDER)
    desk = await (await op1.call()).answer()
    desk.play(OPERATOR)
    await hears(desk, ELDER, what="op1 to hear her")
    desk.key("*2")
    daughter = await steps.accept(await trunk.call(elder["contacts"][0]["phone"]))
    daughter.play(HELPER)
    await hears(press.media, OPERATOR, HELPER, what="her to hear both")
    press.hangup()
    back = await (await trunk.call(elder["pendant"], seconds=3)).answer()
    back.play(ELDER)
    assert back.media is not None
    await hears(back.media, OPERATOR, HELPER, what="her to hear both again")
    await hears(daughter, ELDER, OPERATOR, what="her daughter to hear both again")
    incident = str((await steps.the_open_one(center, api))["id"])
    first, second = [one for one in await steps.attempts(api, incident) if one["role"] == "elder"]
    assert after(first["ended_at"], second["added_at"]) < 3
    await steps.close(api, incident, "hospital", "illness")
    await back.until("ended", 10)
    await desk.until("ended")
    await daughter.until("ended")
    return incident


async def _a_press_that_op2_answers(center: Instance, api: Api, op2: Answerer, elder: int) -> str:
    press = await center.dial("95120", center.elders[elder]["pendant"], seconds=60)
    press.media.play(ELDER)
    desk = await (await op2.call()).answer()
    await hears(desk, ELDER, what="op2 to hear her")
    incident = await steps.the_open_one(center, api)
    assert incident["elder_id"] == center.elders[elder]["id"]
    assert incident["human_answer_ms"] is not None
    await steps.close(api, incident["id"], "resolved")
    await until(lambda: steps.gone(press), 10, "her line to end")
    await desk.until("ended")
    await press.close()
    assert desk.media is not None
    await desk.media.close()
    return str(incident["id"])


async def _drains_in_order(center: Instance, journal: list[Fact]) -> None:
    """At every look what is stored is the journal from its beginning, without a gap, and nothing twice."""
    order = {fact.id: place for place, fact in enumerate(journal)}
    database = Database(center.settings.database)

    async def stored() -> bool:
        async with database.transaction() as session:
            rows = (await session.scalars(select(FactRow.id))).all()
        places = sorted(order[row] for row in rows if row in order)
        assert places == [*range(len(places))], "a gap, or something twice"
        return len(places) == len(journal)

    try:
        await center.until(stored, 30, "the journal to drain")
    finally:
        await database.close()


async def _rows_are_what_happened(center: Instance, journal: list[Fact], incidents: list[str]) -> None:
    """The rows of facts, incidents and calls against a fold of the journal."""
    database = Database(center.settings.database)
    async with database.transaction() as session:
        facts = (await session.scalars(select(FactRow).where(FactRow.incident_id.in_(incidents)))).all()
        rows = {row.id: to_incident(row) for row in await session.scalars(select(EmergencyRow))}
        calls = await load_calls(session, [call for incident in rows.values() for call in incident.calls])
    await database.close()
    by_id = {fact.id: fact for fact in journal}
    seen = {row.id for row in facts}
    assert set(by_id) <= seen
    for stored in facts:
        if stored.id in by_id:
            expected = row_values(by_id[stored.id])
            expected["data"] = json.loads(json.dumps(expected["data"]))
            assert {name: getattr(stored, name) for name in expected} == expected
    assert set(rows) == set(incidents)
    for incident_id, row in rows.items():
        own = [fact for fact in journal if fact.incident_id == incident_id]
        incident: Any = None
        for fact in own:
            incident = evolve_incident(incident, fact)
        for name in ("state", "outcome", "cause", "priority", "late", "calls", "elder_id", "answered_by",
                     "system_answer_ms", "human_answer_ms", "opened_at", "closed_at", "plan"):  # fmt: skip
            assert getattr(row, name) == getattr(incident, name), name
        for call_id in incident.calls:
            call = None
            for fact in own:
                call = evolve_call(call, fact) if fact.call_id == call_id else call
            assert calls[call_id] == call


async def _no_call_is_open(center: Instance) -> bool:
    return "callcenter_open_calls 0.0" in (await center.client.get("/metrics")).text


async def _orders(api: Api, wanted: int) -> Any:
    items = (await api.get("/work-orders?kind=emergency&limit=200"))["items"]
    return items if len(items) >= wanted else None
