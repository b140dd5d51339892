"""2026-03-06, 10:40: everybody talks, and Mrs. Zhao does not want to wait with the receiver at her ear (B1)."""

from typing import Any

import pytest

from tests.stories.steps import after, close, gone, ready, said, the_open_one, verified
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

HER, OPERATOR = 1300.0, 1900.0


async def waiting(center: Instance, caller: Caller, *, since: int = 0) -> None:
    """She has chosen from the menu and is in her room, where her keys mean something."""
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the welcome")
    caller.media.key("0")
    assert center.asterisk is not None
    server = center.asterisk

    def in_room() -> bool:
        return "cc_caller_menu" in server.log() and server.cli("confbridge list").count("\n") > 2 + since

    await until(in_room, 10, "her room")


async def one_callback(center: Instance, api: Api, state: str) -> Any:
    async def found() -> Any:
        items = (await api.get(f"/callbacks?state={state}"))["items"]
        return items[0] if items else None

    return await center.until(found, 15, f"a call-back that is {state}")


async def pause(api: Api) -> None:
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "培训"})


async def test_she_presses_1_confirms_her_number_hangs_up_and_is_called_when_a_seat_is_free(center: Instance) -> None:
    """B1, B6: her place kept, the seat first, both voices, one recording; who came later is served later."""
    trunk = await center.trunk()
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, 1)
    await pause(api)
    number = center.elders[1]["phones"][0]

    caller = await center.dial("12349", number, seconds=120)
    await waiting(center, caller)
    caller.media.key("1")
    await said(center, "callback-number")
    caller.media.key("1")
    await said(center, "callback-taken")
    kept = await one_callback(center, api, "waiting")
    assert (kept["number"], kept["elder_id"], kept["by_caller"]) == (number, center.elders[1]["id"], True)
    assert after(kept["since"], kept["asked_at"]) > 0, "her place counts from when she called"
    await until(lambda: gone(caller), 20, "her line to end")
    late = await center.dial("12349", "051288889999", seconds=120)
    await waiting(center, late)
    assert trunk.calls == []

    await api.call("PUT", "/seats/me/state", json={"state": "ready"})
    ringing = await op1.call(seconds=5)
    assert number in ringing.headers, "the operator sees whose call-back it is"
    assert trunk.calls == [], "nobody is called before there is somebody to speak with"
    desk = await ringing.answer()
    her = await (await trunk.call(number, seconds=5)).answer()
    desk.play(OPERATOR)
    her.play(HER)
    await until(lambda: bool(her.hears(OPERATOR)), 5, "her to hear the operator")
    await until(lambda: bool(desk.hears(HER)), 5, "the operator to hear her")
    done = await one_callback(center, api, "done")
    assert done["id"] == kept["id"]
    assert [attempt["reason"] for attempt in done["attempts"]] == ["reached"]
    her.hangup()
    recordings = await verified(center, api, done["call_id"])
    assert {recording["kind"] for recording in recordings} == {"mix", "leg"}
    # Then it is the turn of the one who came later.
    await (await op1.call(seconds=10)).answer()
    assert len(trunk.calls) == 1


async def test_who_is_busy_is_tried_later_and_who_calls_herself_has_her_old_place(center: Instance) -> None:
    """B1: retried by rule; a call of her own takes the place and ends the call-back."""
    trunk = await center.trunk({"*": "busy"})
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, 1)
    await pause(api)
    caller = await center.dial("12349", "13800001077", seconds=120)
    await waiting(center, caller)
    caller.media.key("1")
    await said(center, "callback-number")
    caller.media.key("2")
    await said(center, "key-number")
    caller.media.key("120#")
    await said(center, "callback-refused")
    caller.media.key("13900001078#")
    await said(center, "callback-number", 2)
    caller.media.key("1")
    kept = await one_callback(center, api, "waiting")
    assert (kept["number"], kept["caller"]) == ("13900001078", "13800001077")

    await api.call("PUT", "/seats/me/state", json={"state": "ready"})
    await (await op1.call(seconds=5)).answer()

    async def missed() -> Any:
        one = await api.get(f"/callbacks/{kept['id']}")
        return one if one["attempts"] and one["attempts"][-1]["reason"] else None

    once = await center.until(missed, 15, "the busy attempt")
    assert (once["state"], once["attempts"][0]["reason"]) == ("waiting", "busy")
    assert 100 < after(once["attempts"][0]["at"], once["next_at"]) < 150
    assert [call.number for call in trunk.calls] == ["13900001078"]

    await pause(api)
    again = await center.dial("12349", "13800001077", seconds=60)
    await again.answered(1)
    again.media.key("0")
    cancelled = await one_callback(center, api, "cancelled")
    assert (cancelled["id"], cancelled["reason"]) == (kept["id"], "called_herself")


async def test_9_in_the_queue_is_an_emergency(center: Instance) -> None:
    """B1, A9: whoever waits and feels unwell presses one key."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, 1)
    await pause(api)
    caller = await center.dial("12349", center.elders[2]["phones"][0], seconds=60)
    await waiting(center, caller)
    caller.media.key("9")
    emergency = await the_open_one(center, api)
    assert (emergency["origin"], emergency["elder_id"]) == ("menu", center.elders[2]["id"])
    desk = await (await op1.call(seconds=10)).answer()
    caller.media.play(HER)
    await until(lambda: bool(desk.hears(HER)), 5, "the operator to hear her")
    await close(api, emergency["id"], "已电话安抚")


@pytest.mark.parametrize("key", ["5", "*"])
async def test_other_keys_in_the_queue_do_nothing(center: Instance, key: str) -> None:
    """B1: music and place go on."""
    api = await center.sign_in("op1")
    caller = await center.dial("12349", "051288889999", seconds=60)
    await waiting(center, caller)
    caller.media.key(key)
    await said(center, "next-in-line")
    heard = caller.media.last_heard_at
    await until(lambda: caller.media.last_heard_at > heard, 5, "music")
    assert (await api.get("/callbacks"))["items"] == []
