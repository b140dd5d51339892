"""The live socket: nothing missed and nothing twice, whatever was away; let go when the token runs out (B6, I1, I3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from callcenter.accounts.permissions import Principal, Role
from callcenter.api import live
from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.bus import MISSED
from callcenter.calls.facts import SYNTHETIC, CallEnded
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.facts import Body, Fact, kind, record
from callcenter.feed import Feed
from callcenter.follow_ups.facts import FollowUpCancelled
from callcenter.ids import derived_id, new_id
from callcenter.journal import Journal
from callcenter.journal_reader import JournalReader
from callcenter.people.directory import Directory, Elder
from callcenter.timeline.model import FactRow
from callcenter.timeline.service import row_values, tell
from tests.api.conftest import START, with_controller
from tests.support.live_page import Page, opened
from tests.support.memory import MemoryJournal

GONE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


@kind("test.strange")
class Strange(Body, frozen=True):
    """Of a family that nobody is told of."""


def ended(fact_id: str | None = None) -> Fact:
    """What a controller records."""
    return record(CallEnded(answered=True, seconds=1.0), START, "pbx", call_id=new_id(), id=fact_id)


def desk() -> Fact:
    """What a service of the desk records in the database."""
    return record(FollowUpCancelled(follow_up_id=new_id(), work_order_id=new_id()), START, "op1")


async def store(services: Services, *facts: Fact) -> None:
    """Into the database without a word."""
    async with services.database.transaction() as session:
        session.add_all(FactRow(**row_values(fact)) for fact in facts)


def token(services: Services, role: Role = Role.OPERATOR, area: str | None = None, user: str = "op1") -> str:
    return services.tokens.issue(Principal(user, role, area))


def again(services: Services, *, journal: Sequence[Fact] = (), database: Database | None = None) -> Services:
    """The same after a restart of our process, with this journal."""
    feed = Feed(database or services.database)
    feed.recall(journal)
    return replace(services, feed=feed, database=database or services.database)


@contextlib.asynccontextmanager
async def listening(services: Services) -> AsyncIterator[Feed]:
    """The feed with its ear on the bus."""
    feed, bus = services.feed, services.bus
    assert feed is not None
    assert bus is not None
    task = asyncio.create_task(feed.listen(bus))
    await asyncio.sleep(0)
    yield feed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def services(services: Services) -> Services:
    return replace(services, feed=Feed(services.database))


@pytest.fixture
def feed(services: Services) -> Feed:
    assert services.feed is not None
    return services.feed


async def caught_up(app: FastAPI, services: Services, **query: object) -> Page:
    """What a page is told that comes back with this query."""
    async with opened(app, token=token(services), **query) as page:
        await page.hears("caught_up")
    return page


async def test_given_an_open_page_when_things_happen_then_it_is_told_each_once_in_order(
    app: FastAPI, services: Services, feed: Feed
) -> None:
    """A7: controller's and desk's alike; whatever comes both ways is told once."""
    first, second, third = ended(), desk(), ended()
    feed.take(ended())
    async with listening(services), opened(app, token=token(services)) as page:
        hello = await page.hears("hello")
        assert (hello["seq"], hello["server"], hello["user"], hello["role"]) == (1, feed.server, "op1", "operator")
        feed.take(first)
        async with services.database.transaction() as session:
            await tell(session, services.bus, second)
        await page.until(lambda page: len(page.facts) == 2)
        assert services.bus is not None
        services.bus.publish("facts", first)
        services.bus.publish("facts", b"no fact")
        feed.take(third)
        await page.until(lambda page: len(page.facts) == 3)
    assert page.facts == [first.id, second.id, third.id]
    assert [message["seq"] for message in page.heard[1:]] == [2, 3, 4]


@pytest.mark.parametrize("token_of_place", ["fact", "seq"])
async def test_given_a_page_that_was_away_when_it_comes_back_then_what_it_missed_in_order_of_arrival(
    app: FastAPI, services: Services, feed: Feed, token_of_place: str
) -> None:
    """Ids are no order: a spooled call's facts are minted for the time at which it was, hours ago."""
    seen, late, last = ended(), ended(derived_id(datetime.now(UTC) - timedelta(hours=3), "spool")), ended()
    for fact in (ended(), seen, late, last):
        feed.take(fact)
    query = {"after": seen.id} if token_of_place == "fact" else {"seq": 2, "server": feed.server}
    page = await caught_up(app, services, **query)
    assert page.kinds == ["hello", "call.ended", "call.ended", "caught_up"]
    assert page.facts == [late.id, last.id]


