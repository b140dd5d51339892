"""Follow-ups over the API: due, tried, completed; the order goes on with them (C7, SZ 6.2.5)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from callcenter.clock import ManualClock
from tests.api.conftest import START, Login

PATH = "/api/v1/follow-ups"


async def done_order(client: httpx.AsyncClient) -> tuple[str, dict[str, Any]]:
    """The id of an order whose service has just ended, and its follow-up."""
    order = (await client.post("/api/v1/work-orders", json={"summary": "送餐"})).json()["id"]
    for to in ("audited", "dispatched", "done"):
        answer = await client.post(f"/api/v1/work-orders/{order}/transitions", json={"to": to})
        assert answer.status_code == 200, answer.text
    (follow_up,) = (await client.get(PATH, params={"work_order_id": order})).json()["items"]
    return order, follow_up


async def test_given_a_done_order_when_the_elder_was_asked_then_it_is_followed_up(as_role: Login) -> None:
    operator = await as_role("operator")
    order, follow_up = await done_order(operator)
    assert (follow_up["state"], follow_up["overdue"], follow_up["due_at"]) == (
        "due",
        False,
        "2026-03-03T09:00:00+08:00",
    )
    answer = await operator.post(
        f"{PATH}/{follow_up['id']}/complete", json={"result": "满意", "rating": 5, "wishes": "周二再来"}
    )
    assert answer.status_code == 200
    done = answer.json()
    assert (done["state"], done["rating"], done["done_by"], done["wishes"]) == ("done", 5, "operator1", "周二再来")
    assert (await operator.get(f"{PATH}/{follow_up['id']}")).json() == done
    assert (await operator.get(f"/api/v1/work-orders/{order}")).json()["state"] == "followed_up"


async def test_given_attempts_that_fail_then_they_are_listed_and_it_stays_open(as_role: Login) -> None:
    operator = await as_role("operator")
    _, follow_up = await done_order(operator)
    url = f"{PATH}/{follow_up['id']}/attempts"
    await operator.post(url, json={"outcome": "no_answer"})
    tried = (await operator.post(url, json={"outcome": "busy", "note": "下午再打", "call_id": "call-9"})).json()
    assert tried["state"] == "in_progress"
    assert [(one["outcome"], one["note"], one["call_id"]) for one in tried["attempts"]] == [
        ("no_answer", "", None),
        ("busy", "下午再打", "call-9"),
    ]


async def test_given_a_suspected_complaint_then_the_order_closes_only_with_a_reason(as_role: Login) -> None:
    operator = await as_role("operator")
    order, follow_up = await done_order(operator)
    body = {"result": "不满意", "rating": 1, "suspected_complaint": True}
    await operator.post(f"{PATH}/{follow_up['id']}/complete", json=body)
    url = f"/api/v1/work-orders/{order}/transitions"
    assert (await operator.post(url, json={"to": "closed"})).status_code == 409
    closed = await operator.post(url, json={"to": "closed", "reason": "站长上门，已和解"})
    assert (closed.json()["state"], closed.json()["suspected_complaint"]) == ("closed", True)


async def test_given_a_follow_up_past_its_time_then_it_is_listed_as_overdue(as_role: Login, clock: ManualClock) -> None:
    operator = await as_role("operator")
    _, follow_up = await done_order(operator)
    assert (await operator.get(PATH, params={"state": "overdue"})).json()["items"] == []
    clock.move_to(START + timedelta(hours=25))
    operator = await as_role("operator")
    (late,) = (await operator.get(PATH, params={"state": "overdue"})).json()["items"]
    assert (late["id"], late["state"], late["overdue"]) == (follow_up["id"], "due", True)
    await operator.post(f"{PATH}/{follow_up['id']}/complete", json={"result": "满意"})
    assert (await operator.get(PATH, params={"state": "overdue"})).json()["items"] == []


async def test_given_filters_then_only_what_fits_is_listed(as_role: Login) -> None:
    operator = await as_role("operator")
    _, first = await done_order(operator)
    _, second = await done_order(operator)
    await operator.post(f"{PATH}/{first['id']}/attempts", json={"outcome": "busy"})
    for params, expected in (
        ({"state": "due"}, [second]),
        ({"state": "in_progress"}, [first]),
        ({"due_before": "2026-03-03T08:59:00+08:00"}, []),
        ({"due_before": "2026-03-03T09:01:00+08:00"}, [first, second]),
        ({"elder_id": "nobody"}, []),
    ):
        items = (await operator.get(PATH, params=params)).json()["items"]
        assert [item["id"] for item in items] == [one["id"] for one in expected], params


async def test_given_a_completed_follow_up_then_it_cannot_be_completed_again(as_role: Login) -> None:
    operator = await as_role("operator")
    _, follow_up = await done_order(operator)
    url = f"{PATH}/{follow_up['id']}/complete"
    await operator.post(url, json={"result": "满意"})
    again = await operator.post(url, json={"result": "满意"})
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize("body", [{}, {"result": ""}, {"result": "x", "rating": 0}, {"result": "x", "rating": 6}])
async def test_given_an_unusable_body_then_422(as_role: Login, body: dict[str, object]) -> None:
    operator = await as_role("operator")
    _, follow_up = await done_order(operator)
    assert (await operator.post(f"{PATH}/{follow_up['id']}/complete", json=body)).status_code == 422


async def test_given_an_outdated_etag_no_right_or_no_follow_up_then_it_is_refused(as_role: Login) -> None:
    operator, qa = await as_role("operator"), await as_role("qa")
    _, follow_up = await done_order(operator)
    url = f"{PATH}/{follow_up['id']}/attempts"
    assert (await operator.post(url, json={"outcome": "busy"}, headers={"If-Match": '"9"'})).status_code == 412
    assert (await qa.post(url, json={"outcome": "busy"})).status_code == 403
    assert (await qa.get(f"{PATH}/nothing")).status_code == 404


async def test_given_somebody_who_serves_one_area_then_follow_ups_of_no_elder_of_theirs_are_hidden(
    as_role: Login,
) -> None:
    operator, station = await as_role("operator"), await as_role("station", area="姑苏")
    _, follow_up = await done_order(operator)
    assert (await station.get(PATH)).json()["items"] == []
    assert (await station.get(f"{PATH}/{follow_up['id']}")).status_code == 404
