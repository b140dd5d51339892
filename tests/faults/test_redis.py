"""Redis is killed, restarted, emptied: a hint and a fan-out is away, the calls are not (R7)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import websockets
from redis.asyncio import Redis

from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.redis import RedisServer

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> AsyncIterator[Center]:
    async with Center(tmp_path_factory.mktemp("center"), redis_url=server.url) as center:
        yield center


async def told(center: Center, after: str | None = None) -> set[str]:
    """Ids of the facts a page is told that opens now and saw ``after`` last."""
    token = (await center.api()).token
    url = f"ws://127.0.0.1:{center.settings.http_port}/api/v1/live?token={token}"
    ids: set[str] = set()
    async with websockets.connect(url + (f"&after={after}" if after else "")) as live:
        try:
            while True:
                message = json.loads(await live.recv() if not ids else await _soon(live))
                ids |= {message["id"]} if "id" in message else set()
        except TimeoutError:
            return ids


async def _soon(live: websockets.ClientConnection) -> str | bytes:
    async with asyncio.timeout(2):
        return await live.recv()


@pytest.mark.fault("R7")
async def test_killed_then_emptied_then_calls_are_as_before_and_a_page_that_comes_back_misses_nothing(
    center: Center, tally: Tally, server: RedisServer
) -> None:
    """A10, R7: /readyz says degraded meanwhile; a page catches up by what it saw last."""
    op1, op2 = await center.seats("op1", "op2")
    first = await center.press(tally, 0, 440)
    await center.talk(tally, first, op1, 440)
    await center.until(center.witness.drained, what="the record")
    last_seen = max(await center.witness.stored())

    server.stop()
    begun = time.monotonic()
    second = await center.press(tally, 1, 840)
    await center.talk(tally, second, op2, 840)
    tally.note(f"a human {time.monotonic() - begun:.2f} s after Redis was killed and she pressed")
    await center.until(lambda: _bus(center, False), 15, "/readyz to say so")
    assert (await center.client.get("/readyz")).status_code == 200
    api = await center.api()
    assert (await api.get("/emergencies"))["items"]

    server.start()  # empty: it keeps nothing on disk
    begun = time.monotonic()
    await center.until(lambda: _bus(center, True), 30, "the bus to be back")
    tally.took(time.monotonic() - begun)
    await center.until(center.witness.drained, 30, "the record")
    missed = {fact.id for fact in center.witness.journal() if fact.id > last_seen and "emergency" in fact.kind}
    assert missed
    assert missed <= await told(center, last_seen)

    redis = Redis.from_url(server.url)
    await redis.flushall()
    await redis.aclose()
    (op3,) = await center.seats("op3")
    third = await center.press(tally, 2, 1040)
    await center.talk(tally, third, op3, 1040)
    await center.audit(tally)


async def _bus(center: Center, ok: bool) -> bool:
    return bool((await center.part("bus"))["ok"] == ok)
