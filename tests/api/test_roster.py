"""The on-call roster over REST (A9)."""

from typing import Any

import pytest

from tests.api.conftest import Login

PATH, ON_CALL = "/api/v1/roster", "/api/v1/on-call"
NIGHT: dict[str, Any] = {
    "name": "值班站长",
    "phone": "+86 138 0000 9001",
    "weekdays": [5, 1, 1],
    "from_time": "22:00",
    "to_time": "06:00",
}
SPAN: dict[str, Any] = {
    "name": "李",
    "phone": "13800009002",
    "starts_at": "2026-03-02T08:00:00+08:00",
    "ends_at": "2026-03-02T20:00:00+08:00",
}


async def test_given_a_supervisor_when_they_write_the_roster_then_everybody_reads_who_is_on_call(
    as_role: Login,
) -> None:
    supervisor, operator = await as_role("supervisor"), await as_role("operator")
    made = await supervisor.post(PATH, json=NIGHT)
    assert made.status_code == 201
    assert (made.json()["phone"], made.json()["weekdays"]) == ("13800009001", [1, 5])
    assert (await supervisor.post(PATH, json={**SPAN, "area": "姑苏区"})).status_code == 201
    assert (await operator.post(PATH, json=SPAN)).status_code == 403
    assert len((await operator.get(PATH)).json()["items"]) == 2
    for at, people in (("2026-03-02T09:00:00+08:00", ["李"]), ("2026-03-03T05:59:00+08:00", ["值班站长"])):
        answer = (await operator.get(ON_CALL, params={"at": at, "area": "姑苏区"})).json()
        assert [person["name"] for person in answer["people"]] == people
    # The clock stands at 09:00 on Monday, 2 March.
    assert (await operator.get(ON_CALL)).json()["at"] == "2026-03-02T09:00:00+08:00"
    gaps = (await operator.get(f"{ON_CALL}/gaps", params={"days": 1})).json()["gaps"]
    assert gaps == [
        {"since": "2026-03-02T09:00:00+08:00", "until": "2026-03-02T22:00:00+08:00"},
        {"since": "2026-03-03T06:00:00+08:00", "until": "2026-03-03T09:00:00+08:00"},
    ]


async def test_given_a_shift_when_changed_by_two_then_the_second_is_told(as_role: Login) -> None:
    admin = await as_role("admin")
    made = await admin.post(PATH, json=NIGHT)
    path, etag = f"{PATH}/{made.json()['id']}", made.headers["etag"]
    changed = await admin.patch(path, json={"to_time": "07:00"}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["to_time"], changed.json()["from_time"]) == (200, "07:00", "22:00")
    assert (await admin.patch(path, json={"to_time": "08:00"}, headers={"If-Match": etag})).status_code == 412
    assert (await admin.patch(path, json={"to_time": "08:00", "version": 1})).status_code == 409
    assert (await admin.get(path)).headers["etag"] == changed.headers["etag"]
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": []},
        {"weekdays": [8]},
        {"from_time": "24:00"},
        {"to_time": ""},
        {"starts_at": "2026-03-02T08:00:00+08:00", "ends_at": "2026-03-02T20:00:00+08:00"},
        {"phone": "none"},
        {"weekdays": [], "from_time": "", "to_time": ""},
        {"weekdays": [], "from_time": "", "to_time": "", "starts_at": "2026-03-02T08:00:00+08:00"},
        {**SPAN, "weekdays": [], "from_time": "", "to_time": "", "ends_at": "2026-03-02T08:00:00+08:00"},
    ],
)
async def test_given_a_shift_that_does_not_say_when_when_made_then_it_is_refused(
    as_role: Login, wrong: dict[str, Any]
) -> None:
    answer = await (await as_role("admin")).post(PATH, json={**NIGHT, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_given_an_account_of_one_area_when_it_writes_then_only_its_own_shifts(as_role: Login) -> None:
    """I3."""
    admin, supervisor = await as_role("admin"), await as_role("supervisor", area="姑苏区")
    general = (await admin.post(PATH, json=SPAN)).json()["id"]
    other = (await admin.post(PATH, json={**SPAN, "area": "吴中区"})).json()["id"]
    assert (await supervisor.post(PATH, json=SPAN)).status_code == 409
    own = (await supervisor.post(PATH, json={**SPAN, "area": "姑苏区"})).json()["id"]
    assert {item["id"] for item in (await supervisor.get(PATH)).json()["items"]} == {general, own}
    assert (await supervisor.get(f"{PATH}/{other}")).status_code == 404
    assert (await supervisor.delete(f"{PATH}/{general}")).status_code == 409
    assert (await supervisor.patch(f"{PATH}/{own}", json={"area": "吴中区"})).status_code == 409
    assert (await supervisor.delete(f"{PATH}/{own}")).status_code == 204
