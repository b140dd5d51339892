"""Words about an emergency that everybody shares: kinds of event, outcomes, causes, and who takes part in a drill."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What kind of event it is (A6): as an alarm says it, or an operator once he knows."""

    MANUAL = "manual"
    FALL = "fall"
    ILLNESS = "illness"
    SMOKE = "smoke"
    FIRE = "fire"
    GAS = "gas"
    INACTIVITY = "inactivity"
    FENCE = "fence"
    WANDERING = "wandering"
    THEFT = "theft"
    OTHER = "other"


KINDS: dict[str, str] = {
    Kind.MANUAL: "紧急求助", Kind.FALL: "跌倒", Kind.ILLNESS: "突发疾病", Kind.SMOKE: "烟雾报警", Kind.FIRE: "火灾",
    Kind.GAS: "燃气报警", Kind.INACTIVITY: "长时间无活动", Kind.FENCE: "离开安全区域", Kind.WANDERING: "走失",
    Kind.THEFT: "盗窃", Kind.OTHER: "紧急情况",
}  # fmt: skip
"""Each in Chinese, as texts and reports say it."""


class Drill(msgspec.Struct, frozen=True):
    """Who takes part in a drill (A6); nobody else is ever dialled or texted for it.

    ``seats``: user names of seats. ``numbers``: role → the number that stands in for it, in canonical form; the
    role ``elder`` is the phone that plays the elder.
    """

    seats: tuple[str, ...] = ()
    numbers: dict[str, str] = {}


class Candidate(msgspec.Struct, frozen=True):
    """Somebody to dial; ``number`` in canonical form."""

    number: str
    name: str = ""
