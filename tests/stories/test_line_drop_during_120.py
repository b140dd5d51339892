"""2026-02-17, 03:20: chest pain, first night of the year. 120 asks its questions when her line drops (A2, A8, R16).

Within 3 s she is called back; 120 and the operator wait in her room and are told. When it drops again her pendant is
dead: her mobile is tried, her landline, and then her daughter is asked to look after her; nobody gives up on her.
"""

import time
from typing import Any

from tests.stories import steps
from tests.stories.steps import after, hears
from tests.support.audio import seconds_of, tones_in_file
from tests.support.instance import Api, Instance
from tests.support.rtp import RtpPeer
from tests.support.sipp import PATIENCE, AnsweredCall, until

ELDER, OPERATOR, AMBULANCE, DAUGHTER = 700.0, 1300.0, 1900.0, 2500.0
IN_THE_ROOM = {ELDER, OPERATOR, AMBULANCE}


async def test_her_line_drops_while_120_talks_and_she_is_back_in_the_same_room_within_3_s(center: Instance) -> None:
    elder = center.elders[0]
    pendant, (mobile, landline) = elder["pendant"], elder["phones"]
    daughter = next(contact["phone"] for contact in elder["contacts"] if contact["role"] == "family")
    op1 = await center.seat("op1")
    trunk = await center.trunk(auto={"120": "answer", mobile: "busy", landline: "busy"})
    api = await center.sign_in("op1")
    await steps.ready(center, api, 1)
    press = await center.dial("95120", pendant, seconds=120)
    press.media.play(ELDER)
    desk = await (await op1.call()).answer()
    incident = (await steps.the_open_one(center, api))["id"]
    await api.post(f"/emergencies/{incident}/legs", {"role": "120"})
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    await _all_talk(press.media, desk, ambulance)

    # Her line drops. Both who stay hear so; she is called back, marked as what it is.
    room = (await api.get(f"/emergencies/{incident}"))["room"]
    await _fall_silent(desk, ambulance)
    press.hangup()
    dropped = time.monotonic()
    back = await trunk.call(pendant, seconds=3)
    took = time.monotonic() - dropped
    assert took < 3 * PATIENCE
    await _hear_a_prompt(desk, ambulance)
    await steps.said(center, "elder-line-dropped")
    assert "ended" not in desk.events + ambulance.events
    await back.answer()
    assert back.media is not None
    back.media.play(ELDER)
    await _all_talk(back.media, desk, ambulance)
    await steps.said(center, "elder-back")
    now = await api.get(f"/emergencies/{incident}")
    assert now["room"] == room
    assert now["state"] == "open"
    assert {leg["role"] for leg in now["legs"] if leg["state"] == "joined"} == {"elder", "seat", "120"}

    # It drops again, and now her pendant is dead: her other phones, then her people.
    trunk.auto[pendant] = "busy"
    back.hangup()
    rescue = await trunk.call(daughter, seconds=8)
    tried = [call.number for call in trunk.calls]
    assert tried[:6] == ["120", pendant, pendant, mobile, landline, tried[5]]
    assert daughter in tried[5:]
    trunk.auto[pendant] = "answer"
    await steps.accept(rescue)
    rescue.play(DAUGHTER)
    await hears(desk, AMBULANCE, DAUGHTER, what="the operator to hear 120 and the daughter")
    # The second round of call-backs: she answers, and is among them all.
    again = await trunk.call(pendant, seconds=15)
    await again.until("answered")
    again.play(ELDER)
    assert again.media is not None
    await hears(again.media, OPERATOR, AMBULANCE, DAUGHTER, what="her to hear all three")
    await hears(ambulance, ELDER, OPERATOR, DAUGHTER, what="120 to hear all three")

    await steps.talk(again.media)
    # 120 has been in the room for longer than a line without a sound would be believed (15 s), and it spoke: no alarm.
    joined = next(leg["joined_at"] for leg in now["legs"] if leg["role"] == "120")
    await until(lambda: steps.age(joined) > 16, 16, "15 s of 120 in the room")
    await steps.close(api, incident, "hospital", "illness")
    await again.until("ended", 10)
    await ambulance.until("ended")
    assert [call.number for call in trunk.calls].count("120") == 1
    await steps.drained(center)
    facts = await steps.timeline(api, incident)
    kinds = [fact["kind"] for fact in facts]
    assert kinds.count("emergency.line_dropped") == 2
    assert "emergency.help_silent" not in kinds
    hers = [one for one in await steps.attempts(api, incident) if one["role"] == "elder"]
    assert after(hers[0]["ended_at"], hers[1]["added_at"]) < 3, "A8, by the record's own times"
    assert after(hers[1]["ended_at"], hers[2]["added_at"]) < 3
    assert [one["number"] for one in hers] == [pendant, pendant, pendant, mobile, landline, pendant]
    assert [one["reason"] for one in hers[2:5]] == ["busy"] * 3
    await _both_parts_are_on_record(center, api, incident)


async def _all_talk(her: RtpPeer, desk: AnsweredCall, ambulance: AnsweredCall) -> None:
    desk.play(OPERATOR)
    ambulance.play(AMBULANCE)
    await hears(her, OPERATOR, AMBULANCE, what="her to hear both")
    await hears(desk, ELDER, AMBULANCE, what="the operator to hear both")
    await hears(ambulance, ELDER, OPERATOR, what="120 to hear both")
    await steps.talk(her)


async def _fall_silent(*calls: AnsweredCall) -> None:
    for call in calls:
        call.play()


async def _hear_a_prompt(*calls: AnsweredCall) -> None:
    ears = [call.media for call in calls if call.media is not None]
    await until(lambda: all(ear.loudness() > 200 for ear in ears), 6, "the prompt in the ears of who stayed")


async def _both_parts_are_on_record(center: Instance, api: Api, incident: str) -> None:
    """Every time she was on the line there is a mix of what was said, verified, and each has all voices."""
    calls = (await api.get(f"/emergencies/{incident}"))["calls"]
    mixes: list[Any] = []
    for call_id in calls:
        mixes += [one for one in await steps.verified(center, api, call_id) if one["kind"] == "mix"]
    assert len(mixes) == 3, "her own call, and the two times that she answered"
    for number, mix in enumerate(mixes):
        audio = center.folder / f"mix-{number}.wav"
        audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
        heard: set[float] = set()
        for tenths in range(0, int(seconds_of(audio) * 10) - 5, 5):
            heard |= tones_in_file(audio, sorted(IN_THE_ROOM), tenths / 10, tenths / 10 + 0.5)
        assert heard == IN_THE_ROOM, f"part {number}: {heard}"
