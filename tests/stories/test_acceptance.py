"""2026-03-05, 02:10: op1's headset lies on the desk and its phone answers by itself; nobody is there (R12, R13)."""

import asyncio
from typing import Any

from tests.support.instance import Api, Instance
from tests.support.sipp import Answerer, Caller, until

ELDER, OPERATOR = 400.0, 640.0


async def test_a_phone_that_answers_by_itself_is_accepted_only_when_somebody_speaks_keys_or_clicks(
    center: Instance,
) -> None:
    api = await center.sign_in("op1")
    assert (await api.call("PUT", "/seats/me/auto-answer", json={"on": True}))["auto_answer"] is True
    op1, op2 = await center.seat("op1", auto="answer"), await center.seat("op2")
    await center.until(lambda: _knows(api), what="routing to know")

    # Nobody sits there: her room is not empty, but the ladder goes on, and after 8 s the phone is taken out again.
    press, emergency = await _press(center, api, 0)
    silent = await op1.call(seconds=3)
    assert "answer-after=0" in silent.headers
    await silent.until("answered")
    ringing = await op2.call(seconds=3)
    assert "answer-after" not in ringing.headers
    await silent.until("ended", 12)
    assert "cancelled" not in ringing.events
    now = await api.get(f"/emergencies/{emergency['id']}")
    assert now["human_answer_ms"] is None
    assert now["needs_human"]
    assert [leg["reason"] for leg in now["legs"] if leg["number"] == "op1"] == ["no_life"]
    await ringing.answer()
    await center.until(lambda: _answered(api, emergency), what="the human answer")
    assert len(op1.calls) == 1
    await _close(center, api, press, emergency)

    # Somebody speaks; then, for another elder, presses a key; then clicks.
    for number, sign in enumerate(("speech", "key", "click"), start=1):
        await _a_sign_of_life(center, api, op1, op2, number, sign)


async def _a_sign_of_life(center: Instance, api: Api, op1: Answerer, op2: Answerer, number: int, sign: str) -> None:
    before = len(op2.calls)
    press, emergency = await _press(center, api, number)
    desk = await op1.call(seconds=3)
    await desk.until("answered")
    press.media.play(ELDER)
    await until(lambda: desk.hears(ELDER), 3, "her voice at the desk")
    await until(lambda: len(op2.calls) > before, 3, "op2 to ring on")
    assert "cancelled" not in op2.calls[-1].events
    assert (await api.get(f"/emergencies/{emergency['id']}"))["human_answer_ms"] is None
    if sign == "speech":
        desk.play(OPERATOR)
    elif sign == "key":
        desk.key("5")
    else:
        await api.post(f"/emergencies/{emergency['id']}/accept")
    await op2.calls[-1].until("cancelled")
    await center.until(lambda: _answered(api, emergency), what="the human answer")
    accepted = await center.until(lambda: _accepted(api, emergency), what="the fact in the record")
    assert [fact["data"]["how"] for fact in accepted] == [sign]
    assert press.media.digits_heard == "", "a key never reaches her device (R25)"
    await _close(center, api, press, emergency)


async def test_two_seats_in_the_same_10_ms_again_and_again_one_is_in_and_both_are_right(center: Instance) -> None:
    """R13, in every mixture of picking up by hand and by itself."""
    api = await center.sign_in("op1")
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    await center.until(lambda: _states(api, "ready", "ready"), what="two ready seats")
    for number in range(4):
        if number == 2:
            await api.call("PUT", "/seats/me/auto-answer", json={"on": True})
            await center.until(lambda: _knows(api), what="routing to know")
        await _both_pick_up(center, api, op1, op2, number)


async def _both_pick_up(center: Instance, api: Api, op1: Answerer, op2: Answerer, number: int) -> None:
    press, emergency = await _press(center, api, number)
    first, second = [await seat.call(seconds=3) for seat in (op1, op2)]
    await asyncio.gather(first.pick_up(), second.pick_up())  # the slower one may still be cancelled
    first.play(OPERATOR)  # a human, whichever way the phone was picked up
    await center.until(lambda: _one_in(api, emergency), what="one to be in")
    await until(lambda: ("ended" in first.events) != ("ended" in second.events), 8, "the other to be told")
    wanted = ("talking", "ready") if "ended" in second.events else ("ready", "talking")
    await center.until(lambda: _states(api, *wanted), what=f"the seats to be {wanted}")
    assert (await api.get(f"/emergencies/{emergency['id']}"))["human_answer_ms"] is not None
    await _close(center, api, press, emergency)
    await center.until(lambda: _states(api, "ready", "ready"), what="both free again")


async def _press(center: Instance, api: Api, elder: int) -> tuple[Caller, Any]:
    press = await center.dial("95120", center.elders[elder]["phones"][0], seconds=60)
    await press.answered(2)
    emergency = await center.until(lambda: _open(api), what="the emergency")
    return press, emergency


async def _close(center: Instance, api: Api, press: Caller, emergency: Any) -> None:
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "resolved", "cause": "fall"})
    await until(lambda: any(event.startswith("ended") for event in press.events), 10, "her line to end")
    await center.until(lambda: _nobody_talks(api), what="the seats to be free")


async def _open(api: Api) -> Any:
    items = (await api.get("/emergencies?state=open"))["items"]
    return items[0] if items else None


async def _knows(api: Api) -> bool:
    return any(seat["user"] == "op1" and seat["auto_answer"] and seat["registered"]
               for seat in (await api.get("/seats"))["items"])  # fmt: skip


async def _answered(api: Api, emergency: Any) -> bool:
    return (await api.get(f"/emergencies/{emergency['id']}"))["human_answer_ms"] is not None


async def _accepted(api: Api, emergency: Any) -> Any:
    timeline = (await api.get(f"/emergencies/{emergency['id']}/timeline?limit=500"))["items"]
    return [fact for fact in timeline if fact["kind"] == "leg.accepted"]


async def _one_in(api: Api, emergency: Any) -> bool:
    legs = (await api.get(f"/emergencies/{emergency['id']}"))["legs"]
    return [leg["state"] for leg in legs if leg["role"] == "seat"].count("joined") == 1


async def _states(api: Api, *wanted: str) -> bool:
    seats = {seat["user"]: seat["state"] for seat in (await api.get("/seats"))["items"]}
    return [seats["op1"], seats["op2"]] == list(wanted)


async def _nobody_talks(api: Api) -> bool:
    return all(seat["state"] != "talking" for seat in (await api.get("/seats"))["items"])
