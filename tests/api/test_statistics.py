"""Statistics over REST: both answer times of A1 by period, kind and area, as JSON and CSV; counts (H2)."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from callcenter.db import Database
from callcenter.emergency.tables import EmergencyRow
from tests.api.conftest import START, Login
from tests.support.incidents import incident_values

PATH = "/api/v1/statistics/answer-times"
HOUR = timedelta(hours=1)


@pytest.fixture
async def stored(database: Database) -> None:
    """Two days: answered in time, late, given up; one in another area; an alarm; a drill; a synthetic press."""
    rows: list[dict[str, Any]] = [
        incident_values(START - 26 * HOUR, area="姑苏区", kind="fall", system_answer_ms=12, human_answer_ms=2_000),
        incident_values(START - 25 * HOUR, area="姑苏区", system_answer_ms=15, human_answer_ms=9_000, outcome="test"),
        incident_values(START - 2 * HOUR, area="=吴中区", system_answer_ms=18, outcome="false_alarm"),
        incident_values(START - 2 * HOUR, area="姑苏区", origin="alarm", kind="smoke", human_answer_ms=20_000),
        incident_values(START - 2 * HOUR, area="姑苏区", origin="drill", human_answer_ms=1_000),
        incident_values(START - 2 * HOUR, origin="synthetic", human_answer_ms=900),
    ]
    async with database.transaction() as session:
        await session.execute(insert(EmergencyRow.__table__), rows)  # type: ignore[arg-type]


@pytest.mark.usefixtures("stored")
async def test_given_calls_of_two_days_when_asked_by_day_then_both_figures_of_each_are_told(as_role: Login) -> None:
    """A1: system and human, the given-up call in the denominator."""
    answer = (await (await as_role("supervisor")).get(PATH, params={"by": "day", "include": "drills"})).json()
    assert answer["limit_seconds"] == 5
    total = answer["total"]
    assert (total["incidents"], total["answered"], total["abandoned"], total["unanswered"]) == (3, 2, 1, 1)
    assert total["human"]["within_limit"] == 1
    assert total["human"]["share_within_limit"] == 0.3333
    assert (total["human"]["p50_ms"], total["human"]["p95_ms"], total["human"]["worst_ms"]) == (9_000, None, None)
    assert (total["system"]["p50_ms"], total["system"]["worst_ms"]) == (15, 18)
    assert [(group["key"], group["incidents"]) for group in answer["groups"]] == [("2026-03-01", 2), ("2026-03-02", 1)]
    assert answer["alarms"]["human"]["worst_ms"] == 20_000
    assert (answer["drills"]["incidents"], answer["synthetic"]) == (1, None)
    assert answer["as_of"] == "2026-03-02T09:00:00+08:00"


@pytest.mark.usefixtures("stored")
async def test_given_filters_when_asked_then_only_those_incidents_count(as_role: Login) -> None:
    admin = await as_role("admin")
    for query, incidents in (
        ({"kind": "fall"}, 1),
        ({"area": "姑苏区"}, 2),
        ({"origin": "alarm"}, 1),
        ({"origin": "all"}, 4),
        ({"since": "2026-03-02T00:00:00+08:00"}, 1),
        ({"until": "2026-03-02T00:00:00+08:00"}, 2),
    ):
        assert (await admin.get(PATH, params=query)).json()["total"]["incidents"] == incidents, query
    by_area = (await admin.get(PATH, params={"by": "area"})).json()["groups"]
    assert [group["key"] for group in by_area] == ["=吴中区", "姑苏区"]


@pytest.mark.usefixtures("stored")
async def test_given_an_account_of_one_area_when_asked_then_it_sees_its_own_only(as_role: Login) -> None:
    """I3: whatever it asks for."""
    station = await as_role("station", area="姑苏区")
    assert (await station.get(PATH)).json()["total"]["incidents"] == 2
    assert (await station.get(PATH, params={"area": "=吴中区"})).json()["total"]["incidents"] == 0
    counts = (await station.get("/api/v1/statistics/emergencies")).json()
    assert counts["total"]["total"] == 3


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("way", ["accept", "path"])
async def test_given_a_spreadsheet_when_it_asks_then_it_gets_csv_it_can_read_and_nothing_runs(
    as_role: Login, way: str
) -> None:
    """A1: CSV; UTF-8 with a byte order mark, and an area's name is no formula."""
    admin = await as_role("admin")
    headers = {"Accept": "text/csv"} if way == "accept" else {}
    answer = await admin.get(PATH if way == "accept" else f"{PATH}.csv", params={"by": "area"}, headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["分组"] for row in rows] == ["'=吴中区", "姑苏区", "合计", "报警(无呼叫)"]
    assert (rows[1]["人工P50(毫秒)"], rows[1]["人工达标率"], rows[2]["未应答合计"]) == ("2000", "0.5", "1")


@pytest.mark.usefixtures("stored")
async def test_given_emergencies_when_counted_then_by_kind_origin_outcome_cause_and_day(as_role: Login) -> None:
    """H2."""
    admin = await as_role("admin")
    query = {"by": "day", "include": ["drills", "synthetic"]}
    answer = (await admin.get("/api/v1/statistics/emergencies", params=query)).json()
    assert answer["total"]["kind"] == {"fall": 1, "manual": 2, "smoke": 1}
    assert answer["total"]["origin"] == {"alarm": 1, "press": 3}
    assert answer["total"]["outcome"] == {"": 2, "false_alarm": 1, "test": 1}
    assert [(group["key"], group["total"]) for group in answer["groups"]] == [("2026-03-01", 2), ("2026-03-02", 2)]
    assert (answer["drills"]["total"], answer["synthetic"]["total"]) == (1, 1)


@pytest.mark.parametrize(
    "query",
    [
        {"by": "minute"},
        {"since": "2026-03-02T00:00:00+08:00", "until": "2026-03-01T00:00:00+08:00"},
        {"by": "hour", "since": "2025-01-01T00:00:00+08:00"},
        {"kind": "x"},
        {"include": "everything"},
    ],
)
async def test_given_a_question_that_makes_no_sense_when_asked_then_it_is_refused(
    as_role: Login, query: dict[str, str]
) -> None:
    assert (await (await as_role("admin")).get(PATH, params=query)).status_code == 422


async def test_given_an_offset_whose_plus_nobody_escaped_when_asked_then_it_is_that_offset(as_role: Login) -> None:
    """In a URL a bare + is a space: what is copied out of an answer must serve as a question."""
    answer = await (await as_role("admin")).get(
        f"{PATH}?since=2026-03-01T00:00:00+08:00&until=2026-03-02T00:00:00+08:00"
    )
    assert (answer.status_code, answer.json()["since"]) == (200, "2026-03-01T00:00:00+08:00")


async def test_given_a_role_without_the_right_when_asked_then_403(as_role: Login) -> None:
    for role, status in (("operator", 403), ("qa", 403), ("station", 200), ("supervisor", 200), ("admin", 200)):
        assert (await (await as_role(role)).get(PATH)).status_code == status


async def test_given_no_incident_when_asked_then_there_is_no_share_instead_of_a_good_one(as_role: Login) -> None:
    total = (await (await as_role("admin")).get(PATH)).json()["total"]
    assert (total["incidents"], total["human"]["share_within_limit"], total["human"]["p95_ms"]) == (0, None, None)
