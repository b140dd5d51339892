"""2026-03-03, 09:15: calls to the hotline: a service request, an enquiry, an emergency (B1)."""

from typing import Any

from tests.support.instance import Api, Instance
from tests.support.sipp import until


async def seats_ready(api: Api, count: int) -> bool:
    seats = (await api.get("/seats"))["items"]
    return [seat["state"] for seat in seats].count("ready") == count


async def state_of(api: Api, user: str) -> str:
    return str(next(seat["state"] for seat in (await api.get("/seats"))["items"] if seat["user"] == user))


async def newest_call(api: Api) -> Any:
    items = (await api.get("/calls"))["items"]
    return items[0] if items else None


async def _intake(api: Api, call_id: str, state: str = "open") -> Any:
    items = (await api.get(f"/intake?call_id={call_id}&state={state}"))["items"]
    return items[0] if items else None


async def test_service_request_waits_with_music_and_place_reaches_the_longest_idle_seat_and_becomes_a_work_order(
    center: Instance,
) -> None:
    """B1, B5, B6, B7: menu, queue, longest idle, recording, disposition, work order."""
    elder = center.elders[1]
    api = await center.sign_in("op1")
    other = await center.sign_in("op2")
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    await center.until(lambda: seats_ready(api, 2), what="two ready seats")
    # op1 was away a moment ago, so op2 is longer idle. Both pause: the caller has to wait.
    await other.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "培训"})
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "午餐"})

    caller = await center.dial("12349", elder["phones"][0], seconds=90)
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the welcome")
    caller.media.key("7")
    caller.media.key("1")
    waiting = await center.until(lambda: _chosen(api, "1"), 20, "the choice in the record")
    assert waiting["line"] == "hotline"
    assert waiting["elder_id"] == elder["id"]
    assert not op1.calls
    assert not op2.calls
    said = caller.media.last_heard_at
    await until(lambda: caller.media.last_heard_at > said, 5, "music while she waits")
    await until(lambda: "next-in-line" in _asterisk_log(center), 15, "her place")

    await other.call("PUT", "/seats/me/state", json={"state": "ready"})
    ringing = await op2.call(seconds=3)
    screen = await other.get(f"/calls/{waiting['id']}/screen")
    assert (screen["elder"]["id"], screen["complete"]) == (elder["id"], True)
    assert screen["contacts"]
    await api.call("PUT", "/seats/me/state", json={"state": "ready"})
    desk = await ringing.answer()
    desk.play(600)
    caller.media.play(400)
    await until(lambda: caller.media.hears(600), 3, "her to hear the operator")
    await until(lambda: desk.hears(400), 3, "the operator to hear her")
    assert not op1.calls, "a hotline call rings one seat"
    assert await state_of(api, "op2") == "talking"
    note = {"text": "要求明天上午打扫", "revision": 0}
    assert (await other.call("PUT", f"/calls/{waiting['id']}/note", json=note))["revision"] == 1
    item = await center.until(lambda: _intake(api, waiting["id"]), what="the call in the list of intake")
    assert (item["state"], item["taken_by"], item["elder_id"]) == ("taken", "op2", elder["id"])
    await desk.goodbye()
    await until(lambda: any(event.startswith("ended") for event in caller.events), 5, "the call to end for her too")
    call = await center.until(lambda: _over(api, waiting["id"]), what="the call to be over")
    assert {leg["state"] for leg in call["legs"]} == {"ended"}
    assert await state_of(api, "op2") in ("wrap_up", "ready")

    await other.post(f"/calls/{call['id']}/disposition", {"disposition": "nonsense"}, status=422)
    done = await other.post(
        f"/calls/{call['id']}/disposition",
        {"disposition": "work_order", "kind": "service", "summary": "明天上午打扫卫生"},
    )
    assert done["disposition"] == "work_order"
    await other.post(f"/calls/{call['id']}/disposition", {"disposition": "answered"}, status=409)
    orders = await center.until(lambda: _orders(api, call["id"]), what="the work order")
    assert [(order["kind"], order["state"], order["elder_id"]) for order in orders] == [
        ("service", "intake", elder["id"])
    ]
    settled = await center.until(lambda: _intake(api, call["id"], "done"), what="the item's outcome")
    assert (settled["outcome"], settled["outcome_id"]) == ("work_order", orders[0]["id"])
    assert (await api.get(f"/calls/{call['id']}"))["note"] == note["text"]
    recordings = await center.until(lambda: _verified(api, call["id"]), 40, "verified recordings")
    assert {recording["kind"] for recording in recordings} == {"mix", "leg"}


async def test_enquiry_is_closed_as_answered_without_a_work_order(center: Instance) -> None:
    """B4, B5: answered on the spot."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await center.until(lambda: seats_ready(api, 1), what="a ready seat")
    caller = await center.dial("12349", "051288889999", seconds=60)
    await caller.answered(1)
    caller.media.key("3")
    await (await op1.call(seconds=10)).answer()
    caller.hangup()
    call = await center.until(lambda: _newest_over(api), what="the call to be over")
    assert call["elder_id"] is None
    await api.post(f"/calls/{call['id']}/disposition", {"disposition": "answered", "summary": "长护险政策"})
    await center.until(lambda: _disposed(api, call["id"]), what="the disposition in the database")
    assert await _orders(api, call["id"]) == []


async def test_menu_nine_is_an_emergency_and_rings_every_seat(center: Instance) -> None:
    """B1, A9: 9 in the menu is a press of the pendant."""
    api = await center.sign_in("op1")
    seats = [await center.seat(user) for user in ("op1", "op2")]
    await center.until(lambda: seats_ready(api, 2), what="two ready seats")
    caller = await center.dial("12349", center.elders[2]["phones"][0], seconds=60)
    await caller.answered(1)
    caller.media.key("9")
    both = [await seat.call(seconds=10) for seat in seats]
    desk = await both[1].answer()
    caller.media.play(500)
    await until(lambda: desk.hears(500), 3, "the operator to hear her")
    (emergency,) = (await api.get("/emergencies"))["items"]
    assert emergency["origin"] == "menu"
    assert emergency["elder_id"] == center.elders[2]["id"]
    assert (await newest_call(api))["line"] == "emergency"


def _asterisk_log(center: Instance) -> str:
    assert center.asterisk is not None
    return center.asterisk.log()


async def _chosen(api: Api, digit: str) -> Any:
    call = await newest_call(api)
    return call if call and call["digit"] == digit else None


async def _over(api: Api, call_id: str) -> Any:
    call = await api.get(f"/calls/{call_id}")
    return call if call["ended_at"] else None


async def _newest_over(api: Api) -> Any:
    call = await newest_call(api)
    return call if call and call["ended_at"] else None


async def _disposed(api: Api, call_id: str) -> bool:
    timeline = (await api.get(f"/calls/{call_id}/timeline?limit=500"))["items"]
    return any(fact["kind"] == "call.dispositioned" for fact in timeline)


async def _orders(api: Api, call_id: str) -> Any:
    return (await api.get(f"/work-orders?call_id={call_id}"))["items"]


async def _verified(api: Api, call_id: str) -> Any:
    items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
    return items if items and all(item["status"] == "verified" for item in items) else None
