"""The bus: a hint and a fan-out between processes, never the truth (A10, R7).

Two back ends behind one interface: in-process, and Redis publish/subscribe. Nothing on it may be
needed: whoever sees a `Gap` has missed messages and reads the truth (journal or database) again.
Publishing never waits and never fails.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis import asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from callcenter.facts import Fact, decode, encode

log = structlog.get_logger(__name__)

FACTS = "facts"
"""Topic of every fact, as it happens."""

MISSED = "missed"
"""Topic of a hint without content: facts may have been stored without a word on the bus."""

QUEUE_SIZE = 2000
RETRY_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


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


class _Mailbox(AsyncIterator[Message | Gap]):
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
        self._mailboxes: set[_Mailbox] = set()

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
        mailbox = _Mailbox(frozenset(topics), self._queue_size)
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            mailbox.close()

    async def close(self) -> None:
        for mailbox in self._mailboxes:
            mailbox.close()


class RedisBus:
    """The bus between processes, on Redis publish/subscribe.

    Publishing goes through a bounded queue and a background task. One connection listens for all
    subscribers; whenever it had to be made anew they get a `Gap`. ``silence_seconds``: with nothing
    heard for this long, pings included, the connection counts as dead (a half-open peer).
    """

    def __init__(
        self, url: str, *, prefix: str = "callcenter:", queue_size: int = QUEUE_SIZE, silence_seconds: float = 5.0
    ) -> None:
        self._prefix = prefix
        self._queue_size = queue_size
        self._silence = silence_seconds
        # No retries by the library: it would reconnect in secret and nobody would hear of the gap.
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=silence_seconds, socket_timeout=silence_seconds, retry=Retry(NoBackoff(), 0)
        )
        self._outbox: deque[tuple[str, bytes]] = deque(maxlen=queue_size)
        self._to_send = asyncio.Event()
        self._mailboxes: set[_Mailbox] = set()
        self._pubsub: PubSub | None = None
        self._asked: set[str] = set()
        self._confirmed: set[str] = set()
        self._changed = asyncio.Condition()
        self._sender_well = self._listener_well = True
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def healthy(self) -> bool:
        return self._sender_well and self._listener_well

    def publish(self, topic: str, message: bytes | Fact) -> None:
        data = message if isinstance(message, bytes) else encode(message)
        self._outbox.append((self._prefix + topic, data))
        self._to_send.set()
        self._start()

    @asynccontextmanager
    async def subscribe(self, topics: Iterable[str]) -> AsyncIterator[Messages]:
        mailbox = _Mailbox(frozenset(topics), self._queue_size)
        self._mailboxes.add(mailbox)
        self._start()
        try:
            await self._until_confirmed(mailbox)
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            mailbox.close()

    async def close(self) -> None:
        left = set(self._tasks)
        while left:  # the library may swallow a cancellation that comes while it ends a deadline of its own
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.2)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for mailbox in self._mailboxes:
            mailbox.close()
        await self._redis.aclose()

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._listen())]

    async def _until_confirmed(self, mailbox: _Mailbox) -> None:
        """Wait until Redis has taken the subscription. While it is away this gives up, and a `Gap` comes later."""
        with contextlib.suppress(RedisError, OSError):
            await self._ask()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._silence), self._changed:
                await self._changed.wait_for(lambda: mailbox.topics <= self._confirmed or not self._listener_well)

    async def _ask(self) -> None:
        """Ask Redis for every topic somebody wants. Topics are few and stay asked for."""
        wanted = {topic for mailbox in self._mailboxes for topic in mailbox.topics} - self._asked
        if self._pubsub is not None and wanted:
            self._asked |= wanted
            await self._pubsub.subscribe(*(self._prefix + topic for topic in wanted))

    async def _send(self) -> None:
        attempt = 0
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._outbox:
                batch = [self._outbox.popleft() for _ in range(min(len(self._outbox), 200))]
                try:
                    pipeline = self._redis.pipeline(transaction=False)
                    for topic, data in batch:
                        pipeline.publish(topic, data)
                    async with asyncio.timeout(self._silence):
                        await pipeline.execute()
                except (RedisError, OSError, RuntimeError) as error:  # RuntimeError: uvloop's, of a closed transport
                    # Some may have gone out; sending them again could repeat them, and they are only hints:
                    # the listeners' connections broke as well, and a Gap tells them to read the truth.
                    self._sender_well = self._well(self._sender_well, False, error)
                    await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                    attempt += 1
                else:
                    attempt = 0
                    self._sender_well = self._well(self._sender_well, True)

    async def _listen(self) -> None:
        attempt = 0
        first = True
        while True:
            pubsub = self._redis.pubsub()
            try:
                await pubsub.subscribe(self._prefix)  # a channel nobody uses: the connection is up from now on
                self._pubsub = pubsub
                await self._ask()
                self._listener_well = self._well(self._listener_well, True)
                if not self._sender_well:
                    self.publish("", b"")  # to nobody: whether sending works is known only by doing it
                attempt = 0
                await self._receive(pubsub, gap=not first)
            except (RedisError, OSError, RuntimeError) as error:
                self._listener_well = self._well(self._listener_well, False, error)
            finally:
                self._pubsub = None
                self._asked.clear()
                self._confirmed.clear()
                with contextlib.suppress(RedisError, OSError, RuntimeError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            async with self._changed:
                self._changed.notify_all()
            first = False
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    async def _receive(self, pubsub: PubSub, gap: bool) -> None:
        """Hand out what comes until the connection fails or falls silent; raises the reason."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            message = await pubsub.get_message(timeout=self._silence / 3)
            if message is None:
                if loop.time() - heard > self._silence:
                    raise TimeoutError("Redis is silent")
                await pubsub.ping()
                continue
            heard = loop.time()
            topic = message["channel"].decode().removeprefix(self._prefix) if message["channel"] else ""
            if message["type"] == "subscribe":
                async with self._changed:
                    self._confirmed.add(topic)
                    self._changed.notify_all()
                if gap and self._asked <= self._confirmed:
                    gap = False
                    for mailbox in self._mailboxes:
                        mailbox.put(Gap())
            elif message["type"] == "message":
                item = Message(topic, message["data"])
                for mailbox in self._mailboxes:
                    if topic in mailbox.topics:
                        mailbox.put(item)

    def _well(self, before: bool, now: bool, error: BaseException | None = None) -> bool:
        if before and not now:
            log.error("bus degraded", problem=type(error).__name__)
        elif now and not before:
            log.info("bus link back")
        return now
