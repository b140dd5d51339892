"""Our process is killed or hangs, with calls up and calls arriving (R1, R2)."""

import signal
import time

import pytest

from callcenter.emergency.facts import EmergencyClosed
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.sipp import until

SPOOL = "*.json"
RIGHT_SECONDS = 2.0
"""R1: from the restart until the state is right."""


@pytest.mark.fault("R1")
async def test_killed_with_a_talk_and_help_up_while_presses_arrive_then_all_reach_a_human_and_are_on_record_once(
    center: Center, tally: Tally
) -> None:
    """A10, R1: sound goes on; arriving calls are the fallback's, later the controller's; spool taken in once."""
    op1, op2, op3 = await center.seats("op1", "op2", "op3")
    trunk = await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    desk.play(640)
    incident = await center.of(0)
    api = await center.api()
    key = {"Idempotency-Key": "before-the-kill"}
    leg = await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers=key)
    ambulance = await trunk.call("120")
    await ambulance.until("answered")
    await until(lambda: talking.media.hears(640), 3, "her to hear the operator")

    center.witness.mark()
    killed = center.send("serve", signal.SIGKILL)
    killed_at = time.monotonic()
    # Two who press in the very moments in which nobody is there but the dialplan.
    second = await center.press(tally, 1, 840)
    third = await center.press(tally, 2, 1040)
    await second.answered(3)
    await third.answered(3)
    await until(lambda: talking.media.hears(640), 3, "her to hear the operator all the time")
    await center.revived("serve", killed)
    tally.took(time.monotonic() - killed_at)

    # Whoever was in the room is known to be there as soon as it answers again (R1: within 2 s).
    await center.until(lambda: _with_her(center, {"elder", "seat", "120"}), RIGHT_SECONDS, "the state to be right")
    again = await api.post(f"/emergencies/{incident['id']}/legs", {"role": "120"}, headers=key)
    assert again["id"] == leg["id"]
    await center.talk(tally, second, op2, 840, seconds=15)
    await center.talk(tally, third, op3, 1040, seconds=15)
    assert (await center.of(0))["id"] == incident["id"]
    assert await _with_her(center, {"elder", "seat", "120"})
    assert talking.media.longest_gap(killed_at) < 0.5
    tally.note(f"longest gap in the sound: {talking.media.longest_gap(killed_at) * 1000:.0f} ms")
    assert [call.number for call in trunk.calls].count("120") == 1
    await until(lambda: not list(center.settings.spool_dir.glob(SPOOL)), 10, "an empty spool")
    await center.until(lambda: _open(center, 3), what="three emergencies, those by the spool too")
    await center.audit(tally)


async def _open(center: Center, count: int) -> bool:
    return len(await center.emergencies("open")) == count


async def _with_her(center: Center, roles: set[str]) -> bool:
    return {leg["role"] for leg in (await center.of(0))["legs"] if leg["state"] == "joined"} == roles


@pytest.mark.fault("R1")
@pytest.mark.long
async def test_killed_again_and_again_while_elders_press_then_each_press_reaches_a_human(
    center: Center, tally: Tally, full: bool
) -> None:
    """R1: a death at any point of an arrival leaves her with the dialplan or in her room, never with nobody."""
    (op1,) = await center.seats("op1")
    for round_ in range(12 if full else 2):
        elder = round_ % 5
        process = center.living("serve")
        caller = await center.press(tally, elder, 440)
        if round_ % 2:
            await caller.answered(3)
        center.send("serve", signal.SIGKILL)
        desk = await center.talk(tally, caller, op1, 440, seconds=20)
        await center.revived("serve", process)
        await until(lambda: not list(center.settings.spool_dir.glob(SPOOL)), 10, "an empty spool")
        (incident,) = await center.until(lambda: center.emergencies("open"), what="her emergency, also by the spool")
        assert incident["elder_id"] == center.elders[elder]["id"]
        await (await center.api()).post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        # Whoever talks to the duty desk through the dialplan is left in peace: hang up.
        caller.hangup()
        await desk.until("ended", 15)
        # The next kill would take with it whatever the disk has not got yet: that she was closed is the tail (R28).
        await until(lambda incident=incident: center.witness.bodies(EmergencyClosed, incident["id"]), 10, "the close")  # type: ignore[misc]
    await center.audit(tally)


@pytest.mark.fault("R2")
async def test_stopped_then_presses_reach_the_duty_desk_within_the_deadline_and_the_supervisor_says_so(
    center: Center, tally: Tally
) -> None:
    """A10, R2: it accepts the connection and says nothing; the dialplan waits a second and goes on."""
    op1, op2 = await center.seats("op1", "op2")
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    center.witness.mark()
    said = len(center.said())
    hung = center.send("serve", signal.SIGSTOP)
    begun = time.monotonic()
    try:
        second = await center.press(tally, 1, 840)
        await second.answered(4)
        await center.talk(tally, second, op2, 840, seconds=10)
        tally.note(f"a human after {time.monotonic() - begun:.1f} s by the fallback")
        assert desk.hears(440), "the talk goes on"
        await until(lambda: "does not answer" in center.said()[said:], 10, "the supervisor to say so")
        tally.note(f"said after {time.monotonic() - begun:.1f} s")
    finally:
        hung.send(signal.SIGCONT)
    resumed = time.monotonic()
    await center.until(center.ready, 10, "readiness")
    tally.took(time.monotonic() - resumed)
    await until(lambda: not list(center.settings.spool_dir.glob(SPOOL)), 10, "an empty spool")
    assert center.living("serve") == hung
    assert {(await center.of(elder))["state"] for elder in (0, 1)} == {"open"}
    await center.audit(tally)


@pytest.mark.fault("R2")
@pytest.mark.long
async def test_stopped_for_good_then_it_is_killed_and_another_takes_up_the_calls(center: Center, tally: Tally) -> None:
    """R2: a process that lives and does not answer is replaced."""
    (op1,) = await center.seats("op1")
    waiting = await center.press(tally, 0, 440)
    await waiting.answered(3)
    center.witness.mark()
    hung = center.send("serve", signal.SIGSTOP)
    begun = time.monotonic()
    await center.talk(tally, waiting, op1, 440, seconds=20)
    await center.revived("serve", hung, 60)
    tally.took(time.monotonic() - begun)
    assert "is hung; it is killed and started again" in center.said()
    await center.audit(tally)
