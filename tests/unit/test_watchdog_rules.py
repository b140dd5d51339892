"""The watchdog's rules as a table: what is seen, and what is said of it (R2, R8, R9, R11, R27)."""

from dataclasses import replace

import pytest

from callcenter.calls.model import LegState
from callcenter.watchdog.rules import (
    PATIENCE,
    IncidentSeen,
    LegSeen,
    Limits,
    Observation,
    PressSeen,
    SeatSeen,
    Severity,
    findings,
)

GOOD = Observation(
    incidents=(IncidentSeen("i", needs_human=True, waited=4, tried=True),),
    legs=(
        LegSeen("elder", "elder", LegState.JOINED, 4),
        LegSeen("seat", "seat", LegState.RINGING, 4),
        LegSeen("menu", "elder", LegState.ANSWERED, 100, hotline=True),
        LegSeen("queue", "elder", LegState.JOINED, 500, alone=True, hotline=True),
    ),
    disks={"data": 10 << 30},
    press=PressSeen(due=900, age=100, human_ms=300),
)
QUIET = replace(GOOD, incidents=(), legs=())

SEEN = [
    ("a ladder at work", GOOD, {}),
    (
        "nobody is called",
        replace(QUIET, incidents=(IncidentSeen("i", needs_human=True),)),
        {"nobody_tried:i": "critical"},
    ),
    (
        "she waits for more than a minute",
        replace(QUIET, incidents=(IncidentSeen("i", needs_human=True, waited=61, tried=True),)),
        {"long_wait:i": "critical"},
    ),
    (
        "nobody on any line, no human yet",
        replace(QUIET, incidents=(IncidentSeen("i", live=False),)),
        {"nobody_reached:i": "critical"},
    ),
    (
        "an alarm whose call may still come",
        replace(QUIET, incidents=(IncidentSeen("i", live=False, due=False),)),
        {},
    ),
    (
        "answered, all gone, still open",
        replace(QUIET, incidents=(IncidentSeen("i", answered=True, live=False),)),
        {"unattended:i": "warning"},
    ),
    (
        "a leg rings for ever",
        replace(QUIET, legs=(LegSeen("l", "120", LegState.RINGING, 46),)),
        {"stuck_leg:l": "critical"},
    ),
    ("a leg rings as long as it may", replace(QUIET, legs=(LegSeen("l", "120", LegState.RINGING, 45),)), {}),
    (
        "a leg is dialled for ever",
        replace(QUIET, legs=(LegSeen("l", "seat", LegState.DIALING, 46),)),
        {"stuck_leg:l": "critical"},
    ),
    (
        "answered, not in the room",
        replace(QUIET, legs=(LegSeen("l", "seat", LegState.ANSWERED, 61),)),
        {"stuck_leg:l": "critical"},
    ),
    (
        "lost in the menu",
        replace(QUIET, legs=(LegSeen("l", "elder", LegState.ANSWERED, 181, hotline=True),)),
        {"stuck_leg:l": "critical"},
    ),
    (
        "talking to the duty desk",
        replace(QUIET, legs=(LegSeen("l", "elder", LegState.ANSWERED, 999, excused=True),)),
        {},
    ),
    ("a long talk", replace(QUIET, legs=(LegSeen("l", "seat", LegState.JOINED, 9999),)), {}),
    (
        "alone in her room",
        replace(QUIET, legs=(LegSeen("l", "elder", LegState.JOINED, 1, alone=True),)),
        {"alone:l": "critical"},
    ),
    ("an operator waits in a room", replace(QUIET, legs=(LegSeen("l", "seat", LegState.JOINED, 1, alone=True),)), {}),
    ("no seat at all", replace(QUIET, seats=()), {"no_seat": "critical"}),
    ("every phone is off", replace(QUIET, seats=(SeatSeen(False),)), {"no_seat": "critical"}),
    (
        "every phone is off, mobiles are on call",
        replace(QUIET, seats=(SeatSeen(False),), on_call=True),
        {"no_seat": "warning"},
    ),
    (
        "all have paused",
        replace(QUIET, seats=(SeatSeen(True, paused=True), SeatSeen(False))),
        {"none_ready": "warning"},
    ),
    ("one has paused", replace(QUIET, seats=(SeatSeen(True, paused=True), SeatSeen(True))), {}),
    (
        "Asterisk is out of reach: one word, not one for each that follows from it",
        replace(QUIET, asterisk=False, seats=(), incidents=(IncidentSeen("i", needs_human=True, live=False),)),
        {"asterisk": "critical"},
    ),
    ("the journal", replace(QUIET, journal_problem="No space left on device"), {"journal": "critical"}),
    ("the record lags", replace(QUIET, relay_lag=121), {"relay": "warning"}),
    ("the database is away", replace(QUIET, parts={"database": False, "bus": True}), {"database": "warning"}),
    ("the bus is away", replace(QUIET, parts={"database": True, "bus": False}), {"bus": "warning"}),
    ("little room", replace(QUIET, disks={"data": 1 << 30}), {"disk_low:data": "warning"}),
    (
        "no room for recordings",
        replace(QUIET, disks={"data": 10 << 30, "recordings": 1 << 20}),
        {"disk_full:recordings": "critical"},
    ),
    ("a slow process", replace(QUIET, loop_lag=0.6), {"slow": "warning"}),
    ("no call for long, nobody minds", replace(QUIET, quiet_seconds=1e6), {}),
    (
        "no call for too long",
        replace(QUIET, quiet_seconds=7201, limits=Limits(quiet_hours=2)),
        {"no_calls": "critical"},
    ),
    ("no call for a while", replace(QUIET, quiet_seconds=7199, limits=Limits(quiet_hours=2)), {}),
    ("a silent pendant", replace(QUIET, silent_devices=("d",)), {"device_silent:d": "warning"}),
    ("a network of pendants", replace(QUIET, silent_devices=("d",) * 21), {"devices_silent": "warning"}),
    ("messages reach nobody", replace(QUIET, messages_given_up=2), {"messages": "warning"}),
    ("the watch outside is deaf", replace(QUIET, dead_man_problem="ConnectError"), {"dead_man": "warning"}),
    ("a press failed", replace(QUIET, press=PressSeen(900, 10, failed="called: busy")), {"press_failed": "critical"}),
    ("a press was slow", replace(QUIET, press=PressSeen(900, 10, human_ms=5001)), {"press_slow": "warning"}),
    (
        "a press left no recording",
        replace(QUIET, press=PressSeen(900, 10, recorded=False)),
        {"press_not_recorded": "critical"},
    ),
    ("presses stopped", replace(QUIET, press=PressSeen(900, 1861)), {"press_late": "critical"}),
    ("presses are switched off", replace(QUIET, press=PressSeen(0, 1e6)), {}),
]


@pytest.mark.parametrize(("case", "seen", "said"), SEEN, ids=[case for case, _, _ in SEEN])
def test_given_what_is_seen_then_this_is_said(case: str, seen: Observation, said: dict[str, str]) -> None:
    found = findings(seen)
    assert {one.key: one.severity.value for one in found} == said
    assert all(one.detail for one in found)


def test_every_check_has_its_patience_and_every_patience_its_check() -> None:
    raised = {key.partition(":")[0] for _, _, said in SEEN for key in said}
    assert raised == set(PATIENCE)


def test_every_critical_check_has_words_for_whoever_is_called_out_of_bed() -> None:
    from callcenter.watchdog.watch import FATAL, WORDS

    critical = {one.check for _, seen, _ in SEEN for one in findings(seen) if one.severity is Severity.CRITICAL}
    assert critical == set(WORDS)
    assert critical >= FATAL
