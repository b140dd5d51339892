"""Elders over REST: registered, found, changed without lost updates, seen as role and area allow (A4, B4, I1)."""

import asyncio
from typing import Any

import pytest

from callcenter.api.deps import Services
from callcenter.people.keeper import CHANGED
from tests.api.conftest import Login

ELDERS = "/api/v1/elders"
FILE: dict[str, Any] = {
    "name": "陈桂英",
    "code": "SZ-1",
    "phones": ["+86 138 0000 1001", "0512-65001001"],
    "contacts": [
        {"role": "family", "name": "陈晓燕", "phone": "8613800001101"},
        {"role": "doctor", "name": "林医生", "phone": "13800001301"},
    ],
    "groups": ["独居", "高龄"],
    "id_number": "320502194103120028",
    "sex": "female",
    "birth_date": "1941-03-12",
    "area": "姑苏区",
    "address": "苏州市姑苏区平江路 128 号",
    "door_code": "3012#",
    "key_holder_name": "徐阿姨",
    "key_holder_phone": "13800002001",
    "latitude": 31.3175,
    "longitude": 120.6353,
    "medical_notes": "高血压\n青霉素过敏",
}


async def test_given_a_full_file_when_posted_then_it_reads_back_with_canonical_numbers(as_role: Login) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ELDERS, json=FILE)).json()
    assert made["phones"] == ["13800001001", "051265001001"]
    assert [contact["phone"] for contact in made["contacts"]] == ["13800001101", "13800001301"]
    assert made["created_at"] == "2026-03-02T09:00:00+08:00"
    assert made == (await admin.get(f"{ELDERS}/{made['id']}")).json()
    same = {key: made[key] for key in FILE if key not in ("phones", "contacts")}
    assert same == {key: FILE[key] for key in same}


async def test_given_a_role_when_it_reads_an_elder_then_it_sees_what_it_needs(as_role: Login) -> None:
    """I1: least privilege; the operator sees the door code, the reviewer does not, few see the identity number."""
    elder = (await (await as_role("admin")).post(ELDERS, json=FILE)).json()
    seen = {}
    for role in ("operator", "supervisor", "qa", "station", "admin"):
        body = (await (await as_role(role)).get(f"{ELDERS}/{elder['id']}")).json()
        seen[role] = (body["door_code"], body["medical_notes"] is not None, body["id_number"])
    whole, masked = FILE["id_number"], "320***********0028"
    assert seen == {
        "operator": ("3012#", True, masked),
        "supervisor": ("3012#", True, whole),
        "qa": (None, False, masked),
        "station": ("3012#", True, masked),
        "admin": ("3012#", True, whole),
    }


async def test_given_an_area_when_its_station_asks_then_only_its_own_elders_exist(as_role: Login) -> None:
    """I3: rights per area."""
    admin = await as_role("admin")
    mine = (await admin.post(ELDERS, json={"name": "甲", "area": "姑苏区"})).json()
    other = (await admin.post(ELDERS, json={"name": "乙", "area": "吴中区"})).json()
    station = await as_role("station", area="姑苏区")
    assert [item["id"] for item in (await station.get(ELDERS)).json()["items"]] == [mine["id"]]
    assert (await station.get(f"{ELDERS}/{other['id']}")).status_code == 404
    assert (await station.patch(f"{ELDERS}/{other['id']}", json={"name": "x"})).status_code == 404
    assert (await station.post(ELDERS, json={"name": "丙", "area": "吴中区"})).status_code == 409
    assert (await station.patch(f"{ELDERS}/{mine['id']}", json={"area": "吴中区"})).status_code == 409
    assert (await station.patch(f"{ELDERS}/{mine['id']}", json={"name": "甲甲"})).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "桂英"}, ["SZ-1"]),
        ({"q": "平江路"}, ["SZ-1"]),
        ({"q": "SZ-"}, ["SZ-1", "SZ-2"]),
        ({"q": "+86 13800001001"}, ["SZ-1"]),
        ({"q": "13800001101"}, ["SZ-1"]),
        ({"q": "13900003001"}, ["SZ-2"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"area": "姑苏区"}, ["SZ-1"]),
        ({"group": "独居"}, ["SZ-1", "SZ-2"]),
        ({"group": "居"}, []),
        ({"active": "false"}, ["SZ-2"]),
        ({"plan_id": "none"}, []),
    ],
)
async def test_given_elders_when_searched_then_those_that_fit_are_found(
    as_role: Login, query: dict[str, str], found: list[str]
) -> None:
    admin = await as_role("admin")
    await admin.post(ELDERS, json=FILE)
    second = (
        await admin.post(ELDERS, json={"name": "李德明", "code": "SZ-2", "groups": ["独居"], "active": False})
    ).json()
    device = {"kind": "pendant", "serial": "P-1", "number": "13900003001", "elder_id": second["id"]}
    assert (await admin.post("/api/v1/devices", json=device)).status_code == 201
    items = (await admin.get(ELDERS, params=query)).json()["items"]
    assert [item["code"] for item in items] == found


