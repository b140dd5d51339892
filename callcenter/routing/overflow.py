"""When a waiting caller goes elsewhere: a pure rule over her queue's settings (B1).

A closed or full queue acts on arrival; who is in it when it closes is still served while anybody is there. The other
rules are asked while she waits, in the order in which the queue has them: the first that holds and was not tried lately
is taken.
"""

from collections.abc import Collection
from dataclasses import dataclass

from callcenter.queues.model import STAY, Queue

CLOSED, FULL = "closed", "full"


@dataclass(frozen=True, slots=True)
class Move:
    """Where a caller should go (`queues.model.Overflow.to`), and why."""

    to: str
    why: str


def on_arrival(queue: Queue, *, is_open: bool, length: int) -> Move | None:
    """What a queue does with a caller who comes; ``length``: how many wait already. None: she waits."""
    if queue.closed_to == STAY:
        return None
    if not is_open:
        return Move(queue.closed_to, CLOSED)
    if queue.max_length and length >= queue.max_length:
        return Move(queue.closed_to, FULL)
    return None


def while_waiting(
    queue: Queue, *, waited: float, position: int, expected: float | None, tried: Collection[str] = ()
) -> Move | None:
    """What a queue does with a caller who waits.

    ``waited``: seconds in this queue; ``position``: 1 is the next; ``expected``: seconds she may still wait, None:
    nobody knows, which is no reason. ``tried``: where she was to go lately, in vain or not. By length only those go who
    stand beyond it: the last to come.
    """
    measured = {"wait": waited, "length": float(position), "expected_wait": expected}
    for rule in queue.overflow:
        value = measured.get(rule.when)
        if value is not None and value > rule.over and rule.to != STAY and rule.to not in tried:
            return Move(rule.to, rule.when)
    return None
