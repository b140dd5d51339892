"""Care workers and managers over REST, and what the wallboard makes of them (B3, I3)."""

from typing import Any

import pytest
from fastapi import FastAPI

from callcenter.accounts.permissions import Principal, Role
from callcenter.api.deps import Services
from callcenter.people.keeper import DirectoryKeeper
from callcenter.people.schemas import ElderInput
from callcenter.people.service import create_elder
from callcenter.people.staff import Member
from tests.api.conftest import Login
from tests.api.test_imports import DeskHere, OfficeHere, upload

PATH = "/api/v1/staff"
WANG: dict[str, Any] = {
    "name": "王秀兰",
    "kind": "worker",
    "code": "W-1",
    "phone": "138 0000 7001",
    "station": "平江站",
    "area": "姑苏区",
    "starts_on": "2025-05-01",
}


async def test_b3_given_a_supervisor_when_they_keep_the_register_then_it_is_found_changed_and_audited(
    as_role: Login,
) -> None:
    supervisor, admin = await as_role("supervisor"), await as_role("admin")
    made = await supervisor.post(PATH, json=WANG)
    assert made.status_code == 201, made.text
    assert (made.json()["phone"], made.json()["ends_on"]) == ("13800007001", None)
    path = f"{PATH}/{made.json()['id']}"
    other = (await supervisor.post(PATH, json={"name": "李站长", "kind": "manager"})).json()
    assert other["code"].startswith("S")
    for params, codes in (
        ({"kind": "worker"}, ["W-1"]),
        ({"q": "秀"}, ["W-1"]),
        ({"q": "W-"}, ["W-1"]),
        ({"area": "姑苏区", "station": "平江站"}, ["W-1"]),
        ({"on": "2025-04-30"}, [other["code"]]),
        ({}, ["W-1", other["code"]]),
    ):
        assert [one["code"] for one in (await supervisor.get(PATH, params=params)).json()["items"]] == codes
    left = await supervisor.patch(path, json={"ends_on": "2026-02-28"}, headers={"If-Match": made.headers["etag"]})
    assert (left.status_code, left.json()["ends_on"], left.json()["name"]) == (200, "2026-02-28", "王秀兰")
    late = await supervisor.patch(path, json={"name": "x"}, headers={"If-Match": made.headers["etag"]})
    assert late.status_code == 412
    assert (await supervisor.delete(path)).status_code == 204
    assert (await supervisor.get(path)).status_code == 404
    trail = (await admin.get("/api/v1/audit", params={"subject": "care_staff"})).json()["items"]
    assert sorted(entry["action"] for entry in trail) == ["create", "create", "delete", "update"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"code": "W-1"}, 409),
        ({"ends_on": "2025-04-30"}, 422),
        ({"kind": "cook"}, 422),
        ({"phone": "x"}, 422),
        ({"starts_on": 5}, 422),
    ],
)
async def test_r22_given_what_cannot_be_when_written_then_refused(
    as_role: Login, change: dict[str, Any], status: int
) -> None:
    admin = await as_role("admin")
    assert (await admin.post(PATH, json=WANG)).status_code == 201
    assert (await admin.post(PATH, json={**WANG, "code": "W-2", **change})).status_code == status


async def test_i3_given_roles_and_areas_when_they_read_or_write_then_only_their_own(as_role: Login) -> None:
    admin, station = await as_role("admin"), await as_role("station", area="吴中区")
    made = (await admin.post(PATH, json=WANG)).json()
    assert (await station.get(f"{PATH}/{made['id']}")).status_code == 404
    assert (await station.get(PATH)).json()["items"] == []
    assert (await station.post(PATH, json={**WANG, "code": "W-2"})).status_code == 409
    own = await station.post(PATH, json={"name": "周", "kind": "worker"})
    assert (own.status_code, own.json()["area"]) == (201, "吴中区")
    assert (await station.patch(f"{PATH}/{own.json()['id']}", json={"area": None})).status_code == 409
    for role in ("operator", "qa"):
        assert (await (await as_role(role)).get(PATH)).status_code == 403


async def test_b3_given_staff_and_elders_when_the_directory_is_read_then_the_wallboard_counts_them_without_a_database(
    as_role: Login, services: Services
) -> None:
    """A10: also after a start from disk; elders who are not served any more do not count."""
    admin = await as_role("admin")
    await admin.post(PATH, json=WANG)
    async with services.database.transaction() as session:
        for name, area, active in (("陈", "姑苏区", True), ("王", "姑苏区", False), ("李", None, True)):
            data = ElderInput(name=name, area=area, active=active)
            await create_elder(session, services.clock, data, Principal("admin", Role.ADMIN))
    keeper = services.directory
    assert await keeper.refresh()
    restored = DirectoryKeeper(services.database, services.settings.data / "directory.json")
    restored.restore()
    for directory in (keeper.directory, restored.directory):
        assert directory.staff == (Member("worker", "姑苏区", "2025-05-01"),)
        assert directory.served == {"姑苏区": 1, "": 1}
    await admin.patch(f"{PATH}/{(await admin.get(PATH)).json()['items'][0]['id']}", json={"ends_on": "2026-03-01"})
    assert await keeper.refresh()
    assert keeper.directory.staff[0].ends_on == "2026-03-01"


async def test_b3_given_a_list_of_staff_when_imported_then_new_ones_and_changes_are_written(
    app: FastAPI, as_role: Login, services: Services
) -> None:
    app.state.import_desk, app.state.office = DeskHere(services.passwords), OfficeHere()
    supervisor = await as_role("supervisor")
    assert (await supervisor.post(PATH, json=WANG)).status_code == 201
    table = (
        "工号,姓名,岗位,区域,入职日期,离职日期\nW-1,,,,,2026-02-28\nW-2,周,护理员,姑苏区,2026/1/5,\nM-1,李,站长,,,\n"
    )
    draft = (await upload(supervisor, "staff", table)).json()
    assert (draft["ok"], draft["new"], draft["problem_count"]) == (3, 2, 0), draft
    applied = await supervisor.post(f"/api/v1/imports/{draft['id']}/apply")
    assert applied.json()["result"] == {"new": 2, "changed": 1}
    found = {one["code"]: one for one in (await supervisor.get(PATH)).json()["items"]}
    assert (found["W-1"]["ends_on"], found["W-1"]["name"]) == ("2026-02-28", "王秀兰")
    assert (found["W-2"]["kind"], found["W-2"]["starts_on"], found["M-1"]["kind"]) == (
        "worker",
        "2026-01-05",
        "manager",
    )


async def test_r22_given_a_wrong_list_of_staff_when_uploaded_then_told_row_by_row(
    app: FastAPI, as_role: Login, services: Services
) -> None:
    app.state.import_desk, app.state.office = DeskHere(services.passwords), OfficeHere()
    station = await as_role("station", area="吴中区")
    rows = (
        "A,周,厨师,,,",
        "B,周,护理员,姑苏区,,",
        "C,周,护理员,,2026-02-02,2026-02-01",
        "D,,护理员,,,",
        "B,周,护理员,,,",
    )
    table = "\n".join(("工号,姓名,岗位,区域,入职日期,离职日期", *rows))
    draft = (await upload(station, "staff", table)).json()
    assert draft["ok"] == 0
    assert [(one["row"], one["column"]) for one in draft["problems"]] == [
        *((2, "岗位"), (3, "区域"), (4, "离职日期"), (5, "姓名"), (6, "工号"))
    ]
    assert (await upload(await as_role("operator"), "staff", table)).status_code == 403
