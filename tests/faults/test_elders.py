"""What elders and devices do: hang up, say nothing, press again and again, call from anywhere (R16 to R20, R26)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from callcenter.emergency import facts as ef
from callcenter.emergency.silence import Silent
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.sipp import Caller, until

CALL_BACK_SECONDS = 3.0
"""R16."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """Times that a test can wait for: silence, and an alarm's own call."""
    quick: dict[str, Any] = {
        "silence_ask_seconds": 3,
        "silence_louder_seconds": 4,
        "silence_call_back_seconds": 5,
        "silence_send_seconds": 6,
        "alarm_voice_seconds": 2,
    }
    async with Center(tmp_path_factory.mktemp("center"), **quick) as center:
        yield center


@pytest.mark.fault("R16")
@pytest.mark.long
@pytest.mark.parametrize("moment", ["while it rings", "in the greeting", "in the room"])
async def test_she_hangs_up_then_her_emergency_is_open_and_she_is_called_back_to_a_human(
    center: Center, tally: Tally, moment: str
) -> None:
    """A8, R16."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    press = await center.press(tally, 0, 440)
    if moment == "while it rings":
        await until(lambda: bool(op1.calls) or "answered" in press.events, 5, "her call to be there")
    else:
        await press.answered(3)
    if moment == "in the room":
        desk = await center.talk(tally, press, op1, 440)
        tally.tried += 1
    press.hangup()
    begun = time.monotonic()
    line = await trunk.call(center.elders[0]["pendant"], seconds=CALL_BACK_SECONDS)
    tally.note(f"{moment}: called back after {time.monotonic() - begun:.1f} s")
    await line.until("answered")
    line.play(840)
    if moment != "in the room":
        desk = await (await op1.call(seconds=10)).answer()
    await until(lambda: desk.hears(840), 20, "her to be heard again")
    tally.answered += 1
    tally.took(time.monotonic() - begun)
    incident = await center.of(0)
    assert incident["state"] == "open"
    hers = [leg["state"] for leg in incident["legs"] if leg["role"] == "elder"]
    assert (hers[0], hers[-1]) == ("ended", "joined")
    assert len(center.witness.bodies(ef.LineDropped, incident["id"])) == 1
    await center.audit(tally)


@pytest.mark.fault("R17")
@pytest.mark.long
async def test_she_says_nothing_then_the_operator_is_prompted_by_rule_step_by_step(
    center: Center, tally: Tally
) -> None:
    """R17: ask, listen louder, call back, send somebody."""
    (op1,) = await center.seats("op1")
    press = await center.press(tally, 0)
    press.media.play()
    desk = await (await op1.call()).answer()
    begun = time.monotonic()
    incident = (await center.of(0))["id"]
    stages = ["ask", "louder", "call_back", "send_someone"]
    await center.until(lambda: _stages(center, incident, stages), 25, "every stage of the rule")
    tally.took(time.monotonic() - begun)
    press.media.play(440)
    await until(lambda: desk.hears(440), 5, "her to be heard at last")
    tally.answered += 1
    await center.audit(tally)


async def _stages(center: Center, incident: str, stages: list[str]) -> bool:
    return [body.stage for body in center.witness.bodies(Silent, incident)] == stages


@pytest.mark.fault("R18")
async def test_eight_presses_then_one_emergency_that_rises_with_each_on_its_timeline(
    center: Center, tally: Tally
) -> None:
    """A8, R18."""
    (op1,) = await center.seats("op1")
    presses: list[Caller] = []
    for number in range(8):
        presses.append(await center.press(tally, 0, 500 + 200 * number))
        await presses[-1].answered(3)
        if number < 4:  # a pendant that dials anew lets the old line go; later ones it forgets
            presses[-1].hangup()
            await until(lambda: any(event.startswith("ended") for event in presses[-1].events), 5, "the old line's end")
    desk = await (await op1.call()).answer()
    for number in range(4, 8):
        await until(partial(desk.hears, 500 + 200 * number), 5, f"press {number} to be heard")
    incident = await center.of(0)
    assert len([item for item in await center.emergencies() if item["state"] == "open"]) == 1
    assert incident["priority"] == 7
    assert len(incident["calls"]) == 8
    kinds = Counter(center.witness.kinds(incident["id"]))
    assert (kinds["emergency.opened"], kinds["emergency.pressed"]) == (1, 7)
    tally.answered += 8
    await center.audit(tally)


@pytest.mark.fault("R18")
async def test_one_alarm_resent_a_thousand_times_then_one_alarm_and_one_emergency(
    center: Center, tally: Tally, full: bool
) -> None:
    """A8, R18: the storm of a device whose answer got lost; calls are not slowed by it."""
    seats = await center.seats("op1", "op2")
    await center.trunk()
    token = await center.source("storm")
    count = 1000 if full else 300
    alarm = {"reference": "storm-1", "kind": "fall", "device": center.elders[1]["pendant"]}
    limit = asyncio.Semaphore(20)
    answers: Counter[int] = Counter()

    async def send() -> None:
        async with limit:
            answers[(await center.alarm(token, alarm)).status_code] += 1

    begun = time.monotonic()
    storm = asyncio.gather(*(send() for _ in range(count)))
    pressed = time.monotonic()
    press = await center.press(tally, 0, 440)
    await press.answered(3)
    tally.note(f"the machine answered a press in the storm after {(time.monotonic() - pressed) * 1000:.0f} ms")
    await storm
    tally.note(f"{count} alarms in {time.monotonic() - begun:.1f} s: {dict(answers)}")
    await center.whoever(tally, seats, 440)
    assert set(answers) <= {200, 202}
    assert answers[202] == 1
    opened = [item for item in await center.emergencies("open") if item["elder_id"] == center.elders[1]["id"]]
    assert len(opened) == 1
    assert center.witness.kinds(opened[0]["id"]).count("emergency.pressed") == 0
    await center.audit(tally)


@pytest.mark.fault("R19")
@pytest.mark.long
async def test_an_alarm_whose_voice_does_not_come_then_she_is_called_back_and_a_human_is_with_her(
    center: Center, tally: Tally
) -> None:
    """A5, R19."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    token = await center.source("monitors")
    tally.tried += 1
    begun = time.monotonic()
    answer = await center.alarm(token, {"reference": "a", "kind": "fall", "device": center.elders[2]["pendant"]})
    assert answer.status_code == 202
    line = await trunk.call(center.elders[2]["pendant"], seconds=10)
    await line.until("answered")
    line.play(640)
    desk = await (await op1.call(seconds=10)).answer()
    await until(lambda: desk.hears(640), 20, "her to be heard")
    tally.answered += 1
    tally.took(time.monotonic() - begun - center.settings.alarm_voice_seconds)
    assert (await center.of(2))["origin"] == "alarm"
    await center.audit(tally)


