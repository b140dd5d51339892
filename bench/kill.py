"""The figure of the killed controller: calls up, more arriving, `kill -9`, and its supervisor at work (A10, R1)."""

import asyncio
import http.client
import math
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.desk import rows, until
from bench.figures import EMERGENCY, Extent, Result
from bench.record import Record, Switchboard, repeated, switchboard
from bench.rig import Supervised, caller_number, gauge, registered_seats, supervised
from bench.sipp import Calls, call, listening, register
from bench.statistics import Summary, Verdict
from bench.voices import Voices
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.errors import Unavailable
from callcenter.processes import ProcessRef

LOOK_SECONDS = 0.1
BEFORE_SECONDS = 3.0
"""How long all runs before the kill …"""
SETTLE_SECONDS = 8.0
"""… and how long it may take until all are there and the seats have been dealt."""
ARRIVAL_HOLD = 3.0
LOADED_SECONDS = 120.0
"""How long it may take until another process of ours is loaded, as it is whenever one has run for a moment."""
PRESS_RATE = 20.0
"""Presses a second while the calls that are up come up."""
RIGHT_SECONDS = 2.0
HOLE_MS = 100.0
"""A longer hole in the sound is one that somebody hears: a phone's own jitter buffer covers less than this."""


@dataclass
class Kill:
    """What happened when; seconds of the machine's clock."""

    killed: float
    restarted: float = math.nan
    """Our process runs again …"""
    ready: float = math.nan
    """… has heard from Asterisk what is live …"""
    right: float = math.nan
    """… and nobody was missing any more, nor a ghost."""
    looks: int = 0
    at_worst: int = 0
    """The most lines that were missing or ghosts at one look after the kill."""


