"""The desk itself fails: nobody there, nobody behind the phone, two at once, a phone that dies (R11 to R14)."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from callcenter.calls import facts as cf
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.baresip import Baresip
from tests.support.sipp import until

MOBILE = "13900007001"
"""On call, 5 s into the ladder."""
OFFERED_SECONDS = 2.0
"""R14."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    async with Center(tmp_path_factory.mktemp("center"), duty_numbers=(MOBILE,), wrap_up_seconds=0) as center:
        yield center


@pytest.mark.fault("R11")
@pytest.mark.parametrize(
    "desk",
    [
        "nobody logged in",
        pytest.param("none free", marks=pytest.mark.long),
        pytest.param("the only phone is off", marks=pytest.mark.long),
    ],
)
async def test_no_seat_that_can_answer_then_the_ladder_goes_on_by_its_times_to_the_mobile_on_call(
    center: Center, tally: Tally, desk: str
) -> None:
    """A1, A9, R11."""
    trunk = await center.trunk(auto={MOBILE: "accept"})
    if desk != "nobody logged in":
        (op1,) = await center.seats("op1")
    if desk == "none free":
        busy = await center.press(tally, 1, 840)
        await center.talk(tally, busy, op1, 840)
    elif desk == "the only phone is off":
        await op1.close()  # its registration lives on
    begun = time.monotonic()
    press = await center.press(tally, 0, 440)
    await press.answered(3)
    mobile = await trunk.call(MOBILE, seconds=10)
    tally.note(f"{desk}: the mobile rang after {time.monotonic() - begun:.1f} s")
    await until(lambda: mobile.hears(440), 15, "her to be heard on the mobile")
    tally.answered += 1
    tally.took(time.monotonic() - begun)
    incident = await center.of(0)
    await center.until(lambda: _answered(center, 0), what="the answer on record")
    assert "emergency.answer_late" in center.witness.kinds(incident["id"])
    await center.audit(tally)


async def _answered(center: Center, elder: int) -> bool:
    return (await center.of(elder))["human_answer_ms"] is not None


@pytest.mark.fault("R12")
async def test_a_phone_that_answers_by_itself_with_nobody_there_is_not_accepted_and_the_next_seat_has_her(
    center: Center, tally: Tally
) -> None:
    """A1, R12: eight seconds for a sign of life, while the ladder goes on."""
    op1, op2 = await center.seats("op1", "op2")
    mine = await center.sign_in("op1")
    await mine.call("PUT", "/seats/me/auto-answer", json={"on": True})
    await center.until(lambda: _auto(center, "op1"), what="the seat to be set so")
    begun = time.monotonic()
    press = await center.press(tally, 0, 440)
    empty = await (await op1.call()).answer()
    await until(lambda: empty.hears(440), 5, "her to be heard in an empty room")
    incident = await center.of(0)
    assert incident["human_answer_ms"] is None
    await center.talk(tally, press, op2, 440, seconds=15)
    tally.took(time.monotonic() - begun)
    await empty.until("ended", 15)
    await center.until(lambda: _answered(center, 0), what="the answer on record")
    assert (await center.of(0))["answered_by"] == "op2"
    await mine.call("PUT", "/seats/me/auto-answer", json={"on": False})
    await center.audit(tally)


async def _auto(center: Center, user: str) -> bool:
    return bool((await _seats(center))[user]["auto_answer"])


async def _seats(center: Center) -> dict[str, dict[str, Any]]:
    return {seat["user"]: seat for seat in (await (await center.api()).get("/seats"))["items"]}


