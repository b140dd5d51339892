"""Figures of the hotline: the wallboard against a hand count, and against the record of the same facts (B1, B7)."""

import asyncio
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcenter.calls import facts as cf
from callcenter.db import Database
from callcenter.facts import Body, Fact
from callcenter.facts import record as record_fact
from callcenter.migrations import upgrade
from callcenter.reports.board import Board
from callcenter.reports.hotline import By, HotlineGroup, OperatorFigures, Span, figures, operators
from callcenter.reports.hotline_figures import Goal, HotlineFigures, together
from callcenter.reports.seats import SeatTime, seat_times
from callcenter.reports.tables import FiguresProjector
from callcenter.routing import facts as rf
from callcenter.routing.model import SeatState
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World

GOAL = Goal(within_seconds=20, share=0.8)
WRAP_UP = 5.0


def board_of(world: World, facts: Iterable[Fact] = ()) -> Board:
    board = Board(world.clock, 5, WRAP_UP)
    board.recall(facts)
    return board


def shown(board: Board) -> HotlineFigures:
    """Today's figures of all queues, with those who wait."""
    tally = together(board.today().values())
    for one in board.waiting():
        tally.wait(one.seconds, GOAL)
    return tally.figures(GOAL)


async def record(database: Database, facts: list[Fact], batch: int = 7) -> None:
    """Write rows, in batches as the relay does."""

    projector = FiguresProjector(WRAP_UP)
    for start in range(0, len(facts), batch):
        async with database.transaction() as session:
            await projector.apply(session, facts[start : start + batch])


async def recorded(world: World, database: Database, by: By = By.NONE) -> list[HotlineGroup]:
    now = world.clock.now()
    async with database.transaction() as session:
        span = Span(since=now - timedelta(hours=12), until=now + timedelta(seconds=1))
        return await figures(session, span, by, {}, GOAL, now)


async def at_work(world: World, database: Database) -> tuple[list[OperatorFigures], list[SeatTime]]:
    now = world.clock.now()
    async with database.transaction() as session:
        span = Span(since=now - timedelta(hours=12), until=now)
        times = await seat_times(session, span.since, now, now, by_day=False)
        return await operators(session, span), times


def a_morning(world: World) -> None:
    """Answered after 2 and 30 s, given up after 3 and 40 s, one left in the menu, one waits, one pressed 9."""
    world.register("op1")
    world.hotline(WANG, "")  # listens to the menu and leaves: never offered
    menu = next(c for c in world.board.channels.values() if c.target == "trunk")
    world.wait(4)
    world.hang_up(menu)
    first = world.hotline(WANG)
    world.wait(2)
    world.answer(world.ringing("op1"))
    second = world.hotline(LI)
    short = world.hotline(STRANGER)
    world.wait(3)
    world.hang_up(short)
    world.wait(22)
    world.hang_up(first)
    world.wait(5)  # wrap-up
    assert world.rings("op1")
    world.answer(world.ringing("op1"))
    patient = world.hotline(STRANGER)
    world.wait(40)
    world.hang_up(patient)
    world.hang_up(second)
    world.wait(5)
    world.pause("op1")
    world.hotline(STRANGER)
    world.wait(25)
    world.hotline("13900000009", "9")


def test_given_a_morning_when_the_wallboard_is_asked_then_it_shows_what_a_hand_counts(world: World) -> None:
    board = board_of(world)
    world.controller.ledger.on_react(board.hear)
    a_morning(world)
    got = shown(board)
    assert (got.offered, got.answered, got.answered_within) == (5, 2, 1)
    assert (got.abandoned, got.short_abandoned, got.turned, got.waiting) == (1, 1, 0, 1)
    assert got.connection_rate == pytest.approx(2 / 3, abs=1e-3)
    assert got.service_level.share == 0.25, "one of two answered, one given up, one waiting beyond 20 s"
    assert got.average_wait_seconds == pytest.approx((2 + 30) / 2, abs=0.5)
    assert got.longest_wait_seconds == pytest.approx(40, abs=0.5)
    (waiting,) = board.waiting()
    assert waiting.seconds == pytest.approx(25, abs=0.5)
    assert board.seats.clocks["op1"].at(world.clock.now())[0] == SeatState.PAUSED
    assert {queue: tally.answered for queue, tally in board.recent().items()} == {"general": 2}
    world.wait(31 * 60, step=60)
    assert board.recent() == {}
    assert shown(board).answered == 2


def test_given_a_restart_when_the_board_is_folded_again_then_it_shows_the_same(world: World) -> None:
    board = board_of(world)
    world.controller.ledger.on_react(board.hear)
    a_morning(world)
    again = board_of(world, world.journal.facts())
    assert shown(again) == shown(board)
    assert again.waiting() == board.waiting()
    now = world.clock.now()
    assert {u: c.at(now) for u, c in again.seats.clocks.items()} == {
        u: c.at(now) for u, c in board.seats.clocks.items()
    }


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_given_the_same_facts_when_recorded_then_history_says_what_the_wallboard_said(
    world: World, kind: str, request: pytest.FixtureRequest
) -> None:
    a_morning(world)
    board = board_of(world, world.journal.facts())
    database = _database(kind, request)

    async def compare() -> None:
        await record(database, world.journal.facts())
        (group,) = await recorded(world, database)
        assert HotlineFigures(**group.model_dump(include=set(HotlineFigures.model_fields))) == shown(board)
        assert group.talk_seconds == pytest.approx(25 + 40, abs=0.5)
        assert [one.key for one in await recorded(world, database, By.QUEUE)] == ["general"]
        assert [one.key for one in await recorded(world, database, By.HOUR)] == ["2026-03-01T16:00+08:00"]
        (op1,), (seat,) = await at_work(world, database)
        assert (op1.key, op1.answered) == ("op1", 2)
        assert op1.talk_seconds == pytest.approx(25 + 40, abs=1)
        assert op1.wrap_up_seconds == pytest.approx(10, abs=1)
        assert seat.seconds["talking"] == pytest.approx(op1.talk_seconds, abs=1)
        assert seat.seconds["paused"] == seat.paused["午休"]
        await database.close()

    asyncio.run(compare())


