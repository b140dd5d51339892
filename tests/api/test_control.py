"""Call control over REST: who may, what is refused, and that nobody listens in secret (B7, C10)."""

from dataclasses import replace

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.calls import facts as cf
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.telephony.events import PhoneStatus
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal
from tests.support.world import Account

CALLS = "/api/v1/calls"
CALL, LINE, DESK = "call-1", "leg-line", "leg-desk"


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """What is tested here is the same on every database."""
    return migrated_sqlite


@pytest.fixture(params=[True, False], ids=["shown", "hidden"])
def shown(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def services(services: Services, journal: MemoryJournal, request: pytest.FixtureRequest) -> Services:
    """A caller who talks with op1; op2 and sup1 have their phones on."""
    hidden = "shown" in request.fixturenames and not request.getfixturevalue("shown")
    settings = services.settings.model_copy(update={"monitor_shown": not hidden})
    made = with_controller(replace(services, settings=settings), journal)
    controller = made.controller
    assert controller is not None
    controller.routing.staff([Account("op1"), Account("op2"), Account("sup1", "supervisor")])
    for user in ("op1", "op2", "sup1"):
        controller.routing.phone(PhoneStatus(user, True))
    return made


@pytest.fixture
def controller(services: Services) -> Controller:
    assert services.controller is not None
    return services.controller


@pytest.fixture
async def talk(controller: Controller) -> str:
    """A call on which op1 talks with a caller; its path."""
    now = controller.clock.now()
    opened = cf.CallOpened(
        line="hotline",
        caller="051288889999",
        did="12349",
        room=CALL,
        recording=CALL,
        invited_at=now,
        leg_id=LINE,
        channel_id="1.1",
    )
    controller.calls.open(CALL, opened)
    controller.ledger.record(
        cf.LegAnswered(leg_id=LINE, role="elder"),
        cf.LegJoined(leg_id=LINE, role="elder"),
        cf.LegAdded(leg_id=DESK, role="seat", number="op1"),
        cf.LegAnswered(leg_id=DESK, role="seat"),
        cf.LegJoined(leg_id=DESK, role="seat"),
        actor="pbx",
        call_id=CALL,
    )
    return f"{CALLS}/{CALL}"


@pytest.fixture
async def op1(as_role: Login) -> httpx.AsyncClient:
    return await as_role("operator", "op1")


@pytest.fixture
async def op2(as_role: Login) -> httpx.AsyncClient:
    return await as_role("operator", "op2")


@pytest.fixture
async def sup1(as_role: Login) -> httpx.AsyncClient:
    return await as_role("supervisor", "sup1")


ACTS = [
    ("hold", None),
    ("transfer", {"to": "seat:op2", "mode": "attended"}),
    ("park", None),
    ("hangup", None),
    ("legs", {"to": "number:13700000001"}),
    ("mute", {"leg": DESK, "muted": True}),
]


@pytest.mark.parametrize(("act", "body"), ACTS)
async def test_given_a_call_of_another_when_handled_then_409_and_a_supervisor_may(
    talk: str, op2: httpx.AsyncClient, sup1: httpx.AsyncClient, act: str, body: dict[str, object] | None
) -> None:
    assert (await op2.post(f"{talk}/{act}", json=body)).status_code == 409
    answer = await sup1.post(f"{talk}/{act}", json=body)
    assert answer.is_success, answer.text


async def test_given_ones_own_call_when_held_and_parked_then_the_call_shows_it(
    talk: str, op1: httpx.AsyncClient
) -> None:
    held = (await op1.post(f"{talk}/hold")).json()
    assert (held["held"], held["parked"], held["transfer"]) == (True, None, None)
    assert not (await op1.post(f"{talk}/resume")).json()["held"]
    asked = (await op1.post(f"{talk}/transfer", json={"to": "number:137 0000 0001", "mode": "blind"})).json()
    assert asked["transfer"]["to"] == "number:13700000001"
    assert (await op1.post(f"{talk}/park")).status_code == 409, "a transfer is under way"
    assert (await op1.post(f"{talk}/transfer/complete")).status_code == 409
    assert (await op1.post(f"{talk}/transfer/cancel")).json()["transfer"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"to": "seat:nobody", "mode": "blind"}, 404),
        ({"to": "seat:op1", "mode": "blind"}, 409),
        ({"to": "number:+12025550123", "mode": "blind"}, 422),
        ({"to": "queue:general", "mode": "attended"}, 422),
        ({"to": "elder:1", "mode": "blind"}, 422),
        ({"to": "seat:op2", "mode": "loud"}, 422),
        ({"to": "seat:op2"}, 422),
    ],
)
async def test_given_a_wrong_target_when_transferred_then_refused_and_nothing_has_happened(
    talk: str, op1: httpx.AsyncClient, body: dict[str, str], status: int
) -> None:
    assert (await op1.post(f"{talk}/transfer", json=body)).status_code == status
    call = (await op1.get(talk)).json()
    assert (call["transfer"], call["held"], call["ended_at"]) == (None, False, None)


