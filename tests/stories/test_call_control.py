"""2026-03-05, a morning on the hotline: hold, a question to a colleague, three on a line, a parked caller (B1, B7)."""

import signal
from typing import Any

import pytest

from tests.support.baresip import Baresip
from tests.support.instance import Api, Instance
from tests.support.sipp import AnsweredCall, Answerer, Caller, until

CALLER, FIRST, SECOND, THIRD = 1300.0, 1900.0, 2300.0, 2700.0
"""The tones by which each of them is known in the others' ears; voices and music have little of them."""


async def ready(center: Instance, api: Api, *users: str) -> None:
    async def are() -> bool:
        seats = (await api.get("/seats"))["items"]
        return {seat["user"] for seat in seats if seat["state"] == "ready"} >= set(users)

    await center.until(are, what=f"{users} to be ready")


async def with_operator(center: Instance, api: Api, op1: Answerer) -> tuple[Caller, AnsweredCall, str]:
    """A caller who talks with op1; both say their tones. Answers the call's id too."""
    caller = await center.dial("12349", "051288889999", seconds=180)
    await caller.answered(1)
    caller.media.key("3")
    desk = await (await op1.call(seconds=10)).answer()
    desk.play(FIRST)
    caller.media.play(CALLER)
    await until(lambda: caller.media.hears(FIRST) and desk.hears(CALLER), 3, "both to hear each other")
    items = (await api.get("/calls?live=true"))["items"]
    return caller, desk, str(items[0]["id"])


async def call(api: Api, call_id: str) -> Any:
    return await api.get(f"/calls/{call_id}")


async def on_hold(center: Instance, api: Api, call_id: str) -> None:
    """Wait until the caller is out of the room."""

    async def out() -> bool:
        legs = (await call(api, call_id))["legs"]
        return [leg["state"] for leg in legs if leg["role"] == "elder"] == ["answered"]

    await center.until(out, what="the caller to be on hold")


async def over(center: Instance, api: Api, call_id: str) -> Any:
    async def ended() -> Any:
        found = await call(api, call_id)
        return found if found["ended_at"] else None

    return await center.until(ended, what="the call to be over")


async def recorded(center: Instance, api: Api, call_id: str) -> list[dict[str, Any]]:
    async def done() -> Any:
        items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
        return items if items and all(item["status"] == "verified" for item in items) else None

    found: list[dict[str, Any]] = await center.until(done, 40, "verified recordings")
    return found


def music(line: Caller, *voices: float) -> bool:
    """Whether she hears something, and none of these voices."""
    return line.media.loudness(1.0) > 20 and not line.media.hears(*voices, seconds=1.0)


async def test_hold_with_music_then_a_colleague_is_asked_and_has_the_caller(center: Instance) -> None:
    """B1, B7: hold, resume, attended transfer; one recording of the whole call, a leg's of everybody."""
    api, other = await center.sign_in("op1"), await center.sign_in("op2")
    op1 = await center.seat("op1")
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)

    held = await api.post(f"/calls/{call_id}/hold")
    assert held["held"]
    await on_hold(center, api, call_id)
    await until(lambda: music(caller, FIRST), 5, "music, and the operator's voice not")
    await until(lambda: not desk.hears(CALLER), 5, "the operator not to hear her")
    await other.post(f"/calls/{call_id}/resume", status=409)
    back = await api.post(f"/calls/{call_id}/resume")
    assert not back["held"]
    await until(lambda: caller.media.hears(FIRST) and desk.hears(CALLER), 5, "both to hear each other again")

    op2 = await center.seat("op2")
    await ready(center, api, "op2")
    asked = await api.post(f"/calls/{call_id}/transfer", {"to": "seat:op2", "mode": "attended"})
    assert asked["held"]
    assert asked["transfer"]["to"] == "seat:op2"
    colleague = await (await op2.call(seconds=5)).answer()
    colleague.play(SECOND)
    await until(lambda: colleague.hears(FIRST) and desk.hears(SECOND), 5, "the two to speak")
    await until(lambda: music(caller, FIRST, SECOND), 5, "music for the caller meanwhile")
    assert not colleague.hears(CALLER)
    # The same call on the colleague's screen.
    seats = (await other.get("/seats"))["items"]
    assert next(seat["state"] for seat in seats if seat["user"] == "op2") == "talking"
    done = await api.post(f"/calls/{call_id}/transfer/complete")
    assert done["transfer"] is None
    await until(lambda: caller.media.hears(SECOND) and colleague.hears(CALLER), 5, "her and the colleague together")
    await desk.until("ended", 5)
    caller.hangup()
    await colleague.until("ended", 10)
    ended = await over(center, api, call_id)
    legs = [(leg["number"], leg["reason"]) for leg in ended["legs"] if leg["role"] == "seat"]
    assert legs == [("op1", "transferred"), ("op2", "normal")]
    kinds = sorted(one["kind"] for one in await recorded(center, api, call_id))
    assert kinds == ["leg", "leg", "leg", "mix"]