def test_given_somebody_handed_on_when_she_comes_back_or_not_then_board_and_record_count_her_once(
    world: World, sqlite_template: Path, tmp_path: Path
) -> None:
    """B1: voicemail, a call-back that was not confirmed, a seat that took her after all."""
    now = world.clock.now()

    def call(number: int, *bodies: Body) -> list[Fact]:
        opened = cf.CallOpened(line="hotline", caller="1", did="", room="", recording="", invited_at=now, leg_id="x")
        steps = (opened, rf.HotlineQueued(), *bodies)
        return [
            record_fact(body, now + timedelta(seconds=9 * at), "x", call_id=f"c{number}")
            for at, body in enumerate(steps)
        ]

    left, end = rf.HotlineLeft(why="voicemail"), cf.CallEnded(answered=False, seconds=1)
    seat = (cf.LegAdded(leg_id="s", role="seat", number="op1"), cf.LegJoined(leg_id="s", role="seat"))
    overflowed = rf.HotlineOverflowed(queue="general", to="voicemail", why="wait")
    number = rf.HotlineOverflowed(queue="general", to="number:110", why="wait")
    facts = [
        *call(1, left, end),
        *call(2, left, rf.HotlineQueued(), end),
        *call(3, overflowed, *seat, end),
        *call(4, overflowed),
        *call(5, number, cf.LegJoined(leg_id="n", role="number"), end),
        *call(6, rf.HotlineOverflowed(queue="general", to="queue:vip", why="length")),
    ]
    world.clock.pass_time(60)
    board = board_of(world, facts)
    got = shown(board)
    assert (got.offered, got.overflowed, got.abandoned, got.answered, got.waiting) == (6, 3, 1, 1, 1)
    assert board.waiting()[0].queue == "vip"
    shutil.copy(sqlite_template, tmp_path / "figures.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/figures.db")

    async def compare() -> None:
        await record(database, facts, 3)
        (group,) = await recorded(world, database)
        assert HotlineFigures(**group.model_dump(include=set(HotlineFigures.model_fields))) == got
        await database.close()

    asyncio.run(compare())


def _database(kind: str, request: pytest.FixtureRequest) -> Database:
    """Made outside of any loop: the world has one of its own."""
    if kind == "sqlite":
        folder = Path(str(request.getfixturevalue("tmp_path")))
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "figures.db")
        return Database(f"sqlite+aiosqlite:///{folder}/figures.db")
    url: str = request.getfixturevalue("postgres").create(f"figures_{token_hex(4)}")
    upgrade(url)
    return Database(url)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["call", "menu", "answer", "caller", "seat", "pause", "ready", "off", "on"]), st.integers(0, 2)
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, batch=st.integers(1, 9))
def test_given_any_day_when_recorded_then_board_and_history_agree(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: object, acts: list[tuple[str, int]], batch: int
) -> None:
    """The property: whatever happens, memory and the record count alike, and every second of a seat is in one state."""
    folder = tmp_path_factory.mktemp("figures")
    world = World(folder)
    try:
        world.register("op1", "op2", "op3")
        for act, which in acts:
            _do(world, act, which)
            world.wait(3, step=1)
        facts = world.journal.facts()
        board = board_of(world, facts)
        shutil.copy(str(sqlite_template), folder / "figures.db")
        database = Database(f"sqlite+aiosqlite:///{folder}/figures.db")

        async def compare() -> None:
            await record(database, facts, batch)
            groups = await recorded(world, database)
            kept = [HotlineFigures(**one.model_dump(include=set(HotlineFigures.model_fields))) for one in groups]
            assert kept == ([shown(board)] if shown(board).offered else [])
            _, times = await at_work(world, database)
            first = dict.fromkeys(board.seats.clocks, facts[0].at)
            for seat in times:
                known = (world.clock.now() - first[seat.user]).total_seconds()
                assert sum(seat.seconds.values()) == pytest.approx(known, abs=0.5)
            await database.close()

        asyncio.run(compare())
    finally:
        world.close()


def _do(world: World, act: str, which: int) -> None:
    callers = [c for c in world.board.channels.values() if c.target == "trunk"]
    seats: list[Channel] = [c for c in world.board.channels.values() if c.target in ("op1", "op2", "op3") and c.up]
    ringing = [c for c in world.all_ringing() if c.target.startswith("op")]
    user = f"op{which + 1}"
    match act:
        case "call":
            world.hotline((WANG, LI, STRANGER)[which])
        case "menu":
            world.hotline((WANG, LI, STRANGER)[which], "")
        case "answer" if ringing:
            world.answer(ringing[which % len(ringing)])
        case "caller" if callers:
            world.hang_up(callers[which % len(callers)])
        case "seat" if seats:
            world.hang_up(seats[which % len(seats)])
        case "pause":
            world.pause(user)
        case "ready":
            world.ready(user)
        case "off":
            world.unregister(user)
        case "on":
            world.register(user)
        case _:
            pass
