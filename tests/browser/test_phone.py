"""The phone in the page, in real Chromium against a real Asterisk: it talks, and is back after whatever breaks (B1)."""

import asyncio
import os
import signal

from tests.stories.steps import hears, ready, the_open_one, verified
from tests.support.audio import seconds_of, tones_in_file
from tests.support.browser import Console, Operator, pause
from tests.support.instance import Api, Instance
from tests.support.sipp import PATIENCE, Caller, until

ELDER, OPERATOR = 440.0, 640.0
UNPLUG = """() => {
    const [track] = callcenterPhone.sound.microphone?.getAudioTracks() ?? [];
    track?.stop();
    track?.onended?.();
}"""
"""As when its plug is pulled: a fake device has none. The browser may have been quicker, once it is not allowed."""


async def test_given_a_press_when_the_page_answers_then_both_hear_each_other_and_the_recording_has_both(
    center: Instance, console: Console
) -> None:
    """A1, A2, A4: no telephone on the desk at all."""
    op1 = await console("op1", voice=OPERATOR)
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await press.answered(2)
    press.media.play(ELDER)
    await op1.phone("call?.state", "ringing")
    await op1.say("answer")
    await op1.phone("call?.media", "flowing")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator")
    before = await op1.stats()
    await until_received(center, op1, before["received"] + 50)
    assert before["codec"] in ("audio/opus", "audio/PCMU")

    emergency = await the_open_one(center, api)
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "false_alarm"})
    await op1.phone("call", None)
    recordings = await verified(center, api, emergency["calls"][0])
    mix = next(item for item in recordings if item["kind"] == "mix")
    audio = center.folder / "mix.wav"
    audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    both = {ELDER, OPERATOR}
    assert any(
        tones_in_file(audio, sorted(both), n / 2, n / 2 + 0.5) == both for n in range(int(seconds_of(audio) * 2))
    )


async def test_given_a_call_when_the_page_is_reloaded_then_the_elder_rings_there_again_at_once(
    center: Instance, console: Console
) -> None:
    """R12, R14: a page that goes says so, and no ghost of its call keeps the elder waiting."""
    op1 = await console("op1", voice=OPERATOR)
    press = await talking(center, op1)
    await op1.page.reload()
    await op1.phone("call?.state", "ringing", 10)
    await op1.say("answer")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator again")


async def test_given_a_hotline_call_when_the_page_is_reloaded_then_the_caller_waits_and_rings_again(
    center: Instance, console: Console
) -> None:
    """R14, B7: the page's last word says that nobody hung up."""
    op1 = await console("op1", voice=OPERATOR)
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=120)
    await caller.answered()
    caller.media.play(ELDER)
    caller.media.key("0")
    await op1.phone("call?.state", "ringing", 30)
    await op1.say("answer")
    await op1.hears(ELDER)
    await op1.page.reload()
    await op1.phone("call?.state", "ringing", 20)
    await op1.say("answer")
    await op1.hears(ELDER)


async def test_given_a_call_when_asterisk_is_killed_and_back_then_the_page_is_registered_by_itself(
    center: Instance, console: Console
) -> None:
    """R3: and its dead call is over, so that the next one rings."""
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("WebSocket")
    await talking(center, op1)
    assert center.asterisk is not None
    center.asterisk.kill()
    await op1.phone("status", "lost")
    center.asterisk.start()
    await op1.phone("status", "registered", 15)
    await op1.phone("call", None, 15)
    api = await center.sign_in("op1")
    await ready(center, api, 1)
    again = await center.dial("95120", center.elders[1]["pendant"], seconds=120)
    again.media.play(ELDER)
    await op1.phone("call?.state", "ringing")
    await op1.say("answer")
    await op1.hears(ELDER)


async def test_given_a_call_when_asterisk_freezes_then_the_page_says_so_and_they_hear_each_other_again_when_it_thaws(
    center: Instance, console: Console
) -> None:
    """R3, R14: its sockets stand, and nobody is behind them; the browser finds another way, and Asterisk follows."""
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("WebSocket")
    press = await talking(center, op1)
    assert center.asterisk is not None
    os.kill(center.asterisk.pid, signal.SIGSTOP)
    try:
        await op1.phone("status", "lost", 10)
        await op1.phone("call?.media", "lost", 10)
    finally:
        os.kill(center.asterisk.pid, signal.SIGCONT)
    await op1.phone("status", "registered", 15)
    await talks_again(center, op1, press)


