"""The states of a complaint and the one table of what can be done with it (C8, HB 6.6)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callcenter.errors import IllegalTransition


class State(StrEnum):
    """Where a complaint stands."""

    RECEIVED = "received"  # 受理
    INVESTIGATING = "investigating"  # 调查
    SETTLED = "settled"  # 处理: what is done about it is decided
    ANSWERED = "answered"  # 答复: the person was told
    CLOSED = "closed"  # 办结
    WITHDRAWN = "withdrawn"  # 撤诉


class Act(StrEnum):
    """What can be done."""

    RESPOND = "respond"  # the first word to the person who complains
    INVESTIGATE = "investigate"
    SETTLE = "settle"
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"  # she is not content, or the settlement did not hold
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[State, Mapping[Act, State]] = MappingProxyType(
    {
        State.RECEIVED: {
            Act.RESPOND: State.RECEIVED,
            Act.INVESTIGATE: State.INVESTIGATING,
            Act.SETTLE: State.SETTLED,
            Act.WITHDRAW: State.WITHDRAWN,
        },
        State.INVESTIGATING: {
            Act.RESPOND: State.INVESTIGATING,
            Act.SETTLE: State.SETTLED,
            Act.WITHDRAW: State.WITHDRAWN,
        },
        State.SETTLED: {Act.ANSWER: State.ANSWERED, Act.REOPEN: State.INVESTIGATING, Act.WITHDRAW: State.WITHDRAWN},
        State.ANSWERED: {Act.CLOSE: State.CLOSED, Act.REOPEN: State.INVESTIGATING},
        State.CLOSED: {},
        State.WITHDRAWN: {},
    }
)

OPEN = frozenset({State.RECEIVED, State.INVESTIGATING, State.SETTLED, State.ANSWERED})
NEED_TEXT = frozenset({Act.SETTLE, Act.ANSWER, Act.REOPEN, Act.WITHDRAW})
"""What is done without words tells nobody afterwards what it was."""


def step(state: State, act: Act) -> State:
    """The state after an act; raises `IllegalTransition` when the table does not hold it."""
    to = TRANSITIONS[state].get(act)
    if to is None:
        possible = ", ".join(sorted(TRANSITIONS[state])) or "nothing: it has ended"
        raise IllegalTransition(f"a complaint that is {state} has no step {act}; possible: {possible}")
    return to
