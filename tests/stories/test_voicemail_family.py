"""2026-01-24, 19:30: a dizzy spell. The operator wants the family; the daughter's voicemail answers (A2, R15).

It says its sentence, presses no key, and is nobody: she never hears it. The son is called by itself and presses 1.
"""

from tests.stories import steps
from tests.stories.steps import hears, moment
from tests.support.audio import seconds_of, tones_in_file
from tests.support.instance import Instance
from tests.support.sipp import until

ELDER, OPERATOR, VOICEMAIL, SON = 700.0, 1300.0, 1900.0, 2500.0


async def test_voicemail_is_not_family_and_the_next_relative_is_called_by_itself(center: Instance) -> None:
    elder = center.elders[0]
    daughter, son = [contact["phone"] for contact in elder["contacts"] if contact["role"] == "family"]
    op1, trunk = await center.seat("op1"), await center.trunk()
    api = await center.sign_in("op1")
    await steps.ready(center, api, 1)
    press = await center.dial("95120", elder["pendant"], seconds=120)
    press.media.play(ELDER)
    desk = await (await op1.call()).answer()
    desk.play(OPERATOR)
    await hears(desk, ELDER, what="him to hear her")
    incident = (await steps.the_open_one(center, api))["id"]

    # He asks for her family: the daughter's number answers, and a machine talks.
    asked = await api.post(f"/emergencies/{incident}/legs", {"role": "family"})
    assert asked["number"] == daughter
    voicemail = await (await trunk.call(daughter)).answer()
    voicemail.play(VOICEMAIL)
    assert voicemail.media is not None
    machine = voicemail.media
    await until(lambda: machine.loudness() > 200, 5, "the words in the machine's ear")
    # An impatient second click, and *2 on his phone: nobody is dialled twice, and the son not before his turn.
    assert (await api.post(f"/emergencies/{incident}/legs", {"role": "family"}))["id"] == asked["id"]
    desk.key("*2")
    assert not press.media.hears(VOICEMAIL, seconds=1)
    assert not desk.hears(VOICEMAIL, seconds=1)
    assert [call.number for call in trunk.calls] == [daughter]
    now = await api.get(f"/emergencies/{incident}")
    assert [leg["state"] for leg in now["legs"] if leg["role"] == "family"] == ["answered"]

    # The machine has recorded enough and hangs up. The operator is told that it goes on, and the son rings.
    press.media.play()
    assert desk.media is not None
    his_ear = desk.media
    await until(lambda: his_ear.loudness() < 100, 3, "a quiet room")
    voicemail.hangup()
    await until(lambda: his_ear.loudness() > 200, 5, "the prompt in the operator's ear")
    await steps.said(center, "help-not-reached")
    (heard_nobody,) = await steps.ended(center, api, incident, daughter)
    assert heard_nobody["reason"] == "not_accepted"
    assert heard_nobody["joined_at"] is None
    his = await (await trunk.call(son, seconds=5)).answer()
    his.play(SON)
    # He too is let in by the key alone.
    assert not press.media.hears(SON, seconds=1)
    his.key("1")
    press.media.play(ELDER)
    await hears(press.media, OPERATOR, SON, what="her to hear both")
    await hears(his, ELDER, OPERATOR, what="her son to hear both")
    (joined,) = await steps.to(api, incident, son)
    assert joined["accepted_at"] is not None
    assert moment(joined["added_at"]) >= moment(heard_nobody["ended_at"]), "one after the other"
    assert joined["wish_id"] == heard_nobody["wish_id"]

    # With her son there nobody else of the family is wanted; the record holds no word of the machine's.
    await steps.close(api, incident, "resolved", "illness")
    await until(lambda: steps.gone(press), 10, "her line to end")
    await his.until("ended")
    assert [call.number for call in trunk.calls] == [daughter, son]
    (call_id,) = (await api.get(f"/emergencies/{incident}"))["calls"]
    recordings = await steps.verified(center, api, call_id)
    mix = next(one for one in recordings if one["kind"] == "mix")
    audio = center.folder / "mix.wav"
    audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    heard: set[float] = set()
    for tenths in range(0, int(seconds_of(audio) * 10) - 5, 5):
        heard |= tones_in_file(audio, (ELDER, OPERATOR, VOICEMAIL, SON), tenths / 10, tenths / 10 + 0.5)
    assert heard == {ELDER, OPERATOR, SON}