async def test_a_call_that_turns_out_to_be_an_emergency_stays_together_and_120_joins_it(center: Instance) -> None:
    """A2, B1: nobody is called who is on the line; the operator's own key brings 120 in; she is never left."""
    api = await center.sign_in("op1")
    op1, trunk = await center.seat("op1"), await center.trunk(auto={"120": "answer"})
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    incident = await api.post("/emergencies", {"kind": "illness", "call_id": call_id})
    assert (await call(api, call_id))["incident_id"] == incident["id"]
    desk.key("*1")
    ambulance = await trunk.call("120")
    await ambulance.until("answered", 10)
    assert ambulance.media is not None
    ambulance.media.play(THIRD)
    await until(lambda: caller.media.hears(FIRST, THIRD) and desk.hears(CALLER, THIRD), 8, "the three together")
    shown = await api.get(f"/emergencies/{incident['id']}")
    assert shown["human_answer_ms"] is not None
    assert [leg["role"] for leg in shown["legs"]] == ["elder", "seat", "120"]
    desk.hangup()
    await desk.until("ended", 10)
    await until(lambda: caller.media.hears(THIRD), 5, "120, who is with her still")
    await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "hospital"})
    await over(center, api, call_id)


@pytest.mark.parametrize("where", ["hold", "park"])
async def test_9_on_hold_or_parked_is_an_emergency(center: Instance, where: str) -> None:
    """B1, A2: alone with music; any other key changes nothing."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await api.post(f"/calls/{call_id}/{where}")
    await until(lambda: music(caller, FIRST), 5, "music, and the operator's voice not")
    caller.media.key("5")
    await until(lambda: music(caller, FIRST), 5, "music again")
    assert (await call(api, call_id))["line"] == "hotline"
    caller.media.key("9")

    async def emergency() -> bool:
        return bool((await call(api, call_id))["line"] == "emergency")

    await center.until(emergency, what="the emergency")
    if where == "park":
        desk = await (await op1.call(seconds=15)).answer()
        desk.play(FIRST)
    await until(lambda: caller.media.hears(FIRST) and desk.hears(CALLER), 8, "her and the operator together")
    (incident,) = (await api.get("/emergencies"))["items"]
    assert incident["id"] == (await call(api, call_id))["incident_id"]


async def test_three_talk_and_the_operator_leaves_two(center: Instance) -> None:
    """B1: three on a line; then a blind transfer to a number that is busy comes back."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    trunk = await center.trunk({"13700000009": "busy"})
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await api.post(f"/calls/{call_id}/legs", {"to": "number:+1 202 555 0123"}, status=422)
    leg = await api.post(f"/calls/{call_id}/legs", {"to": "number:137 0000 0001"})
    daughter = await (await trunk.call("13700000001", seconds=5)).answer()
    daughter.play(THIRD)
    await until(lambda: caller.media.hears(FIRST, THIRD) == {FIRST, THIRD}, 5, "her to hear both")
    await until(lambda: desk.hears(CALLER, THIRD) == {CALLER, THIRD}, 5, "the operator to hear both")
    await until(lambda: daughter.hears(CALLER, FIRST) == {CALLER, FIRST}, 5, "the daughter to hear both")
    await api.post(f"/calls/{call_id}/mute", {"leg": leg["id"], "muted": True})
    await until(lambda: not caller.media.hears(THIRD) and caller.media.hears(FIRST), 5, "the daughter to be muted")
    await api.call("DELETE", f"/calls/{call_id}/legs/{leg['id']}")
    await daughter.until("ended", 5)
    assert caller.media.hears(FIRST)

    await api.post(f"/calls/{call_id}/transfer", {"to": "number:13700000009", "mode": "blind"})
    await desk.until("ended", 5)
    again = await (await op1.call(seconds=10)).answer()
    again.play(FIRST)
    await until(lambda: caller.media.hears(FIRST) and again.hears(CALLER), 5, "her to be back with her operator")
    await api.post(f"/calls/{call_id}/hangup")
    await until(lambda: any(event.startswith("ended") for event in caller.events), 5, "the end for her too")
    assert (await over(center, api, call_id))["disposition"] == ""


