"""2026-03-06: the supervisor listens, whispers, joins and takes over (B7)."""

from pathlib import Path
from typing import Any

from tests.stories.test_call_control import CALLER, FIRST, SECOND, THIRD, call, over, ready, recorded, with_operator
from tests.support.audio import tones_in_file
from tests.support.instance import Instance
from tests.support.sipp import until


async def test_listened_whispered_joined_and_taken_over_each_heard_by_whom_it_should_be(center: Instance) -> None:
    """Proved by the tones in the three phones' ears; each use is a fact and an entry of the trail."""
    api, boss = await center.sign_in("op1"), await center.sign_in("sup1")
    op1, sup1 = await center.seat("op1"), await center.seat("sup1")
    await ready(center, api, "op1", "sup1")
    caller, desk, call_id = await with_operator(center, api, op1)
    path = f"/calls/{call_id}/monitor"
    await api.post(path, {"mode": "listen"}, status=403)

    await boss.post(path, {"mode": "listen"})
    ear = await (await sup1.call(seconds=5)).answer()
    ear.play(THIRD)
    await until(lambda: ear.hears(CALLER, FIRST) == {CALLER, FIRST}, 5, "the supervisor to hear both")
    await until(lambda: ear.media is not None and ear.media.packets > 100, 10, "two seconds of it")
    assert not caller.media.hears(THIRD, seconds=1.0)
    assert not desk.hears(THIRD, seconds=1.0)
    assert (await call(api, call_id))["monitors"] == [{"user": "sup1", "mode": "listen"}]

    await boss.call("PUT", path, json={"mode": "whisper"})
    await until(lambda: desk.hears(THIRD), 5, "the operator to hear the supervisor")
    await until(lambda: desk.hears(CALLER, THIRD) == {CALLER, THIRD}, 5, "… beside the caller")
    assert not caller.media.hears(THIRD, seconds=1.0), "the caller hears nothing of it"
    assert caller.media.hears(FIRST)
    assert ear.hears(CALLER)
    assert len(sup1.calls) == 1, "the phone stays up"

    await boss.call("PUT", path, json={"mode": "join"})
    await until(lambda: caller.media.hears(FIRST, THIRD) == {FIRST, THIRD}, 5, "the caller to hear both")
    await until(lambda: ear.hears(CALLER, FIRST) == {CALLER, FIRST}, 5, "the supervisor to hear both")

    await boss.call("PUT", path, json={"mode": "listen"})
    await until(lambda: not caller.media.hears(THIRD, seconds=1.0), 5, "the supervisor to be out of the room")
    assert caller.media.hears(FIRST)

    await boss.call("PUT", path, json={"mode": "take_over"})
    await desk.until("ended", 5)
    await until(lambda: caller.media.hears(THIRD) and ear.hears(CALLER), 5, "the supervisor to have the call")
    assert not any(event.startswith("ended") for event in caller.events)
    caller.hangup()
    await ear.until("ended", 10)
    ended = await over(center, api, call_id)
    assert ended["monitors"] == []
    facts = await center.until(lambda: _facts(api, call_id), what="the end of it on record")
    assert facts == ["listen", "whisper", "join", "listen", "take_over", ""]
    admin = await center.sign_in("admin")
    entries = (await admin.get("/audit?subject=calls&limit=200"))["items"]
    modes = [entry["changes"]["mode"][1] for entry in entries if entry["action"] == "monitor"]
    assert sorted(modes) == sorted(["listen", "whisper", "join", "listen", "take_over"])
    assert {entry["actor"] for entry in entries if entry["action"] == "monitor"} == {"sup1"}


async def _facts(api: Any, call_id: str) -> Any:
    items = (await api.get(f"/calls/{call_id}/timeline?limit=500"))["items"]
    found = [item for item in items if item["kind"] in ("call.monitored", "call.monitor_ended")]
    modes = [item["data"].get("mode", "") for item in found]
    return modes if "" in modes else None


