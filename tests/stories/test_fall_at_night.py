"""2026-01-17, 02:10: a fall beside the bed. One operator is at her break, nobody else is there (A1, A3, A9, R11, R15).

Until 02:10:03 the machine is alone with her; then the paused seat and the supervisor's phone ring, at 02:10:05 the
on-call mobiles and the daughter. The first mobile answers in its owner's pocket. The other man presses 1.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.stories import steps
from tests.stories.steps import after, hears
from tests.support.instance import Instance
from tests.support.providers import Provider, provider
from tests.support.sipp import until

POCKET_OWNER, ON_CALL = "13900000001", "13900000002"
ELDER, POCKET, RESCUER = 1300.0, 1900.0, 2300.0


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[tuple[Instance, Provider]]:
    async with AsyncExitStack() as stack:
        texts = await stack.enter_async_context(provider())
        gateway = tmp_path / "gateway.json"
        gateway.write_text(json.dumps({"url": f"{texts.url}/{{to}}", "json": {"text": "{text}"}}), "utf-8")
        center = await stack.enter_async_context(
            Instance(
                tmp_path,
                duty_numbers=(POCKET_OWNER, ON_CALL),
                message_channels=("gateway",),
                message_gateway=str(gateway),
                ring_seconds=90,
            )
        )
        yield center, texts


async def test_a_fall_at_night_with_no_seat_free_reaches_the_man_on_call_who_presses_1(
    night: tuple[Instance, Provider],
) -> None:
    center, texts = night
    elder = center.elders[0]
    daughter = next(contact["phone"] for contact in elder["contacts"] if contact["role"] == "family")
    op1, sup1 = await center.seat("op1"), await center.seat("sup1")
    trunk = await center.trunk()
    operator, supervisor = await center.sign_in("op1"), await center.sign_in("sup1")
    await operator.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "夜间休息"})

    # 02:10:00. The machine answers, and she hears that somebody is coming.
    press = await center.dial("95120", elder["pendant"], seconds=180)
    await press.answered(2)
    press.media.play(ELDER)
    await until(lambda: press.media.loudness() > 200, 3, "the greeting in her ear")
    incident = (await steps.the_open_one(center, supervisor))["id"]

    # 02:10:03. Nobody was free: the paused seat and the supervisor ring. 02:10:05. The mobiles, and the daughter.
    await op1.call(seconds=6)
    await sup1.call(seconds=6)
    pocket = await (await trunk.call(POCKET_OWNER, seconds=6)).answer()
    rescuer, hers = await trunk.call(ON_CALL), await trunk.call(daughter)

    # A mobile answers in a pocket: it hears who is in need and presses nothing. That is nobody.
    pocket.play(POCKET)
    assert pocket.media is not None
    ear = pocket.media
    await until(lambda: ear.loudness() > 200, 5, "the words in the pocket")
    await pocket.until("ended", 45)
    (heard_nobody,) = await steps.ended(center, supervisor, incident, POCKET_OWNER)
    assert heard_nobody["reason"] == "not_accepted"
    assert heard_nobody["answered_at"] is not None
    assert heard_nobody["joined_at"] is None
    now = await supervisor.get(f"/emergencies/{incident}")
    assert now["needs_human"]
    assert now["human_answer_ms"] is None
    assert not press.media.hears(POCKET, seconds=1)
    assert not {"cancelled", "ended"} & {*rescuer.events, *hers.events}, "they ring on"

    # The other man presses 1: both hear each other, everybody else stops ringing.
    await steps.accept(rescuer)
    rescuer.play(RESCUER)
    await hears(press.media, RESCUER, what="her to hear him")
    await hears(rescuer, ELDER, what="him to hear her")
    await hers.until("cancelled")
    await op1.calls[-1].until("cancelled")
    await sup1.calls[-1].until("cancelled")
    now = await supervisor.get(f"/emergencies/{incident}")
    assert now["answered_by"] == ON_CALL
    assert now["late"]
    assert now["human_answer_ms"] > 5000
    assert now["system_answer_ms"] < 1000
    await supervisor.call("PUT", f"/emergencies/{incident}/kind", json={"kind": "fall"})
    await steps.close(supervisor, incident, "resolved", "fall")
    await until(lambda: steps.gone(press), 10, "her line to end")
    await rescuer.until("ended")

    # Who was rung when, by which way, and what became of it.
    rung = await steps.attempts(supervisor, incident)
    listed = {one["number"]: one for one in reversed(rung)}
    begun = {number: after(now["opened_at"], one["added_at"]) for number, one in listed.items()}
    assert 3 <= min(begun["op1"], begun["sup1"]) <= max(begun["op1"], begun["sup1"]) < 5
    assert all(5 <= begun[number] < 8 for number in (POCKET_OWNER, ON_CALL, daughter)), begun
    others = set(listed) - {elder["pendant"], POCKET_OWNER, ON_CALL}
    assert {daughter, "op1", "sup1"} <= others, "later steps of her plan may have rung more of them"
    assert {listed[number]["reason"] for number in others} == {"cancelled"}
    assert listed[ON_CALL]["accepted_at"] is not None
    assert {listed[number]["route"] for number in (POCKET_OWNER, ON_CALL, daughter)} == {"trunk"}
    assert {listed[number]["role"] for number in (POCKET_OWNER, ON_CALL)} == {"duty"}
    # The breach is a fact, once (A1), and so is who ended it.
    await steps.drained(center)
    (breach,) = await steps.timeline(supervisor, incident, "emergency.answer_late")
    assert breach["data"]["limit_seconds"] == 5
    (answered,) = await steps.timeline(supervisor, incident, "emergency.answered")
    assert answered["data"]["by"] == ON_CALL
    # Whoever was called outside was texted as well, each once (A3).
    outside = {(one["number"], one["role"]) for one in rung if one["role"] not in ("elder", "seat")}
    messages = (await supervisor.get(f"/messages?incident_id={incident}"))["items"]
    assert {(one["to"], one["role"]) for one in messages} == outside
    assert len(messages) == len(outside)
    assert {(one["purpose"], one["state"]) for one in messages} == {("alert", "sent")}
    assert sorted(request.path for request in texts.requests) == sorted(f"/{number}" for number, _ in outside)