STRANGERS = {
    "unknown": "<sip:13999999999@127.0.0.1>",
    "withheld": '"Anonymous" <sip:anonymous@anonymous.invalid>',
    "a name and no number": '"老王" <sip:lao-wang@127.0.0.1>',
    "a telephone URI": "<tel:+862165001234;phone-context=+86>",
    "nobody at all": "<sip:127.0.0.1>",
    "a number too long": "<sip:123456789012345678901234567890@127.0.0.1>",
}


@pytest.mark.fault("R20")
async def test_whoever_calls_and_however_the_number_is_written_then_a_human_answers_and_can_say_who_it_was(
    center: Center, tally: Tally, full: bool
) -> None:
    """A8, R20."""
    (op1,) = await center.seats("op1")
    await center.trunk()
    api = await center.api()
    for header in list(STRANGERS.values())[: None if full else 3]:
        press = await center.press(tally, "x", 440, from_header=header)
        begun = time.monotonic()
        desk = await center.talk(tally, press, op1, 440)
        tally.took(time.monotonic() - begun)
        (incident,) = await center.emergencies("open")
        assert incident["elder_id"] is None
        elder = center.elders[3]["id"]
        await api.post(f"/calls/{incident['calls'][0]}/elder", {"elder_id": elder})
        (incident,) = await center.emergencies("open")
        assert incident["elder_id"] == elder
        await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        await desk.until("ended", 15)
    await center.audit(tally)


@pytest.mark.fault("R25")
async def test_keys_at_the_seat_then_nothing_of_them_reaches_her_device_or_120(center: Center, tally: Tally) -> None:
    """R25: an operator's key could answer, mute or hang up a terminal that listens for tones."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"120": "answer"})
    press = await center.press(tally, 0, 440)
    desk = await center.talk(tally, press, op1, 440)
    desk.key("*1")
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    ambulance.play(1240)
    await until(lambda: press.media.hears(1240), 10, "her to hear 120")
    desk.play(640)
    desk.key("123456789*0#5")
    await until(lambda: desk.media is not None and not desk.media.keying, 10, "every key to be sent")
    await until(lambda: press.media.hears(640), 5, "the operator to be heard again")
    assert press.media.digits_heard == ""
    assert ambulance.media is not None
    assert ambulance.media.digits_heard == ""
    incident = await center.of(0)
    assert {leg["role"] for leg in incident["legs"] if leg["state"] == "joined"} >= {"elder", "seat", "120"}
    await center.audit(tally)


@pytest.mark.fault("R26")
async def test_a_device_on_test_presses_for_real_then_a_human_is_with_her_and_the_test_ends_by_itself(
    center: Center, tally: Tally, full: bool
) -> None:
    """R26."""
    (op1,) = await center.seats("op1")
    token = await center.source("testers")
    admin = await center.sign_in("admin")
    number = center.elders[3]["pendant"]
    (device,) = (await admin.get(f"/devices?number={number}"))["items"]
    body = {"state": "on_test", "test_minutes": 1}
    await admin.call("PUT", f"/devices/{device['id']}/state", json=body)
    test = await center.alarm(token, {"reference": "t", "kind": "test", "device": number})
    assert test.json()["acknowledged"]
    assert not await center.emergencies("open")
    begun = time.monotonic()
    press = await center.press(tally, 3, 440)
    await center.talk(tally, press, op1, 440)
    tally.took(time.monotonic() - begun)
    assert (await center.of(3))["state"] == "open"

    async def tested() -> bool:
        return bool((await admin.get(f"/devices/{device['id']}"))["state"] != "on_test")

    assert (await admin.get(f"/devices/{device['id']}"))["on_test_until"]
    if full:
        await center.until(tested, 70, "the test to end by itself")
    await center.audit(tally)
