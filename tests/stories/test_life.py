"""2026-03-03, 02:10: an elder who does not speak, and a desk that loses power in the middle of her call (R14, R17)."""

import logging
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.baresip import Baresip
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

ELDER, OPERATOR, ANOTHER = 440.0, 640.0, 840.0
FAINT = 200


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Instance]:
    async with Instance(
        tmp_path,
        silence_ask_seconds=3,
        silence_louder_seconds=6,
        silence_call_back_seconds=8,
        silence_send_seconds=9,
        line_stalled_seconds=3,
        line_dropped_seconds=7,
    ) as instance:
        yield instance


async def softphone(center: Instance, user: str, where: str = "phones") -> Baresip:
    password = next(seat["sip_password"] for seat in center.credentials["seats"] if seat["user"] == user)
    return await Baresip.register(center.folder / where, center.settings, user, password, tone=int(OPERATOR))


async def press(center: Instance, elder: int = 0) -> Caller:
    caller = await center.dial("95120", center.elders[elder]["pendant"], seconds=120)
    await caller.answered()
    return caller


async def emergency(api: Api) -> Any:
    (only,) = (await api.get("/emergencies"))["items"]
    return await api.get(f"/emergencies/{only['id']}")


async def facts(api: Api, kind: str) -> list[Any]:
    path = f"/emergencies/{(await emergency(api))['id']}/timeline"
    return [fact for fact in (await api.get(path))["items"] if fact["kind"] == kind]


async def ready(center: Instance, api: Api, count: int) -> None:
    async def enough() -> bool:
        seats = (await api.get("/seats"))["items"]
        return [seat["state"] for seat in seats].count("ready") >= count

    await center.until(enough, what=f"{count} ready seats")


async def hears_for_two_seconds(elder: Caller, frequency: float | None = OPERATOR) -> None:
    """Time enough for the audio of all to be known as flowing."""
    if frequency is not None:
        await until(lambda: elder.media.hears(frequency), 5, "her to hear the operator")
    before = elder.media.packets
    await until(lambda: elder.media.packets > before + 100, 5, "two seconds of audio")


async def test_r17_a_silent_elder_is_asked_in_the_room_and_amplified_and_her_voice_ends_it(center: Instance) -> None:
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    elder = await press(center)
    desk = await (await op1.call()).answer()
    joined = time.monotonic()
    await until(lambda: elder.media.last_heard_at > joined, what="the room")

    async def stage() -> str:
        return str((await emergency(api))["silence"])

    async def asked() -> bool:
        return await stage() == "ask"

    # Three seconds without a word: she and the operator both hear the machine ask.
    await center.until(asked, 6, "the question")
    assert desk.media is not None
    ears = (elder.media, desk.media)
    await until(lambda: all(ear.loudness() > 200 for ear in ears), 3, "the question in both ears")

    async def whole_table() -> bool:
        stages = [fact["data"]["stage"] for fact in await facts(api, "emergency.silent")]
        return stages == ["ask", "louder", "call_back", "send_someone"]

    await center.until(whole_table, 12, "the whole table, each stage once")
    # A sound too faint to be a word, which the operator would not hear, is heard now.
    elder.media.play(ELDER, level=FAINT)
    await until(lambda: bool(desk.hears(ELDER)), 3, "the operator to hear what is faint")
    assert await stage() == "send_someone"
    # She speaks: the silence is over, and she is as loud as she is.
    elder.media.play(ELDER)

    async def spoke() -> bool:
        return bool(await facts(api, "emergency.spoke")) and await stage() == ""

    await center.until(spoke, 5, "her voice on the timeline")
    elder.media.play(ELDER, level=FAINT)
    await until(lambda: not desk.hears(ELDER), 3, "her to be as loud as she is")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_r14_a_softphone_that_dies_in_the_talk_is_replaced_within_two_seconds(
    center: Instance, how: signal.Signals
) -> None:
    """SIGKILL: its machine says that nobody listens there. SIGSTOP: nobody says anything, as after a power cut."""
    op1, op2 = await softphone(center, "op1"), await center.seat("op2")
    api = await center.sign_in("op1")
    try:
        await ready(center, api, 2)
        elder = await press(center)
        await op1.answer()
        await hears_for_two_seconds(elder)
        rung = len(op2.calls)
        op1.signal(how)
        died = time.monotonic()
        await until(lambda: len(op2.calls) > rung, 2, "op2 to ring")
        logging.getLogger(__name__).info("%s: another seat rings after %.2f s", how.name, time.monotonic() - died)
        desk = await op2.calls[-1].answer()
        desk.play(ANOTHER)
        await until(lambda: elder.media.hears(ANOTHER), 5, "her to hear op2")
        view = await emergency(api)
        assert [leg["reason"] for leg in view["legs"] if leg["number"] == "op1"] == ["dead"]
        assert view["state"] == "open"
    finally:
        await op1.kill()
        await op1.close()


