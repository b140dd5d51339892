"""The table of the fault suite: every failure mode R1 … R28, what was tried, and what came of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAILURES = {
    "R1": "controller killed with calls up and calls arriving",
    "R2": "controller hangs",
    "R3": "AMI connection cut, half-open, or slow",
    "R4": "Asterisk killed and restarted",
    "R5": "database down, then back",
    "R6": "database slow, 2 s a statement",
    "R7": "Redis down, restarted, emptied",
    "R8": "disk full for recordings",
    "R9": "disk full for the journal",
    "R10": "trunk to 120 dead or busy, or answers and is silent",
    "R11": "no seat logged in, none free, or seat phone off",
    "R12": "seat answers by itself and nobody is there",
    "R13": "two seats answer in the same 10 ms",
    "R14": "seat's phone or browser dies in the call",
    "R15": "voicemail answers for family",
    "R16": "elder hangs up while ringing, in the greeting, in the room",
    "R17": "elder silent",
    "R18": "eight presses in a minute; one alarm resent 1000 times",
    "R19": "alarm without voice",
    "R20": "voice without alarm; unknown, withheld or odd number",
    "R21": "100 presses in one second on 5 seats",
    "R22": "malformed SIP, AGI, AMI and HTTP; slow clients",
    "R23": "clock jumps; AMI events twice and out of order",
    "R24": "bad configuration deployed",
    "R25": "keys pressed at the seat",
    "R26": "device on test presses for real",
    "R27": "silence: no call, heartbeat or synthetic press in time",
    "R28": "power cut of everything in mid-write",
}
"""What each number stands for."""


@dataclass
class Tally:
    """What a test counted for one failure mode.

    ``tried``: calls (or alarms) that needed a human, ``answered``: those that got one. ``lost``, ``repeated``: facts,
    and dials where a dial may not be made twice. ``audited``: these two were counted at all. ``recovered``: the longest
    time in seconds until all was well again.
    """

    number: str
    tried: int = 0
    answered: int = 0
    lost: int = 0
    repeated: int = 0
    recovered: float | None = None
    notes: list[str] = field(default_factory=list)
    passed: bool = False
    audited: bool = False

    @property
    def good(self) -> bool:
        """Whether the failure was survived: everybody reached a human, nothing was lost and nothing happened twice."""
        return self.passed and self.audited and self.answered == self.tried and not self.lost and not self.repeated

    def took(self, seconds: float) -> None:
        """Note a time to recover; the longest stays."""
        self.recovered = max(self.recovered or 0.0, seconds)

    def note(self, text: str) -> None:
        """What else was seen, for the report's JSON."""
        self.notes.append(text)


@dataclass
class Row:
    """One line of the table: all tests of a failure mode together."""

    number: str
    tallies: list[Tally] = field(default_factory=list)

    @property
    def result(self) -> str:
        if not self.tallies:
            return "not tried"
        return "ok" if all(tally.good for tally in self.tallies) else "FAILED"

    def sum(self, what: str) -> int:
        return sum(getattr(tally, what) for tally in self.tallies)

    @property
    def recovered(self) -> float | None:
        return max((t.recovered for t in self.tallies if t.recovered is not None), default=None)

    def cells(self) -> tuple[str, ...]:
        counts = ("tried", "answered", "lost", "repeated")
        told = [str(self.sum(what)) for what in counts] if self.tallies else [""] * 4
        seconds = "" if self.recovered is None else f"{self.recovered:.1f} s"
        return self.number, FAILURES[self.number], *told, seconds, self.result

    def as_json(self) -> dict[str, Any]:
        """The row with its tests' notes."""
        return {
            "no": self.number,
            "failure": FAILURES[self.number],
            **{what: self.sum(what) for what in ("tried", "answered", "lost", "repeated")},
            "tests": len(self.tallies),
            "recovered_seconds": self.recovered,
            "result": self.result,
            "notes": [note for tally in self.tallies for note in tally.notes],
        }


def rows(tallies: Iterable[Tally]) -> list[Row]:
    """All failure modes in order, tried or not."""
    found = {number: Row(number) for number in FAILURES}
    for tally in tallies:
        found[tally.number].tallies.append(tally)
    return list(found.values())


def as_text(table: Iterable[Row]) -> list[str]:
    """The table, line by line."""
    head = ("no.", "failure", "tried", "answered", "lost", "repeated", "recovered in", "result")
    lines = [head, *(row.cells() for row in table)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    left = {0, 1, 7}
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def write_json(table: Iterable[Row], path: Path) -> None:
    """The table as a JSON list."""
    path.write_text(json.dumps([row.as_json() for row in table], ensure_ascii=False, indent=1) + "\n", "utf-8")
