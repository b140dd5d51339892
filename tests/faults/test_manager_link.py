"""The connection to Asterisk's manager is cut, half-open, slow, or mixes up what it is told; clocks jump (R3, R23)."""

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import pytest_asyncio

from callcenter.calls import facts as cf
from tests.faults.center import Center, Unwatched
from tests.faults.proxy import DOWN, Confusion, Proxy
from tests.faults.table import Tally
from tests.support.ports import free_port
from tests.support.sipp import until

NOTICED_SECONDS = 5.0
"""R3."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire() -> AsyncIterator[Proxy]:
    """Between our process and Asterisk's manager; told its target when that is known."""
    async with Proxy(free_port()) as proxy:
        yield proxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, wire: Proxy) -> AsyncIterator[Center]:
    folder = tmp_path_factory.mktemp("center")
    async with Unwatched(folder, ami_port=wire.target_port, served={"ami_port": wire.port}) as center:
        yield center


def link(center: Center, up: bool) -> Callable[[], Coroutine[Any, Any, bool]]:
    """Whether the link is up, or down."""

    async def is_so() -> bool:
        return await center.metric("callcenter_pbx_up") == up

    return is_so


@pytest.mark.fault("R3")
async def test_cut_while_one_talks_and_one_waits_then_it_is_back_and_nobody_noticed(
    center: Center, tally: Tally, wire: Proxy
) -> None:
    """R3, A10."""
    op1, op2 = await center.seats("op1", "op2")
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    waiting = await center.press(tally, 1, 840)
    await waiting.answered(3)
    center.witness.mark()
    wire.closed = True
    wire.cut()
    await center.until(link(center, False), NOTICED_SECONDS, "the loss to be noticed")
    wire.closed = False
    begun = time.monotonic()
    await center.until(link(center, True), 10, "the link to be back")
    tally.took(time.monotonic() - begun)
    await center.talk(tally, waiting, op2, 840)
    assert desk.hears(440)
    await center.audit(tally)


@pytest.mark.fault("R3")
async def test_half_open_while_help_is_asked_for_then_it_is_noticed_and_nobody_is_dialled_twice(
    center: Center, tally: Tally, wire: Proxy
) -> None:
    """R3: Asterisk hears the order to dial 120, we never hear its answer; after the reconnect it is not sent again."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk()
    caller = await center.press(tally, 0, 440)
    await center.talk(tally, caller, op1, 440)
    incident = await center.of(0)
    api = await center.api()
    wire.hold(DOWN)
    begun = time.monotonic()
    key = {"Idempotency-Key": "half-open"}
    await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers=key)
    ambulance = await trunk.call("120")
    await center.until(link(center, False), NOTICED_SECONDS, "the loss to be noticed")
    noticed = time.monotonic() - begun
    tally.note(f"half-open noticed after {noticed:.1f} s")
    wire.cut()
    wire.heal()
    await center.until(link(center, True), 10, "the link to be back")
    tally.took(time.monotonic() - begun)
    await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers=key)
    await ambulance.answer()
    ambulance.play(1240)
    await center.until(lambda: _joined(center, 0, "120"), what="120 in the room")
    await until(lambda: caller.media.hears(1240), 5, "her to hear 120")
    assert [call.number for call in trunk.calls] == ["120"]
    await center.audit(tally)


@pytest.mark.fault("R3")
async def test_half_a_second_slow_each_way_then_the_link_holds_and_calls_are_answered(
    center: Center, tally: Tally, wire: Proxy, full: bool
) -> None:
    """R3."""
    (op1,) = await center.seats("op1")
    wire.delay = dict.fromkeys(wire.delay, 0.5)
    for elder in range(3 if full else 1):
        begun = time.monotonic()
        caller = await center.press(tally, elder, 440)
        desk = await center.talk(tally, caller, op1, 440)
        tally.note(f"a human {time.monotonic() - begun:.1f} s after the press")
        incident = await center.of(elder)
        await (await center.api()).post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        await desk.until("ended", 10)
    assert await center.metric("callcenter_pbx_up") == 1
    wire.heal()
    await center.audit(tally)


@pytest.mark.fault("R23")
async def test_events_told_twice_and_out_of_order_then_everybody_is_where_they_should_be(
    center: Center, tally: Tally, wire: Proxy, full: bool
) -> None:
    """R23: order by receipt, no negative durations, the same end state."""
    op1, op2 = await center.seats("op1", "op2")
    trunk = await center.trunk(auto={"*": "answer"})
    api = await center.api()
    for round_ in range(8 if full else 1):
        elder = round_ % 5
        wire.mangle = mixed = Confusion(seed=round_)
        caller = await center.press(tally, elder, 440)
        begun = time.monotonic()
        desk = await center.talk(tally, caller, op1, 440)
        await center.until(lambda elder=elder: _joined(center, elder, "seat"), what="op1 in the room")  # type: ignore[misc]
        incident = await center.of(elder)
        await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"})
        await center.until(lambda elder=elder: _joined(center, elder, "120"), what="120 in the room")  # type: ignore[misc]
        await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        await desk.until("ended", 15)
        await center.until(_over(center), 20, "every call to be over")
        assert mixed.repeated > 3
        closed = await center.of(elder)
        assert {leg["state"] for leg in closed["legs"]} == {"ended"}
        assert 0 <= closed["system_answer_ms"] <= closed["human_answer_ms"] < 15_000
        wire.heal()
        await center.until(lambda: _seats_are(center, {"op1": "ready", "op2": "ready"}), 20, "the seats to be free")
        tally.took(time.monotonic() - begun)
    # Some elders' plans have others called as well.
    assert [call.number for call in trunk.calls].count("120") == (8 if full else 1)
    assert all(body.seconds >= 0 for body in center.witness.bodies(cf.CallEnded))
    assert op2.calls
    await center.audit(tally)


async def _joined(center: Center, elder: int, role: str) -> bool:
    legs = (await center.of(elder))["legs"]
    return any(leg["role"] == role and leg["state"] == "joined" for leg in legs)


def _over(center: Center) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def over() -> bool:
        return not await center.metric("callcenter_open_calls")

    return over


async def _seats_are(center: Center, wanted: dict[str, str]) -> bool:
    seats = {seat["user"]: seat["state"] for seat in (await (await center.api()).get("/seats"))["items"]}
    return wanted.items() <= seats.items()
