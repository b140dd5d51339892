"""The watchdog's rules: what may not be, as pure functions of what was seen at one moment.

A rule yields findings; how long one must last before it is raised, and be gone before it is cleared, stands in
`PATIENCE`, so that nothing flaps.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from callcenter.calls.model import LegState, Role

LONG_WAIT_SECONDS = 60.0
GREETED_SECONDS = 180.0
"""How long somebody on the hotline may listen to its menu."""
MOST_DEVICES = 20
RELAY_LAG_SECONDS = 120.0
LOOP_LAG_SECONDS = 0.5
"""A late event loop is late for an elder: half a second is a tenth of what A1 allows in all."""


class Severity(StrEnum):
    """``critical``: an emergency may not be answered as it must; somebody is told at once."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``check`` and ``subject`` name it; ``detail`` is a sentence without personal data."""

    check: str
    severity: Severity
    detail: str
    subject: str = ""

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.check}:{self.subject}" if self.subject else self.check


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a finding lasts before it is raised, and is gone before it is cleared."""

    raised: float
    cleared: float = 5.0


PATIENCE: Mapping[str, Patience] = MappingProxyType(
    {
        # A seat that refused or dropped her rests for at most twelve seconds before it rings again.
        "nobody_tried": Patience(15),
        "long_wait": Patience(0),
        # An elder whom nobody has reached is called back at least every minute.
        "nobody_reached": Patience(100),
        "unattended": Patience(1800, 60),
        "stuck_leg": Patience(0),
        "alone": Patience(120),
        "no_calls": Patience(0),
        "device_silent": Patience(0, 60),
        "devices_silent": Patience(0, 60),
        "no_seat": Patience(30, 5),
        "none_ready": Patience(300, 5),
        "asterisk": Patience(5),
        "journal": Patience(1, 30),
        "relay": Patience(10, 30),
        "database": Patience(15, 15),
        "bus": Patience(15, 15),
        "disk_low": Patience(5, 60),
        "disk_full": Patience(5, 60),
        "slow": Patience(3, 60),
        "messages": Patience(0, 60),
        "press_failed": Patience(0, 0),
        "press_late": Patience(0, 0),
        "press_slow": Patience(0, 0),
        "press_not_recorded": Patience(0, 0),
        "dead_man": Patience(0, 5),
    }
)
"""Every check there is."""


@dataclass(frozen=True, slots=True)
class IncidentSeen:
    """An open incident. ``waited``: seconds since it began to need a human; ``tried``: somebody is being called for
    it; ``live``: anybody at all is on one of its lines; ``due``: her own call is no longer waited for.
    """

    id: str
    needs_human: bool = False
    waited: float = 0.0
    tried: bool = False
    answered: bool = False
    live: bool = True
    due: bool = True


@dataclass(frozen=True, slots=True)
class LegSeen:
    """A live leg. ``seconds``: since it came to its state. ``alone``: the only one in its room. ``hotline``: a caller
    at the menu or in the queue. ``excused``: with the duty desk, where nobody of ours moves it on.
    """

    id: str
    role: str
    state: LegState
    seconds: float
    alone: bool = False
    hotline: bool = False
    excused: bool = False


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """A human's seat."""

    registered: bool
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PressSeen:
    """The synthetic press. ``due``: seconds between two, 0: off. ``age``: seconds since the last was tried or skipped.

    ``failed``: how the last one failed. ``human_ms``, ``recorded``: of the last that went through.
    """

    due: float = 0.0
    age: float = 0.0
    failed: str = ""
    human_ms: int = 0
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow. ``quiet_hours``: 0 is any number."""

    ring_seconds: float = 30.0
    human_answer_seconds: float = 5.0
    quiet_hours: float = 0.0
    disk_low: int = 2048 << 20
    disk_full: int = 200 << 20


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the rules look at, as it was at one moment."""

    limits: Limits = Limits()
    incidents: tuple[IncidentSeen, ...] = ()
    legs: tuple[LegSeen, ...] = ()
    seats: tuple[SeatSeen, ...] = (SeatSeen(True),)
    on_call: bool = False
    """Whether there are on-call mobiles."""
    asterisk: bool = True
    journal_problem: str = ""
    relay_lag: float = 0.0
    parts: Mapping[str, bool] = field(default_factory=dict)
    """Whether ``database`` and ``bus`` answer."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Bytes free where ``data`` and ``recordings`` lie."""
    loop_lag: float = 0.0
    quiet_seconds: float = 0.0
    silent_devices: tuple[str, ...] = ()
    messages_given_up: int = 0
    press: PressSeen = PressSeen()
    dead_man_problem: str = ""


def emergencies(seen: Observation) -> Iterator[Finding]:
    """Somebody is always being tried; nobody waits for ever; nobody is forgotten (A1, A8, A9)."""
    if not seen.asterisk:
        return  # nothing can be tried; that is said once, by `asterisk`
    for one in seen.incidents:
        if one.needs_human and not one.tried:
            yield _critical("nobody_tried", "somebody waits for a human and nobody is being called", one.id)
        if one.needs_human and one.waited > LONG_WAIT_SECONDS:
            yield _critical("long_wait", "no human is with her for more than a minute", one.id)
        if not one.answered and not one.live and one.due:
            yield _critical("nobody_reached", "no human was there yet, and nobody is on any line", one.id)
        if one.answered and not one.live:
            yield _warning("unattended", "open, and nobody is on any line: close it with an outcome", one.id)


