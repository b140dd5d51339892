"""Hands attempts to channels: a few at a time each, within their time, past those that are unwell.

Knows no message and no fact: `Messages` says what to send and is told what came of it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from callcenter.clock import Clock
from callcenter.notifications.breaker import Breaker
from callcenter.notifications.channel import Channel, NotSent, Order, Receipt

log = structlog.get_logger(__name__)

Outcome = Receipt | NotSent


class Lane:
    """One channel with its queue."""

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        begin: Callable[[str, str], Order | None],
        done: Callable[[str, str, Outcome], None],
        durable: Callable[[], Awaitable[bool]],
    ) -> None:
        """``begin(message id, channel)``: the attempt on record, or None when it is not wanted any more.
        ``done(message id, attempt id, outcome)``. ``durable``: the journal's promise.
        """
        self.channel = channel
        self._clock = clock
        self._begin = begin
        self._done = done
        self._durable = durable
        self._breaker = Breaker()
        self._urgent: deque[str] = deque()
        self._routine: deque[str] = deque()
        self._queued: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        return self.channel.route.name

    @property
    def unwell(self) -> bool:
        """Whether to pass it over for now."""
        return not self._breaker.allows(self._clock.monotonic())

    def enqueue(self, message_id: str, *, urgent: bool) -> None:
        """Send this message as soon as a place is free; an alert before anything else that waits (A9)."""
        if message_id not in self._queued:
            self._queued.add(message_id)
            (self._urgent if urgent else self._routine).append(message_id)
            self.pump()

    def pump(self) -> None:
        """Fill the free places; whoever is not wanted here any more is not begun."""
        while self._queued and len(self._tasks) < self.channel.at_once:
            message_id = (self._urgent or self._routine).popleft()
            self._queued.discard(message_id)
            order = self._begin(message_id, self.name)
            if order is not None:
                self._breaker.begin()
                self._start(message_id, order.id, self._send(order))

    def resume(self, message_id: str, attempt_id: str) -> bool:
        """Go on with an attempt of before a crash, where the channel can."""
        going_on = self.channel.resume(attempt_id)
        if going_on is None:
            return False
        self._start(message_id, attempt_id, going_on)
        return True

    def _start(self, message_id: str, attempt_id: str, work: Awaitable[Receipt]) -> None:
        task = asyncio.get_running_loop().create_task(self._carry_out(message_id, attempt_id, work), name=attempt_id)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    async def _send(self, order: Order) -> Receipt:
        await self._durable()
        return await self.channel.send(order)

    async def _carry_out(self, message_id: str, attempt_id: str, work: Awaitable[Receipt]) -> None:
        outcome: Outcome
        try:
            async with asyncio.timeout(self.channel.seconds):
                outcome = await work
        except NotSent as error:
            outcome = error
        except TimeoutError:
            outcome = NotSent("timeout", unknown=True)
        except Exception as error:
            # A defect of a provider's library must cost one attempt, not the message.
            log.error("channel_crashed", channel=self.name, attempt_id=attempt_id, error=type(error).__name__)
            outcome = NotSent("crashed", unknown=True)
        if isinstance(outcome, NotSent) and (outcome.again or outcome.unknown):
            self._breaker.failed(self._clock.monotonic())
        else:
            self._breaker.succeeded()
        self._done(message_id, attempt_id, outcome)

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt_crashed", channel=self.name, error=type(error).__name__)
        self.pump()

    async def close(self) -> None:
        """Stop; what was under way is found in the journal."""
        self._urgent.clear()
        self._routine.clear()
        self._queued.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.channel.close()


def lanes(
    channels: Sequence[Channel],
    clock: Clock,
    begin: Callable[[str, str], Order | None],
    done: Callable[[str, str, Outcome], None],
    durable: Callable[[], Awaitable[bool]],
) -> dict[str, Lane]:
    """A lane for each channel, in order."""
    return {channel.route.name: Lane(channel, clock, begin, done, durable) for channel in channels}
