"""The states of a work order and the one table of its steps (C3–C7)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callcenter.errors import IllegalTransition


class State(StrEnum):
    """Where a work order stands."""

    INTAKE = "intake"  # 受理: taken down, not yet looked at
    AUDITED = "audited"  # 已审核: complete, clear, of the right kind (C3)
    DISPATCHED = "dispatched"  # 已派单: with an organisation
    RETURNED = "returned"  # 退回: to be corrected: bad audit (C3), no appointment (C4), bad receipt (C6)
    DONE = "done"  # 已完成: the service has ended; the follow-up is due (C7)
    FOLLOWED_UP = "followed_up"  # 已回访: the elder was asked
    CLOSED = "closed"  # 办结
    VOID = "void"  # 作废: with authority and a reason (C6)


class Kind(StrEnum):
    """What it is about."""

    SERVICE = "service"
    EMERGENCY = "emergency"
    COMPLAINT = "complaint"
    ENQUIRY = "enquiry"
    CALLBACK = "callback"


class Priority(StrEnum):
    """How soon."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.INTAKE: frozenset({State.AUDITED, State.RETURNED, State.VOID}),
        State.AUDITED: frozenset({State.DISPATCHED, State.RETURNED, State.VOID}),
        State.DISPATCHED: frozenset({State.DONE, State.RETURNED, State.VOID}),
        State.RETURNED: frozenset({State.AUDITED, State.VOID}),
        # Back to dispatched: the receipt was bad, or the elder is not content: second dispatch (二次派单, C6).
        State.DONE: frozenset({State.FOLLOWED_UP, State.DISPATCHED}),
        State.FOLLOWED_UP: frozenset({State.CLOSED, State.DISPATCHED}),
        State.CLOSED: frozenset(),
        State.VOID: frozenset(),
    }
)

NEED_REASON: frozenset[tuple[State, State]] = frozenset(
    {(state, to) for state, targets in TRANSITIONS.items() for to in targets & {State.RETURNED, State.VOID}}
    | {(State.DONE, State.DISPATCHED), (State.FOLLOWED_UP, State.DISPATCHED)}
)
"""Steps that go back or away: each needs a reason for the record."""

ENDED = frozenset({State.CLOSED, State.VOID})
"""States in which nothing can be changed any more (C10)."""


def step(state: State, to: State) -> State:
    """The state after a step; raises `IllegalTransition` when the table does not hold it."""
    if to not in TRANSITIONS[state]:
        possible = ", ".join(sorted(TRANSITIONS[state])) or "nothing: it has ended"
        raise IllegalTransition(f"a work order that is {state} cannot become {to}; possible: {possible}")
    return to
