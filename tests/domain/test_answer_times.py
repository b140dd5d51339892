"""The two answer times of A1: what is counted, from when, and that the database reckons as memory does."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from callcenter.calls import facts as cf
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Drill
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.emergency.tables import EmergencyRow
from callcenter.facts import Body, Fact, record
from callcenter.reports import csv_file
from callcenter.reports.answer_times import (
    Apart,
    Figures,
    Grouping,
    Origin,
    Which,
    figures,
    rank,
    times,
    total,
    undecided,
)
from callcenter.reports.counts import count
from callcenter.reports.live import LiveAnswerTimes, seconds
from tests.support.incidents import incident_values

NOW = datetime(2026, 3, 8, 16, 30, tzinfo=UTC)  # half past midnight on Monday 9 March in Shanghai
WHOLE = Which(since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2027, 1, 1, tzinfo=UTC))
LIMIT = 5.0


async def store(database: Database, *rows: dict[str, Any]) -> None:
    async with database.transaction() as session:
        await session.execute(insert(EmergencyRow.__table__), list(rows))  # type: ignore[arg-type]


async def reckon(database: Database, by: Grouping, which: Which = WHOLE, origin: Origin = Origin.CALL) -> list[Figures]:
    async with database.transaction() as session:
        return await figures(session, which, origin, by, NOW, LIMIT)


# --- in memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "percent", "place"),
    [(1, 50, 1), (2, 50, 1), (3, 50, 2), (10, 95, 10), (20, 95, 19), (100, 99, 99), (101, 99, 100), (1, 99, 1)],
)
def test_given_a_count_when_ranked_then_it_is_the_nearest_rank(count: int, percent: int, place: int) -> None:
    assert rank(count, percent) == place


def test_given_nobody_when_reckoned_then_there_is_no_figure_and_no_share() -> None:
    found = times([], 5000)
    assert (found.incidents, found.share_within_limit, found.p50_ms, found.worst_ms) == (0, None, None, None)


def test_given_one_of_four_unanswered_when_reckoned_then_it_stays_in_the_denominator_and_is_the_worst() -> None:
    """A1: abandoned calls stay in the denominator."""
    found = times([1000, None, 5000, 5001], 5000)
    assert (found.incidents, found.answered, found.within_limit, found.share_within_limit) == (4, 3, 2, 0.5)
    assert (found.p50_ms, found.p95_ms, found.worst_ms, found.slowest_answered_ms) == (5000, None, None, 5001)


@given(st.lists(st.one_of(st.none(), st.integers(0, 100_000)), min_size=1))
def test_given_any_calls_when_one_is_abandoned_then_no_figure_gets_better(values: list[int | None]) -> None:
    """A1: those who gave up make no figure look better."""
    before, after = times(values, 5000), times([*values, None], 5000)
    assert (after.share_within_limit or 0) <= (before.share_within_limit or 0)
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        old, new = getattr(before, name), getattr(after, name)
        assert new is None or (old is not None and new >= old)
    assert after.worst_ms is None


# --- in the database ------------------------------------------------------------------------------------------


async def test_given_random_incidents_when_grouped_in_the_database_then_every_group_is_as_memory_reckons(
    database: Database,
) -> None:
    """A1: exact, on SQLite and PostgreSQL, by every grouping."""
    chance = random.Random(7)
    rows = []
    for _ in range(400):
        human = chance.choice([None, *(chance.randrange(200, 12_000) for _ in range(9))])
        rows.append(
            incident_values(
                opened_at=NOW - timedelta(minutes=chance.randrange(1, 60 * 24 * 40)),
                origin=chance.choice(("press", "press", "menu", "alarm")),
                kind=chance.choice(("fall", "manual")),
                area=chance.choice(("姑苏区", "")),
                state="closed" if human is None else "open",
                human_answer_ms=human,
                system_answer_ms=chance.choice([None, 8, 20, 150]),
            )
        )
    await store(database, *rows)
    calls = [row for row in rows if row["origin"] in ("press", "menu")]
    names: dict[Grouping, Callable[[dict[str, Any]], str]] = {
        Grouping.NONE: lambda row: "",
        Grouping.KIND: lambda row: row["kind"],
        Grouping.AREA: lambda row: row["area"],
        Grouping.ORIGIN: lambda row: row["origin"],
        Grouping.HOUR: lambda row: local(row).strftime("%Y-%m-%dT%H:00+08:00"),
        Grouping.DAY: lambda row: local(row).strftime("%Y-%m-%d"),
        Grouping.WEEK: lambda row: local(row).strftime("%G-W%V"),
        Grouping.MONTH: lambda row: local(row).strftime("%Y-%m"),
    }
    for by, name in names.items():
        found = await reckon(database, by)
        assert [one.key for one in found] == sorted({name(row) for row in calls})
        for one in found:
            mine = [row for row in calls if name(row) == one.key]
            presses = [row["system_answer_ms"] for row in mine if row["origin"] == "press"]
            assert one.human == times([row["human_answer_ms"] for row in mine], 5000)
            assert one.system == times(presses, 5000)
            assert (one.incidents, one.answered + one.unanswered) == (len(mine), len(mine))


def local(row: dict[str, Any]) -> datetime:
    shifted: datetime = row["opened_at"] + timedelta(hours=8)
    return shifted


async def test_given_open_and_closed_without_a_human_when_counted_then_waiting_abandoned_and_undecided_differ(
    database: Database,
) -> None:
    """A1: who still waits beyond the limit is unanswered; who waits within it is neither yet."""
    await store(
        database,
        incident_values(opened_at=NOW - timedelta(hours=1), state="closed", human_answer_ms=4_000),
        incident_values(opened_at=NOW - timedelta(hours=1), state="closed"),
        incident_values(opened_at=NOW - timedelta(seconds=30), state="open"),
        incident_values(opened_at=NOW - timedelta(seconds=4), state="open"),
        incident_values(opened_at=NOW - timedelta(seconds=3), state="open", human_answer_ms=1_000),
    )
    (found,) = await reckon(database, Grouping.NONE)
    assert (found.incidents, found.answered, found.abandoned, found.waiting, found.unanswered) == (4, 2, 1, 1, 2)
    assert found.human.share_within_limit == 0.5
    assert found.human.p50_ms == 4_000
    async with database.transaction() as session:
        assert await undecided(session, WHOLE, Origin.CALL, NOW, LIMIT) == 1


async def test_given_drills_alarms_and_synthetic_presses_when_counted_then_none_is_among_the_calls(
    database: Database,
) -> None:
    """A1, A6: drills are counted apart; an alarm has no INVITE and is measured from its receipt."""
    at = NOW - timedelta(hours=1)
    await store(
        database,
        incident_values(opened_at=at, human_answer_ms=1_000, drill=None),
        incident_values(opened_at=at, origin="press", human_answer_ms=2_000, drill={"seats": ["op1"]}),
        incident_values(opened_at=at, origin="drill", human_answer_ms=3_000),
        incident_values(opened_at=at, origin="synthetic", human_answer_ms=4_000),
        incident_values(opened_at=at, origin="alarm", human_answer_ms=50_000, system_answer_ms=40_000),
    )
    async with database.transaction() as session:
        found = {
            what: await total(session, WHOLE, what, NOW, LIMIT)
            for what in (Origin.CALL, Origin.ALARM, Origin.ALL, Origin.MENU, Apart.DRILLS, Apart.SYNTHETIC)
        }
        counted, _ = await count(session, WHOLE, Origin.ALL, Grouping.NONE)
    assert {what: one.incidents for what, one in found.items()} == {
        Origin.CALL: 1,
        Origin.ALARM: 1,
        Origin.ALL: 2,
        Origin.MENU: 0,
        Apart.DRILLS: 2,
        Apart.SYNTHETIC: 1,
    }
    assert found[Origin.CALL].human.worst_ms == 1_000
    assert found[Origin.ALARM].human.worst_ms == 50_000
    assert found[Origin.ALARM].system.incidents == 0
    assert counted.origin == {"alarm": 1, "press": 1}


async def test_given_half_past_midnight_in_shanghai_when_grouped_then_it_belongs_to_the_new_day_and_week(
    database: Database,
) -> None:
    """A1: periods are those of Asia/Shanghai; 2026-03-08 16:30 UTC is Monday the 9th there."""
    sunday, monday = NOW - timedelta(hours=1), NOW
    await store(database, *(incident_values(opened_at=at, human_answer_ms=1) for at in (sunday, monday)))
    which = WHOLE.model_copy(update={"until": NOW + timedelta(seconds=1)})
    assert [one.key for one in await reckon(database, Grouping.DAY, which)] == ["2026-03-08", "2026-03-09"]
    assert [one.key for one in await reckon(database, Grouping.WEEK, which)] == ["2026-W10", "2026-W11"]
    assert [one.key for one in await reckon(database, Grouping.HOUR, which)] == [
        "2026-03-08T23:00+08:00",
        "2026-03-09T00:00+08:00",
    ]
    assert [one.key for one in await reckon(database, Grouping.MONTH, which)] == ["2026-03"]
    # The end is not included.
    until = WHOLE.model_copy(update={"until": NOW})
    assert [one.incidents for one in await reckon(database, Grouping.NONE, until)] == [1]


async def test_given_outcomes_in_free_text_when_counted_then_their_words_are_not_shown(database: Database) -> None:
    """H2, I1: what can be counted is a code; an operator's own words could name somebody."""
    at = NOW - timedelta(hours=1)
    await store(
        database,
        incident_values(opened_at=at, outcome="hospital", cause="fall"),
        incident_values(opened_at=at, outcome="hospital", cause="stroke", kind="fall"),
        incident_values(opened_at=at, outcome="王秀英女儿已到"),
        incident_values(opened_at=at, state="open"),
    )
    async with database.transaction() as session:
        counted, groups = await count(session, WHOLE, Origin.ALL, Grouping.KIND)
    assert (counted.total, counted.open) == (4, 1)
    assert counted.outcome == {"free_text": 1, "hospital": 2}
    assert counted.cause == {"": 1, "fall": 1, "stroke": 1}
    assert {group.key: group.total for group in groups} == {"fall": 1, "manual": 3}