async def test_given_a_call_when_the_microphone_is_gone_then_the_page_says_so_and_another_seat_has_her(
    center: Instance, console: Console
) -> None:
    """R14, B7: who cannot speak is no help, and not ready."""
    op1 = await console("op1", voice=OPERATOR)
    await talking(center, op1)
    op2 = await center.seat("op2")
    await op1.context.clear_permissions()
    await op1.page.evaluate(UNPLUG)
    await op1.phone("problem", "microphone_denied")
    await op1.page.get_by_test_id("microphone-again").wait_for()
    second = await op2.call(seconds=20)
    await second.answer()
    await until(lambda: second.hears(ELDER), 5, "the second operator to hear her")
    await op1.phone("status", "blocked")
    await op1.context.grant_permissions(["microphone"])
    await op1.say("retry")
    await op1.phone("status", "registered")


async def test_given_no_network_for_ten_seconds_then_the_seat_is_offline_within_five_and_back_by_itself(
    center: Instance, console: Console
) -> None:
    """B7: nobody is rung whose page cannot hear."""
    op1 = await console("op1")
    api = await center.sign_in("op2")
    await ready(center, api, 1)
    begun = asyncio.get_running_loop().time()
    await op1.cut()
    await ready(center, api, 0)
    assert asyncio.get_running_loop().time() - begun < 5 * PATIENCE
    await op1.phone("status", "lost")
    await pause(10 - (asyncio.get_running_loop().time() - begun))
    await op1.mend()
    await op1.phone("status", "registered", 10)
    await ready(center, api, 1)


async def test_given_two_tabs_then_one_is_the_phone_until_the_other_takes_over(
    center: Instance, console: Console
) -> None:
    """Two would take the registration from each other without a word."""
    op1 = await console("op1", voice=OPERATOR)
    api = await center.sign_in("op1")
    await talking(center, op1)
    second = await op1.open()
    await op1.sign_in(second)
    await op1.phone("status", "waiting", page=second)
    await op1.phone("call?.state", "up")
    await op1.say("takeOver", page=second)
    await op1.phone("status", "registered", page=second)
    await op1.phone("status", "waiting")
    await op1.phone("call", None)
    # The call that ended with the first tab rings at the second, and only there.
    await op1.phone("call?.state", "ringing", page=second)
    await second.close()
    await op1.phone("status", "registered")
    await ready_or_ringing(center, api)


async def test_given_two_machines_then_the_later_is_the_phone_until_the_other_takes_it_back(
    center: Instance, console: Console
) -> None:
    """B1: a page that was left open at another desk."""
    window = await console("op1")
    door = await console("op1")
    await window.phone("status", "waiting")
    await door.phone("status", "registered")
    await window.say("takeOver")
    await door.phone("status", "waiting")
    await window.phone("status", "registered")


async def test_given_keys_in_the_call_then_the_server_takes_each_once(center: Instance, console: Console) -> None:
    """A2: *1 fetches the ambulance; opus would shorten keys that go as sound."""
    trunk = await center.trunk(auto={"120": "answer"})
    op1 = await console("op1", voice=OPERATOR)
    await talking(center, op1)
    await op1.say("keys", "*1")
    await (await trunk.call("120")).until("answered")
    assert [call.number for call in trunk.calls] == ["120"]


async def test_given_the_echo_when_called_then_the_page_hears_its_own_voice_and_a_press_ends_the_test(
    center: Instance, console: Console
) -> None:
    """The device check: microphone, line and headset in one."""
    op1 = await console("op1", voice=OPERATOR)
    await op1.say("test")
    await op1.hears(OPERATOR)

    async def loud() -> bool:
        return bool(min((await op1.say("level")).values()) > 0.1)

    await center.until(loud, 5, "both meters to show the voice")
    await op1.say("mute", True)
    await silence(center, op1)
    await center.dial("95120", center.elders[0]["pendant"], seconds=60)
    await op1.phone("call?.kind", "seat")
    assert not (await op1.page.evaluate("callcenterPhone.state.muted"))


