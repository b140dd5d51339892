"""A call-back as pure data: its states, and the rules of when whom may be called (B1).

The rules: she is tried when a seat is free, in the place she had. Not reached, she rests 5 min, 30 min, 3 h; busy,
2 min. The fourth attempt in vain is the last. In the quiet hours nobody is called, but who asked by key, for the number
she called from, within the last 30 min, or whom somebody of the desk wants called now. Whoever has us call another
number than her own may mean harm to whoever answers it: `too_many`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

import phonenumbers
from phonenumbers import PhoneNumberType

from callcenter.callbacks import facts as f
from callcenter.clock import SHANGHAI
from callcenter.facts import Fact
from callcenter.phone import normalise
from callcenter.telephony.events import HangupReason


class State(StrEnum):
    """Where a call-back is."""

    WAITING = "waiting"
    CALLING = "calling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.WAITING: frozenset({State.CALLING, State.CANCELLED, State.FAILED}),
        State.CALLING: frozenset({State.DONE, State.WAITING, State.FAILED, State.CANCELLED}),
        State.DONE: frozenset(),
        # Somebody of the desk may have it tried once more.
        State.FAILED: frozenset({State.WAITING, State.CANCELLED}),
        State.CANCELLED: frozenset(),
    }
)
OPEN = frozenset({State.WAITING, State.CALLING})

RESTS = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))
"""After the first, second, third attempt in vain; at such distances it is another time of her day."""
MOST_ATTEMPTS = len(RESTS) + 1
BUSY_REST = timedelta(minutes=2)
OPERATOR_REST = timedelta(seconds=5)
"""After an operator hung up before she had answered: the next one takes over."""
FRESH = timedelta(minutes=30)
"""So long after she asked by key she is called at any hour: she is awake and waits for it."""

DICTATED_SPAN = timedelta(hours=1)
DICTATED_PER_NUMBER = 2
"""Call-backs in an hour to one number that somebody keyed in who did not call from it."""
DICTATED_TOGETHER = 20
"""The same to all numbers that we do not know: no elder's, relative's or device's."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at her: when, by which call, and how it ended ("" while it goes on)."""

    at: datetime
    call_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallBack:
    """One call-back. Times are aware UTC.

    ``since``: from when her place counts; ``next_at``: not before. ``call_id``: our call to her, of the last attempt;
    ``asked_in``: the call in which she asked.
    """

    id: str
    number: str
    caller: str
    queue: str
    since: datetime
    asked_at: datetime
    next_at: datetime
    priority: int = 0
    elder_id: str | None = None
    elder_name: str = ""
    by_caller: bool = True
    dictated: bool = False
    asked_in: str | None = None
    state: State = State.WAITING
    attempts: tuple[Attempt, ...] = ()
    counted: int = 0
    hastened: bool = False
    call_id: str | None = None
    reason: str = ""
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN


def evolve(callback: CallBack | None, fact: Fact) -> CallBack | None:
    """The call-back after a fact: a pure fold, the same live, after a restart and in the database's rows."""
    body = fact.body
    if isinstance(body, f.CallBackAsked):
        return callback or CallBack(
            id=body.callback_id,
            number=body.number,
            caller=body.caller,
            queue=body.queue,
            since=body.since,
            asked_at=fact.at,
            next_at=fact.at,
            priority=body.priority,
            elder_id=body.elder_id,
            elder_name=body.elder_name,
            by_caller=body.by_caller,
            dictated=body.dictated,
            asked_in=fact.call_id,
        )
    if callback is None:
        return None
    match body:
        case f.CallBackJoined():
            return replace(callback, asked_at=max(callback.asked_at, fact.at))
        case f.CallBackCalling():
            attempts = (*callback.attempts, Attempt(fact.at, fact.call_id or ""))
            return _become(callback, State.CALLING, attempts=attempts, call_id=fact.call_id, hastened=False)
        case f.CallBackMissed():
            done = _ended(callback, body.reason)
            counted = callback.counted + body.counts
            return _become(done, State.WAITING, next_at=body.next_at, counted=counted, reason=body.reason)
        case f.CallBackHastened():
            again = _become(callback, State.WAITING, ended_at=None) if callback.state is State.FAILED else callback
            return replace(again, hastened=True, next_at=fact.at) if again.state is State.WAITING else again
        case f.CallBackDone():
            return _become(_ended(callback, "reached"), State.DONE, ended_at=fact.at, reason="")
        case f.CallBackFailed():
            return _become(_ended(callback, body.reason), State.FAILED, ended_at=fact.at, reason=body.reason)
        case f.CallBackCancelled():
            return _become(callback, State.CANCELLED, ended_at=fact.at, reason=body.why)
    return callback


