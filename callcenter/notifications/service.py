"""Messages: whatever somebody outside must be told goes out by one channel or the next, and is followed.

Uses memory, the journal and the channels; no database (A10). A restart goes on where the journal ends.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from callcenter.clock import Clock
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Body, Fact
from callcenter.ids import new_id
from callcenter.ledger import Durable, Ledger
from callcenter.notifications import facts as f
from callcenter.notifications.channel import Channel, NotSent, Order, Receipt
from callcenter.notifications.dispatch import Outcome, lanes
from callcenter.notifications.model import (
    CONFIRMED,
    LONGEST_TEXT,
    Attempt,
    AttemptEvent,
    AttemptState,
    GiveUp,
    Message,
    MessageState,
    Try,
    Wait,
    Want,
    evolve,
    next_state,
    next_step,
)
from callcenter.notifications.voice import ACCEPTED
from callcenter.phone import normalise
from callcenter.telephony.events import PbxConnected, PbxEvent, SeatCode

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
RECENT_MESSAGES = 1000
"""Messages at rest that stay in memory and are carried on: reports and repeated requests still find them."""
LONGEST_NAME = 100
_PROMPT = re.compile(r"[a-z0-9-]{1,60}")


class Messages:
    """Every message that is not over, and the latest of those that are."""

    def __init__(
        self,
        ledger: Ledger,
        journal: Durable,
        clock: Clock,
        channels: Sequence[Channel] = (),
        *,
        delivery_seconds: float = 60.0,
        want: Callable[[Message], Want] = lambda _: Want.ANYTHING,
    ) -> None:
        """``delivery_seconds``: how long an alert waits for its report. ``want``: asked before every step."""
        self._ledger = ledger
        self._clock = clock
        self._delivery_seconds = delivery_seconds
        self._want = want
        self._channels = channels
        self._routes = [channel.route for channel in channels]
        self._lanes = lanes(channels, clock, self._begin, self._done, journal.durable)
        self._messages: dict[str, Message] = {}
        self._facts: dict[str, list[Fact]] = {}
        self._by_request: dict[tuple[str, str], str] = {}
        self._by_attempt: dict[str, str] = {}
        self._by_provider: dict[tuple[str, str], str] = {}
        """(Channel, what its provider calls the attempt) → attempt."""
        self._early: dict[tuple[str, str], tuple[AttemptEvent, str]] = {}
        """(Channel, what its provider calls an attempt) → a report that came before we knew that name."""
        self._idle: dict[str, None] = {}
        """Messages about which nothing is to be done for now, the longest so first."""
        self._begun: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        """Message → when (monotonic) it was requested, and last heard of."""
        self._due: dict[str, float] = {}
        """Message → when to look at it again."""
        self._running = False
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    # --- what is known -------------------------------------------------------------------------------------

    def get(self, message_id: str) -> Message:
        """The message, when it is not long over; raises `NotFound`."""
        message = self._messages.get(message_id)
        if message is None:
            raise NotFound(f"no message {message_id} is live here")
        return message

    def find(self, message_id: str) -> Message | None:
        """The message, or None."""
        return self._messages.get(message_id)

    def requested(self, request_id: str, number: str) -> Message | None:
        """The message that a request for a number became, when it is not long over."""
        return self._messages.get(self._by_request.get((request_id, number), ""))

    def known(self) -> list[Message]:
        """Every message in memory, oldest first."""
        return list(self._messages.values())

    @property
    def waiting_count(self) -> int:
        """How many are neither delivered, given up nor on their way."""
        return sum(m.state in (MessageState.QUEUED, MessageState.SENDING) for m in self._messages.values())

    @property
    def channels(self) -> list[str]:
        """The channels that there are, in their order."""
        return list(self._lanes)

    def unwell(self) -> list[str]:
        """Channels that are passed over for now."""
        return [name for name, lane in self._lanes.items() if lane.unwell]

    def channel(self, name: str) -> Channel | None:
        """The channel of that name, where the settings have it."""
        return next((channel for channel in self._channels if channel.route.name == name), None)

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with."""
        return [fact for facts in self._facts.values() for fact in facts]

    # --- what we do ----------------------------------------------------------------------------------------

    def send(
        self,
        *,
        to: str,
        text: str,
        purpose: str,
        actor: str,
        name: str = "",
        role: str = "",
        incident_id: str | None = None,
        call_id: str | None = None,
        request_id: str | None = None,
        voice: Sequence[str] = (),
        template: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Message:
        """Tell somebody outside something; returns at once, the message is a fact by then.

        Asked again with the same ``request_id`` for the same number, it is the message that exists already, also
        after a restart. ``purpose``: a short word for the record, ``alert`` is followed until delivered. ``voice``:
        prompts that a call plays when no text arrives, where the settings name a voice channel. Raises
        `InvalidInput` for a number that cannot be dialled or an empty or overlong text.
        """
        number = normalise(to)
        if number is None:
            raise InvalidInput("to must be a phone number, e.g. 13800000001", field="to")
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise InvalidInput(f"text must have 1 to {LONGEST_TEXT} characters", field="text")
        if not all(_PROMPT.fullmatch(prompt) for prompt in voice):
            raise InvalidInput("voice must name prompts of asterisk/sounds/zh", field="voice")
        if request_id is not None and (known := self._by_request.get((request_id, number))) is not None:
            return self.get(known)
        message_id = new_id()
        self._ledger.record(
            f.MessageRequested(
                message_id=message_id,
                to=number,
                text=text,
                purpose=purpose,
                name=name[:LONGEST_NAME],
                role=role,
                request_id=request_id,
                voice=tuple(voice),
                template=template,
                params=dict(params or {}),
            ),
            actor=actor,
            call_id=call_id,
            incident_id=incident_id,
        )
        return self.get(message_id)

    def report(
        self, attempt_id: str, event: AttemptEvent, *, why: str = "", channel: str = "", provider_id: str = ""
    ) -> bool:
        """Take in what a provider says of an attempt, by its id or the provider's own; True when it is one of ours.

        Repeated and late reports change nothing: the table of attempts decides.
        """
        attempt_id = attempt_id or self._by_provider.get((channel, provider_id), "")
        message = self._messages.get(self._by_attempt.get(attempt_id, ""))
        attempt = message.attempt(attempt_id) if message is not None else None
        if message is None or attempt is None or (channel and attempt.channel != channel):
            log.warning("report_unmatched", channel=channel)
            if provider_id and not attempt_id:  # it may come before the answer that tells us this name
                self._early[channel, provider_id] = (event, why)
                if len(self._early) > RECENT_MESSAGES:
                    del self._early[next(iter(self._early))]
            return False
        self._say(message, attempt, event, why=why, provider_id=provider_id, actor=f"channel:{attempt.channel}")
        return True

    def _say(
        self,
        message: Message,
        attempt: Attempt,
        event: AttemptEvent,
        *,
        why: str = "",
        provider_id: str = "",
        final: bool = True,
        actor: str = "system",
    ) -> None:
        """Record what became of an attempt, when that is news."""
        if next_state(attempt.state, event) is None:
            return
        body: Body
        match event:
            case AttemptEvent.SEND:
                body = f.MessageSent(message_id=message.id, attempt_id=attempt.id, provider_id=provider_id)
            case AttemptEvent.DELIVER:
                body = f.MessageDelivered(message_id=message.id, attempt_id=attempt.id)
            case AttemptEvent.FAIL:
                body = f.MessageFailed(message_id=message.id, attempt_id=attempt.id, why=why, final=final)
            case AttemptEvent.DOUBT:
                body = f.MessageFailed(message_id=message.id, attempt_id=attempt.id, why=why, unknown=True)
        self._record(message, body, actor)

    def _record(self, message: Message, body: Body, actor: str = "system") -> None:
        self._ledger.record(body, actor=actor, call_id=message.call_id, incident_id=message.incident_id)

    # --- at work -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until cancelled."""
        self.resume()
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                try:
                    self.tick(self._clock.monotonic())
                except Exception:
                    log.exception("messages_failed")
        finally:
            self._running = False
            for lane in self._lanes.values():
                await lane.close()

    def resume(self) -> None:
        """Take up what a restart found: nothing is asked of a channel twice without its knowing."""
        self._running = True
        now, wall = self._clock.monotonic(), self._clock.now()
        for message in self.known():
            # The time that nobody was there counts: what is too old by now is not sent.
            self._begun[message.id] = now - max(0.0, (wall - message.requested_at).total_seconds())
            for attempt in message.attempts:
                if attempt.state is AttemptState.SENDING:
                    lane = self._lanes.get(attempt.channel)
                    if lane is None or not lane.resume(message.id, attempt.id):
                        self._say(message, attempt, AttemptEvent.DOUBT, why="interrupted")
            self._look(message.id)

    def tick(self, now: float) -> None:
        """Look at every message whose time has come; ``now`` in monotonic seconds."""
        for message_id, due in list(self._due.items()):
            if due <= now:
                self._look(message_id)

    def hear(self, event: PbxEvent) -> bool:
        """Take in an event of the switchboard; True when it was about a channel of ours and of nobody else."""
        heard = [channel.hear(event) for channel in self._channels]
        if isinstance(event, SeatCode) and event.code == ACCEPTED:
            # Whether or not the channel still waits for it: the person has been told.
            return self.report(event.channel_id, AttemptEvent.DELIVER)
        return any(heard) and not isinstance(event, PbxConnected)

    def _look(self, message_id: str) -> None:
        """Do what is to be done about a message."""
        self._due.pop(message_id, None)
        message = self._messages.get(message_id)
        if message is None or not self._running:
            return
        match self._step(message):
            case Try(channel):
                self._lanes[channel].enqueue(message_id, urgent=message.purpose in CONFIRMED)
            case Wait(seconds):
                self._due[message_id] = self._clock.monotonic() + seconds
            case GiveUp(why):
                log.error("message_given_up", message_id=message_id, incident_id=message.incident_id, why=why)
                self._record(message, f.MessageGivenUp(message_id=message_id, why=why))
            case None if AttemptState.SENDING not in {attempt.state for attempt in message.attempts}:
                self._rest(message_id)

    def _step(self, message: Message) -> Try | Wait | GiveUp | None:
        now = self._clock.monotonic()
        return next_step(
            message,
            self._routes,
            self.unwell(),
            quiet=now - self._heard[message.id],
            age=now - self._begun[message.id],
            delivery_seconds=self._delivery_seconds,
            want=self._want(message),
        )

    def _begin(self, message_id: str, channel: str) -> Order | None:
        """Put an attempt on record, if it is still wanted; what is wanted instead is done."""
        message = self._messages.get(message_id)
        if message is None or not self._running:
            return None
        if self._step(message) != Try(channel):
            self._look(message_id)
            return None
        attempt_id = new_id()
        self._record(message, f.MessageAttempted(message_id=message_id, attempt_id=attempt_id, channel=channel))
        return Order(attempt_id, message.to, message.text, message.voice, message.template, message.params)

    def _done(self, message_id: str, attempt_id: str, outcome: Outcome) -> None:
        message = self._messages.get(message_id)
        attempt = message.attempt(attempt_id) if message is not None else None
        if message is None or attempt is None:
            return
        match outcome:
            case Receipt(provider_id, delivered):
                self._say(message, attempt, AttemptEvent.SEND, provider_id=provider_id)
                early = self._early.pop((attempt.channel, provider_id), None) if provider_id else None
                if delivered:
                    self.report(attempt_id, AttemptEvent.DELIVER)
                elif early is not None:
                    self.report(attempt_id, early[0], why=early[1], channel=attempt.channel)
            case NotSent(why=why, again=again, unknown=unknown):
                log.warning("message_not_sent", attempt_id=attempt_id, channel=attempt.channel, why=why)
                event = AttemptEvent.DOUBT if unknown else AttemptEvent.FAIL
                self._say(message, attempt, event, why=why, final=not again)
        self._look(message_id)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        body = fact.body
        if not isinstance(body, f.KINDS):
            return
        before = self._messages.get(body.message_id)
        after = evolve(before, fact)
        if after is None or after is before:
            return
        now = self._clock.monotonic()
        self._messages[after.id] = after
        self._facts.setdefault(after.id, []).append(fact)
        self._heard[after.id] = now
        self._idle.pop(after.id, None)
        match body:
            case f.MessageRequested(request_id=request_id, to=to):
                self._begun[after.id] = now
                if request_id is not None:
                    self._by_request[request_id, to] = after.id
            case f.MessageAttempted(attempt_id=attempt_id):
                self._by_attempt[attempt_id] = after.id
            case f.MessageSent(attempt_id=attempt_id, provider_id=provider_id) if provider_id:
                attempt = after.attempt(attempt_id)
                if attempt is not None:
                    self._by_provider[attempt.channel, provider_id] = attempt_id
        if after.over:
            self._rest(after.id)

    def _react(self, fact: Fact) -> None:
        if isinstance(fact.body, f.KINDS):
            self._look(fact.body.message_id)

    def _rest(self, message_id: str) -> None:
        """Nothing is to be done about it for now: kept while it is among the latest such."""
        self._idle[message_id] = None
        while len(self._idle) > RECENT_MESSAGES:
            self._forget(next(iter(self._idle)))

    def _forget(self, message_id: str) -> None:
        del self._idle[message_id]
        message = self._messages.pop(message_id)
        for keep in (self._facts, self._begun, self._heard, self._due):
            keep.pop(message_id, None)
        if message.request_id is not None:
            self._by_request.pop((message.request_id, message.to), None)
        for attempt in message.attempts:
            self._by_attempt.pop(attempt.id, None)
            self._by_provider.pop((attempt.channel, attempt.provider_id), None)
