"""An elder who is with us and says nothing: what is due after how long, as one table (R17)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from callcenter.facts import Body, kind


class Stage(StrEnum):
    """What the silence has come to, in the order in which it gets worse."""

    ASK = "ask"
    """She was asked, in the room, whether she hears us."""
    LOUDER = "louder"
    """Her line is amplified for everybody in the room."""
    CALL_BACK = "call_back"
    """The operator should call her other phone."""
    SEND = "send_someone"
    """The operator should send somebody."""


@kind("emergency.silent")
class Silent(Body, frozen=True):
    """Nothing is heard of the elder (R17). ``stage``: a `Stage`, each once in one silence.

    ``seconds``: for how long. ``why``: ``quiet`` (her line is well, she does not speak) or ``stalled`` (nothing at
    all comes from her line).
    """

    stage: str
    seconds: float
    why: str = "quiet"


@kind("emergency.spoke")
class Spoke(Body, frozen=True):
    """The elder is heard again, after a `Silent`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """After ``seconds`` without a word from her, ``stage``."""

    seconds: float
    stage: Stage


RULES = (Rule(10, Stage.ASK), Rule(20, Stage.LOUDER), Rule(40, Stage.CALL_BACK), Rule(60, Stage.SEND))
DESK_QUIET_SECONDS = 3.0
"""The machine does not ask into an operator's sentence: it waits for so long a pause."""

_ORDER = tuple(Stage)


def rules(*seconds: float) -> tuple[Rule, ...]:
    """The table with these times, in the order of `Stage`; a stage of 0 s is left out."""
    return tuple(Rule(after, stage) for after, stage in zip(seconds, _ORDER, strict=True) if after > 0)


def worse(stage: str, than: str) -> bool:
    """Whether a stage comes after another; every stage comes after none (the empty string)."""
    return _rank(stage) > _rank(than)


def _rank(stage: str) -> int:
    return _ORDER.index(Stage(stage)) if stage in set(_ORDER) else -1


def due(table: Sequence[Rule], reached: str, quiet: float, desk_quiet: float) -> Stage | None:
    """The stage to enter now, the worst that is due; None when there is none beyond what was ``reached``.

    ``quiet``: seconds since the elder's last word, or since somebody of ours joined her. ``desk_quiet``: seconds since
    ours last spoke: while they do, they ask themselves.
    """
    stages = [
        rule.stage
        for rule in table
        if rule.seconds <= quiet
        and worse(rule.stage, reached)
        and (rule.stage is not Stage.ASK or desk_quiet >= DESK_QUIET_SECONDS)
    ]
    return max(stages, key=_rank, default=None)


def seconds_of(table: Sequence[Rule], stage: str) -> float:
    """After how many seconds a stage comes; 0 for none."""
    return next((rule.seconds for rule in table if rule.stage == stage), 0.0)
