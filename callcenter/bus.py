"""The bus: a hint and a fan-out between processes, never the truth (A10, R7).

Two back ends behind one interface: in-process, and Redis publish/subscribe (`callcenter.bus_redis`). Nothing on it may
be needed: whoever sees a `Gap` has missed messages and reads the truth (journal or database) again. Publishing never
waits and never fails.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from callcenter.facts import Fact, decode, encode

FACTS = "facts"
"""Topic of every fact, as it happens."""

MISSED = "missed"
"""Topic of a hint without content: facts may have been stored without a word on the bus."""

QUEUE_SIZE = 2000


@dataclass(frozen=True, slots=True)
class Message:
    """One message as published."""

    topic: str
    data: bytes

    def fact(self) -> Fact:
        """The fact that was published; raises `msgspec.DecodeError` when the message is none."""
        return decode(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages may be missing here: the reader was too slow, or the connection was away."""


Messages = AsyncIterator[Message | Gap]


class Bus(Protocol):
    """What both back ends do; ``tests/unit/test_bus_contract.py`` holds them to it."""

    @property
    def healthy(self) -> bool:
        """False while messages do not reach other processes."""

    def publish(self, topic: str, message: bytes | Fact) -> None:
        """Hand a message to all who are subscribed now; returns at once and never raises."""

    def subscribe(self, topics: Iterable[str]) -> AbstractAsyncContextManager[Messages]:
        """``async with bus.subscribe([FACTS]) as messages``: what is published from then on, in order."""

    async def close(self) -> None:
        """End all subscriptions and connections."""


class Mailbox(AsyncIterator[Message | Gap]):
    """One subscriber's bounded queue. When it overflows, what waits in it is given up for one `Gap`."""

    def __init__(self, topics: frozenset[str], size: int) -> None:
        self.topics = topics
        self._size = size
        self._waiting: deque[Message | Gap] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    def put(self, item: Message | Gap) -> None:
        if isinstance(item, Gap) or len(self._waiting) >= self._size:
            self._waiting.clear()
            self._waiting.append(Gap())
        if isinstance(item, Message):
            self._waiting.append(item)
        self._arrived.set()

    def close(self) -> None:
        self._closed = True
        self._arrived.set()

    async def __anext__(self) -> Message | Gap:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class LocalBus:
    """The bus inside one process. ``queue_size``: messages a slow subscriber may be behind."""

    def __init__(self, queue_size: int = QUEUE_SIZE) -> None:
        self._queue_size = queue_size
        self._mailboxes: set[Mailbox] = set()

    @property
    def healthy(self) -> bool:
        return True

    def publish(self, topic: str, message: bytes | Fact) -> None:
        item: Message | None = None
        for mailbox in self._mailboxes:
            if topic in mailbox.topics:
                item = item or Message(topic, message if isinstance(message, bytes) else encode(message))
                mailbox.put(item)

    @asynccontextmanager
    async def subscribe(self, topics: Iterable[str]) -> AsyncIterator[Messages]:
        mailbox = Mailbox(frozenset(topics), self._queue_size)
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            mailbox.close()

    async def close(self) -> None:
        for mailbox in self._mailboxes:
            mailbox.close()


def bus_at(redis_url: str) -> Bus:
    """The bus of this process: on Redis, or in-process where no Redis is named."""
    if not redis_url:
        return LocalBus()
    from callcenter.bus_redis import RedisBus  # noqa: PLC0415 - nobody who has no Redis waits for its library

    return RedisBus(redis_url)