async def kill(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """Kills our process in the middle of it all and counts what that costs whom."""
    try:
        return await _measured(folder, runtime, extent)
    except ExceptionGroup as several:  # of the callers' tasks, or what broke while they ran
        raise several.exceptions[0] from several


async def _measured(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    up, rate, pairs, watched = extent.kill_calls, extent.kill_rate, extent.kill_pairs, extent.kill_watched
    result = Result(f"controller killed (-9) with {up} calls up, {rate:g} arriving a second")
    arriving = int(rate * (BEFORE_SECONDS + watched))
    numbers = [caller_number(index) for index in range(up + arriving)]
    talking, waiting, later = numbers[:pairs], numbers[pairs:up], numbers[up:]
    async with (
        supervised(folder / "ours4", runtime, pairs, len(numbers)) as rig,
        listening(folder, "refuse", rig.trunk_port),
        listening(folder, "refuse") as busy,
        listening(folder, "seat", echo=True) as phone,
    ):
        await register(folder, rig, phone)
        await _until(lambda: registered_seats(rig), pairs, "registered seats")
        if await until(lambda: bool(rig.said("standing_by")), LOADED_SECONDS) is None:
            raise Unavailable("nobody was loaded to take the place of who is to be killed")
        with Voices(pairs) as voices:
            ears = [voice.port for voice in voices.each]
            end = time.time() + SETTLE_SECONDS + up / PRESS_RATE + BEFORE_SECONDS + watched
            async with asyncio.TaskGroup() as group:
                press = partial(_press, group, folder, rig)
                held = [press(talking, PRESS_RATE / 4, end - time.time(), ears)]
                await _all_hear(voices)
                # From now on whoever calls a seat hears that it is busy, as it is: nobody picks up twice.
                await register(folder, rig, busy)
                held.append(press(waiting, PRESS_RATE, end - time.time()))
                await asyncio.sleep(len(waiting) / PRESS_RATE + 2)
                record = Record(rig).look()
                calls_up = len(record.open)
                late = press(later, rate, ARRIVAL_HOLD)
                await asyncio.sleep(BEFORE_SECONDS)
                async with switchboard(rig) as board:
                    seen = await _kill(rig, record, board, watched)
                    counted = await _in_the_end(rig, record, board, numbers, [late, *held])
    until_then = min(seen.killed + watched, end - 1)
    before = voices.holes_ms(seen.killed - BEFORE_SECONDS, seen.killed, loud=True)
    after = voices.holes_ms(seen.killed, until_then, loud=True)
    packets = voices.holes_ms(seen.killed, until_then, loud=False)
    arrived, others = late.result()[0], _together(*(task.result()[0] for task in held))
    result.ours = _told(arrived, others) | {"calls_up": calls_up, **asdict(seen), **counted}
    result.beside = {
        "seconds after the kill": {
            "our process runs again": round(seen.restarted - seen.killed, 2),
            "it has heard from Asterisk": round(seen.ready - seen.killed, 2),
            "everybody is on record": round(seen.right - seen.killed, 2),
        },
        "longest hole in the sound, ms": {
            "before the kill": round(max(before)),
            "across it": round(max(after)),
            "across it, between any two packets": round(max(packets)),
        },
        "presses while it was down": {
            key: counted[key] for key in ("answered by the fallback", "fetched into a room", "recorded twice")
        },
        "lines missing or ghosts": {"at worst": seen.at_worst, "in the end": counted["differences"]},
    }
    result.verdicts = [
        Verdict("calls up when it was killed", calls_up, up, at_most=False),
        Verdict("presses not answered", arrived.lost + others.lost, 0),
        Verdict("elders cut off", arrived.dropped + others.dropped, 0),
        Verdict("longest hole in a talk, ms", round(max(after), 1), HOLE_MS),
        Verdict("state right, s after the restart", round(seen.right - seen.restarted, 2), RIGHT_SECONDS),
        Verdict("presses not on record", counted["not recorded"], 0),
        Verdict("presses on record twice", counted["recorded twice"], 0),
        Verdict("lines missing or ghosts in the end", counted["differences"], 0),
        Verdict("calls of memory and journal, difference", counted["memory"], 0),
        Verdict("calls of database and journal, difference", counted["database"], 0),
    ]
    result.notes.append(
        f"{pairs} of those who are up talk with a seat, the others wait; bare Asterisk has no such figure. State right:"
        " every line in Asterisk has its leg on record and every leg its line, spooled calls included, counted from the"
        " moment in which the process that waited takes its place."
    )
    return result


def _press(
    group: asyncio.TaskGroup,
    folder: Path,
    rig: Supervised,
    callers: list[str],
    rate: float,
    seconds: float,
    ears: Sequence[int] = (),
) -> asyncio.Task[tuple[Calls, float]]:
    """Have these elders press, and hold the line for so long."""
    return group.create_task(call(folder, rig, EMERGENCY, callers, rate=rate, hold_seconds=seconds, ears=ears))


async def _until(count: Callable[[], Awaitable[int]], wanted: int, what: str) -> None:
    deadline = time.monotonic() + 20
    while await count() != wanted:
        if time.monotonic() > deadline:
            raise Unavailable(f"there were not {wanted} {what} in time")
        await asyncio.sleep(0.1)


async def _all_hear(voices: Voices) -> None:
    """Wait until each elder hears what she said come back from her operator."""
    if await until(lambda: all(voice.hears(time.time() - 0.2) for voice in voices.each), 20) is None:
        raise Unavailable("not every elder who should talk heard a seat")


async def _kill(rig: Supervised, record: Record, board: Switchboard, watched: float) -> Kill:
    before = rig.part("serve")
    if before is None:
        raise Unavailable("our process does not run")
    seen = Kill(time.time())
    before.send(signal.SIGKILL)
    while time.time() < seen.killed + watched:
        await asyncio.sleep(LOOK_SECONDS)
        if math.isnan(seen.restarted):
            seen.restarted = _restart(rig, before)
        found = await board.compare(record, now := time.time())
        seen.looks += 1
        wrong = len(found.ghosts | found.missing)
        seen.at_worst = max(seen.at_worst, wrong)
        # Right from then on: a later look that is not takes it back.
        if wrong:
            seen.right = math.nan
        elif math.isnan(seen.right) and not math.isnan(seen.restarted):
            seen.right = now
    seen.ready = _in_step(rig, seen.killed)
    return seen


def _restart(rig: Supervised, before: ProcessRef) -> float:
    # Not the process's own age: it may have been loaded long before, and have waited.
    process = rig.part("serve")
    return math.nan if process is None or process == before else rig.noted_at("serve")


def _in_step(rig: Supervised, after: float) -> float:
    """When our process first said that it knows what is live, by its log."""
    return next((at for at in rig.said("in_step") if at > after), math.nan)


async def _in_the_end(
    rig: Supervised, record: Record, board: Switchboard, callers: list[str], loads: Sequence[asyncio.Task[Any]]
) -> dict[str, Any]:
    """All callers hang up: what is left, in Asterisk, on record, in memory, in the database."""
    await asyncio.wait(loads)
    await until(lambda: _gauge(rig, "callcenter_relay_lag_facts") == 0, 15)
    # She who was not heard is being called back all the time: one moment in which nothing moves is waited for.
    differ = await board.compare(record, time.time())
    memory = await until(lambda: _gauge(rig, "callcenter_open_calls") == len(record.look().open), 3)
    stored = await until(lambda: rows(rig, "calls") == len(record.look().calls), 5)
    lost, twice = repeated(record.look().opened, callers)
    return {
        "not recorded": lost,
        "recorded twice": twice,
        "answered by the fallback": len(record.fell_back),
        "fetched into a room": len(record.taken_over),
        "spool files left": len(list(rig.settings.spool_dir.glob("*.json"))),
        "differences": len(differ.ghosts | differ.missing),
        "memory": 0 if memory is not None else abs(_gauge(rig, "callcenter_open_calls") - len(record.open)),
        "database": 0 if stored is not None else abs(rows(rig, "calls") - len(record.calls)),
    }


def _gauge(rig: Supervised, name: str) -> float:
    """NaN while our process does not answer."""
    try:
        return gauge(rig, name)
    except (OSError, http.client.HTTPException):
        return math.nan


def _together(*loads: Calls) -> Calls:
    whole = Calls(0)
    for one in loads:
        whole.asked += one.asked
        whole.dropped += one.dropped
        for times in ("invited", "answered", "ended"):
            getattr(whole, times).update(getattr(one, times))
        whole.complaint = whole.complaint or one.complaint
    return whole


def _told(late: Calls, held: Calls) -> dict[str, Any]:
    return {
        "calls": late.asked,
        "rate": round(late.rate, 1),
        "lost": late.lost + held.lost,
        "answer_ms": asdict(Summary.of(late.answer_ms)),
        "dropped": late.dropped + held.dropped,
        "complaint": late.complaint or held.complaint,
    }
