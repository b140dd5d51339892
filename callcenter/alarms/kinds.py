"""Words about alarms: what kinds there are, what becomes of each, and who is told of it besides the desk (A5)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callcenter.emergency.kinds import Kind
from callcenter.emergency.plan import Target


class AlarmKind(StrEnum):
    """What a terminal, monitor or fence can say."""

    MANUAL = "manual"
    FALL = "fall"
    SMOKE = "smoke"
    GAS = "gas"
    INACTIVITY = "inactivity"
    FENCE = "fence"
    BATTERY = "battery"
    TEST = "test"


class AlarmState(StrEnum):
    """What became of an alarm: an incident, a test that needs no human, or a device's fault that is told on."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    NOTED = "noted"


INCIDENTS: Mapping[AlarmKind, Kind] = MappingProxyType(
    {
        AlarmKind.MANUAL: Kind.MANUAL,
        AlarmKind.FALL: Kind.FALL,
        AlarmKind.SMOKE: Kind.SMOKE,
        AlarmKind.GAS: Kind.GAS,
        AlarmKind.INACTIVITY: Kind.INACTIVITY,
        AlarmKind.FENCE: Kind.FENCE,
    }
)
"""Alarms that open an incident. A test is the only kind that no human sees (R26)."""

WITH_VOICE = frozenset({AlarmKind.MANUAL, AlarmKind.FALL})
"""Kinds at which a terminal that talks also calls; only if it does not is it called back (R19)."""

TELL: Mapping[AlarmKind, tuple[str, ...]] = MappingProxyType(
    {
        AlarmKind.SMOKE: (Target.FAMILY, Target.COMMUNITY),
        AlarmKind.GAS: (Target.FAMILY, Target.COMMUNITY),
        AlarmKind.INACTIVITY: (Target.FAMILY,),
        AlarmKind.FENCE: (Target.FAMILY,),
    }
)
"""Who is told at once, whatever the plan says: these come from monitors, and nobody may be on the line to ask (A5)."""


def state_of(kind: str) -> AlarmState:
    """What becomes of an alarm of this kind."""
    if kind == AlarmKind.TEST:
        return AlarmState.ACKNOWLEDGED
    return AlarmState.NOTED if kind == AlarmKind.BATTERY else AlarmState.RAISED
