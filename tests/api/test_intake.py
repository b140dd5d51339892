"""Intake over REST: one list, one who deals with it, an outcome made in the same transaction (B5, I3, R22)."""

from typing import Any

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.intake.service import Intake, Request
from callcenter.intake.states import Channel
from callcenter.voicemail.tables import VoicemailRow
from tests.api.conftest import START, Login, with_controller
from tests.support.memory import MemoryJournal

INTAKE = "/api/v1/intake"


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    return with_controller(services, journal)


async def taken_down(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(INTAKE, json={"text": "问助餐点的开放时间", "caller": "13800001001", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_b5_given_a_question_when_answered_on_the_spot_then_done_with_who_and_what(as_role: Login) -> None:
    operator = await as_role("operator")
    item = await taken_down(operator, kind="question")
    assert (item["state"], item["taken_by"], item["channel"]) == ("taken", "operator1", "phone")
    done = await operator.post(f"{INTAKE}/{item['id']}/outcome", json={"outcome": "answer", "text": "每天 10:30 起"})
    assert done.status_code == 200, done.text
    assert {key: done.json()[key] for key in ("state", "outcome", "outcome_id", "answer", "done_by")} == {
        "state": "done",
        "outcome": "answer",
        "outcome_id": None,
        "answer": "每天 10:30 起",
        "done_by": "operator1",
    }
    again = await operator.post(f"{INTAKE}/{item['id']}/outcome", json={"outcome": "none"})
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")


async def test_b5_given_a_need_when_handed_on_then_what_it_became_is_there(as_role: Login) -> None:
    operator, admin = await as_role("operator"), await as_role("admin")
    elder = (await admin.post("/api/v1/elders", json={"name": "甲"})).json()["id"]

    async def became(outcome: str, **fields: Any) -> str:
        item = await taken_down(operator, take=False)
        done = await operator.post(f"{INTAKE}/{item['id']}/outcome", json={"outcome": outcome, **fields})
        assert done.status_code == 200, done.text
        assert done.json()["elder_id"] == fields.get("elder_id")
        return str(done.json()["outcome_id"])

    order = (
        await operator.get(f"/api/v1/work-orders/{await became('work_order', elder_id=elder, text='明天打扫')}")
    ).json()
    assert (order["kind"], order["summary"], order["details"], order["elder_id"]) == (
        "service",
        "明天打扫",
        "问助餐点的开放时间",
        elder,
    )
    complaint = (await operator.get(f"/api/v1/complaints/{await became('complaint', about='助餐点')}")).json()
    assert (complaint["state"], complaint["about"], complaint["text"]) == ("received", "助餐点", "问助餐点的开放时间")
    due = "2026-03-05T09:00:00+08:00"
    follow_up = (await operator.get(f"/api/v1/follow-ups/{await became('follow_up', due_at=due)}")).json()
    assert (follow_up["state"], follow_up["due_at"]) == ("due", due)


async def test_b5_given_a_callback_when_wanted_then_placed_once_and_named(as_role: Login, services: Services) -> None:
    operator = await as_role("operator")
    ids = []
    for _ in range(2):
        item = await taken_down(operator)
        done = await operator.post(f"{INTAKE}/{item['id']}/outcome", json={"outcome": "callback"})
        assert done.status_code == 200, done.text
        ids.append(done.json()["outcome_id"])
    assert services.controller is not None
    (placed,) = services.controller.callbacks.known()
    assert ids == [placed.id, placed.id]
    nobody = await taken_down(operator, caller=None)
    refused = await operator.post(f"{INTAKE}/{nobody['id']}/outcome", json={"outcome": "callback"})
    assert refused.status_code == 422
    assert (await operator.get(f"{INTAKE}/{nobody['id']}")).json()["state"] == "taken"


async def test_given_two_who_want_the_same_when_one_has_it_then_the_other_waits_until_it_is_given_back(
    as_role: Login,
) -> None:
    mei, lan, lead = await as_role("operator", "mei"), await as_role("operator", "lan"), await as_role("supervisor")
    path = f"{INTAKE}/{(await taken_down(mei, take=False))['id']}"
    assert (await mei.post(f"{path}/take", json={})).json()["taken_by"] == "mei"
    assert (await mei.post(f"{path}/take", json={})).status_code == 200
    for act, body in (("take", {}), ("release", {}), ("outcome", {"outcome": "none"})):
        refused = await lan.post(f"{path}/{act}", json=body)
        assert (refused.status_code, "mei" in refused.json()["detail"]) == (409, True)
    assert (await lan.patch(path, json={"text": "x"})).status_code == 409
    assert (await lead.post(f"{path}/release", json={})).json()["state"] == "new"
    assert (await lan.post(f"{path}/take", json={})).json()["taken_by"] == "lan"


async def test_given_an_item_when_corrected_then_only_what_is_given_changes(as_role: Login) -> None:
    operator = await as_role("operator")
    item = await taken_down(operator)
    path = f"{INTAKE}/{item['id']}"
    changed = await operator.patch(path, json={"kind": "service"}, headers={"If-Match": '"1"'})
    assert (changed.json()["kind"], changed.json()["text"]) == ("service", item["text"])
    assert (await operator.patch(path, json={"kind": "other"}, headers={"If-Match": '"1"'})).status_code == 412


async def test_i3_given_an_area_when_asked_then_only_its_elders_items(as_role: Login) -> None:
    admin = await as_role("admin")
    mine = (await admin.post("/api/v1/elders", json={"name": "甲", "area": "姑苏区"})).json()["id"]
    other = (await admin.post("/api/v1/elders", json={"name": "乙", "area": "吴中区"})).json()["id"]
    own, foreign = (
        await taken_down(admin, elder_id=mine, take=False),
        await taken_down(admin, elder_id=other, take=False),
    )
    await taken_down(admin)
    station = await as_role("station", area="姑苏区")
    assert [one["id"] for one in (await station.get(INTAKE)).json()["items"]] == [own["id"]]
    assert (await station.get(f"{INTAKE}/{foreign['id']}")).status_code == 404
    assert (await station.post(f"{INTAKE}/{foreign['id']}/take", json={})).status_code == 404
    assert (await station.post(INTAKE, json={"text": "x", "elder_id": other})).status_code == 409
    body = {"outcome": "answer", "text": "x", "elder_id": other}
    assert (await station.post(f"{INTAKE}/{own['id']}/outcome", json=body)).status_code == 409
    assert (await (await as_role("qa")).post(INTAKE, json={"text": "x"})).status_code == 403


async def test_given_a_list_when_narrowed_and_paged_then_each_once(as_role: Login) -> None:
    operator = await as_role("operator")
    for n in range(5):
        await taken_down(operator, take=bool(n % 2), channel="app" if n == 0 else "phone")

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in (await operator.get(INTAKE, params=params)).json()["items"]]

    assert [len(await ids(state=state)) for state in ("new", "taken", "open", "done")] == [3, 2, 5, 0]
    assert len(await ids(channel="app")) == 1
    assert len(await ids(taken_by="operator1")) == 2
    first = (await operator.get(INTAKE, params={"limit": 3})).json()
    second = (await operator.get(INTAKE, params={"limit": 3, "cursor": first["next"]})).json()
    seen = [one["id"] for part in (first, second) for one in part["items"]]
    assert len(seen) == len(set(seen)) == 5
    assert second["next"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""},
        {"text": "\x00"},
        {"text": "长" * 4001},
        {"text": "x", "caller": "not a number"},
        {"text": "x", "contact": "a\nb"},
        {"text": "x", "kind": "gone"},
        {"text": "x", "elder_id": "%"},
    ],
)
async def test_r22_given_what_cannot_be_when_sent_then_422(as_role: Login, body: dict[str, Any]) -> None:
    assert (await (await as_role("operator")).post(INTAKE, json=body)).status_code == 422