async def test_parked_and_fetched_by_another_seat(center: Instance) -> None:
    """B1: a slot, music, any seat."""
    api, other = await center.sign_in("op1"), await center.sign_in("op2")
    op1 = await center.seat("op1")
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "培训"})
    assert (await api.post(f"/calls/{call_id}/park"))["slot"] == 1
    await desk.until("ended", 5)
    await until(lambda: music(caller, FIRST), 5, "music")
    assert (await call(api, call_id))["parked"] == 1
    op2 = await center.seat("op2")
    await ready(center, api, "op2")
    await other.post(f"/calls/{call_id}/retrieve")
    desk2 = await (await op2.call(seconds=5)).answer()
    desk2.play(SECOND)
    await until(lambda: caller.media.hears(SECOND) and desk2.hears(CALLER), 5, "her and op2 together")
    assert (await call(api, call_id))["parked"] is None

    caller.hangup()
    await desk2.until("ended", 10)
    await over(center, api, call_id)


async def test_the_operators_phone_dies_in_the_hold_and_the_next_seat_has_her(center: Instance) -> None:
    """R14, B7: power lost, no BYE; she is the first in the queue, hears music meanwhile and is never cut off."""
    api, other = await center.sign_in("op1"), await center.sign_in("op2")
    password = next(seat["sip_password"] for seat in center.credentials["seats"] if seat["user"] == "op1")
    phone = await Baresip.register(center.folder, center.settings, "op1", password, tone=int(FIRST))
    try:
        await ready(center, api, "op1")
        caller = await center.dial("12349", "051288889999", seconds=180)
        await caller.answered(1)
        caller.media.key("3")
        await phone.answer()
        await until(lambda: caller.media.hears(FIRST), 5, "her to hear the operator")
        # Only of a phone that was seen to answer its silence tells anything: it is asked in the first second.
        said = caller.media.packets
        await until(lambda: caller.media.packets > said + 150, 10, "three seconds of talk")
        (item,) = (await api.get("/calls?live=true"))["items"]
        await api.post(f"/calls/{item['id']}/hold")
        await on_hold(center, api, item["id"])
        op2 = await center.seat("op2")
        await ready(center, other, "op2")
        await until(lambda: music(caller, FIRST), 5, "music")
        await phone.kill()
        rescue = await (await op2.call(seconds=15)).answer()
        rescue.play(SECOND)
        caller.media.play(CALLER)
        await until(lambda: caller.media.hears(SECOND) and rescue.hears(CALLER), 8, "her with the next seat")
        assert not any(event.startswith("ended") for event in caller.events)
        await rescue.goodbye()
        ended = await over(center, api, item["id"])
        legs = [(leg["number"], leg["reason"]) for leg in ended["legs"] if leg["role"] == "seat"]
        assert legs == [("op1", "dead"), ("op2", "normal")]
    finally:
        await phone.close()


async def _rings(api: Api) -> bool:
    return bool((await api.get("/seats/me"))["state"] == "ringing")


