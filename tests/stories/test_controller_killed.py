"""2026-03-05, 03:10: our process dies in mid-call. The talk goes on, presses are answered, nothing is lost (R1)."""

from typing import Any

from tests.support.instance import Api, Instance
from tests.support.sipp import until


async def emergencies(api: Api) -> Any:
    return (await api.get("/emergencies"))["items"]


async def test_kill_in_a_call_the_talk_goes_on_new_presses_reach_the_duty_desk_and_all_is_in_the_record_once(
    center: Instance,
) -> None:
    """A10, R1."""
    first, second, third = center.elders[:3]
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    trunk = await center.trunk(auto={"*": "answer"})
    api = await center.sign_in("op1")
    talking = await center.dial("95120", first["pendant"], seconds=120)
    desk = await (await op1.call()).answer()
    (emergency,) = await emergencies(api)
    await api.post(f"/emergencies/{emergency['id']}/legs", {"role": "120"})
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    talking.media.play(440)
    desk.play(640)
    await until(lambda: ambulance.hears(440, 640), 3, "120 to hear both")

    center.kill()
    # Audio never noticed.
    await until(lambda: talking.media.hears(640), 3, "her to hear the operator still")
    # A new press: the dialplan answers by itself and rings the duty desk; op2 takes it.
    press = await center.dial("95120", second["pendant"], seconds=120)
    await press.answered(3)
    duty = await (await op2.call(seconds=5)).answer()
    press.media.play(840)
    await until(lambda: duty.hears(840), 3, "the duty desk to hear her")
    # One who gives up while the controller is away is in the record too.
    gone = await center.dial("95120", third["pendant"], seconds=60)
    await gone.answered(3)
    await until(lambda: gone.media.last_heard_at > 0, 3, "a prompt")
    await until(lambda: len(list(center.settings.spool_dir.glob("*.json"))) >= 2, 5, "two spooled calls")
    gone.hangup()
    await until(lambda: len(list(center.settings.spool_dir.glob("*.ended.json"))) == 1, 5, "the spooled end")

    await center.serve()
    await until(lambda: talking.media.hears(640), 3, "her to hear the operator after the restart")
    api = await center.sign_in("op1")
    await center.until(lambda: _count(api, 3), what="three emergencies in the record")
    by_elder = {item["elder_id"]: item for item in await emergencies(api)}
    assert set(by_elder) == {first["id"], second["id"], third["id"]}
    assert all(item["state"] == "open" for item in by_elder.values())
    kept = by_elder[first["id"]]
    assert kept["id"] == emergency["id"]
    assert {leg["role"] for leg in kept["legs"] if leg["state"] == "joined"} == {"elder", "seat", "120"}
    assert [call.number for call in trunk.calls].count("120") == 1
    await until(lambda: not list(center.settings.spool_dir.glob("*.json")), 5, "an empty spool")
    # The duty desk's talk goes on; its end is in the record, and so is who took it.
    duty.hangup()
    await center.until(lambda: _answered_by(api, by_elder[second["id"]]["id"], "op2"), what="who answered")
    recordings = await center.until(lambda: _recordings(api, by_elder[second["id"]]["calls"][0]), 40, "its recording")
    assert "mix" in {recording["kind"] for recording in recordings}
    # She who gave up is called back (A8).
    await trunk.call(third["pendant"], seconds=5)


async def test_a_press_that_waited_when_the_process_died_is_taken_by_the_duty_desk_or_the_restarted_controller(
    center: Instance,
) -> None:
    """A10: nobody waits in an empty room for a process that does not come back."""
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await press.answered(2)
    center.kill()
    op1 = await center.seat("op1")
    desk = await (await op1.call(seconds=25)).answer()
    press.media.play(440)
    await until(lambda: desk.hears(440), 3, "the duty desk to hear her")
    await center.serve()
    api = await center.sign_in("op1")
    (emergency,) = await emergencies(api)
    assert emergency["state"] == "open"
    assert len(emergency["calls"]) == 1


async def test_presses_the_fallback_took_and_nobody_answered_are_fetched_into_a_room_when_the_controller_is_back(
    center: Instance,
) -> None:
    """R1: arriving calls answered by the fallback, later by the controller."""
    center.kill()
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await press.answered(3)
    await until(lambda: len(list(center.settings.spool_dir.glob("*.json"))) >= 1, 5, "the spooled call")
    await center.serve()
    op1 = await center.seat("op1")
    desk = await (await op1.call(seconds=10)).answer()
    press.media.play(440)
    await until(lambda: desk.hears(440), 5, "the operator to hear her")
    api = await center.sign_in("op1")
    (emergency,) = await emergencies(api)
    joined = {leg["role"] for leg in emergency["legs"] if leg["state"] == "joined"}
    assert joined == {"elder", "seat"}


async def _count(api: Api, count: int) -> bool:
    return len(await emergencies(api)) == count


async def _answered_by(api: Api, incident_id: str, user: str) -> bool:
    return bool((await api.get(f"/emergencies/{incident_id}"))["answered_by"] == user)


async def _recordings(api: Api, call_id: str) -> Any:
    items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
    return items if items and all(item["status"] == "verified" for item in items) else None
