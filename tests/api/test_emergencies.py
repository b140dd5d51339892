"""What is done at the desk about an emergency, over REST: raised by hand, drilled, named, ticked off (A2, A6, R21)."""

from typing import Any

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.calls import facts as cf
from callcenter.ids import new_id
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal

EMERGENCIES = "/api/v1/emergencies"


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


@pytest.fixture
async def elder(as_role: Login, services: Services) -> str:
    made = await (await as_role("admin")).post(
        "/api/v1/elders", json={"name": "张玉珍", "code": "SZ-4", "area": "虎丘区", "phones": ["13800001004"]}
    )
    await services.directory.refresh()
    return str(made.json()["id"])


@pytest.fixture
async def operator(as_role: Login) -> httpx.AsyncClient:
    return await as_role("operator")


async def raised(operator: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    answer = await operator.post(EMERGENCIES, json=fields)
    assert answer.status_code == 201, answer.text
    incident: dict[str, Any] = answer.json()
    return incident


async def test_given_a_neighbour_calls_when_raised_at_the_desk_then_it_is_listed_under_its_origin(
    operator: httpx.AsyncClient, elder: str
) -> None:
    incident = await raised(operator, elder_id=elder, kind="fall")
    assert (incident["origin"], incident["kind"], incident["elder_id"]) == ("desk", "fall", elder)
    assert (incident["caller"], incident["needs_human"]) == ("13800001004", True)
    listed = {
        origin: [one["id"] for one in (await operator.get(EMERGENCIES, params={"origin": origin})).json()["items"]]
        for origin in ("desk", "press", "drill")
    }
    assert listed == {"desk": [incident["id"]], "press": [], "drill": []}


async def test_a8_given_an_open_one_of_hers_when_raised_again_then_it_is_the_same(
    operator: httpx.AsyncClient, elder: str
) -> None:
    first = await raised(operator, elder_id=elder)
    again = await raised(operator, elder_id=elder, kind="gas")
    assert (again["id"], again["kind"], again["priority"]) == (first["id"], "gas", 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"caller": "not a number"}, 422), ({"elder_id": "nobody"}, 404), ({"plan_id": "none"}, 404)],
)
async def test_given_nobody_who_can_be_called_when_raised_then_refused(
    operator: httpx.AsyncClient, services: Services, body: dict[str, str], status: int
) -> None:
    assert (await operator.post(EMERGENCIES, json=body)).status_code == status
    assert services.controller is not None
    assert services.controller.emergencies.open_count == 0


async def test_a2_given_a_running_call_when_raised_then_it_becomes_the_emergency_and_only_a_running_one_can(
    operator: httpx.AsyncClient, services: Services, elder: str
) -> None:
    controller = services.controller
    assert controller is not None
    call_id = new_id()
    line = cf.CallOpened(
        line="hotline", caller="051288880000", did="12349", room=call_id, recording=call_id,
        invited_at=controller.clock.now(), leg_id="line", channel_id="1.1",
    )  # fmt: skip
    controller.calls.open(call_id, line, None)
    incident = await raised(operator, call_id=call_id, elder_id=elder, kind="illness")
    assert (incident["room"], incident["kind"], incident["elder_id"]) == (call_id, "illness", elder)
    assert incident["caller"] == "13800001004", "she is called back at her own number, not at her neighbour's"
    assert (await operator.get(f"/api/v1/calls/{call_id}")).json()["line"] == "emergency"
    again = await operator.post(EMERGENCIES, json={"call_id": call_id})
    assert (again.status_code, incident["id"] in again.json()["detail"]) == (409, True)
    assert (await operator.post(EMERGENCIES, json={"call_id": new_id()})).status_code == 404
    controller.ledger.record(cf.CallEnded(answered=True, seconds=1), actor="pbx", call_id=call_id)
    assert (await operator.post(EMERGENCIES, json={"call_id": call_id})).status_code == 409