# --- this moment ----------------------------------------------------------------------------------------------


def opened(id: str, at: datetime, origin: str = "press", drill: Drill | None = None) -> Fact:
    body = ef.EmergencyOpened(origin=origin, room=id, invited_at=at, plan=DEFAULT_PLAN, drill=drill)
    return record(body, at, "elder", incident_id=id)


def said(id: str, body: Body, at: datetime) -> Fact:
    return record(body, at, "system", incident_id=id, call_id="c")


def test_given_calls_in_memory_when_asked_then_the_figures_are_those_of_this_moment() -> None:
    """A1: live; A10: without the database."""
    clock = ManualClock(NOW)
    live = LiveAnswerTimes(clock, LIMIT)
    live.recall([opened("old", NOW - timedelta(hours=2)), said("old", ef.AnswerLate(limit_seconds=5), NOW)])
    live.recall([said("old", ef.EmergencyClosed(outcome="x", closed_at=NOW), NOW)])
    live.recall([opened("ancient", NOW - timedelta(hours=25))])
    for fact in (
        opened("a", NOW),
        said("a", cf.LegAnswered(leg_id="l", role="elder"), NOW + timedelta(milliseconds=20)),
        said("a", ef.EmergencyAnswered(leg_id="s", by="op1", milliseconds=2_000), NOW + timedelta(seconds=2)),
        opened("drill", NOW, drill=Drill()),
        opened("beat", NOW, origin="synthetic"),
        opened("alarm", NOW, origin="alarm"),
        opened("w", NOW),
        opened("menu", NOW + timedelta(seconds=6), origin="menu"),
    ):
        live.hear(fact)
    clock.move_to(NOW + timedelta(seconds=7))
    day, start = live.windows()
    # Of the day: "old" was given up, "a" answered, "w" waits beyond the limit; "menu" is not decided yet.
    assert (day.human.incidents, day.human.answered, day.human.p50_ms) == (3, 1, None)
    assert (start.human.incidents, start.human.share_within_limit) == (2, 0.5)
    assert (start.system.incidents, start.system.p50_ms, start.system.worst_ms) == (2, 20, None)
    assert live.longest_wait() == 25 * 3600 + 7
    assert seconds(start.system.p50_ms, start.system) == 0.02
    assert seconds(start.system.worst_ms, start.system) == float("inf")


def test_given_nobody_waits_when_asked_then_the_longest_wait_is_nothing() -> None:
    assert LiveAnswerTimes(ManualClock(NOW), LIMIT).longest_wait() == 0


# --- the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+2", "'=1+2"),
        (" @x", "' @x"),
        ("+8613", "'+8613"),
        ("-1", "'-1"),
        ("＝1", "'＝1"),
        ("姑苏区", "姑苏区"),
        (-1, "-1"),
        (None, ""),
    ],
)
def test_given_a_cell_when_written_then_no_spreadsheet_runs_it(cell: str | int | None, written: str) -> None:
    """R22: an area's name comes from outside."""
    assert csv_file.write(("列",), [(cell, "b")]) == b"\xef\xbb\xbf" + f"列\r\n{written},b\r\n".encode()
