"""Rights by area (I3): who is bound to an area sees the calls and emergencies of its elders, and no others."""

from dataclasses import replace

import httpx
import pytest

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.api.live import in_area
from callcenter.bus import LocalBus
from callcenter.calls.facts import LegAdded, LegEnded
from callcenter.calls.model import Call
from callcenter.calls.model import Role as LegRole
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.ids import new_id
from callcenter.people.directory import Directory, Elder
from callcenter.settings import Settings
from tests.api.conftest import with_controller
from tests.support.memory import MemoryJournal

NORTH = Elder(id="n", code="1", name="北区老人", phones=("13800000021",), area="north")
SOUTH = Elder(id="s", code="2", name="南区老人", phones=("13800000022",), area="south")
STRANGER = "13999999999"


@pytest.fixture
def services(settings: Settings, clock: ManualClock, fast_passwords: Passwords, migrated_sqlite: Database) -> Services:
    """A press from the north, one from the south, one from a stranger."""
    built = replace(build_services(settings, clock, migrated_sqlite, LocalBus()), passwords=fast_passwords)
    built.directory._directory = Directory([NORTH, SOUTH])
    return with_controller(built, MemoryJournal())


def press(services: Services) -> None:
    assert services.controller is not None
    for number, caller in enumerate((NORTH.phones[0], SOUTH.phones[0], STRANGER)):
        services.controller.arrivals.open(
            line="emergency", did="95120", raw_caller=caller, channel_id=f"1.{number}", invited_at=services.clock.now()
        )


def signed_in(services: Services, who: Principal) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(services)),
        base_url="http://test/api/v1",
        headers={"Authorization": f"Bearer {services.tokens.issue(who)}"},
    )


@pytest.mark.parametrize("resource", ["calls", "emergencies"])
async def test_i3_a_station_sees_what_is_of_its_area_and_nothing_else(services: Services, resource: str) -> None:
    press(services)
    async with signed_in(services, Principal("admin", Role.ADMIN)) as everywhere:
        everything = (await everywhere.get(f"/{resource}")).json()["items"]
    assert {item["elder_id"] for item in everything} == {"n", "s", None}
    async with signed_in(services, Principal("station1", Role.STATION, area="south")) as south:
        (own,) = (await south.get(f"/{resource}")).json()["items"]
        assert own["elder_id"] == "s"
        for item in everything:
            expected = 200 if item["id"] == own["id"] else 404
            assert (await south.get(f"/{resource}/{item['id']}")).status_code == expected


async def test_i3_the_live_socket_tells_a_station_of_its_own_area(services: Services) -> None:
    press(services)
    assert services.controller is not None
    calls = {call.elder_id: call for call in services.controller.calls.known()}
    south = Principal("station1", Role.STATION, area="south")
    told = {elder for elder, call in calls.items() if in_area(south, services, call.id, call.incident_id)}
    assert told == {"s"}


def ring(services: Services, user: str, call: Call) -> str:
    """The seat's phone rings for a call; the leg's id."""
    assert services.controller is not None
    leg_id = new_id()
    leg = LegAdded(leg_id=leg_id, role=LegRole.SEAT, number=user)
    services.controller.ledger.record(leg, actor="system", call_id=call.id, incident_id=call.incident_id)
    return leg_id


@pytest.mark.parametrize("whose", ["n", None])
async def test_a9_whoever_an_emergency_rings_at_sees_who_and_where_whatever_her_area(
    services: Services, whose: str | None
) -> None:
    """All free seats ring for every press: who answers must know who is in need, and be able to send help (A2, B4)."""
    press(services)
    assert services.controller is not None
    call = next(call for call in services.controller.calls.known() if call.elder_id == whose)
    op, other = (Principal(user, Role.OPERATOR, area="south") for user in ("op1", "op2"))
    leg_id = ring(services, "op1", call)
    emergency, screen = f"/emergencies/{call.incident_id}", f"/calls/{call.id}/screen"
    async with signed_in(services, other) as elsewhere:
        for path in (emergency, screen, f"/calls/{call.id}", f"/elders/{NORTH.id}/location"):
            assert (await elsewhere.get(path)).status_code == 404, path
    async with signed_in(services, op) as at_seat:
        assert call.incident_id in [one["id"] for one in (await at_seat.get("/emergencies")).json()["items"]]
        assert call.id in [one["id"] for one in (await at_seat.get("/calls")).json()["items"]]
        elder = (await at_seat.get(screen)).json()["elder"]
        assert (elder and elder["id"]) == whose
        if whose is not None:
            assert (await at_seat.get(f"/elders/{whose}/location")).status_code == 200
        assert (await at_seat.post(f"{emergency}/legs", json={"role": "120"})).status_code == 201
        assert (await at_seat.put(f"/calls/{call.id}/note", json={"text": "跌倒", "revision": 0})).status_code == 200
    told = {user.user for user in (op, other) if in_area(user, services, call.id, call.incident_id)}
    assert told == {"op1"}
    ended = LegEnded(leg_id=leg_id, role=LegRole.SEAT, reason="cancelled")
    services.controller.ledger.record(ended, actor="system", call_id=call.id, incident_id=call.incident_id)
    async with signed_in(services, op) as too_late:
        assert (await too_late.get(emergency)).status_code == 404, "another took it"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
async def test_i3_who_is_bound_to_an_area_gets_no_further_by_what_knows_no_areas(
    services: Services, role: Role
) -> None:
    """The trail tells of everybody's elders, a webhook of everybody's calls, and an account could be of all areas."""
    account = {"user": "me2", "name": "x", "role": "admin", "password": "correct horse battery"}
    asked = (
        ("GET", "/audit", None),
        ("GET", "/audit/verification", None),
        ("POST", "/accounts", account),
        ("POST", "/webhooks", {"url": "https://example.org/", "kinds": ["call.opened"]}),
        ("GET", "/alarm-sources", None),
    )
    async with signed_in(services, Principal("me", role, area="south")) as bound:
        for method, path, body in asked:
            assert (await bound.request(method, path, json=body)).status_code == 403, path
        held = (await bound.get("/auth/me")).json()["permissions"]
        assert "elders:write" in held
        assert not {"audit:read", "accounts:write", "webhooks:write"} & set(held)


async def test_i3_nobody_learns_of_another_areas_elder_by_naming_her_as_the_caller(services: Services) -> None:
    press(services)
    assert services.controller is not None
    own = next(call for call in services.controller.calls.known() if call.elder_id == "s")
    async with signed_in(services, Principal("op1", Role.OPERATOR, area="south")) as south:
        answer = await south.post(f"/calls/{own.id}/elder", json={"elder_id": "n"})
    assert answer.status_code == 404
    assert NORTH.name not in answer.text
    assert services.controller.calls.get(own.id).elder_id == "s"


async def test_i3_nobody_leaves_work_for_another_areas_elder_by_a_disposition(services: Services) -> None:
    press(services)
    assert services.controller is not None
    own = next(call for call in services.controller.calls.known() if call.elder_id == "s")
    body = {"disposition": "work_order", "summary": "x"}
    async with signed_in(services, Principal("op1", Role.OPERATOR, area="south")) as south:
        answer = await south.post(f"/calls/{own.id}/disposition", json={**body, "elder_id": "n"})
        assert answer.status_code == 404, answer.text
        long = await south.post(f"/calls/{own.id}/disposition", json={**body, "elder_id": "x" * 60})
        assert long.status_code == 422, "no column takes it, so the fact would be skipped"
        assert (await south.post(f"/calls/{own.id}/disposition", json={**body, "elder_id": "s"})).status_code == 200
