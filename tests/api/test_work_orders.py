"""Work orders over the API: the way from intake to closed, and what is refused on it (C3–C7, C10)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.people.schemas import ElderInput
from callcenter.people.service import create_elder
from tests.api.conftest import START, Login

PATH = "/api/v1/work-orders"


async def make(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    answer = await client.post(PATH, json={"summary": "打扫卫生", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def move(client: httpx.AsyncClient, order: dict[str, Any], to: str, **fields: object) -> httpx.Response:
    return await client.post(f"{PATH}/{order['id']}/transitions", json={"to": to, **fields})


async def elder_in(services: Services, area: str) -> str:
    async with services.database.transaction() as session:
        row = await create_elder(session, services.clock, ElderInput(name="王秀英", area=area))
        return row.id


async def test_given_a_need_from_a_call_when_taken_in_then_the_order_is_found_by_that_call(as_role: Login) -> None:
    operator = await as_role("operator")
    order = await make(operator, call_id="call-1", kind="service", wishes="上午来")
    assert (order["state"], order["number"], order["created_by"]) == ("intake", "20260302-0001", "operator1")
    assert order["next"] == ["audited", "returned", "void"]
    await make(operator, call_id="call-2")
    found = (await operator.get(PATH, params={"call_id": "call-1"})).json()
    assert [item["id"] for item in found["items"]] == [order["id"]]
    assert found["next"] is None
    one = await operator.get(f"{PATH}/{order['id']}")
    assert one.json() == order
    assert one.headers["ETag"] == '"1"'


async def test_given_the_whole_way_then_the_follow_up_is_due_and_every_step_is_in_the_history(as_role: Login) -> None:
    """C7, C10."""
    operator = await as_role("operator")
    order = await make(operator)
    for to in ("audited", "dispatched"):
        assert (await move(operator, order, to)).json()["state"] == to
    ended = (START - timedelta(hours=1)).isoformat()
    done = (await move(operator, order, "done", service_ended_at=ended)).json()
    assert done["state"] == "done"
    assert done["service_ended_at"] == "2026-03-02T08:00:00+08:00"
    (follow_up,) = (await operator.get("/api/v1/follow-ups", params={"work_order_id": order["id"]})).json()["items"]
    assert (follow_up["state"], follow_up["due_at"]) == ("due", "2026-03-03T08:00:00+08:00")
    history = (await operator.get(f"{PATH}/{order['id']}/history")).json()["items"]
    assert [(step["from_state"], step["to_state"]) for step in history] == [
        (None, "intake"), ("intake", "audited"), ("audited", "dispatched"), ("dispatched", "done")
    ]  # fmt: skip
    assert {step["actor"] for step in history} == {"operator1"}


@pytest.mark.parametrize(
    ("to", "fields", "status", "code"),
    [
        ("closed", {}, 409, "illegal_transition"),
        ("followed_up", {}, 409, "illegal_transition"),
        ("void", {}, 409, "conflict"),
        ("audited", {"service_ended_at": "2026-03-02T08:00:00+08:00"}, 409, "conflict"),
        ("nonsense", {}, 422, "invalid_input"),
        ("void", {"reason": "重复"}, 200, None),
    ],
)
async def test_given_a_new_order_when_moved_then_only_the_tables_steps_are_made(
    as_role: Login, to: str, fields: dict[str, str], status: int, code: str | None
) -> None:
    operator = await as_role("operator")
    order = await make(operator)
    answer = await move(operator, order, to, **fields)
    assert answer.status_code == status
    assert answer.json().get("code") == code
    state = (await operator.get(f"{PATH}/{order['id']}")).json()["state"]
    assert state == (to if status == 200 else "intake")


async def test_given_a_change_then_it_is_in_history_and_trail_and_others_versions_are_refused(as_role: Login) -> None:
    """C10."""
    operator, admin = await as_role("operator"), await as_role("admin")
    order = await make(operator)
    url = f"{PATH}/{order['id']}"
    changed = await operator.patch(url, json={"summary": "擦窗户", "priority": "high"}, headers={"If-Match": '"1"'})
    assert (changed.json()["summary"], changed.json()["version"]) == ("擦窗户", 2)
    assert (await operator.patch(url, json={"summary": "x"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await operator.patch(url, json={"summary": "x", "version": 1})).status_code == 409
    last = (await operator.get(f"{url}/history")).json()["items"][-1]
    assert last["changes"] == {"summary": ["打扫卫生", "擦窗户"], "priority": ["normal", "high"]}
    trail = (await admin.get("/api/v1/audit", params={"subject_id": order["id"]})).json()["items"]
    assert {entry["action"] for entry in trail} >= {"create", "update"}


@pytest.mark.parametrize(
    "fields",
    [
        {"summary": ""},
        {"summary": "x", "kind": "party"},
        {"summary": "x", "state": "closed"},
        {"summary": "x", "due_at": "2026-03-02T08:00:00"},
        {"summary": "x", "due_at": 1772352000},
        {"summary": "x", "due_at": "1772352000"},
        {"summary": "a\x00b"},
    ],
)
async def test_given_an_unusable_body_then_422_and_nothing_is_made(as_role: Login, fields: dict[str, object]) -> None:
    operator = await as_role("operator")
    answer = await operator.post(PATH, json=fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert (await operator.get(PATH)).json()["items"] == []


async def test_given_many_orders_then_pages_hold_each_once_newest_first(as_role: Login) -> None:
    operator = await as_role("operator")
    made = [(await make(operator))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await operator.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_given_filters_then_only_what_fits_is_listed(as_role: Login) -> None:
    operator = await as_role("operator")
    complaint = await make(operator, kind="complaint", due_at="2026-03-02T12:00:00+08:00")
    service = await make(operator)
    await move(operator, service, "audited")
    for params, expected in (
        ({"kind": "complaint"}, [complaint]),
        ({"state": "audited"}, [service]),
        ({"number": complaint["number"]}, [complaint]),
        ({"due_before": "2026-03-02T13:00:00+08:00"}, [complaint]),
        ({"elder_id": "nobody"}, []),
    ):
        items = (await operator.get(PATH, params=params)).json()["items"]
        assert [item["id"] for item in items] == [order["id"] for order in expected], params


async def test_given_somebody_who_serves_one_area_then_other_areas_orders_are_not_theirs(
    as_role: Login, services: Services
) -> None:
    """I3: rights per area."""
    here, there = await elder_in(services, "姑苏"), await elder_in(services, "吴中")
    admin, station = await as_role("admin"), await as_role("station", area="姑苏")
    mine, foreign = await make(admin, elder_id=here), await make(admin, elder_id=there)
    assert [item["id"] for item in (await station.get(PATH)).json()["items"]] == [mine["id"]]
    assert (await station.get(f"{PATH}/{foreign['id']}")).status_code == 404
    assert (await move(station, foreign, "audited")).status_code == 404
    assert (await station.post(PATH, json={"summary": "x", "elder_id": there})).status_code == 409
    assert (await station.post(PATH, json={"summary": "x"})).status_code == 409
    assert (await admin.post(PATH, json={"summary": "x", "elder_id": "nobody"})).status_code == 409
    assert (await station.post(PATH, json={"summary": "x", "elder_id": here})).status_code == 201


async def test_given_the_same_idempotency_key_twice_then_one_order_is_made(as_role: Login) -> None:
    operator = await as_role("operator")
    headers = {"Idempotency-Key": "k1"}
    first = await operator.post(PATH, json={"summary": "x"}, headers=headers)
    again = await operator.post(PATH, json={"summary": "x"}, headers=headers)
    assert first.json() == again.json()
    assert len((await operator.get(PATH)).json()["items"]) == 1


async def test_given_no_right_or_no_order_then_403_or_404(as_role: Login) -> None:
    qa = await as_role("qa")
    assert (await qa.post(PATH, json={"summary": "x"})).status_code == 403
    assert (await qa.get(f"{PATH}/nothing")).status_code == 404


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_given_the_ends_of_the_calendar_then_they_are_taken_and_shown(as_role: Login, due: str) -> None:
    """R22."""
    operator = await as_role("operator")
    order = await make(operator, due_at=due)
    assert (await operator.get(f"{PATH}/{order['id']}")).json()["due_at"] == order["due_at"]
    assert (await operator.get(PATH, params={"due_before": due})).status_code == 200