def legs(seen: Observation) -> Iterator[Finding]:
    """No leg stands still between being dialled and being in the room; no elder sits in an empty one."""
    for leg in seen.legs:
        longest = _longest(leg, seen.limits)
        if longest is not None and leg.seconds > longest:
            yield _critical("stuck_leg", f"a leg ({leg.role}) is {leg.state} for more than {longest:.0f} s", leg.id)
        if leg.alone and leg.role == Role.ELDER and not (leg.hotline or leg.excused):
            yield _critical("alone", "she is alone in her room", leg.id)


def _longest(leg: LegSeen, limits: Limits) -> float | None:
    match leg.state:
        case LegState.DIALING | LegState.RINGING:
            return limits.ring_seconds + 15
        case LegState.ANSWERED if not leg.excused:
            return GREETED_SECONDS if leg.hotline else LONG_WAIT_SECONDS
        case _:
            return None


def seats(seen: Observation) -> Iterator[Finding]:
    """Somebody sits there (R11)."""
    here = [seat for seat in seen.seats if seat.registered]
    if not seen.asterisk:
        return  # nobody can be seen
    if not here and seen.on_call:
        yield _warning("no_seat", "no seat's phone is registered: only the on-call mobiles can be reached")
    elif not here:
        yield _critical("no_seat", "no seat's phone is registered, and there are no on-call mobiles")
    elif all(seat.paused for seat in here):
        yield _warning("none_ready", "every seat that is there has paused")


def parts(seen: Observation) -> Iterator[Finding]:
    """What the product stands on."""
    if not seen.asterisk:
        yield _critical("asterisk", "the controller cannot reach Asterisk: calls are taken by the fallback")
    if seen.journal_problem:
        yield _critical("journal", f"the journal does not write ({seen.journal_problem}): make room on the disk")
    if seen.relay_lag > RELAY_LAG_SECONDS:
        yield _warning("relay", f"the record is {seen.relay_lag:.0f} s behind")
    for name in ("database", "bus"):
        if not seen.parts.get(name, True):
            yield _warning(name, f"the {name} does not answer: emergencies are answered all the same")
    for name, free in seen.disks.items():
        if free < seen.limits.disk_full:
            yield _critical("disk_full", f"{free >> 20} MiB free: recordings and journal are about to fail", name)
        elif free < seen.limits.disk_low:
            yield _warning("disk_low", f"{free >> 20} MiB free", name)
    if seen.loop_lag > LOOP_LAG_SECONDS:
        yield _warning("slow", f"our process was late by {seen.loop_lag:.1f} s: the machine is overloaded")


def silences(seen: Observation) -> Iterator[Finding]:
    """What should come by now and then, and does not (R27)."""
    hours = seen.limits.quiet_hours
    if hours and seen.quiet_seconds > hours * 3600:
        yield _critical("no_calls", f"no call came in for {hours:g} hours: is the trunk alive?")
    if len(seen.silent_devices) > MOST_DEVICES:
        # Their network is at fault, or their monitor: one thing is wrong, not a thousand.
        yield _warning("devices_silent", f"{len(seen.silent_devices)} devices have not been heard of for too long")
    else:
        for device in seen.silent_devices:
            yield _warning("device_silent", "a device has not been heard of for too long", device)
    if seen.messages_given_up:
        yield _warning("messages", f"{seen.messages_given_up} message(s) reached nobody in the last ten minutes")
    if seen.dead_man_problem:
        yield _warning("dead_man", f"the watch outside cannot be told that we live ({seen.dead_man_problem})")


def press(seen: Observation) -> Iterator[Finding]:
    """A press of our own goes through the whole chain, in time (A1, R27)."""
    one = seen.press
    if one.failed:
        yield _critical("press_failed", f"a synthetic press did not go through: {one.failed}")
    elif not one.recorded:
        yield _critical("press_not_recorded", "a synthetic press went through and was not recorded")
    if one.human_ms > seen.limits.human_answer_seconds * 1000:
        yield _warning("press_slow", f"a synthetic press waited {one.human_ms / 1000:.1f} s for the test seat")
    if one.due and one.age > 2 * one.due + 60:
        yield _critical("press_late", f"no synthetic press was tried for {one.age / 60:.0f} min")


RULES: tuple[Callable[[Observation], Iterable[Finding]], ...] = (emergencies, legs, seats, parts, silences, press)


def findings(seen: Observation) -> list[Finding]:
    """Everything that every rule finds."""
    return [finding for rule in RULES for finding in rule(seen)]


def _critical(check: str, detail: str, subject: str = "") -> Finding:
    return Finding(check, Severity.CRITICAL, detail, subject)


def _warning(check: str, detail: str, subject: str = "") -> Finding:
    return Finding(check, Severity.WARNING, detail, subject)
