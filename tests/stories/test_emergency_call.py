"""2026-03-02, 06:40: an elder presses her pendant. Five people in a room, one record, one outcome (A1, A2, B6, C7)."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.support.audio import seconds_of, tones_in_file
from tests.support.instance import Api, Instance
from tests.support.sipp import AnsweredCall, until

ELDER, OPERATOR, AMBULANCE, DAUGHTER = 440.0, 640.0, 840.0, 1040.0
DOCTOR, SOCIAL_WORKER = 1240.0, 1440.0


def legs(emergency: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [leg for leg in emergency["legs"] if leg["role"] == role]


async def only_emergency(api: Api) -> Any:
    items = (await api.get("/emergencies"))["items"]
    assert len(items) == 1
    return items[0]


async def test_press_reaches_an_operator_help_is_bridged_in_and_the_record_is_whole(center: Instance) -> None:
    elder = center.elders[0]
    numbers = {contact["role"]: contact["phone"] for contact in reversed(elder["contacts"])}
    op1, op2, op3 = [await center.seat(user) for user in ("op1", "op2", "op3")]
    trunk = await center.trunk(auto={"120": "answer", "*": "accept"})
    api = await center.sign_in("op1")
    await center.until(lambda: _ready(api, 3), what="three ready seats")

    # She presses; the machine answers, she hears a prompt, all three seats ring.
    press = await center.dial("95120", elder["pendant"], seconds=120)
    await press.answered(1)
    press.media.play(ELDER)
    ringing = [await seat.call(seconds=2) for seat in (op1, op2, op3)]
    await until(lambda: press.media.last_heard_at > 0, 2, "a prompt in her ear")

    # op1 picks up; the others stop; both hear each other.
    desk = await ringing[0].answer()
    desk.play(OPERATOR)
    await until(lambda: "cancelled" in ringing[1].events and "cancelled" in ringing[2].events, 2, "the others to stop")
    await until(lambda: desk.hears(ELDER), 3, "the operator to hear her")
    await until(lambda: press.media.hears(OPERATOR), 3, "her to hear the operator")
    emergency = await only_emergency(api)
    assert emergency["elder_id"] == elder["id"]
    assert emergency["state"] == "open"
    assert emergency["system_answer_ms"] < 1000
    assert emergency["system_answer_ms"] <= emergency["human_answer_ms"] < 5000
    assert {leg["state"] for leg in legs(emergency, "seat")} == {"joined", "ended"}

    # 120 and the daughter by the API; the same request again is the same leg.
    path = f"/emergencies/{emergency['id']}"
    first = await api.post(f"{path}/legs", {"role": "120"}, headers={"Idempotency-Key": "k1"})
    again = await api.post(f"{path}/legs", {"role": "120"}, headers={"Idempotency-Key": "k1"})
    assert first["id"] == again["id"]
    await api.post(f"{path}/legs", {"role": "family"})
    # The doctor and the social worker by keys on op1's phone.
    desk.key("*3")
    await trunk.call(numbers["doctor"])
    desk.key("*4")
    sounds = {"120": AMBULANCE, numbers["family"]: DAUGHTER, numbers["doctor"]: DOCTOR,
              numbers["social_worker"]: SOCIAL_WORKER}  # fmt: skip
    helpers = {number: await trunk.call(number) for number in sounds}
    for number, frequency in sounds.items():
        await helpers[number].until("answered")
        helpers[number].play(frequency)
    await until(lambda: press.media.hears(OPERATOR, *sounds.values(), seconds=1), 5, "her to hear all five")
    for number, frequency in sounds.items():
        others = {ELDER, OPERATOR, *sounds.values()} - {frequency}
        await until(partial(_hears_all, helpers[number], others), 5, f"{number} to hear everybody")
    assert [call.number for call in trunk.calls].count("120") == 1

    # The social worker leaves: the rest go on. op1 hangs up: she stays with 120, the incident stays open.
    social = legs(await api.get(path), "social_worker")[0]
    await api.call("DELETE", f"{path}/legs/{social['id']}")
    await helpers[numbers["social_worker"]].until("ended")
    desk.hangup()
    await center.until(lambda: _ended(api, path, "seat"), what="op1's leg to end")
    after = await api.get(path)
    assert after["state"] == "open"
    assert not after["needs_human"]
    assert {leg["role"] for leg in after["legs"] if leg["state"] == "joined"} == {"elder", "120", "family", "doctor"}
    await until(lambda: press.media.hears(AMBULANCE), 3, "her to hear 120 still")

    # Closed on purpose, with an outcome.
    await api.post(f"{path}/close", {"outcome": ""}, status=422)
    closed = await api.post(f"{path}/close", {"outcome": "hospital", "summary": "跌倒，送市立医院"})
    assert closed["state"] == "closed"
    await until(lambda: any(event.startswith("ended") for event in press.events), 10, "her line to end")
    await api.post(f"{path}/close", {"outcome": "again"}, status=409)
    await _the_record(center, api, path, elder)


async def _the_record(center: Instance, api: Api, path: str, elder: dict[str, Any]) -> None:
    emergency = await api.get(path)
    call_id = emergency["calls"][0]
    call = await center.until(lambda: _over(api, call_id), what="the call to be over")
    assert call["line"] == "emergency"
    assert call["caller"] == elder["pendant"]

    async def verified() -> Any:
        items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
        return items if items and all(item["status"] == "verified" for item in items) else None

    recordings = await center.until(verified, 40, "verified recordings")
    mix = next(item for item in recordings if item["kind"] == "mix")
    assert len(mix["sha256"]) == 64
    assert len([item for item in recordings if item["kind"] == "leg"]) == 6
    answer = await api.raw(f"/recordings/{mix['id']}/audio", Range="bytes=0-43")
    assert answer.status_code == 206
    assert answer.content[:4] == b"RIFF"
    audio = center.folder / "mix.wav"
    audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    everybody = {ELDER, OPERATOR, AMBULANCE, DAUGHTER, DOCTOR, SOCIAL_WORKER}
    heard: set[float] = set()
    for tenths in range(0, int(seconds_of(audio) * 10) - 5, 5):
        heard |= tones_in_file(audio, sorted(everybody), tenths / 10, tenths / 10 + 0.5)
    assert heard == everybody
    orders = await center.until(lambda: _items(api, f"/work-orders?call_id={call_id}"), what="a work order")
    assert [order["kind"] for order in orders] == ["emergency"]
    follow_ups = await center.until(
        lambda: _items(api, f"/follow-ups?work_order_id={orders[0]['id']}"), what="a follow-up"
    )
    assert len(follow_ups) == 1
    due = datetime.fromisoformat(follow_ups[0]["due_at"]) - datetime.fromisoformat(emergency["closed_at"])
    assert timedelta() < due <= timedelta(hours=24)
    timeline = (await api.get(f"{path}/timeline?limit=500"))["items"]
    kinds = [fact["kind"] for fact in timeline]
    assert kinds[0] == "emergency.opened"
    assert "emergency.closed" in kinds
    closing = next(fact for fact in timeline if fact["kind"] == "emergency.closed")
    assert closing["actor"] == "op1"


def _hears_all(call: AnsweredCall, tones: set[float]) -> bool:
    return call.hears(*tones, seconds=1) == tones


async def _ready(api: Api, count: int) -> bool:
    seats = (await api.get("/seats"))["items"]
    return [seat["state"] for seat in seats].count("ready") == count


async def _ended(api: Api, path: str, role: str) -> bool:
    return all(leg["state"] == "ended" for leg in legs(await api.get(path), role))


async def _over(api: Api, call_id: str) -> Any:
    call = await api.get(f"/calls/{call_id}")
    return call if call["ended_at"] else None


async def _items(api: Api, path: str) -> Any:
    return (await api.get(path))["items"]
