"""2026-03-04: callers nobody knows: unknown, withheld, malformed, endless. Each reaches a human (A8, R20)."""

from functools import partial

import pytest

from tests.support.instance import Instance
from tests.support.sipp import until

STRANGERS = {
    "unknown": "<sip:13911112222@127.0.0.1>",
    "withheld": '"Anonymous" <sip:anonymous@anonymous.invalid>',
    "nothing": "<sip:127.0.0.1>",
    "malformed": "<sip:%3Cscript%3E'%22;--@127.0.0.1>",
    "a name": '"陈\\"奶奶" <sip:Grandma.Chen@127.0.0.1>',
    "endless": f"<sip:{'9' * 200}@127.0.0.1>",
    "our seat's name": "<sip:operator1@127.0.0.1>",
}


@pytest.mark.parametrize("did", ["95120", "12349"])
async def test_a_caller_nobody_knows_reaches_a_human_on_either_line(center: Instance, did: str) -> None:
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    for who, header in STRANGERS.items():
        caller = await center.dial(did, "x", from_header=header, seconds=60)
        await caller.answered(2)
        if did == "12349":
            caller.media.key("0")
        desk = await (await op1.call(seconds=10)).answer()
        caller.media.play(700)
        await until(partial(desk.hears, 700), 3, f"{who} to be heard")
        call = (await api.get("/calls"))["items"][0]
        assert call["elder_id"] is None, who
        if did == "95120":
            emergency = (await api.get("/emergencies"))["items"][0]
            await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "false_alarm"})
        else:
            caller.hangup()
        await desk.until("ended")


@pytest.mark.parametrize("spelling", ["+8613800003001", "008613800003001", "013800003001", "8613800003001"])
async def test_an_elder_is_known_however_the_trunk_spells_her_number(center: Instance, spelling: str) -> None:
    pendant = center.elders[0]["pendant"]
    written = spelling.replace("13800003001", pendant)
    caller = await center.dial("95120", written, seconds=30)
    await caller.answered(2)
    api = await center.sign_in("op1")
    (emergency,) = (await api.get("/emergencies"))["items"]
    assert emergency["elder_id"] == center.elders[0]["id"]


@pytest.mark.parametrize("did", ["095120", "+8695120", "051295120"])
async def test_the_emergency_number_is_known_however_the_trunk_spells_it(center: Instance, did: str) -> None:
    caller = await center.dial(did, center.elders[0]["pendant"], seconds=30)
    await caller.answered(2)
    api = await center.sign_in("op1")
    assert len((await api.get("/emergencies"))["items"]) == 1
