"""2026-03-04, 10:00: a caller who speaks the dialect, and one who calls again (B1, B7)."""

from typing import Any

from tests.stories.steps import gone, hears, said
from tests.support.instance import Api, Instance
from tests.support.sipp import until

MENU = {
    "name": "方言菜单",
    "root": "main",
    "nodes": {
        "main": {
            "prompts": ["menu"],
            "choices": {
                "0": {"do": "queue", "to": "general"},
                "1": {"do": "queue", "to": "wu"},
                "9": {"do": "emergency"},
            },
            "otherwise": {"do": "queue"},
        }
    },
}


async def seat(api: Api, user: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in (await api.get("/seats"))["items"] if one["user"] == user)
    return found


async def in_state(center: Instance, api: Api, user: str, state: str, seconds: float = 10) -> dict[str, Any]:
    async def there() -> Any:
        found = await seat(api, user)
        return found if found["state"] == state else None

    found: dict[str, Any] = await center.until(there, seconds, f"{user} to be {state}")
    return found


async def test_a_skill_reaches_its_seat_which_lets_it_ring_out_and_the_caller_overflows_to_another_queue(
    center: Instance,
) -> None:
    supervisor = await center.sign_in("sup1")
    wu = {"code": "wu", "name": "吴语专席", "skill": "吴语", "min_level": 3, "ring_seconds": 5}
    wu["overflow"] = [{"when": "wait", "over": 10, "to": "queue:general"}]
    await supervisor.post("/queues", wu, status=201)
    await supervisor.call("PUT", "/seats/op1/skills", json={"skills": {"吴语": 4}})
    menu = await supervisor.post("/menus", MENU)
    await supervisor.post(f"/menus/{menu['id']}/publish")
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    first = await in_state(center, supervisor, "op1", "ready")
    await in_state(center, supervisor, "op2", "ready")
    assert first["queues"] == ["general", "wu"]

    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=90)
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the menu")
    caller.media.key("1")
    await op1.call(seconds=10)
    (waiting,) = (await supervisor.get("/queues/wu/callers"))["items"]
    assert (waiting["position"], waiting["expected_wait_seconds"]) == (1, 180)

    # op1 lets it ring: paused with the reason, and nobody else of the queue is there.
    paused = await in_state(center, supervisor, "op1", "paused", 10)
    assert paused["reason"] == "no_answer"
    assert paused["deadline"] is not None
    assert not op2.calls, "op2 does not speak the dialect"
    assert [one["call_id"] for one in (await supervisor.get("/queues/wu/callers"))["items"]] == [waiting["call_id"]]

    desk = await (await op2.call(seconds=12)).answer()
    desk.play(600)
    caller.media.play(400)
    assert desk.media is not None
    await hears(caller.media, 600, what="her to hear the operator")
    await hears(desk.media, 400, what="the operator to hear her")
    assert (await supervisor.get("/queues/wu/callers"))["items"] == []

    operator = await center.sign_in("op1")
    back = await operator.call("PUT", "/seats/me/state", json={"state": "ready"})
    assert (back["state"], back["deadline"]) == ("ready", None)
    caller.hangup()
    await in_state(center, supervisor, "op2", "ready")


async def test_who_calls_again_has_her_last_operator_though_another_is_longer_idle(center: Instance) -> None:
    supervisor = await center.sign_in("sup1")
    await supervisor.call("PUT", "/queues/general", json={"name": "综合", "sticky_seconds": 20, "wrap_up_seconds": 1})

    async def sticky() -> Any:
        return (await supervisor.get("/queues/general"))["sticky_seconds"] == 20

    await center.until(sticky, what="the queue to be changed")
    op1 = await center.seat("op1")
    await in_state(center, supervisor, "op1", "ready")
    number = center.elders[1]["phones"][0]
    caller = await center.dial("12349", number, seconds=60)
    await caller.answered(1)
    caller.media.key("1")
    await (await op1.call(seconds=10)).answer()
    await in_state(center, supervisor, "op1", "talking")
    op2 = await center.seat("op2")
    await in_state(center, supervisor, "op2", "ready")
    caller.hangup()
    await in_state(center, supervisor, "op1", "ready")

    again = await center.dial("12349", number, seconds=60)
    await again.answered(1)
    again.media.key("1")
    await until(lambda: len(op1.calls) == 2, 10, "her operator to ring again")
    assert not op2.calls
    again.hangup()


async def test_who_waits_hears_for_how_long_and_another_centre_takes_her_while_she_keeps_her_place(
    center: Instance,
) -> None:
    supervisor = await center.sign_in("sup1")
    busy = {
        "name": "综合",
        "announce_wait": True,
        "overflow": [{"when": "wait", "over": 11, "to": "number:051287654321"}],
    }
    await supervisor.call("PUT", "/queues/general", json=busy)
    op1, outside = await center.seat("op1"), await center.trunk()
    await in_state(center, supervisor, "op1", "ready")
    first = await center.dial("12349", center.elders[0]["phones"][0], seconds=90)
    await first.answered(1)
    first.media.key("1")
    await (await op1.call(seconds=10)).answer()

    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=90)
    await caller.answered(1)
    caller.media.key("1")
    assert center.asterisk is not None
    server = center.asterisk
    await until(lambda: "Playing 'expected-wait" in server.log(), 12, "how long it may take")
    await said(center, "minutes")
    other = await outside.call("051287654321", seconds=12)
    (waiting,) = (await supervisor.get("/queues/general/callers"))["items"]
    assert waiting["position"] == 1
    desk = await other.answer()
    assert desk.media is not None
    desk.play(600)
    caller.media.play(400)
    await hears(caller.media, 600, what="her to hear the other centre")
    await hears(desk.media, 400, what="the other centre to hear her")
    assert (await supervisor.get("/queues/general/callers"))["items"] == []
    desk.hangup()
    await until(lambda: gone(caller), 5, "her call to end")