async def test_an_operator_calls_somebody_and_the_controller_dies_in_the_hold(center: Instance) -> None:
    """B1, A10: the seat rings first; recorded; hold ends by itself without us, and is right again after a restart."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    trunk = await center.trunk()
    await ready(center, api, "op1")
    made = await api.post("/calls", {"number": "137 0000 0001", "purpose": "follow_up"})
    assert (made["line"], made["caller"]) == ("outbound", "13700000001")
    desk = await (await op1.call(seconds=5)).answer()
    far = await (await trunk.call("13700000001", seconds=5)).answer()
    desk.play(FIRST)
    far.play(CALLER)
    await until(lambda: far.hears(FIRST) and desk.hears(CALLER), 5, "both to hear each other")
    await api.post(f"/calls/{made['id']}/hold")
    await on_hold(center, api, made["id"])
    await until(lambda: not desk.hears(CALLER), 5, "hold")
    center.kill()
    await until(lambda: far.hears(FIRST) and desk.hears(CALLER), 30, "the lease to bring them together again")
    await center.serve()
    shown = await center.until(lambda: _live(api, made["id"]), what="the call to be known again")
    assert not shown["held"]
    await api.post(f"/calls/{made['id']}/hold")
    await on_hold(center, api, made["id"])
    await until(lambda: not desk.hears(CALLER), 5, "hold")
    await api.post(f"/calls/{made['id']}/resume")
    await until(lambda: far.hears(FIRST) and desk.hears(CALLER), 5, "both to hear each other")
    far.hangup()
    await desk.until("ended", 10)
    ended = await over(center, api, made["id"])
    assert [leg["role"] for leg in ended["legs"]] == ["seat", "elder"]
    await api.post(f"/calls/{made['id']}/disposition", {"disposition": "answered"})
    kinds = sorted(one["kind"] for one in await recorded(center, api, made["id"]))
    assert kinds == ["leg", "leg", "mix"]


async def _live(api: Api, call_id: str) -> Any:
    found = await call(api, call_id)
    return found if any(leg["state"] == "joined" for leg in found["legs"] if leg["role"] == "elder") else None


async def test_an_emergency_takes_the_operator_who_holds_a_caller_and_she_has_him_back(center: Instance) -> None:
    """A9: at once with the elder; whom he held is in nobody's ear, loses nothing, and is first in line for him."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, "op1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await api.post(f"/calls/{call_id}/hold")
    await on_hold(center, api, call_id)
    elder = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await elder.answered(1)
    elder.media.play(THIRD)
    await until(lambda: desk.hears(THIRD) and elder.media.hears(FIRST), 8, "the operator and the elder together")
    shown = await call(api, call_id)
    assert (shown["held"], shown["ended_at"]) == (False, None)
    await until(lambda: music(caller, FIRST, THIRD), 5, "music")
    assert not desk.hears(CALLER)
    (emergency,) = (await api.get("/emergencies?state=open"))["items"]
    for act in ("hold", "park", "hangup"):
        await api.post(f"/calls/{emergency['calls'][0]}/{act}", status=409)
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "resolved", "cause": "fall"})
    await desk.until("ended", 10)
    again = await (await op1.call(seconds=10)).answer()
    again.play(FIRST)
    await until(lambda: caller.media.hears(FIRST) and again.hears(CALLER), 5, "her and her operator together again")
    assert not any(event.startswith("ended") for event in caller.events)
    # Then a blind transfer to the queue: the next seat has her.
    op2 = await center.seat("op2")
    await ready(center, api, "op2")
    await api.post(f"/calls/{call_id}/transfer", {"to": "queue:general", "mode": "blind"})
    await again.until("ended", 10)
    last = await (await op2.call(seconds=10)).answer()
    last.play(SECOND)
    await until(lambda: caller.media.hears(SECOND) and last.hears(CALLER), 5, "her and the next seat together")
    await last.goodbye()
    await over(center, api, call_id)


async def test_a_phone_that_dies_in_a_routine_talk_is_off_until_it_answers_again(center: Instance) -> None:
    """R14, B7: registered all the time; she hears a word, keeps her place, and is not sent to it again in vain."""
    api = await center.sign_in("op1")
    password = next(seat["sip_password"] for seat in center.credentials["seats"] if seat["user"] == "op1")
    phone = await Baresip.register(center.folder, center.settings, "op1", password, tone=int(FIRST))
    try:
        await ready(center, api, "op1")
        caller = await center.dial("12349", "051288889999", seconds=180)
        await caller.answered(1)
        caller.media.key("3")
        await phone.answer()
        await until(lambda: caller.media.hears(FIRST), 5, "her to hear the operator")
        (item,) = (await api.get("/calls?live=true"))["items"]
        await until(lambda: caller.media.packets > 300, 10, "some seconds of talk")
        phone.signal(signal.SIGSTOP)

        async def offline() -> bool:
            return bool((await api.get("/seats/me"))["state"] == "offline")

        await center.until(offline, 10, "an offline seat")
        assert center.asterisk is not None
        server = center.asterisk
        await until(lambda: "Playing 'transferring" in server.log(), 10, "the word that she is put through again")
        # Half a minute later: what is registered was compared meanwhile.
        await until(lambda: "Playing 'next-in-line" in server.log(), 40, "her place")
        assert await offline()
        phone.signal(signal.SIGCONT)
        await center.until(lambda: _rings(api), 20, "op1 to be rung")
        await phone.answer()
        await until(lambda: caller.media.hears(FIRST), 10, "her to hear her operator again")
        assert not any(event.startswith("ended") for event in caller.events)
        legs = [leg["reason"] for leg in (await call(api, item["id"]))["legs"] if leg["role"] == "seat"]
        assert legs == ["dead", ""], "it was rung once, when it was back"
        caller.hangup()
        await over(center, api, item["id"])
    finally:
        await phone.close()
