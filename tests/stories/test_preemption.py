"""2026-03-04, 14:20: the only operator explains a bill to a caller when an elder falls (A1, A9)."""

import time
from typing import Any

from tests.support.instance import Api, Instance
from tests.support.sipp import until

CALLER, OPERATOR, ELDER = 1300.0, 1900.0, 2300.0
"""Higher than what voices and music have much of: she is known by it even while a prompt plays."""


async def test_routine_call_gives_way_at_3_s_and_the_caller_has_her_operator_back(center: Instance) -> None:
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await center.until(lambda: _state(api, "op1", "ready"), what="a ready seat")
    caller = await center.dial("12349", "051288889999", seconds=120)
    await caller.answered(1)
    caller.media.key("3")
    desk = await (await op1.call(seconds=10)).answer()
    desk.play(OPERATOR)
    caller.media.play(CALLER)
    await until(lambda: caller.media.hears(OPERATOR) and desk.hears(CALLER), 3, "both to hear each other")
    (routine,) = (await api.get("/calls"))["items"]

    # An elder presses. Nobody is free: three seconds later the operator's own line is in her room.
    pressed = time.monotonic()
    elder = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await elder.answered(1)
    elder.media.play(ELDER)
    await until(lambda: desk.hears(ELDER), 6, "the operator to hear her")
    waited = time.monotonic() - pressed
    await until(lambda: elder.media.hears(OPERATOR), 2, "her to hear the operator")
    assert waited >= 3
    assert len(op1.calls) == 1, "no new ringing"
    assert not desk.hears(CALLER)
    (emergency,) = (await api.get("/emergencies"))["items"]
    assert 3000 <= emergency["human_answer_ms"] < 5000
    # The caller hears that it is not her fault, then music; she speaks to nobody, nobody to her.
    assert not any(event.startswith("ended") for event in caller.events)
    await until(lambda: "held-apology" in _asterisk_log(center), 3, "the apology")
    said = caller.media.last_heard_at
    await until(lambda: caller.media.last_heard_at > said + 0.5, 5, "music")
    assert not caller.media.hears(OPERATOR, ELDER, seconds=1)
    held = await api.get(f"/calls/{routine['id']}")
    assert held["ended_at"] is None
    assert [leg["reason"] for leg in held["legs"] if leg["role"] == "seat"] == ["preempted"]

    # The emergency is over: she is back with the same operator, before anybody else.
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "resolved", "cause": "fall"})
    await desk.until("ended", 10)
    again = await (await op1.call(seconds=5)).answer()
    again.play(OPERATOR)
    await until(lambda: caller.media.hears(OPERATOR) and again.hears(CALLER), 3, "both to hear each other again")
    caller.hangup()
    await again.until("ended", 10)
    call = await center.until(lambda: _over(api, routine["id"]), what="the call to be over")
    assert [leg["number"] for leg in call["legs"] if leg["role"] == "seat"] == ["op1", "op1"]
    recordings = await center.until(lambda: _verified(api, routine["id"]), 40, "verified recordings")
    assert [one["kind"] for one in recordings].count("leg") == 3, "hers, and the operator's before and after"
    rescue = await center.until(lambda: _verified(api, emergency["calls"][0]), 40, "verified recordings")
    assert [one["kind"] for one in rescue].count("leg") == 2


def _asterisk_log(center: Instance) -> str:
    assert center.asterisk is not None
    return center.asterisk.log()


async def _state(api: Api, user: str, state: str) -> bool:
    return any(seat["user"] == user and seat["state"] == state for seat in (await api.get("/seats"))["items"])


async def _over(api: Api, call_id: str) -> Any:
    call = await api.get(f"/calls/{call_id}")
    return call if call["ended_at"] else None


async def _verified(api: Api, call_id: str) -> Any:
    items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
    return items if items and all(item["status"] == "verified" for item in items) else None


async def test_the_controller_is_killed_while_it_moves_the_operator_and_nobody_is_lost(center: Instance) -> None:
    """R1, A9: kill -9 in the very moment; Asterisk goes on, and after the restart each has whom they should have."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await center.until(lambda: _state(api, "op1", "ready"), what="a ready seat")
    caller = await center.dial("12349", "051288889999", seconds=120)
    await caller.answered(1)
    caller.media.key("3")
    desk = await (await op1.call(seconds=10)).answer()
    desk.play(OPERATOR)
    caller.media.play(CALLER)
    await until(lambda: caller.media.hears(OPERATOR) and desk.hears(CALLER), 3, "both to hear each other")
    elder = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await elder.answered(1)
    elder.media.play(ELDER)
    await until(lambda: "seat_taken" in center.log(), 6, "the operator to be taken")
    center.kill()
    await center.serve()

    # The same line still, unless the crash took every trace of the move.
    await until(lambda: desk.hears(ELDER) or len(op1.calls) > 1, 15, "the operator to hear her, or to be rung")
    newest = op1.calls[-1]
    if newest is not desk:
        await newest.answer()
        newest.play(OPERATOR)
    await until(lambda: newest.hears(ELDER) and elder.media.hears(OPERATOR), 15, "the operator and her to be together")
    assert not newest.hears(CALLER)
    emergency = await center.until(lambda: _human(api), what="the human answer on record")
    assert [leg["number"] for leg in emergency["legs"] if leg["role"] == "seat" and leg["state"] == "joined"] == ["op1"]
    assert not any(event.startswith("ended") for event in caller.events)
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "resolved", "cause": "fall"})
    await newest.until("ended", 10)
    again = await (await op1.call(seconds=10)).answer()
    again.play(OPERATOR)
    await until(lambda: caller.media.hears(OPERATOR) and again.hears(CALLER), 3, "both to hear each other again")


async def _human(api: Api) -> Any:
    items = (await api.get("/emergencies?state=open"))["items"]
    return items[0] if items and items[0]["human_answer_ms"] is not None else None