@pytest.mark.fault("R13")
async def test_two_seats_pick_up_in_the_same_moment_then_one_is_in_and_the_other_free_for_the_next_at_once(
    center: Center, tally: Tally, full: bool
) -> None:
    """A9, R13: many times, both orders sent in one go."""
    phones = dict(zip(("op1", "op2"), await center.seats("op1", "op2"), strict=True))
    api = await center.api()
    both = 0
    for round_ in range(30 if full else 2):
        first, second = round_ % 5, (round_ + 1) % 5
        press = await center.press(tally, first, 440)
        calls = {user: await phone.call() for user, phone in phones.items()}
        await asyncio.gather(*(call.pick_up() for call in calls.values()))
        begun = time.monotonic()
        await until(lambda calls=calls: all(call.events for call in calls.values()), 5, "both to be told")  # type: ignore[misc]
        both += all("answered" in call.events for call in calls.values())
        await until(lambda calls=calls: any(call.hears(440) for call in calls.values()), 5, "one to hear her")  # type: ignore[misc]
        tally.answered += 1
        await center.until(lambda first=first: _answered(center, first), what="the answer on record")  # type: ignore[misc]
        winner = (await center.of(first))["answered_by"]
        (loser,) = phones.keys() - {winner}
        # The next elder presses while the loser is still being told.
        known = len(phones[loser].calls)
        other = await center.press(tally, second, 840)
        await until(lambda phone=phones[loser], known=known: len(phone.calls) > known, 5, "the loser to ring")  # type: ignore[misc]
        await center.talk(tally, other, phones[loser], 840, seconds=10)
        tally.took(time.monotonic() - begun)
        await until(lambda call=calls[winner]: call.hears(440), 5, "the winner to hear her still")  # type: ignore[misc]
        assert not calls[loser].hears(440)
        joined = [leg for leg in (await center.of(first))["legs"] if leg["state"] == "joined"]
        assert sorted(leg["role"] for leg in joined) == ["elder", "seat"]
        for elder in (first, second):
            incident = (await center.of(elder))["id"]
            await api.post(f"/emergencies/{incident}/close", {"outcome": "exercise"})
        await center.until(lambda: _both_free(center), 15, "both seats to be free")
        press.hangup()
        other.hangup()
    tally.note(f"{both} times both had really answered; else one was told so before its phone was off the hook")
    await center.audit(tally)


async def _both_free(center: Center) -> bool:
    seats = await _seats(center)
    return {seats[user]["state"] for user in ("op1", "op2")} == {"ready"} and not await center.metric(
        "callcenter_open_calls"
    )


@asynccontextmanager
async def softphone(center: Center, user: str, tone: int) -> AsyncIterator[Baresip]:
    """A real softphone, which answers what SIP asks it; registered and known."""
    before = (await center.part("seats"))["registered"]
    phone = await Baresip.register(center.folder, center.settings, user, center.sip_password(user), tone=tone)
    try:
        await center.until(lambda: center.registered(before + 1), what="its registration")
        yield phone
    finally:
        await phone.close()
        shutil.rmtree(phone.folder)


@pytest.mark.fault("R14")
async def test_a_seats_phone_dies_in_the_call_then_she_is_offered_to_the_next_seat(
    center: Center, tally: Tally
) -> None:
    """A2, R14: no BYE, no sound, nothing; noticed and rung for anew within 2 s."""
    (op2,) = await center.seats("op2")
    async with softphone(center, "op1", 640) as op1:
        press = await center.press(tally, 0, 440)
        await op1.answer()
        tally.answered += 1
        await until(lambda: press.media.hears(640), 5, "the operator to be heard")
        # A talk is under way; a phone that leaves an elder within seconds is another case.
        talking = time.monotonic()
        await until(lambda: time.monotonic() - talking > 4 and press.media.hears(640), 5, "a talk")
        rung = len(op2.calls)
        await op1.kill()
        begun = time.monotonic()
        tally.tried += 1
        await until(lambda: len(op2.calls) > rung, OFFERED_SECONDS, "the next seat to ring")
        tally.note(f"the next seat rang {time.monotonic() - begun:.1f} s after the phone died")
        await center.talk(tally, press, op2, 440, seconds=10)
        tally.took(time.monotonic() - begun)
    incident = await center.of(0)
    assert incident["state"] == "open"
    assert not center.witness.bodies(cf.CallEnded, incident["id"])
    await center.audit(tally)
