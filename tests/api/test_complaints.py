"""Complaints: one table of steps, deadlines in working days, who did what, rights by area (C8, I3)."""

import itertools
from datetime import timedelta

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.clock import ManualClock
from callcenter.complaints.states import TRANSITIONS, Act, State, step
from callcenter.errors import IllegalTransition
from callcenter.timeline.model import FactRow
from tests.api.conftest import START, Login

COMPLAINTS = "/api/v1/complaints"
ALLOWED = {
    ("received", "respond", "received"), ("received", "investigate", "investigating"),
    ("received", "settle", "settled"), ("received", "withdraw", "withdrawn"),
    ("investigating", "respond", "investigating"), ("investigating", "settle", "settled"),
    ("investigating", "withdraw", "withdrawn"),
    ("settled", "answer", "answered"), ("settled", "reopen", "investigating"), ("settled", "withdraw", "withdrawn"),
    ("answered", "close", "closed"), ("answered", "reopen", "investigating"),
}  # fmt: skip


@pytest.mark.parametrize(("state", "act"), list(itertools.product(State, Act)))
def test_given_any_state_when_any_act_then_only_the_written_steps(state: State, act: Act) -> None:
    to = next((to for before, done, to in ALLOWED if (before, done) == (state, act)), None)
    if to is None:
        with pytest.raises(IllegalTransition, match="has no step"):
            step(state, act)
    else:
        assert step(state, act) == to
    assert set(TRANSITIONS) == set(State)


async def _made(client: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    answer = await client.post(COMPLAINTS, json={"text": "护理员迟到一小时", "about": "上门护理", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def test_c8_given_a_complaint_on_a_friday_when_taken_then_due_in_three_working_days(
    as_role: Login, clock: ManualClock
) -> None:
    """2026-03-06 is a Friday: Monday, Tuesday, Wednesday."""
    clock.move_to(START + timedelta(days=4))
    made = await _made(await as_role("operator"))
    assert made["respond_by"] == "2026-03-06T11:00:00+08:00"
    assert made["due_at"] == "2026-03-11T09:00:00+08:00"
    assert (made["state"], made["next"]) == ("received", ["investigate", "respond", "settle", "withdraw"])


async def test_c8_given_the_whole_way_when_gone_then_every_step_with_who_and_when(
    as_role: Login, clock: ManualClock, services: Services
) -> None:
    operator, supervisor = await as_role("operator"), await as_role("supervisor")
    path = f"{COMPLAINTS}/{(await _made(operator))['id']}"
    clock.move_to(START + timedelta(hours=1))
    operator, supervisor = await as_role("operator"), await as_role("supervisor")
    responded = await operator.post(f"{path}/respond", json={})
    assert responded.status_code == 200, responded.text
    assert responded.json()["responded_at"] == "2026-03-02T10:00:00+08:00"
    assert (await supervisor.post(f"{path}/investigate", json={})).status_code == 200
    assert (await supervisor.post(f"{path}/settle", json={"text": " "})).status_code == 422
    assert (await supervisor.post(f"{path}/settle", json={"text": "扣罚并致歉"})).status_code == 200
    clock.move_to(START + timedelta(days=1))
    supervisor = await as_role("supervisor")
    assert (await supervisor.post(f"{path}/answer", json={"text": "电话告知，老人接受"})).status_code == 200
    refused = await supervisor.post(f"{path}/investigate", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    done = (await supervisor.post(f"{path}/close", json={})).json()
    assert [(a["actor"], a["act"], a["from_state"], a["to_state"]) for a in done["actions"]] == [
        ("operator1", "respond", "received", "received"),
        ("supervisor1", "investigate", "received", "investigating"),
        ("supervisor1", "settle", "investigating", "settled"),
        ("supervisor1", "answer", "settled", "answered"),
        ("supervisor1", "close", "answered", "closed"),
    ]
    assert (done["late_response"], done["overdue"], done["next"]) == (False, False, [])
    async with services.database.transaction() as session:
        from sqlalchemy import select

        kinds = list(await session.scalars(select(FactRow.kind).where(FactRow.kind.like("complaint.%"))))
    assert kinds.count("complaint.moved") == 5


async def test_c8_given_time_passes_when_nobody_acts_then_late_and_overdue_and_listed_so(
    as_role: Login, clock: ManualClock
) -> None:
    operator = await as_role("operator")
    made = await _made(operator)
    clock.move_to(START + timedelta(hours=3))
    operator = await as_role("operator")
    now = (await operator.get(f"{COMPLAINTS}/{made['id']}")).json()
    assert (now["late_response"], now["overdue"]) == (True, False)
    assert (await operator.get(COMPLAINTS, params={"state": "overdue"})).json()["items"] == []
    clock.move_to(START + timedelta(days=7))
    operator = await as_role("operator")
    (listed,) = (await operator.get(COMPLAINTS, params={"state": "overdue"})).json()["items"]
    assert listed["overdue"] is True


async def test_i3_given_an_area_when_asked_then_only_its_elders_complaints(as_role: Login) -> None:
    admin = await as_role("admin")
    mine = (await admin.post("/api/v1/elders", json={"name": "甲", "area": "姑苏区"})).json()["id"]
    other = (await admin.post("/api/v1/elders", json={"name": "乙", "area": "吴中区"})).json()["id"]
    own, foreign = await _made(admin, elder_id=mine), await _made(admin, elder_id=other)
    station = await as_role("station", area="姑苏区")
    assert [one["id"] for one in (await station.get(COMPLAINTS)).json()["items"]] == [own["id"]]
    assert (await station.get(f"{COMPLAINTS}/{foreign['id']}")).status_code == 404
    assert (await station.post(f"{COMPLAINTS}/{foreign['id']}/investigate", json={})).status_code == 404
    assert (await station.post(COMPLAINTS, json={"text": "x", "elder_id": other})).status_code == 409
    assert (await station.post(COMPLAINTS, json={"text": "x"})).status_code == 409
    assert (await (await as_role("qa")).post(COMPLAINTS, json={"text": "x"})).status_code == 403
