"""The bus between processes, on Redis. A file of its own: nobody who has no Redis waits for its library (R1)."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from redis import asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from callcenter.bus import QUEUE_SIZE, Gap, Mailbox, Message, Messages
from callcenter.facts import Fact, encode

log = structlog.get_logger(__name__)

RETRY_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


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
        self._mailboxes: set[Mailbox] = set()
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
        mailbox = Mailbox(frozenset(topics), self._queue_size)
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

    async def _until_confirmed(self, mailbox: Mailbox) -> None:
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
