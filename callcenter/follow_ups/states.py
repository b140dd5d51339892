"""The states of a follow-up and the one table of its steps (C7)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callcenter.errors import IllegalTransition


class State(StrEnum):
    """Where a follow-up stands. Overdue is no state of its own: it is any open one past its time."""

    DUE = "due"
    IN_PROGRESS = "in_progress"  # tried, not yet through
    DONE = "done"
    CANCELLED = "cancelled"  # the order went to a second dispatch: there will be another


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.DUE: frozenset({State.IN_PROGRESS, State.DONE, State.CANCELLED}),
        State.IN_PROGRESS: frozenset({State.IN_PROGRESS, State.DONE, State.CANCELLED}),
        State.DONE: frozenset(),
        State.CANCELLED: frozenset(),
    }
)

OPEN = frozenset({State.DUE, State.IN_PROGRESS})


class Outcome(StrEnum):
    """How an attempt that did not get through ended."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    CALL_LATER = "call_later"
    WRONG_NUMBER = "wrong_number"


def step(state: State, to: State) -> State:
    """The state after a step; raises `IllegalTransition` when the table does not hold it."""
    if to not in TRANSITIONS[state]:
        raise IllegalTransition(f"a follow-up that is {state} cannot become {to}")
    return to
