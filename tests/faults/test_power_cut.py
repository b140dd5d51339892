"""Power goes for everything in the middle of work, and the journal is cut wherever it happens to be (R28)."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from callcenter.clock import SystemClock
from callcenter.facts import Fact
from callcenter.journal import Journal, segment_path, segments
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.faults.witness import journal_of
from tests.support.sipp import Answerer

SEED = 28


def newest(folder: Path) -> Path:
    return segment_path(folder, segments(folder)[-1])


async def work(center: Center, tally: Tally) -> Answerer:
    """One elder talks with op1 and 120, two more wait. The far end of the trunk, which has power of its own."""
    (op1,) = await center.seats("op1")
    trunk = await center.trunk(auto={"*": "answer"})
    talking = await center.press(tally, 0, 440)
    await center.talk(tally, talking, op1, 440)
    incident = (await center.of(0))["id"]
    await (await center.api()).post(f"/emergencies/{incident}/legs", {"role": "120"})
    for elder in (1, 2):
        waiting = await center.press(tally, elder, 640)
        await waiting.answered(3)
    return trunk


async def back(center: Center, tally: Tally, trunk: Answerer, elders: tuple[int, ...]) -> None:
    """Power is back: elders whose lines are gone are called back, one after the other answered by a human."""
    await center.forget_phones(trunk)
    tones = {center.elders[elder]["pendant"]: 500.0 + 300 * elder for elder in elders}
    seats = await center.seats(*(f"op{number + 1}" for number in range(len(elders))))
    for number, tone in tones.items():
        line = await trunk.call(number, seconds=30)
        await line.until("answered", 10)
        line.play(tone)
    for tone in tones.values():
        await center.whoever(tally, seats, tone, seconds=30)


@pytest.mark.fault("R28")
async def test_everything_killed_in_mid_work_then_it_starts_says_what_it_mended_and_has_all_that_was_told(
    center: Center, tally: Tally
) -> None:
    """R28: a torn line of zeros and rubbish stands at the journal's end, as disks leave it."""
    trunk = await work(center, tally)
    center.witness.mark()
    center.end_all()
    folder = center.settings.journal_dir / center.settings.node
    with newest(folder).open("ab") as journal:
        journal.write(b'0123abcd {"id":"01a2' + bytes(700))
    begun = time.monotonic()
    await center.up()
    tally.note(f"ready {time.monotonic() - begun:.1f} s after power was back")
    assert "journal repaired" in center.log()
    tally.tried += 1  # she who was talking; the others have waited all the time
    await back(center, tally, trunk, (0, 1, 2))
    tally.took(time.monotonic() - begun)
    assert len(await center.emergencies("open")) == 3
    await center.audit(tally)


@pytest.mark.fault("R28")
@pytest.mark.long
async def test_the_journal_is_cut_before_what_the_database_has_then_what_comes_after_is_on_record_all_the_same(
    center: Center, tally: Tally, full: bool
) -> None:
    """R28: a disk that lied about a flush. The lost tail is lost; nothing that is written later may go with it."""
    chance = random.Random(SEED)
    (op1,) = await center.seats("op1")
    for round_ in range(4 if full else 1):
        press = await center.press(tally, round_, 440)
        await center.talk(tally, press, op1, 440)
        await center.until(center.witness.drained, 30, "the record")
        center.end_all()
        folder = center.settings.journal_dir / center.settings.node
        path = newest(folder)
        whole = path.stat().st_size
        # Behind the opening of the emergency, which a caller was answered by; before the last that the database has.
        cut = chance.randrange(max(1, whole - 1500), whole)
        os.truncate(path, cut)
        kept = {fact.id for fact in journal_of(folder)}
        before = await center.witness.stored()
        center.witness.forget()
        begun = time.monotonic()
        await center.up()
        tally.took(time.monotonic() - begun)
        assert kept <= {fact.id for fact in center.witness.journal()}
        # Elder and operator of before are gone; she is called back while another one presses.
        await center.forget_phones()
        seats = await center.seats("op1", "op2")
        await center.press(tally, 4, 840)
        await center.whoever(tally, seats, 840, seconds=20)
        await center.until(center.witness.drained, 30, "the record")
        stored = await center.witness.stored()
        assert before <= stored
        lost = [fact.kind for fact in center.witness.journal() if fact.id not in stored]
        tally.lost += len(lost)
        assert not lost, f"cut at {cut} of {whole}: not in the database: {lost}"
        await center.audit(tally)
        await center.clear()
        (op1,) = await center.seats("op1")


@pytest.mark.fault("R28")
async def test_the_journal_cut_at_any_byte_then_it_opens_with_every_whole_line_before_the_cut(
    center: Center, tally: Tally, tmp_path: Path, full: bool
) -> None:
    """R28: the real journal of real calls, cut at many places; the writer goes on behind each."""
    (op1,) = await center.seats("op1")
    press = await center.press(tally, 0, 440)
    await center.talk(tally, press, op1, 440)
    folder = center.settings.journal_dir / center.settings.node
    path = newest(folder)
    content = path.read_bytes()
    chance = random.Random(SEED)
    for number in range(300 if full else 40):
        cut = chance.randrange(len(content))
        copy = tmp_path / f"cut-{number}"
        copy.mkdir()
        tail = chance.choice([b"", bytes(chance.randrange(1, 5000)), content[:200], b"\xff" * 90])
        segment_path(copy, 1).write_bytes(content[:cut] + tail)
        whole = content[:cut].count(b"\n")
        expected = [line for line in content[:cut].split(b"\n")[:whole] if line]
        found = await _opened(copy)
        assert len(found) >= len(set(expected)), f"cut at {cut}"
        tally.lost += max(0, len(expected) - len(found))
        shutil.rmtree(copy)
    await center.audit(tally)


async def _opened(folder: Path) -> list[Fact]:
    """What a journal's writer finds; it has to be able to go on."""
    journal = Journal(folder, SystemClock())
    recovery = journal.open()
    try:
        assert await journal.durable(*recovery.facts[:1])
    finally:
        await journal.close()
    return recovery.facts
