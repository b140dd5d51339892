"""2026-02-03, 07:15: she slips in the bathroom and presses, and presses, and presses; then she reaches her landline.

Eight presses in a minute are one emergency: one room, one operator, each press on its timeline (A8, R18).
"""

from collections.abc import Sequence
from functools import partial

from tests.stories import steps
from tests.stories.steps import after, hears
from tests.support.instance import Instance
from tests.support.sipp import Caller, until

TONES = (700.0, 1000.0, 1300.0, 1600.0, 1900.0, 2200.0, 2500.0, 2800.0)
OPERATOR = 400.0


async def test_eight_presses_in_a_minute_are_one_emergency_in_one_room(center: Instance) -> None:
    elder = center.elders[0]
    landline = elder["phones"][1]
    trunk = await center.trunk()
    op1, op2 = await center.seat("op1"), await center.seat("op2")
    api = await center.sign_in("op1")
    await steps.ready(center, api, 2)

    # Four presses: her pendant opens a new line and drops the old one. Both seats ring, once.
    lines = [await _press(center, elder["pendant"], 0)]
    for number in range(1, 4):
        lines.append(await _press(center, elder["pendant"], number))
        lines[-2].hangup()
        await until(partial(steps.gone, lines[-2]), 5, "the old line to end")
    ringing = [await op1.call(), await op2.call()]
    assert len(op1.calls) == len(op2.calls) == 1
    desk = await ringing[0].answer()
    desk.play(OPERATOR)
    await ringing[1].until("cancelled")
    # Three more while op1 talks with her, whose lines stay up; the eighth from the telephone in the hall.
    lines += [await _press(center, elder["pendant"], number) for number in range(4, 7)]
    lines.append(await _press(center, landline, 7))

    # One room: he hears all five lines that are up, and she hears him on each.
    up = range(3, 8)
    await hears(desk, *(TONES[number] for number in up), what="him to hear every line")
    for number in up:
        await hears(lines[number].media, OPERATOR, what="her to hear him on every line")
    assert len(op1.calls) == len(op2.calls) == 1, "nobody was rung again"
    incident = await steps.the_open_one(center, api)
    assert incident["elder_id"] == elder["id"]
    assert incident["priority"] == 7
    assert len(incident["calls"]) == 8
    assert incident["human_answer_ms"] is not None
    assert {(await api.get(f"/calls/{call}"))["room"] for call in incident["calls"]} == {incident["room"]}
    hers = [leg["number"] for leg in incident["legs"] if leg["role"] == "elder"]
    assert sorted(hers) == sorted([elder["pendant"]] * 7 + [landline])

    # Closed: she hears good-bye on every line, op1 is free, nobody is called back.
    await steps.close(api, incident["id"], "resolved", "fall")
    await _all_gone(lines)
    await desk.until("ended")
    await steps.drained(center)
    facts = await steps.timeline(api, incident["id"])
    presses = [fact for fact in facts if fact["kind"] in ("emergency.opened", "emergency.pressed")]
    assert [fact["kind"] for fact in presses] == ["emergency.opened"] + ["emergency.pressed"] * 7
    assert [fact["data"]["priority"] for fact in presses[1:]] == [*range(1, 8)]
    assert {fact["actor"] for fact in presses} == {"elder"}
    assert after(presses[0]["at"], presses[-1]["at"]) < 60
    assert [fact["kind"] for fact in facts].count("emergency.answered") == 1
    assert not [fact for fact in facts if fact["kind"] == "emergency.line_dropped"]
    assert len((await api.get("/emergencies"))["items"]) == 1
    assert elder["pendant"] not in [call.number for call in trunk.calls]


async def test_eight_lines_of_one_elder_at_once_are_one_emergency_too(center: Instance) -> None:
    await center.trunk()
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    await steps.ready(center, api, 1)
    lines = [await _press(center, center.elders[0]["pendant"], number) for number in range(8)]
    desk = await (await op1.call()).answer()
    await hears(desk, *TONES, what="all eight lines")
    incident = await steps.the_open_one(center, api)
    assert incident["priority"] == 7
    await steps.close(api, incident["id"], "resolved", "fall")
    await _all_gone(lines)
    await desk.until("ended")


async def _press(center: Instance, number: str, place: int) -> Caller:
    caller = await center.dial("95120", number, seconds=120)
    await caller.answered(2)
    caller.media.play(TONES[place], level=4000)
    return caller


async def _all_gone(lines: Sequence[Caller]) -> None:
    for line in lines:
        await until(partial(steps.gone, line), 10, "each of her lines to end")
