"""2026-03-06: the supervisor listens, whispers, joins and takes over (B7)."""

from typing import Any

from tests.stories.test_call_control import CALLER, FIRST, THIRD, call, over, ready, with_operator
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
