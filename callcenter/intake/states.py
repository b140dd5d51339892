"""The states of an intake item and the one table of its steps; channels, kinds and outcomes (B5)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callcenter.errors import IllegalTransition


class State(StrEnum):
    """Where an item stands."""

    NEW = "new"
    TAKEN = "taken"  # somebody deals with it
    DONE = "done"


class Channel(StrEnum):
    """How it came in."""

    PHONE = "phone"
    WEB = "web"
    TERMINAL = "terminal"
    APP = "app"
    VOICEMAIL = "voicemail"
    CALLBACK = "callback"
    ALARM = "alarm"


class Kind(StrEnum):
    """What it is about."""

    QUESTION = "question"
    SERVICE = "service"
    COMPLAINT = "complaint"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of it: answered on the spot, handed on, or nothing (a wrong number)."""

    ANSWER = "answer"
    WORK_ORDER = "work_order"
    COMPLAINT = "complaint"
    FOLLOW_UP = "follow_up"
    CALLBACK = "callback"
    NONE = "none"


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.NEW: frozenset({State.TAKEN, State.DONE}),
        State.TAKEN: frozenset({State.NEW, State.DONE}),
        State.DONE: frozenset(),
    }
)

OPEN = frozenset({State.NEW, State.TAKEN})


def step(state: State, to: State) -> State:
    """The state after a step; raises `IllegalTransition` when the table does not hold it."""
    if to not in TRANSITIONS[state]:
        raise IllegalTransition(f"an intake item that is {state} cannot become {to}")
    return to
