"""2026-03-10, 14:00: a fire drill with op1 and four telephones, for Mrs Chen, who presses for real meanwhile (A6).

Only who was named is rung and texted, everything says that it is a drill, and the real press is no part of it.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import websockets

from tests.stories import steps
from tests.stories.steps import hears
from tests.support.instance import Instance
from tests.support.providers import Provider, provider
from tests.support.sipp import until

ON_CALL = "13900000001"
PLAYED, AMBULANCE, FAMILY, DUTY = "13600000001", "13600000002", "13600000003", "13600000004"
ACTOR, OPERATOR, DISPATCHER, ELDER, OTHER = 700.0, 1300.0, 1900.0, 2200.0, 2500.0


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[Instance, Provider]]:
    async with AsyncExitStack() as stack:
        texts = await stack.enter_async_context(provider())
        gateway = tmp_path / "gateway.json"
        gateway.write_text(json.dumps({"url": f"{texts.url}/{{to}}", "json": {"text": "{text}"}}), "utf-8")
        center = await stack.enter_async_context(
            Instance(tmp_path, duty_numbers=(ON_CALL,), message_channels=("gateway",), message_gateway=str(gateway))
        )
        yield center, texts


async def test_a_drill_rings_only_whom_it_names_and_a_real_press_of_the_same_elder_is_an_emergency_of_its_own(
    running: tuple[Instance, Provider],
) -> None:
    center, texts = running
    elder = center.elders[0]
    op1, op2, sup1 = [await center.seat(user) for user in ("op1", "op2", "sup1")]
    trunk = await center.trunk()
    lead, operator = await center.sign_in("sup1"), await center.sign_in("op1")
    await steps.ready(center, lead, 3)
    url = f"ws://127.0.0.1:{center.settings.http_port}/api/v1/live?token={lead.token}"
    async with websockets.connect(url, max_queue=None) as live:
        await live.recv()

        # An operator may not begin one. The supervisor names who takes part.
        wanted = {
            "elder_id": elder["id"],
            "kind": "fire",
            "seats": ["op1"],
            "numbers": {"elder": PLAYED, "120": AMBULANCE, "family": FAMILY, "duty": DUTY},
        }
        await operator.post("/drills", wanted, status=403)
        drill = await lead.post("/drills", wanted)
        assert drill["drill"]
        assert drill["origin"] == "drill"
        # op1 lets it ring until the plan has gone as far as the people outside: their stand-ins.
        ringing = await op1.call()
        played = await (await trunk.call(PLAYED)).answer()
        played.play(ACTOR)
        await trunk.call(DUTY, seconds=10)
        await trunk.call(FAMILY, seconds=20)
        desk = await ringing.answer()
        desk.play(OPERATOR)
        await hears(desk, ACTOR, what="the operator to hear who plays her")
        await operator.post(f"/emergencies/{drill['id']}/legs", {"role": "120"})
        dispatcher = await (await trunk.call(AMBULANCE)).answer()
        dispatcher.play(DISPATCHER)
        await hears(dispatcher, ACTOR, OPERATOR, what="who plays 120 to hear both")
        # Nobody stands in for the doctor: the real one is not called either.
        await operator.post(f"/emergencies/{drill['id']}/legs", {"role": "doctor"}, status=422)
        assert op2.calls == sup1.calls == []

        # She presses for real: op2 answers her, in a room of her own.
        press = await center.dial("95120", elder["pendant"], seconds=90)
        press.media.play(ELDER)
        other = await (await op2.call()).answer()
        other.play(OTHER)
        await hears(other, ELDER, what="op2 to hear her")
        await hears(press.media, OTHER, what="her to hear op2")
        assert not other.hears(ACTOR, OPERATOR, DISPATCHER, seconds=1)
        assert not desk.hears(ELDER, OTHER, seconds=1)
        open_now = {one["drill"]: one for one in (await lead.get("/emergencies?state=open"))["items"]}
        assert set(open_now) == {True, False}
        real = open_now[False]
        assert open_now[True]["id"] == drill["id"]
        assert real["origin"] == "press"
        assert real["elder_id"] == open_now[True]["elder_id"] == elder["id"]
        assert open_now[True]["priority"] == 0, "a press is not counted for a drill"

        await steps.close(lead, drill["id"], "drill")
        for call in (played, dispatcher, desk):
            await call.until("ended", 10)
        await hears(other, ELDER, what="the real one to go on")
        await steps.close(lead, real["id"], "resolved", "fall")
        await until(lambda: steps.gone(press), 10, "her line to end")

        # Every page that listens was told which was the drill.
        opened: dict[str, bool] = {}
        while set(opened) != {drill["id"], real["id"]}:
            fact = json.loads(await live.recv())
            if fact["kind"] == "emergency.opened":
                opened[fact["incident_id"]] = fact["data"].get("drill") is not None
        assert opened == {drill["id"]: True, real["id"]: False}

    # Who was rung and texted: those named, and nobody else; every text says what it is.
    outside = [one for one in await steps.attempts(lead, drill["id"]) if one["role"] != "seat"]
    assert {one["number"] for one in outside} == {PLAYED, AMBULANCE, FAMILY, DUTY}
    assert {call.number for call in trunk.calls} == {PLAYED, AMBULANCE, FAMILY, DUTY}
    assert {one["number"] for one in await steps.attempts(lead, drill["id"]) if one["role"] == "seat"} == {"op1"}
    assert sup1.calls == []
    messages = (await lead.get("/messages"))["items"]
    assert {one["to"] for one in messages} == {FAMILY, DUTY}
    assert {one["incident_id"] for one in messages} == {drill["id"]}
    assert all("演练" in one["text"] for one in messages)
    assert {request.path for request in texts.requests} == {f"/{FAMILY}", f"/{DUTY}"}
    # Its figures are not among those of emergencies.
    await steps.drained(center)
    figures = await lead.get("/statistics/answer-times?include=drills")
    assert (figures["total"]["incidents"], figures["drills"]["incidents"]) == (1, 1)
    orders = (await lead.get("/work-orders?kind=emergency"))["items"]
    assert [order["incident_id"] for order in orders] == [real["id"]], "nobody asks her tomorrow how the drill was"