async def test_given_pages_when_read_while_others_are_added_then_each_is_seen_once(as_role: Login) -> None:
    admin = await as_role("admin")
    made = [(await admin.post(ELDERS, json={"name": f"老人{n}"})).json()["id"] for n in range(23)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        part = (await admin.get(ELDERS, params=params)).json()
        seen += [item["id"] for item in part["items"]]
        cursor = part["next"]
        if cursor is None:
            break
        await admin.post(ELDERS, json={"name": "新来的"})
        await admin.delete(f"{ELDERS}/{seen[0]}")
    assert len(seen) == len(set(seen))
    assert seen[:23] == made


async def test_given_a_patch_when_it_names_a_field_then_only_that_changes(as_role: Login) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ELDERS, json=FILE)).json()
    changed = (await admin.patch(f"{ELDERS}/{made['id']}", json={"door_code": None, "phones": ["13800001001"]})).json()
    assert changed["door_code"] is None
    assert changed["phones"] == ["13800001001"]
    kept = set(made) - {"door_code", "phones", "version", "updated_at"}
    assert {key: changed[key] for key in kept} == {key: made[key] for key in kept}


async def test_given_contacts_when_the_list_is_replaced_then_those_that_stay_keep_their_id_and_the_order_is_new(
    as_role: Login,
) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ELDERS, json=FILE)).json()
    new = {"role": "family", "name": "陈建国", "phone": "13800001201"}
    wanted = [FILE["contacts"][1], new, FILE["contacts"][0]]
    changed = (await admin.patch(f"{ELDERS}/{made['id']}", json={"contacts": wanted})).json()
    assert [contact["name"] for contact in changed["contacts"]] == ["林医生", "陈建国", "陈晓燕"]
    assert changed["contacts"][0]["id"] == made["contacts"][1]["id"]
    assert changed["contacts"][2]["id"] == made["contacts"][0]["id"]
    assert changed["version"] == made["version"] + 1
    assert changed == (await admin.get(f"{ELDERS}/{made['id']}")).json()


async def test_given_two_people_change_one_elder_when_the_second_read_the_old_one_then_it_is_refused(
    as_role: Login,
) -> None:
    admin = await as_role("admin")
    made = await admin.post(ELDERS, json=FILE)
    path, etag = f"{ELDERS}/{made.json()['id']}", made.headers["etag"]
    first = await admin.patch(path, json={"door_code": "1"}, headers={"If-Match": etag})
    assert first.status_code == 200
    assert first.headers["etag"] != etag
    assert (await admin.patch(path, json={"door_code": "2"}, headers={"If-Match": etag})).status_code == 412
    assert (await admin.delete(path, headers={"If-Match": etag})).status_code == 412
    assert (await admin.patch(path, json={"door_code": "2", "version": 1})).status_code == 409
    fitting = {"If-Match": f"W/{first.headers['etag']}"}
    assert (await admin.patch(path, json={"door_code": "3"}, headers=fitting)).status_code == 200
    assert (await admin.patch(path, json={"door_code": "4"}, headers={"If-Match": "*"})).status_code == 200


async def test_given_many_changes_at_once_when_all_read_the_same_version_then_exactly_one_wins(
    as_role: Login,
) -> None:
    admin = await as_role("admin")
    made = await admin.post(ELDERS, json=FILE)
    path, headers = f"{ELDERS}/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    answers = await asyncio.gather(*(admin.patch(path, json={"door_code": str(n)}, headers=headers) for n in range(6)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert set(codes[1:]) <= {409, 412}


async def test_given_a_taken_code_or_an_unknown_plan_when_written_then_409_says_so(as_role: Login) -> None:
    admin = await as_role("admin")
    first = (await admin.post(ELDERS, json={"name": "甲", "code": "A"})).json()
    await admin.post(ELDERS, json={"name": "乙", "code": "B"})
    for answer in (
        await admin.post(ELDERS, json={"name": "丙", "code": "A"}),
        await admin.patch(f"{ELDERS}/{first['id']}", json={"code": "B"}),
    ):
        assert answer.status_code == 409
        assert "taken" in answer.json()["detail"]
    unknown = await admin.patch(f"{ELDERS}/{first['id']}", json={"plan_id": "nothing"})
    assert unknown.status_code == 409
    assert "response plan" in unknown.json()["detail"]


async def test_given_an_elder_when_deleted_then_hidden_everywhere_and_the_devices_are_free(as_role: Login) -> None:
    admin = await as_role("admin")
    made = (await admin.post(ELDERS, json=FILE)).json()
    device = {"kind": "pendant", "serial": "P-1", "number": "13900003001", "elder_id": made["id"]}
    device_id = (await admin.post("/api/v1/devices", json=device)).json()["id"]
    assert (await admin.get(f"{ELDERS}/{made['id']}")).json()["pendant"] == "13900003001"
    path = f"{ELDERS}/{made['id']}"
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404
    assert (await admin.delete(path)).status_code == 404
    assert (await admin.get(ELDERS)).json()["items"] == []
    assert (await admin.get(f"/api/v1/devices/{device_id}")).json()["elder_id"] is None


async def test_given_a_change_when_committed_then_the_directory_is_told(as_role: Login, services: Services) -> None:
    assert services.bus is not None
    admin = await as_role("admin")
    async with services.bus.subscribe([CHANGED]) as messages:
        await admin.post(ELDERS, json=FILE)
        async with asyncio.timeout(5):
            assert await anext(messages)
        assert (await admin.post(ELDERS, json=FILE)).status_code == 409
        made = await admin.post(ELDERS, json={"name": "乙"})
        assert made.status_code == 201
        async with asyncio.timeout(5):
            assert await anext(messages)
        assert await services.directory.refresh()
    caller = services.directory.directory.find_caller("+8613800001001")
    assert caller is not None
    assert caller.elder is not None
    assert caller.elder.name == "陈桂英"
