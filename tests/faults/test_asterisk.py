"""Asterisk is killed in mid-call and comes back; a bad configuration is refused before it gets near it (R4, R24)."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from callcenter.asterisk_config import REPO, layout
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.instance import environment
from tests.support.sipp import until


@pytest.mark.fault("R4")
async def test_killed_with_one_elder_talking_and_one_waiting_then_both_are_called_back_into_rooms_with_a_human(
    center: Center, tally: Tally
) -> None:
    """A8, R4: incidents stay open, elders are called back, rooms are made anew, seats need not be touched."""
    op1, op2 = await center.seats("op1", "op2")
    trunk = await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    await center.talk(tally, talking, op1, 440)
    waiting = await center.press(tally, 1, 840)
    await waiting.answered(3)
    await center.until(lambda: _has(center, 1), what="her incident")
    before = {elder: (await center.of(elder))["id"] for elder in (0, 1)}
    tally.tried += 1  # who was talking has to be reached once more
    center.witness.mark()

    killed = center.send("asterisk", signal.SIGKILL)
    begun = time.monotonic()
    await center.revived("asterisk", killed)
    tally.note(f"ready {time.monotonic() - begun:.1f} s after the kill")
    await center.on_again()  # as phones do by themselves; what they had told in the last second is not on disk
    tones = {0: 440.0, 1: 840.0}
    for elder, tone in tones.items():
        line = await trunk.call(center.elders[elder]["pendant"], seconds=20)
        await line.until("answered", 10)
        line.play(tone)
    tally.note(f"both called back {time.monotonic() - begun:.1f} s after the kill")
    heard: set[float] = set()
    for phone in (op1, op2):
        call = await (await phone.call(seconds=20)).answer(10)
        await until(partial(call.hears, *tones.values()), 15, "an elder to be heard")
        heard |= call.hears(*tones.values())
        tally.answered += 1
    tally.took(time.monotonic() - begun)
    assert heard == set(tones.values())
    assert center.living("asterisk") != killed
    for elder in (0, 1):
        incident = await center.of(elder)
        assert (incident["id"], incident["state"]) == (before[elder], "open")
        roles = sorted(leg["role"] for leg in incident["legs"] if leg["state"] == "joined")
        assert roles == ["elder", "seat"]
    await center.audit(tally)


async def _has(center: Center, elder: int) -> bool:
    return any(item["elder_id"] == center.elders[elder]["id"] for item in await center.emergencies())


@pytest.mark.fault("R4")
async def test_a_press_while_asterisk_is_away_is_answered_as_soon_as_it_is_back(center: Center, tally: Tally) -> None:
    """R4: SIP sends an INVITE again until somebody answers it."""
    (op1,) = await center.seats("op1")
    center.witness.mark()
    killed = center.send("asterisk", signal.SIGKILL)
    begun = time.monotonic()
    caller = await center.press(tally, 2, 640)
    await center.revived("asterisk", killed)
    await center.on_again()
    await center.talk(tally, caller, op1, 640, seconds=20)
    tally.took(time.monotonic() - begun)
    await center.audit(tally)


BROKEN = {
    "a slip of the pen in the emergency room's dialplan": ("dialplan/30-emergency.conf", "MixMonitor(", "MixMonitr("),
    "a module less": ("asterisk/modules.conf.j2", '"app_mixmonitor", ', ""),
    "a module that does not exist": ("asterisk/modules.conf.j2", "autoload = no", "autoload = no\nload = res_not.so"),
    "a kind of section that SIP does not know": ("asterisk/pjsip.conf.j2", "type = identify", "type = identity"),
}


@pytest.mark.fault("R24")
async def test_a_release_with_a_broken_configuration_is_refused_and_what_runs_goes_on(
    center: Center, tally: Tally, tmp_path: Path, full: bool
) -> None:
    """R24: what is deployed first has to start a second Asterisk without a word of complaint."""
    (op1,) = await center.seats("op1")
    talking = await center.press(tally, 0, 440)
    desk = await center.talk(tally, talking, op1, 440)
    desk.play(640)
    in_force = layout(center.settings).etc.resolve()
    asterisk = center.living("asterisk")
    for number, (what, (path, good, bad)) in enumerate(BROKEN.items()):
        if number and not full:
            break
        release = tmp_path / f"release{number}"
        for folder in ("callcenter", "dialplan", "asterisk", "recordings"):
            shutil.copytree(REPO / folder, release / folder, ignore=shutil.ignore_patterns("*.wav", "__pycache__"))
        text = (release / path).read_text("utf-8")
        assert good in text
        (release / path).write_text(text.replace(good, bad, 1), "utf-8")
        done = await asyncio.to_thread(_deploy, center, release)
        assert done.returncode != 0, what
        assert "refused" in done.stderr or "does not start" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        tally.note(f"{what}: {done.stderr.strip()[:160]}")
        assert layout(center.settings).etc.resolve() == in_force, what
    assert center.living("asterisk") == asterisk
    assert talking.media.hears(640), "the talk goes on"
    (op2,) = await center.seats("op2")
    second = await center.press(tally, 1, 840)
    await center.talk(tally, second, op2, 840)
    await center.audit(tally)


def _deploy(center: Center, release: Path) -> subprocess.CompletedProcess[str]:
    """What a new release's set-up does on a running instance."""
    return subprocess.run(
        [sys.executable, "-m", "callcenter.cli", "render", "--reload"],
        cwd=center.folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(release), **environment(center.settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
