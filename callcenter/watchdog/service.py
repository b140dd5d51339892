"""The watchdog at work: asks the rules every second, says once what is wrong and once that it is right again."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.watchdog import facts as f
from callcenter.watchdog.rules import PATIENCE, Finding, Observation, Severity, findings

log = structlog.get_logger(__name__)

PULSE_SECONDS = 1.0
TELL_AGAIN_SECONDS = 900.0
"""The same finding is told to somebody at most this often, however often it comes and goes …"""
MOST_TOLD = 10
"""… and so many findings within that time: what is broken at the root shows in a hundred places."""


@dataclass(frozen=True, slots=True)
class Active:
    """A finding that was raised and is not cleared."""

    finding: Finding
    since: datetime


class Watchdog:
    """Keeps what is wrong just now. What it says are facts, so a restart neither repeats nor forgets it."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        observe: Callable[[], Observation],
        *,
        tell: Callable[[Finding], None],
    ) -> None:
        """``tell``: lets somebody know of a critical finding."""
        self._ledger = ledger
        self._clock = clock
        self._observe = observe
        self._tell = tell
        self._active: dict[str, tuple[Active, Fact]] = {}
        self._seen_since: dict[str, float] = {}
        self._gone_since: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self.checked_at = clock.monotonic()
        """When (monotonic) it last looked, from end to end."""
        self._latest_told: deque[float] = deque(maxlen=MOST_TOLD)
        ledger.on_apply(self._apply)

    def active(self) -> list[Active]:
        """What is wrong, the worst and oldest first."""
        found = [active for active, _ in self._active.values()]
        return sorted(found, key=lambda one: (one.finding.severity != Severity.CRITICAL, one.since, one.finding.key))

    def count(self, check: str) -> int:
        """How many findings of a check there are now."""
        return sum(active.finding.check == check for active, _ in self._active.values())

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with."""
        return [fact for _, fact in self._active.values()]

    def check(self) -> None:
        """Look once; to be called every second."""
        now = self._clock.monotonic()
        found = {finding.key: finding for finding in findings(self._observe())}
        self._seen_since = {key: self._seen_since.get(key, now) for key in found}
        for key, finding in found.items():
            self._gone_since.pop(key, None)
            if key not in self._active and now - self._seen_since[key] >= PATIENCE[finding.check].raised:
                self._raise(finding, now)
        for key in [key for key in self._active if key not in found]:
            gone = self._gone_since.setdefault(key, now)
            active, _ = self._active[key]
            # A check that an older release knew has nothing to wait for.
            if active.finding.check not in PATIENCE or now - gone >= PATIENCE[active.finding.check].cleared:
                self._clear(active)
        self.checked_at = now

    def _raise(self, finding: Finding, now: float) -> None:
        self._ledger.record(
            f.Raised(
                check=finding.check, subject=finding.subject, severity=finding.severity.value, detail=finding.detail
            ),
            actor="watchdog",
        )
        say = log.error if finding.severity is Severity.CRITICAL else log.warning
        say("watchdog_raised", check=finding.check, subject=finding.subject, detail=finding.detail)
        if finding.severity is Severity.CRITICAL and self._may_tell(finding.key, now):
            try:
                self._tell(finding)
            except Exception:
                # Telling is the last thing that may keep the watchdog from watching.
                log.exception("watchdog_could_not_tell", check=finding.check)

    def _may_tell(self, key: str, now: float) -> bool:
        self._told = {known: at for known, at in self._told.items() if now - at < TELL_AGAIN_SECONDS}
        full = len(self._latest_told) == MOST_TOLD and now - self._latest_told[0] < TELL_AGAIN_SECONDS
        if key in self._told or full:
            return False
        self._told[key] = now
        self._latest_told.append(now)
        return True

    def _clear(self, active: Active) -> None:
        finding = active.finding
        seconds = max(0.0, (self._clock.now() - active.since).total_seconds())
        self._ledger.record(f.Cleared(check=finding.check, subject=finding.subject, seconds=seconds), actor="watchdog")
        log.info("watchdog_cleared", check=finding.check, subject=finding.subject, seconds=round(seconds))

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case f.Raised(check=check, subject=subject, severity=severity, detail=detail):
                known = Severity(severity) if severity in set(Severity) else Severity.WARNING
                finding = Finding(check, known, detail, subject)
                self._active[finding.key] = (Active(finding, fact.at), fact)
            case f.Cleared(check=check, subject=subject):
                key = Finding(check, Severity.WARNING, "", subject).key
                self._active.pop(key, None)
                self._gone_since.pop(key, None)
            case _:
                pass
