"""2026-03-07, 22:10: the hotline is closed, Mr. Sun says into the machine what he wants (B1, B5, B6)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callcenter.clock import SHANGHAI, SystemClock
from tests.stories.steps import gone, said, verified
from tests.support.audio import tones_in_file
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

HIM = 1300.0


async def closed(center: Instance, api: Api) -> None:
    """Make the queue closed now, whenever this runs; back when the controller knows."""
    now = SystemClock().now().astimezone(SHANGHAI)
    begin, end = now + timedelta(hours=6), now + timedelta(hours=7)
    await api.call(
        "PUT",
        "/queues/general",
        json={
            "name": "热线",
            "hours": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": f"{begin:%H:%M}", "to": f"{end:%H:%M}"}],
            "closed": {"to": "voicemail"},
        },
    )


def recorded(center: Instance) -> int:
    """Bytes of the longest recording so far."""
    return max(path.stat().st_size for path in center.settings.recordings_dir.glob("**/*.wav"))


async def at_the_tone(center: Instance, caller: Caller) -> None:
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the welcome")
    caller.media.key("0")
    await said(center, "closed-hours")
    assert center.asterisk is not None
    server = center.asterisk
    await until(lambda: "voicemail-begun" in server.log(), 25, "the tone")


async def test_closed_he_leaves_a_message_that_is_proved_and_dealt_with(center: Instance, tmp_path: Path) -> None:
    """B1, B5, B6: intro, tone, message, #; a part of the call's verified recording; new until somebody is done."""
    admin, api = await center.sign_in("admin"), await center.sign_in("op1")
    await closed(center, admin)
    elder = center.elders[1]
    caller = await center.dial("12349", elder["phones"][0], seconds=120)
    await at_the_tone(center, caller)
    caller.media.play(HIM)
    before = recorded(center)
    await until(lambda: recorded(center) - before > 4 * 16_000, 10, "4 s of his words on the disk")
    caller.media.play()
    caller.media.key("#")
    await said(center, "goodbye")

    async def new() -> Any:
        items = (await api.get("/voicemails?state=new"))["items"]
        return items[0] if items else None

    message = await center.until(new, 15, "the voicemail")
    assert (message["elder_id"], message["ended"]) == (elder["id"], "key")
    assert message["seconds"] >= 2
    await until(lambda: gone(caller), 20, "his line to end")
    recordings = await verified(center, api, message["call_id"])
    mix = next(recording for recording in recordings if recording["kind"] == "mix")
    listed = await api.get(f"/voicemails/{message['id']}")
    assert listed["recording_id"] == mix["id"]
    audio = tmp_path / "message.wav"
    audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    begins = message["offset_seconds"]
    assert tones_in_file(audio, [HIM], begins + 1, begins + 3) == {HIM}, "the message lies where it is said to"

    done = await api.post(f"/voicemails/{message['id']}/done", {"note": "已回电，明日上门"})
    assert (done["state"], done["handled_by"]) == ("done", "op1")
    await api.post(f"/voicemails/{message['id']}/done", status=409)


async def test_who_hangs_up_at_the_tone_is_an_abandoned_call(center: Instance) -> None:
    """B1: nothing was said, so nothing is to be dealt with."""
    admin, api = await center.sign_in("admin"), await center.sign_in("op1")
    await closed(center, admin)
    caller = await center.dial("12349", "051288889999", seconds=60)
    await at_the_tone(center, caller)
    caller.hangup()

    async def over() -> Any:
        calls = (await api.get("/calls?live=false"))["items"]
        return calls[0] if calls else None

    call = await center.until(over, 15, "the call to be over")

    async def told() -> Any:
        facts = (await api.get(f"/calls/{call['id']}/timeline?limit=500"))["items"]
        return [fact for fact in facts if fact["kind"] == "voicemail.abandoned"]

    assert await center.until(told, 15, "the record to say so")
    assert (await api.get("/voicemails"))["items"] == []


@pytest.mark.parametrize("ends", ["while it is dead", "after it is back"])
async def test_the_controller_dies_before_the_tone_and_the_message_is_listed_once_from_the_tone(
    center: Instance, tmp_path: Path, ends: str
) -> None:
    """A10, B1, B6: killed in the greeting; what he then says is found, proved and played from its first word."""
    admin, api = await center.sign_in("admin"), await center.sign_in("op1")
    await closed(center, admin)
    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=180)
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the welcome")
    caller.media.key("0")
    await said(center, "closed-hours")
    center.kill()
    assert center.asterisk is not None
    server, spool = center.asterisk, center.settings.spool_dir
    await until(lambda: "voicemail-begun" in server.log(), 25, "the tone")
    await until(lambda: len(list(spool.glob("*.tone"))) == 1, 5, "the tone in the spool")
    caller.media.play(HIM)
    before = recorded(center)
    await until(lambda: recorded(center) - before > 4 * 16_000, 10, "4 s of his words on the disk")
    if ends == "while it is dead":
        caller.hangup()
        await until(lambda: gone(caller), 20, "his line to end")
    await center.serve()
    if ends == "after it is back":
        await until(lambda: not list(spool.glob("*.tone")) or _begun(center), 20, "the message to be found")
        caller.media.play()
        caller.media.key("#")
        await until(lambda: gone(caller), 30, "his line to end")
    api = await center.sign_in("op1")

    async def new() -> Any:
        return (await api.get("/voicemails?state=new"))["items"]

    (message,) = await center.until(new, 30, "the voicemail")
    assert message["seconds"] >= 2
    mix = await center.until(lambda: _looked_at(api, message["call_id"]), 40, "the recording to be looked at")
    assert mix["sha256"]
    assert message["offset_seconds"] + message["seconds"] <= mix["seconds"] + 1
    audio = tmp_path / "message.wav"
    audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    begins = message["offset_seconds"]
    assert tones_in_file(audio, [HIM], begins + 1, begins + 3) == {HIM}, "the message lies where it is said to"
    await until(lambda: not list(spool.glob("*.tone")), 30, "the spool to be empty")
    assert len(await new()) == 1


async def _looked_at(api: Api, call_id: str) -> Any:
    items = (await api.get(f"/recordings?call_id={call_id}&kind=mix"))["items"]
    return items[0] if items and items[0]["status"] != "pending" else None


def _begun(center: Instance) -> bool:
    return "voicemail_found" in center.log()
