"""History of hotline and seats over REST, on both databases, as JSON and as files (B1, B7)."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest

from callcenter.calls import facts as cf
from callcenter.db import Database
from callcenter.facts import Body, Fact, record
from callcenter.reports.tables import FiguresProjector
from callcenter.routing import facts as rf
from tests.api.conftest import START, Login

PATH = "/api/v1/statistics"
TODAY = {"since": "2026-03-01T00:00:00+08:00"}


def facts_of(number: int, waited: float, answered_by: str = "", queue: str = "general", hours: float = 2) -> list[Fact]:
    """A call that came so many hours ago, waited, and was answered (for a minute, ten seconds on hold) or given up."""
    at, call_id, leg, seat = START - timedelta(hours=hours), f"call-{number}", f"leg-{number}", f"seat-{number}"
    opened = cf.CallOpened(line="hotline", caller="1", did="", room="", recording="", invited_at=at, leg_id=leg)
    steps: list[tuple[float, Body]] = [(0, opened), (0, rf.HotlineQueued(queue=queue))]
    if answered_by:
        steps += [(0, cf.LegAdded(leg_id=seat, role="seat", number=answered_by))]
        steps += [(waited, cf.LegAnswered(leg_id=seat, role="seat")), (waited, cf.LegJoined(leg_id=seat, role="seat"))]
        steps += [(waited + 10, cf.CallHeld(leg_id=leg, by=answered_by)), (waited + 20, cf.CallResumed(leg_id=leg))]
        steps += [(waited + 30, cf.CallTransferred(to="queue:general", mode="blind", by=answered_by))]
        waited += 60
        steps += [(waited, cf.LegEnded(leg_id=seat, role="seat", reason="normal"))]
    steps += [(waited, cf.CallEnded(answered=bool(answered_by), seconds=waited))]
    return [record(body, at + timedelta(seconds=after), "x", call_id=call_id) for after, body in steps]


@pytest.fixture
async def stored(database: Database) -> None:
    facts = [record(rf.SeatPhone(seat="op1", registered=True), START - timedelta(hours=20), "pbx")]
    facts += facts_of(1, 10, "op1", hours=11)
    facts += facts_of(2, 30, "op1", hours=3)
    facts += facts_of(3, 40)
    facts += facts_of(4, 2)
    facts += facts_of(5, 5, queue="=sos")
    facts.append(record(rf.SeatDeclared(seat="op1", state="paused", reason="午餐"), START - timedelta(hours=1), "op1"))
    async with database.transaction() as session:
        await FiguresProjector(5).apply(session, facts)


@pytest.mark.usefixtures("stored")
async def test_given_calls_of_two_days_when_asked_then_every_figure_is_told(as_role: Login) -> None:
    admin = await as_role("supervisor")
    answer = (await admin.get(f"{PATH}/hotline", params={**TODAY, "by": "day"})).json()
    total = answer["total"]
    assert (total["offered"], total["answered"], total["answered_within"]) == (5, 2, 1)
    assert (total["abandoned"], total["short_abandoned"]) == (2, 1)
    assert (total["connection_rate"], total["service_level"]["share"]) == (0.5, 0.25)
    assert (total["average_wait_seconds"], total["longest_wait_seconds"]) == (20.0, 40.0)
    assert (total["talk_seconds"], total["hold_seconds"], total["transfers"]) == (100.0, 20.0, 2)
    assert [(one["key"], one["offered"]) for one in answer["groups"]] == [("2026-03-01", 1), ("2026-03-02", 4)]
    for by, keys in (
        ("queue", ["=sos", "general"]),
        ("hour", ["2026-03-01T22:00+08:00", "2026-03-02T06:00+08:00", "2026-03-02T07:00+08:00"]),
        ("month", ["2026-03"]),
        ("none", []),
    ):
        groups = (await admin.get(f"{PATH}/hotline", params={**TODAY, "by": by})).json()["groups"]
        assert [one["key"] for one in groups] == keys, by
    (op1,) = (await admin.get(f"{PATH}/hotline", params={**TODAY, "by": "operator"})).json()["operators"]
    assert (op1["offered"], op1["answered"], op1["missed"], op1["average_ring_seconds"]) == (2, 2, 0, 20.0)
    assert (op1["talk_seconds"], op1["hold_seconds"], op1["wrap_up_seconds"], op1["transfers"]) == (
        120.0,
        20.0,
        10.0,
        2,
    )


@pytest.mark.usefixtures("stored")
async def test_given_a_seat_over_midnight_when_asked_by_day_then_its_time_is_cut_there(as_role: Login) -> None:
    admin = await as_role("supervisor")
    answer = (await admin.get(f"{PATH}/seats", params={**TODAY, "by_day": True})).json()
    yesterday, today = answer["items"]
    assert (yesterday["day"], today["day"]) == ("2026-03-01", "2026-03-02")
    assert sum(yesterday["seconds"].values()) == 11 * 3600
    assert sum(today["seconds"].values()) == 9 * 3600
    assert today["paused"] == {"午餐": 3600.0}
    assert today["seconds"]["wrap_up"] == 5.0
    assert today["seconds"]["talking"] == 60.0
    (whole,) = (await admin.get(f"{PATH}/seats", params=TODAY)).json()["items"]
    assert sum(whole["seconds"].values()) == 20 * 3600
    hour = {"since": "2026-03-02T08:30:00+08:00", "until": "2026-03-02T08:45:00+08:00"}
    (part,) = (await admin.get(f"{PATH}/seats", params=hour)).json()["items"]
    assert part["seconds"] == {"paused": 900.0}


@pytest.mark.usefixtures("stored")
async def test_given_the_figures_when_asked_as_files_then_they_are_the_same_and_nothing_runs(as_role: Login) -> None:
    admin = await as_role("supervisor")
    answer = await admin.get(f"{PATH}/hotline.csv", params={**TODAY, "by": "queue"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["分组", "'=sos", "general", "合计"]
    answer = await admin.get(f"{PATH}/hotline.xlsx", params={**TODAY, "by": "queue"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet["A"]][1] == ("=sos", "s")
    assert sheet["B4"].value == 5
    answer = await admin.get(f"{PATH}/hotline.csv", params={**TODAY, "by": "operator"})
    assert answer.content.decode("utf-8-sig").splitlines()[1].startswith("op1,2,2,0,20.0,120.0,20.0,10.0,2,")
    answer = await admin.get(f"{PATH}/seats.csv", params=TODAY)
    assert "午餐 3600" in answer.content.decode("utf-8-sig")


async def test_given_questions_that_make_no_sense_when_asked_then_422_and_others_403(as_role: Login) -> None:
    admin = await as_role("supervisor")
    for query in (
        {"since": "2026-03-02T00:00:00+08:00", "until": "2026-03-01T00:00:00+08:00"},
        {"since": "2020-03-02T00:00:00+08:00"},
        {"since": "2025-03-02T00:00:00+08:00", "by": "hour"},
        {"by": "moon"},
        {"queue": "NO SUCH"},
    ):
        assert (await admin.get(f"{PATH}/hotline", params=query)).status_code == 422, query
    assert (await admin.get(f"{PATH}/hotline.pdf")).status_code == 422
    empty = (await admin.get(f"{PATH}/hotline")).json()["total"]
    assert (empty["offered"], empty["connection_rate"]) == (0, None)
    assert (await (await as_role("operator")).get(f"{PATH}/hotline")).status_code == 403