async def test_given_a_restart_of_our_process_then_journal_and_database_are_joined_without_a_hole(
    services: Services, tmp_path: Path, clock: ManualClock
) -> None:
    """A10: the relay lags; desk facts are in the database only; what is told twice, by id, is the last half minute."""
    old, seen, lagging, desk_fact = ended(), ended(), ended(), desk()
    forgotten = ended(derived_id(datetime.now(UTC) - timedelta(hours=1), "of another day"))
    journal = Journal(tmp_path / "journal", clock)
    journal.open()
    await journal.append(forgotten, old, seen, lagging)
    await journal.close()
    await store(services, forgotten, old, desk_fact)
    fresh = Feed(services.database, journal=("main", JournalReader(journal.folder, clock)))
    page = await caught_up(create_app(replace(services, feed=fresh)), services, after=seen.id)
    assert page.facts == [old.id, seen.id, lagging.id, desk_fact.id]
    assert "gap" not in page.kinds
    # The same with the journal's newest facts in memory, as a start leaves it, and a seq of the process before.
    fresh.recall([old, seen, lagging])
    page = await caught_up(create_app(replace(services, feed=fresh)), services, after=seen.id, seq=7, server=new_id())
    assert page.facts == [old.id, seen.id, lagging.id, desk_fact.id]


async def test_given_a_fact_of_the_worker_in_the_database_when_its_word_comes_later_then_it_is_told_once(
    services: Services,
) -> None:
    seen, by_worker, after = ended(), desk(), ended()
    restarted = again(services, journal=[seen])
    await store(services, seen, by_worker)
    async with opened(create_app(restarted), token=token(services), after=seen.id) as page:
        await page.hears("caught_up")
        assert restarted.feed is not None
        restarted.feed.take(by_worker)
        restarted.feed.take(after)
        await page.until(lambda page: after.id in page.facts)
    assert page.facts == [seen.id, by_worker.id, after.id]


async def test_given_the_database_away_then_what_memory_has_and_an_honest_gap(services: Services) -> None:
    """A10: never silently less than everything."""
    seen, missed = ended(), ended()
    away = again(services, journal=[seen, missed], database=Database(GONE))
    page = await caught_up(create_app(away), services, after=seen.id)
    assert page.kinds[-2:] == ["gap", "caught_up"]
    assert page.facts == [seen.id, missed.id]
    # What this process itself has told it knows without the database.
    assert away.feed is not None
    now = ended()
    away.feed.take(now)
    away.feed.take(missed := ended())
    page = await caught_up(create_app(away), services, after=now.id)
    assert page.kinds == ["hello", "call.ended", "caught_up"]
    assert page.facts == [missed.id]
    await away.database.close()


