"""The audit trail over REST: every write is in it, newest first, and its chain can be checked (C10)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from callcenter.clock import ManualClock
from tests.api.conftest import START, Login

AUDIT, ELDERS = "/api/v1/audit", "/api/v1/elders"


async def _history(as_role: Login, clock: ManualClock) -> tuple[httpx.AsyncClient, str]:
    """Three writes by two people, an hour apart: the administrator's client and the elder's id."""
    admin = await as_role("admin", user="root")
    made = await admin.post(ELDERS, json={"name": "陈桂英"}, headers={"X-Request-ID": "first"})
    path = f"{ELDERS}/{made.json()['id']}"
    for hours, door_code in ((1, "1"), (2, "2")):
        clock.move_to(START + timedelta(hours=hours))
        station = await as_role("station", user="zhan")
        assert (await station.patch(path, json={"door_code": door_code})).status_code == 200
    return await as_role("admin", user="root"), made.json()["id"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"actor": "zhan"}, [3, 2]),
        ({"actor": "nobody"}, []),
        ({"subject": "elders"}, [3, 2, 1]),
        ({"subject": "devices"}, []),
        ({"since": "2026-03-02T10:00:00+08:00"}, [3, 2]),
        ({"until": "2026-03-02T10:00:00+08:00"}, [1]),
        ({"since": "2026-03-02T02:00:00Z", "until": "2026-03-02T03:00:00Z"}, [2]),
    ],
)
async def test_given_writes_when_the_trail_is_filtered_then_those_that_fit_newest_first(
    as_role: Login, clock: ManualClock, query: dict[str, str], expected: list[int]
) -> None:
    admin, _ = await _history(as_role, clock)
    items = (await admin.get(AUDIT, params=query)).json()["items"]
    assert [item["seq"] for item in items] == expected


async def test_given_a_write_when_read_in_the_trail_then_who_when_where_and_what(
    as_role: Login, clock: ManualClock
) -> None:
    admin, elder_id = await _history(as_role, clock)
    last, _, first = (await admin.get(AUDIT, params={"subject_id": elder_id})).json()["items"]
    assert (last["actor"], last["at"], last["action"]) == ("zhan", "2026-03-02T11:00:00+08:00", "update")
    assert last["changes"] == {"door_code": ["1", "2"]}
    assert (first["actor"], first["request_id"], first["address"]) == ("root", "first", "127.0.0.1")


async def test_given_pages_when_read_while_more_is_written_then_each_entry_is_seen_once(
    as_role: Login, clock: ManualClock
) -> None:
    admin, _ = await _history(as_role, clock)
    seen: list[int] = []
    params: dict[str, Any] = {"limit": 1}
    while True:
        part = (await admin.get(AUDIT, params=params)).json()
        seen += [item["seq"] for item in part["items"]]
        if part["next"] is None:
            break
        params["cursor"] = part["next"]
        await admin.post(ELDERS, json={"name": "新来的"})
    assert seen == [3, 2, 1]


async def test_given_the_trail_when_verified_then_it_is_whole_and_reading_leaves_no_entry(
    as_role: Login, clock: ManualClock
) -> None:
    admin, _ = await _history(as_role, clock)
    for _ in range(2):
        found = (await admin.get(f"{AUDIT}/verification")).json()
        assert found == {"intact": True, "rows": 3, "problem": None, "seq": None}