async def test_given_a_page_that_may_not_use_the_microphone_then_it_does_not_ring_and_says_why(
    center: Instance, console: Console
) -> None:
    op1 = await console("op1", wait=False, microphone=False)
    await op1.phone("status", "blocked")
    await op1.phone("problem", "microphone_denied")
    await op1.context.grant_permissions(["microphone"])
    await op1.say("retry")
    await op1.phone("status", "registered")


async def test_given_a_call_when_the_machine_is_suspended_then_another_seat_rings_within_seconds(
    center: Instance, console: Console
) -> None:
    """R14: nothing comes from the page any more, and it does not ping."""
    op1 = await console("op1", voice=OPERATOR)
    await talking(center, op1)
    op2 = await center.seat("op2")
    begun = asyncio.get_running_loop().time()
    op1.freeze()
    try:
        second = await op2.call(seconds=7)
        assert asyncio.get_running_loop().time() - begun < 7 * PATIENCE
        await second.answer()
        await until(lambda: second.hears(ELDER), 5, "the second operator to hear her")
    finally:
        op1.thaw()
    await op1.phone("call", None, 20)
    await op1.phone("status", "registered")


async def test_given_no_controller_when_a_press_comes_then_the_page_rings_and_it_is_on_record_who_answered(
    center: Instance, console: Console
) -> None:
    """A10, R1: the fallback rings the phone in the page, which needs nothing of ours but itself."""
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven += ["WebSocket", "Failed to load resource"]
    center.kill()
    press = await talking(center, op1)
    press.hangup()
    await op1.phone("call", None)
    await center.serve()
    api = await center.sign_in("sup1")

    async def on_record() -> bool:
        return [one["answered_by"] for one in (await api.get("/emergencies"))["items"]] == ["op1"]

    await center.until(on_record, 15, "the press to be on record")


async def test_given_a_seat_that_answers_by_itself_then_the_page_picks_up_and_a_key_shows_that_somebody_is_there(
    center: Instance, console: Console
) -> None:
    """A1, R12: told by the INVITE, and only where the operator wants it."""
    api = await center.sign_in("op1")
    await api.call("PUT", "/seats/me/auto-answer", json={"on": True})

    async def known() -> bool:
        return bool((await api.get("/seats/me"))["auto_answer"])

    await center.until(known, what="the seat to answer by itself")
    op1 = await console("op1", voice=None)
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    press.media.play(ELDER)
    await op1.phone("call?.state", "up")
    assert await op1.page.evaluate("callcenterPhone.state.call.auto")
    await op1.hears(ELDER)
    await op1.say("keys", "5")
    emergency = await the_open_one(center, api)

    async def accepted() -> bool:
        return (await api.get(f"/emergencies/{emergency['id']}"))["human_answer_ms"] is not None

    await center.until(accepted, 5, "a human answer")


async def talking(center: Instance, operator: Operator) -> Caller:
    """A press that this page has answered; both hear each other."""
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=180)
    await press.answered(2)
    press.media.play(ELDER)
    await operator.phone("call?.state", "ringing")
    await operator.say("answer")
    await operator.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator")
    return press


async def talks_again(center: Instance, operator: Operator, press: Caller) -> None:
    """Wait until both hear each other at once: in the call that was, or in the one that rings in its place."""
    played = press.media.packets + 100  # what Asterisk had in store from before says nothing

    async def both() -> bool:
        if await operator.page.evaluate("callcenterPhone.state.call?.state === 'ringing'"):
            await operator.say("answer")
        hers = press.media.packets > played and press.media.hears(OPERATOR, seconds=1) == {OPERATOR}
        return hers and await operator.heard(ELDER) == {ELDER}

    await center.until(both, 20, "both to hear each other again")


async def silence(center: Instance, operator: Operator) -> None:
    """Wait until the page no longer hears its own voice."""

    async def none() -> bool:
        return not await operator.heard(OPERATOR)

    await center.until(none, 5, "silence")


async def ready_or_ringing(center: Instance, api: Api) -> None:
    """Wait until op1's seat can be rung, or is."""

    async def there() -> bool:
        return (await api.get("/seats/me"))["state"] in ("ready", "ringing")

    await center.until(there, what="op1's seat")


async def until_received(center: Instance, operator: Operator, packets: int) -> None:
    """Wait until so many packets of audio have come to the page."""

    async def enough() -> bool:
        return bool((await operator.stats())["received"] >= packets)

    await center.until(enough, 5, f"{packets} packets")