@pytest.mark.parametrize("after", ["not an id", "", "019"])
async def test_given_no_known_place_then_everything_or_a_gap_but_no_failure(
    app: FastAPI, services: Services, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(services, *(known := [ended() for _ in range(3)]))
    page = await caught_up(app, services, after=after, seq=5)
    assert page.facts == [fact.id for fact in known]
    monkeypatch.setattr(live, "CATCH_UP", 2)
    page = await caught_up(app, services, after=after, seq=5)
    assert page.kinds == ["hello", "gap", "caught_up"]


async def test_given_a_worker_that_died_before_its_word_when_the_next_one_starts_then_the_fact_is_told(
    app: FastAPI, services: Services
) -> None:
    """The bus is a hint: the record knows what it lost."""
    lost, told = desk(), desk()
    assert services.bus is not None
    async with listening(services) as feed, opened(app, token=token(services)) as page:
        await page.hears("hello")
        feed.take(told)
        await store(services, lost, told)
        services.bus.publish(MISSED, b"")
        await page.until(lambda page: len(page.facts) == 2)
    assert page.facts == [told.id, lost.id]
    away = again(services, database=Database(GONE))
    async with listening(away), opened(create_app(away), token=token(services)) as page:
        await page.hears("hello")
        services.bus.publish(MISSED, b"")
        await page.hears("gap")
    await away.database.close()


async def test_given_a_page_that_takes_nothing_then_it_is_let_go_and_the_others_are_told_everything(
    services: Services,
) -> None:
    feed = Feed(services.database, size=50)
    app = create_app(replace(services, feed=feed))
    async with opened(app, token=token(services)) as slow, opened(app, token=token(services)) as quick:
        await slow.hears("hello")
        await quick.hears("hello")
        slow.reads.clear()
        for number in range(1, 121):
            feed.take(ended())
            if number % 20 == 0:
                await quick.until(lambda page, number=number: len(page.facts) == number)  # type: ignore[misc]
        slow.reads.set()
        await slow.until(lambda page: page.closed, "the slow one to be let go")
    assert (slow.closed, slow.kinds[-1], quick.closed) == (1013, "gap", None)
    assert "gap" not in quick.kinds


async def test_i1_given_a_token_that_runs_out_then_the_page_is_closed_unless_it_brought_another(
    app: FastAPI, services: Services, clock: ManualClock, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcenter.api.live_peer.EXPIRY_LOOK_SECONDS", 0.01)
    lifetime = timedelta(seconds=services.tokens.seconds)
    async with opened(app, token=token(services)) as idle, opened(app) as renewed:
        renewed.say({"token": token(services)})
        await idle.hears("hello")
        await renewed.hears("hello")
        clock.move_to(START + lifetime / 2)
        for strange in ("no json", "[1]", {"unknown": 1}, {"token": token(services)}):
            renewed.say(strange)
        await renewed.hears("renewed")
        clock.move_to(START + lifetime)
        await idle.until(lambda page: page.closed == 4401, "the end of the token")
        feed.take(last := ended())
        await renewed.until(lambda page: page.facts == [last.id])
        assert idle.facts == []
        renewed.say({"token": token(services, user="op2")})
        await renewed.until(lambda page: page.closed == 4401, "a token of somebody else to be refused")


@pytest.mark.parametrize("bad", ["", "x", None, 7])
async def test_i1_given_no_valid_token_then_nothing_is_told(app: FastAPI, feed: Feed, bad: object) -> None:
    async with opened(app) as page:
        page.say({"token": bad})
        feed.take(ended())
        await page.until(lambda page: page.closed == 4401)
    assert page.heard == []


def presses(services: Services) -> dict[str, Fact]:
    """An elder of the north calls, one of the south, a stranger, and the watchdog itself: the first fact of each."""
    services.directory._directory = Directory(
        [
            Elder(id="n", code="1", name="北", phones=("13800000021",), area="north"),
            Elder(id="s", code="2", name="南", phones=("13800000022",), area="south"),
        ]
    )
    assert services.controller is not None
    facts: list[Fact] = []
    services.controller.ledger.on_react(facts.append)
    arrivals = services.controller.arrivals
    for number, caller in enumerate(("13800000021", "13800000022", "13999999999", "synthetic")):
        line = {"line": "emergency", "did": "95120", "raw_caller": caller, "channel_id": f"1.{number}"}
        if caller == "synthetic":
            line |= {"via": SYNTHETIC}
        arrivals.open(**line, invited_at=START)
    opened_ = [fact for fact in facts if fact.kind == "call.opened"]
    return dict(zip(("north", "south", "stranger", "synthetic"), opened_, strict=True))


@pytest.mark.parametrize("way", ["live", "again", "stored"])
@pytest.mark.parametrize(
    ("role", "area", "sees"),
    [
        (Role.OPERATOR, None, {"north", "south", "stranger", "desk"}),
        (Role.STATION, "south", {"south"}),
        (Role.OPERATOR, "north", {"north"}),
    ],
)
async def test_i3_whichever_way_a_fact_comes_only_who_may_know_is_told(
    services: Services, way: str, role: Role, area: str | None, sees: set[str]
) -> None:
    feed = Feed(services.database)
    services = replace(with_controller(services, MemoryJournal()), feed=feed)
    facts = presses(services) | {"desk": desk(), "of no known family": record(Strange(), START, "system")}
    before = ended()
    feed.take(before)
    if way == "again":
        for fact in facts.values():
            feed.take(fact)
    if way == "stored":
        services = replace(services, feed=(feed := Feed(services.database)))
        await store(services, before, *facts.values())
    after = None if way == "live" else before.id
    async with opened(create_app(services), token=token(services, role, area), after=after) as page:
        await page.hears("hello" if way == "live" else "caught_up")
        if way == "live":
            for fact in facts.values():
                feed.take(fact)
        feed.say(kind="end")
        await page.hears("end")
    assert {name for name, fact in facts.items() if fact.id in page.facts} == sees


async def test_given_a_record_that_falls_behind_then_pages_are_told_how_far_and_when_it_is_over(
    services: Services,
) -> None:
    lag = 0.0
    feed = Feed(services.database, behind=lambda: lag)
    app = create_app(replace(services, feed=feed))
    async with opened(app, token=token(services)) as page:
        await page.hears("hello")
        for lag in (4.0, 6.0, 8.0, 12.0, 3.0):  # noqa: B007 - the feed reads it
            feed.look()
        async with opened(app, token=token(services)) as newcomer:
            assert (await newcomer.hears("behind"))["seconds"] == 12.0
        for lag in (0.5, 0.0):  # noqa: B007
            feed.look()
        await page.until(lambda page: len(page.heard) == 4)
    assert [message["seconds"] for message in page.heard[1:]] == [6.0, 12.0, 0.0]


async def test_given_many_pages_that_come_back_after_a_restart_then_the_database_is_asked_once_for_all(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A10: a storm of pages must not take the processor from the calls; each is told only what it may know."""
    asked: list[str] = []
    pages = Feed._pages

    def counted(self: Feed, since: str) -> AsyncIterator[list[FactRow]]:
        asked.append(since)
        return pages(self, since)

    monkeypatch.setattr(Feed, "_pages", counted)
    monkeypatch.setattr("callcenter.feed.SHARE_SECONDS", 60)
    await store(services, seen := ended(), missed := ended(), own := desk())
    restarted = create_app(again(services))
    page_of = {
        Role.OPERATOR: [seen.id, missed.id, own.id],
        Role.STATION: [],
    }
    async with contextlib.AsyncExitStack() as stack:
        opened_ = [
            (await stack.enter_async_context(opened(restarted, token=token(services, role, area), after=seen.id)), told)
            for (role, told), area in zip(page_of.items(), (None, "north"), strict=True)
            for _ in range(5)
        ]
        for page, _ in opened_:
            await page.hears("caught_up")
    assert [page.facts for page, _ in opened_] == [told for _, told in opened_]
    assert len(asked) == 1