def _become(callback: CallBack, state: State, **changes: object) -> CallBack:
    """The one place where the state changes; a step that the table does not hold is no news (R23)."""
    if state not in TRANSITIONS[callback.state]:
        return callback
    return replace(callback, state=state, **changes)  # type: ignore[arg-type]


def _ended(callback: CallBack, reason: str) -> CallBack:
    if not callback.attempts or callback.attempts[-1].reason:
        return callback
    last = replace(callback.attempts[-1], reason=reason)
    return replace(callback, attempts=(*callback.attempts[:-1], last))


def next_attempt(counted: int, reason: str, at: datetime) -> datetime | None:
    """When to try again after so many attempts in vain, the last of which ended with ``reason``; None: never."""
    if counted >= MOST_ATTEMPTS:
        return None
    rest = BUSY_REST if reason == HangupReason.BUSY else RESTS[max(0, min(counted, len(RESTS)) - 1)]
    return at + rest


def quiet(at: datetime, hours: tuple[time, time] | None) -> bool:
    """Whether ``at`` lies in the quiet hours (from, to; in Asia/Shanghai, over midnight when from is later)."""
    if hours is None or hours[0] == hours[1]:
        return False
    begin, end = hours
    now = at.astimezone(SHANGHAI).time()
    return begin <= now < end if begin < end else now >= begin or now < end


def due(callback: CallBack, at: datetime, hours: tuple[time, time] | None) -> bool:
    """Whether she may be called at ``at``, as soon as there is a seat for her."""
    if callback.state is not State.WAITING or at < callback.next_at:
        return False
    hers = callback.by_caller and not callback.dictated  # who else answers there may be asleep
    fresh = hers and timedelta() <= at - callback.asked_at < FRESH
    return callback.hastened or fresh or not quiet(at, hours)


def read_hours(text: str) -> tuple[time, time] | None:
    """``21:00-08:00`` as two times; None for an empty text. Raises `ValueError` for anything else."""
    if not text:
        return None
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError("quiet hours are written 21:00-08:00")
    return time.fromisoformat(begin), time.fromisoformat(end)


_FREE_TO_CALL = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def callable_back(raw: str) -> str | None:
    """The canonical form of a number that a stranger may have us call, or None (toll fraud).

    Only Chinese mobiles and landlines: no short codes, no 120, 110, 119, no premium or service numbers, nothing abroad.
    """
    number = normalise(raw)
    if number is None or number.startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.number_type(parsed) not in _FREE_TO_CALL:
        return None
    return number


def too_many(number: str, known: bool, earlier: Iterable[CallBack], at: datetime) -> bool:
    """Whether a number that is keyed in was asked for too often lately (toll fraud, nuisance calls by our hand).

    ``known``: an elder's, a relative's or a device's, for whom others leave room; ``earlier``: the call-backs so far.
    """
    lately = [one for one in earlier if one.dictated and one.asked_at > at - DICTATED_SPAN]
    if sum(one.number == number for one in lately) >= DICTATED_PER_NUMBER:
        return True
    return not known and len(lately) >= DICTATED_TOGETHER


def spoken(number: str) -> tuple[str, ...]:
    """A number as prompts, digit by digit, 1 as on the telephone (幺)."""
    return tuple("digit-1-tel" if digit == "1" else f"digit-{digit}" for digit in number if digit.isdigit())
