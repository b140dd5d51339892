"""Notes on calls and emergencies: revisions, nothing lost, the database away, the report (A7, A10, B4)."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.bus import LocalBus
from callcenter.calls.tables import CallProjector
from callcenter.carry import OpenFacts
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.emergency.tables import EmergencyProjector
from callcenter.settings import Settings
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal
from tests.support.world import WANG

API = "/api/v1"


@pytest.fixture
def services(
    settings: Settings, clock: ManualClock, database: Database, fast_passwords: Passwords, journal: MemoryJournal
) -> Services:
    made = replace(build_services(settings, clock, database, LocalBus()), passwords=fast_passwords)
    return with_controller(made, journal)


def controller_of(services: Services) -> Controller:
    assert services.controller is not None
    return services.controller


@pytest.fixture
async def call_id(services: Services) -> str:
    controller = controller_of(services)
    controller.arrivals.open(
        line="emergency", did="95120", raw_caller=WANG, channel_id="1.1", invited_at=services.clock.now()
    )
    return next(iter(controller.calls.known())).id


@pytest.fixture
async def incident_id(services: Services, call_id: str) -> str:
    return controller_of(services).calls.get(call_id).incident_id or ""


async def project(services: Services, journal: MemoryJournal) -> None:
    """What the relay does with the journal."""
    async with services.database.transaction() as session:
        for projector in (CallProjector(), EmergencyProjector()):
            await projector.apply(session, journal.facts())
            await session.flush()


async def test_b4_given_a_note_when_written_on_then_each_revision_is_a_fact_and_the_last_is_shown(
    as_role: Login, call_id: str, incident_id: str, journal: MemoryJournal
) -> None:
    operator = await as_role("operator")
    for path, at in ((f"{API}/calls/{call_id}", "call.noted"), (f"{API}/emergencies/{incident_id}", "emergency.noted")):
        for revision, text in enumerate(("老人说", "老人说头晕\n<b>120 已派车</b>")):
            answer = await operator.put(f"{path}/note", json={"text": text, "revision": revision})
            assert (answer.status_code, answer.json()) == (200, {"text": text, "revision": revision + 1})
        shown = (await operator.get(path)).json()
        assert (shown["note"], shown["note_revision"]) == ("老人说头晕\n<b>120 已派车</b>", 2)
        assert [fact.actor for fact in journal.facts() if fact.kind == at] == ["operator1", "operator1"]


async def test_given_two_who_write_when_the_second_is_late_then_409_with_what_is_stored(
    as_role: Login, call_id: str
) -> None:
    path = f"{API}/calls/{call_id}/note"
    first, second = await as_role("operator"), await as_role("supervisor")
    assert (await first.put(path, json={"text": "甲", "revision": 0})).status_code == 200
    late = await second.put(path, json={"text": "乙", "revision": 0})
    assert late.status_code == 409
    assert {key: late.json()[key] for key in ("code", "text", "revision")} == {
        "code": "note_outdated",
        "text": "甲",
        "revision": 1,
    }
    joined = await second.put(path, json={"text": "甲\n乙", "revision": 1})
    assert joined.json() == {"text": "甲\n乙", "revision": 2}


async def test_given_an_answer_that_was_lost_when_the_same_comes_again_then_nothing_changes(
    as_role: Login, call_id: str, journal: MemoryJournal
) -> None:
    operator = await as_role("operator")
    for _ in range(2):
        answer = await operator.put(f"{API}/calls/{call_id}/note", json={"text": "甲", "revision": 0})
        assert answer.json() == {"text": "甲", "revision": 1}
    assert [fact.kind for fact in journal.facts()].count("call.noted") == 1


async def test_given_a_call_that_only_the_database_knows_when_noted_twice_at_once_then_no_note_is_lost(
    as_role: Login, services: Services, journal: MemoryJournal, call_id: str, settings: Settings
) -> None:
    """The record lags behind: what was written a moment ago counts, not the row."""
    await project(services, journal)
    fresh = with_controller(services, MemoryJournal())
    token = services.tokens.issue(Principal("op1", Role.OPERATOR))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(fresh)),
        base_url=f"http://test{API}",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        assert (await client.put(f"/calls/{call_id}/note", json={"text": "甲", "revision": 0})).status_code == 200
        late = await client.put(f"/calls/{call_id}/note", json={"text": "乙", "revision": 0})
        assert (late.status_code, late.json()["text"]) == (409, "甲")


async def test_given_the_rows_when_projected_then_they_hold_the_note(
    as_role: Login, services: Services, journal: MemoryJournal, call_id: str, incident_id: str
) -> None:
    operator = await as_role("operator")
    await operator.put(f"{API}/calls/{call_id}/note", json={"text": "通话记录", "revision": 0})
    await operator.put(f"{API}/emergencies/{incident_id}/note", json={"text": "处置记录", "revision": 0})
    await project(services, journal)
    fresh = with_controller(services, MemoryJournal())
    token = services.tokens.issue(Principal("op1", Role.OPERATOR))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(fresh)),
        base_url=f"http://test{API}",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        assert (await client.get(f"/calls/{call_id}")).json()["note"] == "通话记录"
        assert (await client.get(f"/emergencies/{incident_id}")).json()["note"] == "处置记录"


async def test_a10_given_the_database_away_when_noted_then_kept(
    settings: Settings, clock: ManualClock, fast_passwords: Passwords, journal: MemoryJournal
) -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    made = replace(build_services(settings, clock, database, LocalBus()), passwords=fast_passwords)
    services = with_controller(made, journal)
    controller = controller_of(services)
    controller.arrivals.open(line="emergency", did="1", raw_caller=WANG, channel_id="1.1", invited_at=clock.now())
    (call,) = controller.calls.known()
    token = services.tokens.issue(Principal("op1", Role.OPERATOR))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(services)),
        base_url=f"http://test{API}",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        for path in (f"/calls/{call.id}/note", f"/emergencies/{call.incident_id}/note"):
            assert (await client.put(path, json={"text": "甲", "revision": 0})).json() == {"text": "甲", "revision": 1}
        journal.full = True
        lost = await client.put(f"/calls/{call.id}/note", json={"text": "乙", "revision": 1})
        assert lost.status_code == 503
        journal.full = False
        again = await client.put(f"/calls/{call.id}/note", json={"text": "乙", "revision": 1})
        assert again.json() == {"text": "乙", "revision": 2}
    await database.close()


@pytest.mark.parametrize(
    "body",
    [
        {"text": "\x00", "revision": 0},
        {"text": "长" * 10_001, "revision": 0},
        {"text": "甲", "revision": -1},
        {"text": "甲", "revision": True},
        {"text": "甲"},
        {"text": "甲", "revision": 0, "more": 1},
    ],
)
async def test_r22_given_a_note_that_cannot_be_when_sent_then_422(
    as_role: Login, call_id: str, body: dict[str, object]
) -> None:
    answer = await (await as_role("operator")).put(f"{API}/calls/{call_id}/note", json=body)
    assert answer.status_code == 422


async def test_i3_given_roles_when_noting_then_only_who_acts_on_calls(
    app: FastAPI, as_role: Login, client: AsyncIterator[httpx.AsyncClient], call_id: str
) -> None:
    body = {"text": "甲", "revision": 0}
    assert (await (await as_role("qa")).put(f"{API}/calls/{call_id}/note", json=body)).status_code == 403
    assert (await (await as_role("operator")).put(f"{API}/calls/none/note", json=body)).status_code == 404
    elsewhere = await as_role("operator", area="吴中区")
    assert (await elsewhere.put(f"{API}/calls/{call_id}/note", json=body)).status_code == 404


async def test_given_many_revisions_when_a_segment_begins_then_only_the_newest_is_carried(
    as_role: Login, services: Services, call_id: str, incident_id: str
) -> None:
    operator = await as_role("operator")
    for revision in range(5):
        for path in (f"calls/{call_id}", f"emergencies/{incident_id}"):
            await operator.put(f"{API}/{path}/note", json={"text": "记" * (revision + 1), "revision": revision})
    carried: OpenFacts = controller_of(services).open_facts
    kinds = [fact.kind for fact in carried()]
    assert (kinds.count("call.noted"), kinds.count("emergency.noted")) == (1, 1)
    again = MemoryJournal()
    again.append(*carried())
    restarted = with_controller(services, again)
    controller_of(restarted).recover(again.facts(), ())
    assert controller_of(restarted).calls.get(call_id).note == "记" * 5
