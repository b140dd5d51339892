"""The wallboard over REST: this moment's figures, from memory, quick with hundreds of calls (A1, B1, B3)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.api.wallboard import wallboard
from callcenter.calls import facts as cf
from callcenter.clock import ManualClock, SystemClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.facts import Fact, record
from callcenter.journal import Journal
from callcenter.journal_reader import JournalReader
from callcenter.reports.board import Board, place_now
from callcenter.routing import facts as rf
from tests.api.conftest import START, Login, with_controller
from tests.support.memory import MemoryJournal
from tests.support.world import Account

PATH = "/api/v1/wallboard"


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """It asks no database."""
    return migrated_sqlite


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    made = with_controller(services, journal)
    assert made.controller is not None
    made.controller.routing.staff([Account("op1"), Account("op2"), Account("sup1", "supervisor")])
    board = Board(made.clock, 5, 5)
    made.controller.ledger.on_react(board.hear)
    return replace(made, board=board)


def call(services: Services, number: int, seconds_ago: float = 0, answered_by: str = "") -> list[Fact]:
    """The facts of a hotline call that waits, or was answered after half of its time."""
    now = services.clock.now()
    at, call_id = now - timedelta(seconds=seconds_ago), f"call-{number}"
    opened = cf.CallOpened(
        line="hotline", caller="1", did="12349", room=call_id, recording="", invited_at=at, leg_id=f"leg-{number}"
    )
    bodies = [(at, opened), (at, rf.HotlineQueued())]
    if answered_by:
        bodies.append((at, cf.LegAdded(leg_id=f"seat-{number}", role="seat", number=answered_by)))
        middle = at + timedelta(seconds=seconds_ago / 2)
        bodies.append((middle, cf.LegJoined(leg_id=f"seat-{number}", role="seat")))
    return [record(body, moment, "elder", call_id=call_id) for moment, body in bodies]


async def test_given_callers_and_seats_when_asked_then_all_of_it_is_told(as_role: Login, services: Services) -> None:
    """B1, B3: waiting, rates, seats, and the ratios against real counts; what nobody knows is null."""
    controller, board = services.controller, services.board
    assert controller is not None
    assert board is not None
    controller.ledger.record(rf.SeatPhone(seat="op1", registered=True), actor="pbx")
    controller.routing.declare("op1", "paused", "午餐", "op1")
    board.recall([*call(services, 1, 60), *call(services, 2, 30), *call(services, 3, 20, answered_by="op1")])
    answer = (await (await as_role("operator")).get(PATH)).json()
    assert (answer["waiting"], answer["waited_longest_seconds"]) == (2, 60.0)
    assert (answer["offered"], answer["answered"], answer["connection_rate"]) == (3, 1, 1.0)
    assert answer["service_level"] == {"within_seconds": 20.0, "target": 0.8, "share": 0.3333}
    assert answer["seats"] == {"paused": 1, "offline": 2}
    assert answer["seat_list"][0]["reason"] == "午餐"
    assert answer["queues"][0]["code"] == "general"
    assert answer["queues"][0]["waiting"] == 2
    assert answer["recent"]["answered"] == 1
    assert answer["ratios"]["operators"] == {"have": 2, "need": 0, "met": True, "missing": 0, "rule": "1:3000"}
    assert answer["ratios"]["workers"]["have"] is None
    assert answer["ratios"]["call_centre_staff"]["missing"] == 7
    assert answer["emergency"]["open"] == 0
    assert answer["since"] == "2026-03-02T00:00:00+08:00"
    assert answer["complete"] is True


async def test_given_the_next_day_when_asked_then_it_begins_anew(
    as_role: Login, services: Services, clock: ManualClock
) -> None:
    board = services.board
    assert board is not None
    board.recall(call(services, 1, 20, answered_by="op1"))
    clock.move_to(START + timedelta(hours=16))
    answer = (await (await as_role("operator")).get(PATH)).json()
    assert (answer["offered"], answer["recent"]["answered"], answer["connection_rate"]) == (0, 0, None)


async def test_given_no_board_in_this_process_when_asked_then_503(
    app: FastAPI, services: Services, as_role: Login
) -> None:
    app.state.services = replace(services, board=None)
    assert (await (await as_role("operator")).get(PATH)).status_code == 503


def test_given_500_live_calls_and_20000_of_today_when_asked_then_all_are_counted(services: Services) -> None:
    board, controller = services.board, services.controller
    assert board is not None
    assert controller is not None
    for number in range(20_000):
        board.recall(call(services, number, 20, answered_by=f"op{number % 40}"))
        board.recall(
            [record(cf.CallEnded(answered=True, seconds=9), services.clock.now(), "x", call_id=f"call-{number}")]
        )
    for number in range(20_000, 20_500):
        board.recall(call(services, number, 40))
    answer = wallboard(services, board, controller)
    assert (answer.waiting, answer.answered) == (500, 20_000)


async def test_given_a_restart_when_today_is_read_from_the_journal_then_nothing_is_missed_or_counted_twice(
    tmp_path: Path, services: Services
) -> None:
    """What comes while the journal is being read is taken in after it, once."""
    clock = SystemClock()
    services = replace(services, clock=clock)
    first = Journal(tmp_path, clock, segment_bytes=2000)
    first.open()
    for number in range(30):
        await first.durable(*call(services, number, 1, answered_by="op1"))
    await first.close()
    second = Journal(tmp_path, clock)
    second.open()
    board = Board(clock, 5, 5)
    board.begin_later()
    end = place_now(tmp_path)
    late = call(services, 30, 1, answered_by="op1")
    await second.durable(*late)
    for fact in late:
        board.hear(fact)
    assert not board.complete
    await board.read_today(JournalReader(tmp_path, clock), end)
    assert board.complete
    assert (
        sum(tally.answered for tally in board.today().values())
        + sum(tally.answered for tally in board._tallies.get(board.midnight() - timedelta(days=1), {}).values())
        == 31
    )
    await second.close()


def test_given_the_controller_when_the_app_is_made_then_the_route_is_there(services: Services) -> None:
    assert PATH in create_app(services).openapi()["paths"]
    assert isinstance(services.controller, Controller)