async def test_listening_ends_with_the_call(center: Instance) -> None:
    api, boss = await center.sign_in("op1"), await center.sign_in("sup1")
    op1, sup1 = await center.seat("op1"), await center.seat("sup1")
    await ready(center, api, "op1", "sup1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await boss.post(f"/calls/{call_id}/monitor", {"mode": "whisper"})
    ear = await (await sup1.call(seconds=5)).answer()
    ear.play(THIRD)
    await until(lambda: desk.hears(THIRD) and ear.hears(CALLER), 5, "the whisper")
    assert not caller.media.hears(THIRD, seconds=1.0)
    caller.hangup()
    await ear.until("ended", 10)
    await over(center, api, call_id)


async def test_the_supervisor_stays_with_a_transferred_call_and_the_whisper_is_a_record_of_its_own(
    center: Instance, tmp_path: Path
) -> None:
    """B6, B7: from op1 to op2 by way of the caller's own line; what was whispered is in its own file and in no mix."""
    api, boss = await center.sign_in("op1"), await center.sign_in("sup1")
    op1, sup1 = await center.seat("op1"), await center.seat("sup1")
    await ready(center, api, "op1", "sup1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await boss.post(f"/calls/{call_id}/monitor", {"mode": "whisper"})
    ear = await (await sup1.call(seconds=5)).answer()
    ear.play(THIRD)
    await until(lambda: desk.hears(THIRD) and ear.hears(CALLER), 5, "the whisper")
    seat = await center.until(lambda: _listens(boss), what="the supervisor's seat to say so")
    assert seat["monitoring"] == {"call_id": call_id, "mode": "whisper"}
    await until(lambda: ear.media is not None and ear.media.packets > 150, 10, "three seconds of it")

    op2 = await center.seat("op2")
    await ready(center, api, "op2")
    await api.post(f"/calls/{call_id}/transfer", {"to": "seat:op2", "mode": "blind"})
    await desk.until("ended", 5)
    await until(lambda: ear.hears(CALLER), 5, "the supervisor to hear her while op2 rings")
    colleague = await (await op2.call(seconds=5)).answer()
    colleague.play(SECOND)
    await until(lambda: ear.hears(CALLER, SECOND) == {CALLER, SECOND}, 8, "the supervisor to hear both again")
    await until(lambda: colleague.hears(THIRD), 5, "op2 to hear the whisper")
    assert not caller.media.hears(THIRD, seconds=1.0), "the caller never does"
    assert len(sup1.calls) == 1, "the phone stays up"
    packets = ear.media.packets if ear.media is not None else 0
    await until(lambda: ear.media is not None and ear.media.packets > packets + 100, 10, "two seconds of it")

    caller.hangup()
    await ear.until("ended", 10)
    await over(center, api, call_id)
    parts = await recorded(center, boss, call_id)
    assert sorted(part["kind"] for part in parts) == ["leg", "leg", "leg", "mix", "whisper", "whisper"]
    for part in parts:
        heard = await _tones(boss, part, tmp_path)
        if part["kind"] == "whisper":
            assert part["sha256"]
            assert heard == {THIRD}
        else:
            assert THIRD not in heard, part


async def _listens(api: Any) -> Any:
    mine = await api.get("/seats/me")
    return mine if mine["state"] == "monitoring" else None


async def _tones(api: Any, part: Any, folder: Path) -> set[float]:
    path = folder / f"{part['id']}.wav"
    path.write_bytes((await api.raw(f"/recordings/{part['id']}/audio")).content)
    return tones_in_file(path, [CALLER, FIRST, SECOND, THIRD])


async def test_an_emergency_has_the_phone_of_a_supervisor_who_listens(center: Instance) -> None:
    """A9: nobody else is free: he hears her press, not the other call, and answers as anybody would."""
    api, boss = await center.sign_in("op1"), await center.sign_in("sup1")
    op1, sup1 = await center.seat("op1"), await center.seat("sup1")
    await ready(center, api, "op1", "sup1")
    first = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    desk = await (await op1.call(seconds=5)).answer()
    desk.play(FIRST)
    await until(lambda: first.media.hears(FIRST), 5, "the first elder to hear op1")
    (emergency,) = (await api.get("/emergencies?state=open"))["items"]
    await boss.post(f"/calls/{emergency['calls'][0]}/monitor", {"mode": "listen"})
    ear = await (await sup1.call(seconds=5)).answer()
    await until(lambda: ear.hears(FIRST), 5, "the supervisor to listen")

    second = await center.dial("95120", center.elders[1]["pendant"], seconds=120)
    second.media.play(CALLER)
    await ear.until("ended", 10)
    rescue = await (await sup1.call(seconds=10)).answer()
    rescue.play(THIRD)
    await until(lambda: second.media.hears(THIRD) and rescue.hears(CALLER), 8, "her and the supervisor together")
    assert first.media.hears(FIRST)
    assert not first.media.hears(THIRD)
