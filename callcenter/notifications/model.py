"""A message and its attempts: one transition table, one fold, and the pure rule that says what to do next.

An attempt is one request to one channel. A message's state is derived from its attempts, so no report that comes
late, twice or out of order can make it say less than is known (R23).
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from callcenter.errors import IllegalTransition
from callcenter.facts import Fact
from callcenter.notifications import facts as f

LONGEST_TEXT = 1500
"""Characters; Twilio takes 1600."""
TRIES = 2
"""Requests to one channel for one message, when the channel is unwell."""
BACKOFF_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
"""How long a message waits for a channel in reach; what is older is not sent any more."""
UNWELL_SECONDS = 2.0
"""How often a message that waits for a channel looks again."""
CONFIRMED = frozenset({"alert"})
"""Purposes whose delivery is waited for; without it the next channel is tried."""


class AttemptState(StrEnum):
    """``doubtful``: whether it went out is not known."""

    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


class AttemptEvent(StrEnum):
    """What a channel can say of an attempt."""

    SEND = "send"
    DELIVER = "deliver"
    FAIL = "fail"
    DOUBT = "doubt"


ATTEMPT_TABLE: Mapping[AttemptState, Mapping[AttemptEvent, AttemptState]] = MappingProxyType(
    {
        AttemptState.SENDING: {
            AttemptEvent.SEND: AttemptState.SENT,
            AttemptEvent.DELIVER: AttemptState.DELIVERED,
            AttemptEvent.FAIL: AttemptState.FAILED,
            AttemptEvent.DOUBT: AttemptState.DOUBTFUL,
        },
        AttemptState.SENT: {
            AttemptEvent.DELIVER: AttemptState.DELIVERED,
            AttemptEvent.FAIL: AttemptState.FAILED,
            AttemptEvent.DOUBT: AttemptState.DOUBTFUL,
        },
        AttemptState.DOUBTFUL: {
            AttemptEvent.SEND: AttemptState.SENT,
            AttemptEvent.DELIVER: AttemptState.DELIVERED,
            AttemptEvent.FAIL: AttemptState.FAILED,
        },
        AttemptState.DELIVERED: {},
        AttemptState.FAILED: {},
    }
)


def next_state(state: AttemptState, event: AttemptEvent) -> AttemptState | None:
    """The state after ``event``, or None when it is no news in this state."""
    return ATTEMPT_TABLE[state].get(event)


class MessageState(StrEnum):
    """Derived from the attempts; see `Message.state`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to one channel. ``final``: the channel is not tried again for this message."""

    id: str
    channel: str
    state: AttemptState
    begun_at: datetime
    provider_id: str = ""
    why: str = ""
    final: bool = True
    sent_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person. Times are aware UTC."""

    id: str
    to: str
    text: str
    purpose: str
    actor: str
    requested_at: datetime
    name: str = ""
    role: str = ""
    incident_id: str | None = None
    call_id: str | None = None
    request_id: str | None = None
    voice: tuple[str, ...] = ()
    template: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    given_up_at: datetime | None = None
    why: str = ""

    @property
    def state(self) -> MessageState:
        """The best that is known of it: a delivery that is reported late outweighs that it was given up."""
        states = {attempt.state for attempt in self.attempts}
        if AttemptState.DELIVERED in states:
            return MessageState.DELIVERED
        if self.given_up_at is not None:
            return MessageState.GIVEN_UP
        if AttemptState.SENDING in states:
            return MessageState.SENDING
        return MessageState.SENT if AttemptState.SENT in states else MessageState.QUEUED

    @property
    def over(self) -> bool:
        """Nothing more will be done about it."""
        return self.state in (MessageState.DELIVERED, MessageState.GIVEN_UP)

    @property
    def delivered_at(self) -> datetime | None:
        times = [a.ended_at for a in self.attempts if a.state is AttemptState.DELIVERED and a.ended_at]
        return min(times, default=None)

    def attempt(self, attempt_id: str) -> Attempt | None:
        """The attempt of that id."""
        return next((attempt for attempt in self.attempts if attempt.id == attempt_id), None)


# --- what to do next ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """A channel as the rule sees it. ``voice``: it calls; ``reports``: it tells later what became of it."""

    name: str
    voice: bool = False
    reports: bool = False