async def test_given_a_number_when_called_then_ones_own_seat_is_rung_first(op1: httpx.AsyncClient) -> None:
    answer = await op1.post(CALLS, json={"number": "137 0000 0001", "purpose": "care"})
    assert answer.status_code == 201
    call = answer.json()
    assert (call["line"], call["via"], call["caller"]) == ("outbound", "outbound", "13700000001")
    assert [(leg["role"], leg["number"]) for leg in call["legs"]] == [("seat", "op1")]
    assert [one["id"] for one in (await op1.get(CALLS, params={"line": "outbound"})).json()["items"]] == [call["id"]]
    assert (await op1.post(CALLS, json={"number": "13700000002"})).status_code == 409, "it rings already"
    assert (await op1.post(CALLS, json={"number": "13700000002", "elder_id": "nobody"})).status_code == 404
    assert (await op1.post(CALLS, json={"number": "+1 202 555 0123"})).status_code == 422


async def test_given_no_seat_when_calling_then_404(as_role: Login) -> None:
    assert (await (await as_role("admin")).post(CALLS, json={"number": "13700000001"})).status_code == 404


async def test_c10_given_a_supervisor_who_listens_then_it_is_a_fact_and_an_entry_of_the_trail(
    talk: str, op1: httpx.AsyncClient, sup1: httpx.AsyncClient, journal: MemoryJournal, as_role: Login, shown: bool
) -> None:
    path = f"{talk}/monitor"
    assert (await op1.post(path, json={"mode": "listen"})).status_code == 403
    assert (await sup1.put(path, json={"mode": "listen"})).status_code == 404
    answer = await sup1.post(path, json={"mode": "listen"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["role"], answer.json()["number"]) == ("monitor", "sup1")
    assert (await sup1.post(path, json={"mode": "whisper"})).status_code == 409
    told = [fact.body for fact in journal.facts() if isinstance(fact.body, cf.CallMonitored)]
    assert [(body.user, body.mode, body.target) for body in told] == [("sup1", "listen", DESK)]
    entries = (await (await as_role("admin")).get("/api/v1/audit", params={"subject": "calls"})).json()["items"]
    assert {(one["actor"], one["action"], one["subject_id"]) for one in entries} == {("sup1", "monitor", CALL)}
    seen, leads = (await op1.get(talk)).json(), (await sup1.get(talk)).json()
    assert leads["monitors"] == [{"user": "sup1", "mode": "listen"}]
    assert seen["monitors"] == (leads["monitors"] if shown else [])
    assert any(leg["role"] == "monitor" for leg in seen["legs"]) == shown
    assert (await sup1.delete(path)).status_code == 204


async def test_given_an_unknown_call_when_handled_then_404(op1: httpx.AsyncClient, sup1: httpx.AsyncClient) -> None:
    assert (await op1.post(f"{CALLS}/none/hold")).status_code == 404
    assert (await sup1.delete(f"{CALLS}/none/monitor")).status_code == 404
