"""The watchdog over time: said once, cleared once, told within reason, remembered over a restart (R27)."""

from dataclasses import replace

from callcenter.facts import Fact, decode, encode
from callcenter.ledger import Ledger
from callcenter.watchdog import facts as f
from callcenter.watchdog.rules import Finding, Observation, PressSeen, SeatSeen
from callcenter.watchdog.service import MOST_TOLD, TELL_AGAIN_SECONDS, Watchdog
from tests.support.memory import HandClock

GOOD = Observation()
NO_SEAT = replace(GOOD, seats=(SeatSeen(False),))
NO_ASTERISK = replace(GOOD, asterisk=False)


class Kennel:
    """A watchdog, what it sees, and what it has said."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.seen = GOOD
        self.lines: list[bytes] = []
        self.told: list[str] = []
        self.deaf = False
        self.ledger = Ledger(self, self.clock)
        self.watchdog = Watchdog(self.ledger, self.clock, lambda: self.seen, tell=self.tell)

    def append(self, *facts: Fact) -> None:
        self.lines.extend(map(encode, facts))

    def tell(self, finding: Finding) -> None:
        if self.deaf:
            raise RuntimeError("nobody to tell")
        self.told.append(finding.key)

    def restart(self) -> None:
        facts = [decode(line) for line in self.lines]
        self.ledger = Ledger(self, self.clock)
        self.watchdog = Watchdog(self.ledger, self.clock, lambda: self.seen, tell=self.tell)
        self.ledger.replay(facts)

    def wait(self, seconds: float, seen: Observation | None = None) -> None:
        self.seen = seen or self.seen
        for _ in range(int(seconds)):
            self.clock.pass_time(1)
            self.watchdog.check()

    def said(self) -> list[str]:
        bodies = [decode(line).body for line in self.lines]
        return [
            f"+{body.check}" if isinstance(body, f.Raised) else f"-{body.check}"
            for body in bodies
            if isinstance(body, f.Raised | f.Cleared)
        ]

    def active(self) -> list[str]:
        return [one.finding.key for one in self.watchdog.active()]


def test_given_a_finding_that_lasts_then_it_is_raised_once_and_cleared_once() -> None:
    it = Kennel()
    it.wait(29, NO_SEAT)
    assert it.said() == []
    it.wait(600, NO_SEAT)
    assert it.said() == ["+no_seat"]
    assert it.active() == ["no_seat"]
    it.wait(4, GOOD)
    assert it.active() == ["no_seat"]
    it.wait(600, GOOD)
    assert it.said() == ["+no_seat", "-no_seat"]
    assert it.active() == []
    assert it.told == ["no_seat"]


def test_given_a_finding_that_comes_and_goes_quickly_then_nothing_flaps() -> None:
    it = Kennel()
    for _ in range(20):
        it.wait(20, NO_SEAT)
        it.wait(1, GOOD)
    assert it.said() == []
    it.wait(40, NO_SEAT)
    for _ in range(20):
        it.wait(3, GOOD)
        it.wait(3, NO_SEAT)
    assert it.said() == ["+no_seat"]


def test_given_a_restart_then_nothing_is_said_twice_and_what_is_right_again_is_cleared() -> None:
    it = Kennel()
    it.wait(40, NO_SEAT)
    it.restart()
    it.wait(60, NO_SEAT)
    assert it.said() == ["+no_seat"]
    assert [fact.kind for fact in it.watchdog.carried()] == ["watchdog.raised"]
    it.restart()
    it.wait(10, GOOD)
    assert it.said() == ["+no_seat", "-no_seat"]
    assert list(it.watchdog.carried()) == []


def test_given_a_finding_that_returns_then_somebody_is_told_again_only_after_a_quarter_of_an_hour() -> None:
    it = Kennel()
    for _ in range(3):
        it.wait(10, NO_ASTERISK)
        it.wait(10, GOOD)
    assert it.said() == ["+asterisk", "-asterisk"] * 3
    assert it.told == ["asterisk"]
    it.clock.pass_time(TELL_AGAIN_SECONDS)
    it.wait(10, NO_ASTERISK)
    assert it.told == ["asterisk", "asterisk"]


def test_given_a_hundred_findings_at_once_then_all_are_raised_and_only_some_are_told() -> None:
    it = Kennel()
    it.wait(2, replace(GOOD, disks={f"disk{number}": 0 for number in range(100)}))
    assert it.said() == []
    it.wait(10)
    assert it.said() == ["+disk_full"] * 100
    assert len(it.told) == MOST_TOLD


def test_given_that_nobody_can_be_told_then_the_watchdog_goes_on() -> None:
    it = Kennel()
    it.deaf = True
    it.wait(10, NO_ASTERISK)
    it.wait(10, GOOD)
    assert it.said() == ["+asterisk", "-asterisk"]


def test_a_failed_press_is_critical_at_once_and_gone_with_the_next_good_one() -> None:
    it = Kennel()
    it.wait(1, replace(GOOD, press=PressSeen(900, 1, failed="called: busy")))
    assert it.active() == ["press_failed"]
    it.wait(1, GOOD)
    assert it.said() == ["+press_failed", "-press_failed"]


def test_a_warning_is_told_to_nobody() -> None:
    it = Kennel()
    it.wait(30, replace(GOOD, parts={"database": False}))
    assert it.active() == ["database"]
    assert it.told == []


def test_given_a_raised_check_that_this_release_does_not_know_then_it_is_cleared() -> None:
    it = Kennel()
    it.ledger.record(f.Raised(check="of_old", severity="odd", detail="?"), actor="watchdog")
    it.wait(1)
    assert it.active() == []
