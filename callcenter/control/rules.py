"""Who may do what with a call, and what a call is due for: pure rules over a call as its facts tell it.

`due` is asked after every fact of a call, at every start and now and then: so a restart in the middle of a transfer
or a hold goes on where it was, whatever the crash took.
"""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from callcenter.calls.model import STAFF, Call, Leg, Line, Role, Transfer
from callcenter.control.refusals import NoNumber, NotOnTheCall, NumberNotAllowed
from callcenter.errors import Conflict, InvalidInput
from callcenter.phone import is_ordinary, normalise
from callcenter.telephony.events import HangupReason

SEAT, QUEUE, NUMBER = "seat", "queue", "number"
"""The kinds of whom a caller can be given to: ``seat:op2``, ``queue:general``, ``number:13800000001``."""

TRANSFERRED = "transferred"
"""A leg's end: the operator gave the caller to somebody else."""
PARKED = "parked"
"""A leg's end: the operator put the caller into a slot."""
TAKEN_OVER = "taken_over"
"""A leg's end: a supervisor has the call now."""
PREEMPTED = "preempted"
DEAD = "dead"
"""A leg's end: its phone vanished without a word."""
LOST = "lost"

DROPPED_WITHIN = timedelta(seconds=1)
"""Who hangs up sooner than this has not said a word: a phone that answers by itself and drops, a slip of the hand."""


class Step(StrEnum):
    """What a call is due for."""

    DIAL = "dial"
    """The operator is there: call the number."""
    COMPLETE = "complete"
    """The transfer has reached whom it is for."""
    FAIL = "fail"
    """The transfer has reached nobody, or its operator was taken by an emergency."""
    FETCHED = "fetched"
    """A seat has fetched the caller from her slot."""
    GIVE_BACK = "give_back"
    """She has been parked for too long: ring whoever parked her."""
    RESUME = "resume"
    """She is on hold for nobody: bring her to whoever is in the room."""
    TO_FRONT = "to_front"
    """Nobody has her any more: to the front of the queue."""


def due(call: Call, *, first_in_line: bool, slot_over: bool) -> Step | None:
    """The next step of a call, None when there is none; each step's facts make it not due again.

    ``first_in_line``: it waits at the front of the queue already. ``slot_over``: it has been parked for too long.
    """
    if not (call.open and call.routine):
        return None
    if call.line == Line.OUTBOUND and not call.elder_legs:
        return Step.DIAL if call.staffed else None
    if call.caller_gone:
        return None  # the call is over
    if call.transfer is not None:
        return _due_transfer(call, call.transfer, first_in_line)
    if call.parked is not None:
        if fetched_by(call) is not None:
            return Step.FETCHED
        return Step.GIVE_BACK if slot_over and not on_the_way(call) else None
    if call.returning and (leg := call.legs.get(call.returning)) is not None and not leg.live and not call.staffed:
        return None if first_in_line else Step.TO_FRONT
    if call.held and not call.staffed and not on_the_way(call):
        return Step.RESUME if call.in_hand or first_in_line else Step.TO_FRONT
    if not call.in_hand and not first_in_line and _left_alone(call):
        return Step.TO_FRONT
    return None


def fetched_by(call: Call) -> Leg | None:
    """Who came for a parked caller; whoever parked her may be in the room for a moment still, and is on the way out."""
    parked = call.parked
    if parked is None:
        return None
    came = [
        leg
        for leg in call.live_legs
        if leg.role in STAFF and leg.accepted and leg.joined_at is not None and leg.joined_at > parked.since
    ]
    return min(came, key=lambda leg: leg.id, default=None)


def _left_alone(call: Call) -> bool:
    """Whether the last of ours did not end the call: the phone died, or it dropped a hotline caller as she came.

    Or went while we were away, nobody knows how: a caller who is on the line still is asked, not cut off.
    """
    left = [leg for leg in call.legs.values() if leg.role in STAFF and leg.joined_at is not None and leg.ended_at]
    last = max(left, key=lambda leg: (leg.ended_at, leg.id), default=None)
    if last is None or last.joined_at is None or last.ended_at is None:
        return False
    by_itself = last.reason in (HangupReason.NORMAL, HangupReason.FAILED)
    hasty = by_itself and last.ended_at - last.joined_at < DROPPED_WITHIN
    return last.reason in (DEAD, LOST) or (hasty and call.line == Line.HOTLINE and last.role == Role.SEAT)


def _due_transfer(call: Call, transfer: Transfer, first_in_line: bool) -> Step | None:
    target, operator = call.legs.get(transfer.leg_id), call.legs.get(transfer.by_leg)
    gone = operator is None or not operator.live
    # An emergency took the operator, and nobody of ours is left with her: she waits for him, not for a third party.
    if target is None or not target.live or (gone and first_in_line and not call.staffed):
        return Step.FAIL
    return Step.COMPLETE if target.in_room and (transfer.mode == "blind" or gone) else None


def on_the_way(call: Call) -> list[Leg]:
    """Whoever was sent for on purpose and is not in the room yet."""
    return [leg for leg in call.live_legs if leg.wish_id and leg.role != Role.ELDER and leg.joined_at is None]


# --- who may -----------------------------------------------------------------------------------------------------


def must_be_routine(call: Call, what: str) -> None:
    """Raises `Conflict` for a call that is over, or an emergency: an elder in need is never put anywhere (A2)."""
    if not call.open:
        raise Conflict(f"call {call.id} is over")
    if not call.routine:
        raise Conflict(f"this is an emergency: she is never {what}. Bring help in, or close it")


def operator_leg(call: Call, user: str, *, leads: bool) -> Leg:
    """The operator's leg that an act is about: the user's own, or for who ``leads`` that of whoever has the caller.

    Raises `Conflict` when there is none.
    """
    seats = [leg for leg in call.live_legs if leg.role == Role.SEAT and leg.in_room]
    own = next((leg for leg in seats if leg.number == user), None)
    found = own or (min(seats, key=lambda leg: (leg.joined_at, leg.id)) if leads and seats else None)
    if found is None:
        raise NotOnTheCall("only who is on the call may do this; it needs an operator in its room")
    return found


def caller_legs(call: Call, *, held: bool) -> list[Leg]:
    """The caller's lines that are on hold, or that are in the room and not."""
    return [leg for leg in call.elder_legs if leg.live and leg.held == held and (held or leg.in_room)]


def free_slot(taken: Collection[int]) -> int:
    """The lowest slot number, from 1, that nobody is parked in."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def target_of(to: str) -> tuple[str, str]:
    """The kind and the name of whom a caller shall be given to; a number in its canonical form.

    Raises `InvalidInput` that names the remedy.
    """
    kind, _, name = to.partition(":")
    if kind not in (SEAT, QUEUE, NUMBER) or not name:
        raise InvalidInput("to must be seat:<user>, queue:<code> or number:<number>", field="to")
    return kind, dialable(name) if kind == NUMBER else name


def dialable(raw: str) -> str:
    """A number that an operator may dial, in canonical form; raises `InvalidInput`.

    None abroad, no premium service: whoever steals one operator's sign-in must not be able to spend the centre's money.
    """
    number = normalise(raw)
    if number is None:
        raise NoNumber(f"{raw!r} is not a phone number that can be dialled", field="number")
    if not is_ordinary(number):
        raise NumberNotAllowed("numbers abroad and premium services are not dialled from here", field="number")
    return number


def why_ended(leg: Leg | None) -> str:
    """How an attempt to reach somebody ended; ``lost`` when a crash took even its leg."""
    return (leg.reason or HangupReason.CANCELLED.value) if leg is not None else LOST