async def test_r14_who_mutes_and_who_never_answers_an_options_stay_while_a_dead_one_goes(center: Instance) -> None:
    api = await center.sign_in("op1")
    muted = await softphone(center, "op1")
    phones = [muted]
    try:
        await ready(center, api, 1)
        first = await press(center)
        await muted.answer()
        await hears_for_two_seconds(first)
        plain = await center.seat("op2")
        await ready(center, api, 1)
        second = await press(center, 1)
        desk = await (await plain.call()).answer()
        desk.play(ANOTHER)
        await hears_for_two_seconds(second, ANOTHER)
        dead = await softphone(center, "op3")
        phones.append(dead)
        await ready(center, api, 1)
        third = await press(center, 2)
        await dead.answer()
        await hears_for_two_seconds(third)

        await muted.order("hold")
        assert desk.media is not None
        await desk.media.close()
        await until(lambda: not first.media.hears(OPERATOR), 5, "her operator to be on hold")
        dead.signal(signal.SIGKILL)

        async def judged() -> bool:
            legs = [leg for one in (await api.get("/emergencies"))["items"] for leg in one["legs"]]
            return any(leg["number"] == "op3" and leg["reason"] == "dead" for leg in legs)

        await center.until(judged, 5, "op3's end")
        legs = [leg for one in (await api.get("/emergencies"))["items"] for leg in one["legs"]]
        assert {leg["number"] for leg in legs if leg["role"] == "seat" and leg["state"] == "joined"} == {"op1", "op2"}
        await muted.order("resume")
        await until(lambda: first.media.hears(OPERATOR), 5, "her operator to be back")
    finally:
        for phone in phones:
            await phone.close()


async def test_r16_an_elders_line_that_dies_is_told_and_then_called_back(center: Instance) -> None:
    """Her terminal burns: no BYE, no audio. She is on no other line, so it is this number that is called."""
    op1, trunk = await center.seat("op1"), await center.trunk(auto={"*": "answer"})
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    elder = await press(center)
    desk = await (await op1.call()).answer()
    elder.media.play(ELDER)
    await until(lambda: desk.hears(ELDER), 5, "the operator to hear her")
    await hears_for_two_seconds(elder, None)
    await elder.media.close()

    async def told() -> bool:
        return (await emergency(api))["silence"] == "call_back" and bool(await facts(api, "leg.stalled"))

    await center.until(told, 8, "the operator to be told")
    assert "ended" not in " ".join(elder.events)
    called = await trunk.call(center.elders[0]["pendant"], seconds=15)
    await called.until("answered")
    called.play(ELDER)
    await until(lambda: desk.hears(ELDER), 5, "the operator to hear her again")
    view = await emergency(api)
    assert [leg["reason"] for leg in view["legs"] if leg["role"] == "elder"] == ["dead", ""]


async def test_a_desk_phone_that_loses_power_while_nobody_calls_is_offline_and_back_when_it_is(
    center: Instance,
) -> None:
    """B7, R11: found by its silence; its registration would last five minutes."""
    api = await center.sign_in("op1")

    async def seat(state: str, watched: bool) -> bool:
        mine = await api.get("/seats/me")
        return bool(mine["state"] == state and (mine["phone"] or {"watched": False})["watched"] is watched)

    phone = await softphone(center, "op1")
    await center.until(lambda: seat("ready", True), 20, what="a ready seat whose phone answers")
    await phone.kill()
    await center.until(lambda: seat("offline", False), 5, what="an offline seat")
    await phone.close()
    phone = await softphone(center, "op1", "again")
    await center.until(lambda: seat("ready", True), 20, what="a ready seat")
    await phone.close()
