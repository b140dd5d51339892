"""The feed by itself: each reader is woken for what is new, once, and idles otherwise (B6)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.calls.facts import CallEnded
from callcenter.db import Database
from callcenter.facts import Fact, record
from callcenter.feed import AT_A_TIME, Feed
from callcenter.ids import new_id
from tests.support.memory import START


@pytest.fixture
async def feed() -> AsyncIterator[Feed]:
    database = Database("sqlite+aiosqlite://")
    yield Feed(database, size=20)
    await database.close()


def fact() -> Fact:
    return record(CallEnded(answered=True, seconds=1.0), START, "pbx", call_id=new_id())


async def follow(feed: Feed, into: list[str]) -> None:
    place = 0
    while True:
        await feed.beyond(place)
        for entry in feed.following(place) or ():
            place = entry.seq
            assert entry.what is not None
            into.append(entry.what.id)


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_given_many_readers_when_facts_come_at_any_time_then_each_hears_all_and_then_idles(feed: Feed) -> None:
    """A reader that is woken for nothing would be woken for ever: all of a processor for nobody."""
    count = AT_A_TIME * 3 + 1
    heard: list[list[str]] = [[] for _ in range(count)]
    readers = [asyncio.create_task(follow(feed, into)) for into in heard]
    await turns(2)
    told = [fact() for _ in range(12)]
    for number, one in enumerate(told):
        feed.take(one)
        await turns(number % 4)  # some come while the readers of the one before are still being woken
    await turns(20)
    assert heard == [[one.id for one in told]] * count
    waiting = set(map(id, feed._waiting))
    await turns(20)
    assert (len(feed._waiting), set(map(id, feed._waiting)), len(feed._rousing)) == (count, waiting, 0)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_given_more_than_it_keeps_then_a_place_that_is_gone_is_said_to_be(feed: Feed) -> None:
    facts = [fact() for _ in range(30)]
    for one in [*facts, *facts[-20:]]:  # what is known comes again and is no news
        feed.take(one)
    assert feed.seq == 30
    assert feed.following(9) is None
    kept = feed.following(10)
    assert kept is not None
    assert [entry.what and entry.what.id for entry in kept] == [one.id for one in facts[10:]]
    assert feed.place_of(facts[8].id, None, None) is None
    assert feed.place_of(facts[12].id, None, None) == 13
    assert [feed.place_of(None, seq, feed.server) for seq in (9, 10, 30, 31)] == [None, 10, 30, None]
    assert feed.place_of(None, 20, "another process") is None