async def test_a6_given_an_incident_when_its_kind_is_said_then_its_checklist_follows_and_is_ticked_off(
    operator: httpx.AsyncClient, elder: str
) -> None:
    path = f"{EMERGENCIES}/{(await raised(operator, elder_id=elder))['id']}"
    said = (await operator.put(f"{path}/kind", json={"kind": "fire"})).json()
    sentence = said["checklist"][0]["sentence"]
    assert (said["kind"], sentence) == ("fire", "让老人立即离开，不取财物")
    ticked = (await operator.put(f"{path}/checklist", json={"sentence": sentence})).json()["checklist"][0]
    assert ticked["ticked_by"] == "operator1"
    back = (await operator.put(f"{path}/checklist", json={"sentence": sentence, "done": False})).json()["checklist"][0]
    assert (back["ticked_at"], back["ticked_by"]) == (None, "")
    assert (await operator.put(f"{path}/checklist", json={"sentence": "不在清单上"})).status_code == 422


async def test_a6_given_a_drill_when_help_is_asked_for_that_it_does_not_name_then_refused(
    as_role: Login, operator: httpx.AsyncClient, elder: str
) -> None:
    lead = await as_role("supervisor")
    body = {"elder_id": elder, "numbers": {"elder": "13800009001"}}
    assert (await operator.post("/api/v1/drills", json=body)).status_code == 403
    drill = (await lead.post("/api/v1/drills", json=body)).json()
    assert (drill["origin"], drill["drill"]) == ("drill", True)
    for path in ("legs", "briefings"):
        answer = await operator.post(f"{EMERGENCIES}/{drill['id']}/{path}", json={"role": "120", "confirmed": True})
        assert answer.status_code == 422, answer.text
        assert "nobody stands in for 120" in answer.json()["detail"]


async def test_r21_given_one_who_waits_when_asked_how_things_are_then_counted(
    as_role: Login, operator: httpx.AsyncClient, elder: str
) -> None:
    assert (await operator.get("/api/v1/emergency-line")).json() == {"mass_event": False, "open": 0, "waiting": 0}
    await raised(operator, elder_id=elder)
    assert (await operator.get("/api/v1/emergency-line")).json() == {"mass_event": False, "open": 1, "waiting": 1}
    told = await (await as_role("supervisor")).post("/api/v1/emergency-line/broadcasts", json={"prompt": "hold-on"})
    assert told.json() == {"count": 1}


async def _with_monitor(services: Services, operator: httpx.AsyncClient, elder: str) -> str:
    """The path of an emergency whose call a supervisor listens to."""
    incident = await raised(operator, elder_id=elder)
    controller = services.controller
    assert controller is not None
    call_id = new_id()
    now = controller.clock.now()
    line = cf.CallOpened(
        line="emergency", caller="13800001004", did="95120", room=incident["room"], recording=call_id,
        invited_at=now, leg_id="line", channel_id="1.1", elder_id=elder,
    )  # fmt: skip
    controller.calls.open(call_id, line, incident["id"])
    controller.ledger.record(
        cf.LegAdded(leg_id="desk", role="seat", number="op1"),
        cf.LegAdded(leg_id="ear", role="monitor", number="sup1"),
        cf.LegAnswered(leg_id="ear", role="monitor"),
        actor="sup1",
        call_id=call_id,
        incident_id=incident["id"],
    )
    return f"{EMERGENCIES}/{incident['id']}"


@pytest.mark.parametrize("shown", [True, False])
async def test_b7_given_a_supervisor_listens_to_an_emergency_then_an_operator_is_told_only_if_the_settings_say(
    as_role: Login, services: Services, operator: httpx.AsyncClient, elder: str, shown: bool
) -> None:
    """B7: what the live list hides is not told by the emergency, its list or its attempts either."""
    services.settings.__dict__["monitor_shown"] = shown
    path = await _with_monitor(services, operator, elder)
    ears = {}
    for role, client in {"operator": operator, "supervisor": await as_role("supervisor")}.items():
        one = (await client.get(path)).json()
        listed = (await client.get(EMERGENCIES)).json()["items"][0]
        tried = (await client.get(f"{path}/attempts")).json()["items"]
        told = (await client.put(f"{path}/kind", json={"kind": "fall"})).json()
        assert all(any(leg["number"] == "op1" for leg in legs) for legs in (one["legs"], listed["legs"], tried))
        ears[role] = [
            any(leg["role"] == "monitor" for leg in legs) for legs in (one["legs"], listed["legs"], tried, told["legs"])
        ]
    assert ears == {"supervisor": [True] * 4, "operator": [shown] * 4}