class Want(StrEnum):
    """What is still wanted of a message, asked anew before every step.

    ``text``: no call, for the person is being called anyway. ``nothing``: what it is about is over.
    """

    ANYTHING = "anything"
    TEXT = "text"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Try:
    """Ask this channel now."""

    channel: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No channel is left; ``why`` as in `MessageGivenUp`."""

    why: str


Step = Try | Wait | GiveUp | None
"""None: nothing to do until something is heard."""


def next_step(
    message: Message,
    routes: Sequence[Route],
    unwell: Collection[str],
    *,
    quiet: float,
    age: float,
    delivery_seconds: float,
    want: Want = Want.ANYTHING,
) -> Step:
    """What to do about a message.

    ``routes``: the channels in the order of the settings. ``unwell``: those that lately only failed; they are passed
    over while another is left. ``quiet``, ``age``: seconds since it was last heard of, since it was asked for.

    A channel whose answer was lost is not asked again: the text goes by the next channel, which may repeat it to the
    person but never within one provider. Better twice by two ways than not at all.
    """
    states = {attempt.state for attempt in message.attempts}
    if message.over or AttemptState.SENDING in states:
        return None
    if want is Want.NOTHING:
        return None if AttemptState.SENT in states else GiveUp("not_wanted")
    by_name = {route.name: route for route in routes}
    if AttemptState.SENT in states:
        last = next(a for a in reversed(message.attempts) if a.state is AttemptState.SENT)
        route = by_name.get(last.channel)
        if message.purpose not in CONFIRMED or route is None or not route.reports:
            return None
        if quiet < delivery_seconds:
            return Wait(delivery_seconds - quiet)
    left = [route for route in routes if _may_try(message, route, want)]
    if not left:
        return GiveUp(_why(routes, states))
    if age > PATIENCE_SECONDS:
        return GiveUp("too_late")
    route = next((route for route in left if route.name not in unwell), left[0])
    if route.name in unwell:
        return Wait(UNWELL_SECONDS)
    if any(attempt.channel == route.name for attempt in message.attempts) and quiet < BACKOFF_SECONDS:
        return Wait(BACKOFF_SECONDS - quiet)
    return Try(route.name)


def _may_try(message: Message, route: Route, want: Want) -> bool:
    if route.voice and (want is Want.TEXT or not message.voice):
        return False
    tries = [attempt for attempt in message.attempts if attempt.channel == route.name]
    if not tries:
        return True
    return len(tries) < TRIES and tries[-1].state is AttemptState.FAILED and not tries[-1].final


def _why(routes: Sequence[Route], states: Set[AttemptState]) -> str:
    if not routes:
        return "no_channel"
    return "unconfirmed" if states & {AttemptState.SENT, AttemptState.DOUBTFUL} else "failed"


# --- folding -----------------------------------------------------------------------------------------------


def evolve(message: Message | None, fact: Fact) -> Message | None:
    """The message after a fact: a pure fold, the same live, after a restart and in the database's rows."""
    body = fact.body
    if isinstance(body, f.MessageRequested):
        return message or _requested(fact, body)
    if message is None:
        return None
    match body:
        case f.MessageAttempted():
            if message.attempt(body.attempt_id) is not None:
                return message
            attempt = Attempt(body.attempt_id, body.channel, AttemptState.SENDING, fact.at)
            return replace(message, attempts=(*message.attempts, attempt))
        case f.MessageSent():
            return _move(message, body.attempt_id, AttemptEvent.SEND, provider_id=body.provider_id, sent_at=fact.at)
        case f.MessageDelivered():
            return _move(message, body.attempt_id, AttemptEvent.DELIVER, why="", ended_at=fact.at)
        case f.MessageFailed():
            event = AttemptEvent.DOUBT if body.unknown else AttemptEvent.FAIL
            return _move(message, body.attempt_id, event, why=body.why, final=body.final, ended_at=fact.at)
        case f.MessageGivenUp() if message.given_up_at is None:
            return replace(message, given_up_at=fact.at, why=body.why)
    return message


def check_transition(attempt: Attempt, event: AttemptEvent) -> AttemptState:
    """The state an attempt goes to; raises `IllegalTransition` for a step the table does not hold."""
    state = next_state(attempt.state, event)
    if state is None:
        raise IllegalTransition(f"an attempt that is {attempt.state} cannot {event}")
    return state


def _move(message: Message, attempt_id: str, event: AttemptEvent, **changes: object) -> Message:
    """The one place where an attempt's state changes; a fact that is read twice or late moves nothing back."""
    attempt = message.attempt(attempt_id)
    if attempt is None:
        return message
    try:
        state = check_transition(attempt, event)
    except IllegalTransition:
        return message
    moved = replace(attempt, state=state, **changes)  # type: ignore[arg-type]
    return replace(message, attempts=tuple(moved if a.id == attempt_id else a for a in message.attempts))


def _requested(fact: Fact, body: f.MessageRequested) -> Message:
    return Message(
        id=body.message_id,
        to=body.to,
        text=body.text,
        purpose=body.purpose,
        actor=fact.actor,
        requested_at=fact.at,
        name=body.name,
        role=body.role,
        incident_id=fact.incident_id,
        call_id=fact.call_id,
        request_id=body.request_id,
        voice=body.voice,
        template=body.template,
        params=body.params,
    )