@pytest.mark.parametrize("by", ["item", "voicemail"])
async def test_b5_given_a_voicemail_when_dealt_with_at_either_place_then_done_at_both(
    as_role: Login, services: Services, by: str
) -> None:
    operator = await as_role("operator")
    async with services.database.transaction() as session:
        left = VoicemailRow(
            id="v1", call_id="c1", caller="13800001001", elder_name="", at=START, seconds=9, offset_seconds=0,
            ended="key", state="new", handled_by="", note="",
        )  # fmt: skip
        session.add(left)
        request = Request(channel=Channel.VOICEMAIL, text="语音留言", source="voicemail:v1", caller="13800001001")
        item, _ = await Intake(services.clock).receive(session, request, "elder")
        item_id = item.id
    if by == "item":
        body = {"outcome": "answer", "text": "已回电"}
        done = await operator.post(f"{INTAKE}/{item_id}/outcome", json=body)
    else:
        done = await operator.post("/api/v1/voicemails/v1/done", json={"note": "已回电"})
    assert done.status_code == 200, done.text
    told = (await operator.get("/api/v1/voicemails/v1")).json()
    listed = (await operator.get(f"{INTAKE}/{item_id}")).json()
    assert (told["state"], told["note"]) == ("done", "已回电")
    assert (listed["state"], listed["answer"]) == ("done", "已回电")
