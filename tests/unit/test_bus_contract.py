"""Both back ends of the bus keep one contract; Redis may go away and come back (R7)."""

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcenter.bus import FACTS, Bus, Gap, LocalBus, Message, Messages
from callcenter.bus_redis import RedisBus
from callcenter.facts import Body, kind, record
from tests.support.redis import RedisServer

QUEUE = 50


@kind("test.bus")
class Said(Body, frozen=True):
    text: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(params=["local", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    made: Bus
    if request.param == "local":
        made = LocalBus(queue_size=QUEUE)
    else:
        made = RedisBus(request.getfixturevalue("server").url, queue_size=QUEUE, silence_seconds=2)
    yield made
    await made.close()


async def take(messages: Messages, seconds: float = 5) -> Message | Gap:
    return await asyncio.wait_for(anext(messages), seconds)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the bus tells of its health by a property
            await asyncio.sleep(0.005)


async def test_given_a_subscriber_when_published_then_it_gets_all_in_order(bus: Bus) -> None:
    async with bus.subscribe(["seats"]) as messages:
        for number in range(20):
            bus.publish("seats", str(number).encode())
        assert [await take(messages) for _ in range(20)] == [
            Message("seats", str(number).encode()) for number in range(20)
        ]
    assert bus.healthy


async def test_given_a_fact_when_published_then_the_same_fact_arrives(bus: Bus) -> None:
    fact = record(Said(text="王秀英\r\n"), datetime(2026, 3, 1, tzinfo=UTC), "op1", call_id="c1")
    async with bus.subscribe([FACTS]) as messages:
        bus.publish(FACTS, fact)
        message = await take(messages)
        assert isinstance(message, Message)
        assert message.fact() == fact


async def test_given_two_subscribers_then_each_gets_its_topics_only(bus: Bus) -> None:
    async with bus.subscribe(["a"]) as first, bus.subscribe(["a", "b"]) as second:
        bus.publish("b", b"1")
        bus.publish("a", b"2")
        bus.publish("c", b"3")
        assert await take(first) == Message("a", b"2")
        assert [await take(second), await take(second)] == [Message("b", b"1"), Message("a", b"2")]


async def test_given_nobody_subscribed_when_published_then_nothing_fails(bus: Bus) -> None:
    bus.publish("nobody", b"x")
    async with bus.subscribe(["nobody"]) as messages:
        bus.publish("nobody", b"y")
        assert Message("nobody", b"y") in [await take(messages)]


async def test_given_a_slow_subscriber_then_it_gets_a_gap_and_the_newest_and_others_get_all(bus: Bus) -> None:
    async with bus.subscribe(["t"]) as slow, bus.subscribe(["t"]) as quick:
        for number in range(QUEUE * 3):
            bus.publish("t", str(number).encode())
            assert await take(quick) == Message("t", str(number).encode())
        assert await take(slow) == Gap()
        rest = [await take(slow)]
        while rest[-1] != Message("t", str(QUEUE * 3 - 1).encode()):
            rest.append(await take(slow))
        assert Gap() not in rest
        assert len(rest) < QUEUE * 2


async def test_given_a_closed_bus_then_its_subscribers_end(bus: Bus) -> None:
    async with bus.subscribe(["t"]) as messages:
        bus.publish("t", b"last")
        assert await take(messages) == Message("t", b"last")
        await bus.close()
        with pytest.raises(StopAsyncIteration):
            await take(messages)


async def test_given_a_left_subscription_then_publishing_goes_on(bus: Bus) -> None:
    async with bus.subscribe(["t"]):
        pass
    async with bus.subscribe(["t"]) as messages:
        bus.publish("t", b"x")
        assert await take(messages) == Message("t", b"x")


async def test_given_two_processes_on_one_redis_then_messages_cross(server: RedisServer) -> None:
    here, there = RedisBus(server.url), RedisBus(server.url)
    async with there.subscribe(["t"]) as messages:
        here.publish("t", b"x")
        assert await take(messages) == Message("t", b"x")
    await here.close()
    await there.close()


async def test_given_redis_killed_and_restarted_then_degraded_then_a_gap_then_messages(tmp_path: Path) -> None:
    """R7."""
    with RedisServer(tmp_path) as server:
        bus = RedisBus(server.url, silence_seconds=2)
        async with bus.subscribe(["t"]) as messages:
            server.stop()
            await until(lambda: not bus.healthy)
            began = asyncio.get_running_loop().time()
            for _ in range(10_000):
                bus.publish("t", b"lost")
            assert asyncio.get_running_loop().time() - began < 1
            server.start()
            assert await take(messages, 10) == Gap()
            bus.publish("t", b"again")
            while (message := await take(messages)) != Message("t", b"again"):
                assert message in (Message("t", b"lost"), Gap())
            await until(lambda: bus.healthy)
        await bus.close()


async def test_given_sending_failed_when_redis_is_back_then_all_is_well_though_nobody_publishes(tmp_path: Path) -> None:
    """R7: a quiet centre is not told of as degraded for hours."""
    with RedisServer(tmp_path) as server:
        bus = RedisBus(server.url, silence_seconds=2)
        async with bus.subscribe(["t"]) as messages:
            server.stop()
            bus.publish("t", b"lost")
            await until(lambda: not bus._sender_well and not bus._listener_well)
            server.start()
            assert await take(messages, 10) == Gap()
            await until(lambda: bus.healthy)
        await bus.close()


async def test_given_redis_not_yet_there_when_subscribed_then_it_returns_and_a_gap_follows(tmp_path: Path) -> None:
    """R7: starting without Redis."""
    server = RedisServer(tmp_path)
    bus = RedisBus(server.url, silence_seconds=2)
    async with bus.subscribe(["t"]) as messages:
        assert not bus.healthy
        with server:
            assert await take(messages, 10) == Gap()
            bus.publish("t", b"x")
            assert await take(messages) == Message("t", b"x")
    await bus.close()


async def test_given_a_redis_that_says_nothing_then_it_counts_as_gone(tmp_path: Path) -> None:
    """R7: a half-open peer. The peer accepts, reads and never answers."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        bus = RedisBus(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", silence_seconds=0.2)
        async with bus.subscribe(["t"]):
            bus.publish("t", b"x")
            await until(lambda: not bus.healthy)
        await bus.close()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for peer in held:
        peer.close()


async def test_given_a_connection_frozen_after_subscribing_then_it_is_noticed_and_made_anew(tmp_path: Path) -> None:
    """R7: redis-server stopped (SIGSTOP), later going on."""
    with RedisServer(tmp_path) as server:
        assert server.process is not None
        bus = RedisBus(server.url, silence_seconds=0.3)
        async with bus.subscribe(["t"]) as messages:
            server.process.send_signal(signal.SIGSTOP)
            await until(lambda: not bus.healthy)
            server.process.send_signal(signal.SIGCONT)
            assert await take(messages, 10) == Gap()
        await bus.close()
