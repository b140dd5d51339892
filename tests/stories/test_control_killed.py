"""2026-03-05, an afternoon in which our process dies in the middle of everything an operator does (A10, B1, R1)."""

from typing import Any

from tests.stories.test_call_control import CALLER, FIRST, SECOND, THIRD, call, ready, with_operator
from tests.support.instance import Api, Instance
from tests.support.sipp import until


async def back(center: Instance, call_id: str, there: set[tuple[str, str]]) -> Api:
    """Our process again; it knows who is in the room now."""
    await center.serve()
    api = await center.sign_in("op1")

    async def known() -> Any:
        legs = (await call(api, call_id))["legs"]
        return {(leg["role"], leg["number"]) for leg in legs if leg["state"] == "joined"} == there

    await center.until(known, 20, "everybody in the room to be known")
    return api


async def test_killed_in_a_three_way_in_a_transfer_and_in_a_park_nobody_is_left_alone_in_silence(
    center: Instance,
) -> None:
    """Whoever was being called comes in by Asterisk alone; whom nobody comes for, the duty desk has."""
    api = await center.sign_in("op1")
    op1, trunk = await center.seat("op1"), await center.trunk()
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    me = ("elder", "051288889999")

    await api.post(f"/calls/{call_id}/legs", {"to": "number:13700000001"})
    daughter = await trunk.call("13700000001", seconds=10)
    center.kill()
    await daughter.answer()
    daughter.play(THIRD)
    await until(lambda: caller.media.hears(FIRST, THIRD) == {FIRST, THIRD}, 8, "her to hear both")
    await until(lambda: daughter.hears(CALLER, FIRST) == {CALLER, FIRST}, 8, "the daughter to hear both")
    api = await back(center, call_id, {me, ("seat", "op1"), ("number", "13700000001")})
    daughter.hangup()

    op2 = await center.seat("op2")
    await ready(center, api, "op2")
    await api.post(f"/calls/{call_id}/transfer", {"to": "seat:op2", "mode": "blind"})
    colleague = await op2.call(seconds=10)
    await desk.until("ended", 10)
    center.kill()
    await colleague.answer()
    colleague.play(SECOND)
    await until(lambda: caller.media.hears(SECOND) and colleague.hears(CALLER), 8, "her and op2 together")
    api = await back(center, call_id, {me, ("seat", "op2")})
    assert (await call(api, call_id))["transfer"] is None

    other = await center.sign_in("op2")
    await other.post(f"/calls/{call_id}/park")
    await colleague.until("ended", 10)
    center.kill()
    rescue = await (await op1.call(seconds=40)).answer()
    rescue.play(FIRST)
    await until(lambda: caller.media.hears(FIRST) and rescue.hears(CALLER), 8, "her and the duty desk together")
    await center.serve()
    await until(lambda: caller.media.hears(FIRST) and rescue.hears(CALLER), 8, "them to talk on")
    assert not any(event.startswith("ended") for event in caller.events)
    rescue.hangup()
    await until(lambda: any(event.startswith("ended") for event in caller.events), 20, "the end for her too")
