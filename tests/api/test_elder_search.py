"""Finding an elder by what a caller can say, and registering one at the desk (A4, B4, I1, I3)."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from callcenter.accounts.permissions import Principal, Role
from callcenter.api.deps import Services
from callcenter.people.model import ElderRow
from callcenter.people.search import ranked
from callcenter.people.service import elders_query
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal

ELDERS = "/api/v1/elders"
PEOPLE: list[dict[str, Any]] = [
    {
        "name": "单桂英",
        "code": "SZ-1",
        "phones": ["13800001001"],
        "contacts": [{"role": "family", "name": "陈晓燕", "phone": "13911112222"}],
        "id_number": "320502194103120028",
        "birth_date": "1941-03-12",
        "area": "姑苏区",
        "address": "苏州市姑苏区平江路 128 号",
    },
    {"name": "单桂", "code": "SZ-2", "area": "吴中区", "address": "木渎镇金山路 9 号"},
    {"name": "陈桂英", "code": "E_3", "area": "姑苏区", "phones": ["051265001001"], "address": "观前街 66 号"},
    {"name": "O'Brien Mary", "code": "EX3"},
]


@pytest.fixture
async def admin(as_role: Login) -> httpx.AsyncClient:
    client = await as_role("admin")
    for person in PEOPLE:
        assert (await client.post(ELDERS, json=person)).status_code == 201
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("单桂英", ["SZ-1"]),
        ("单桂", ["SZ-2", "SZ-1"]),
        ("桂英", ["SZ-1", "E_3"]),
        ("shanguiying", ["SZ-1"]),
        ("dan gui ying", ["SZ-1"]),
        ("SGY", ["SZ-1"]),
        ("sg", ["SZ-2", "SZ-1"]),
        ("guiying", ["SZ-1", "E_3"]),
        ("chengui", ["E_3"]),
        ("mary", ["EX3"]),
        ("+86 138 0000 1001", ["SZ-1"]),
        ("０５１２-65001001", ["E_3"]),
        ("1001", ["SZ-1", "E_3"]),
        ("2222", ["SZ-1"]),
        ("13911112222", ["SZ-1"]),
        ("平江路 单", ["SZ-1"]),
        ("平江路 陈桂英", []),
        ("观前街", ["E_3"]),
        ("SZ-", ["SZ-2", "SZ-1"]),
        ("E_3", ["E_3"]),
        ("0028", ["SZ-1"]),
        ("320502194103120028", ["SZ-1"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'", ["EX3"]),
        ("|", []),
        (" ", []),
        ("zzzz", []),
    ],
)
async def test_b4_given_what_a_caller_says_when_searched_then_the_surest_first(
    admin: httpx.AsyncClient, query: str, found: list[str]
) -> None:
    answer = await admin.get(ELDERS, params={"query": query})
    assert (answer.status_code, [item["code"] for item in answer.json()["items"]]) == (200, found)
    assert answer.json()["next"] is None


async def test_i1_given_an_operator_when_the_end_of_an_identity_number_is_typed_then_nobody(
    admin: httpx.AsyncClient, as_role: Login
) -> None:
    answer = await (await as_role("operator")).get(ELDERS, params={"query": "0028"})
    assert answer.json()["items"] == []


@pytest.mark.parametrize(
    ("typed", "found"), [("320502194103120028", ["SZ-1"]), ("320502194103120029", []), ("2050219410312002", [])]
)
async def test_b4_given_a_caller_reads_out_the_whole_identity_number_when_an_operator_types_it_then_she_is_found(
    admin: httpx.AsyncClient, as_role: Login, typed: str, found: list[str]
) -> None:
    answer = await (await as_role("operator")).get(ELDERS, params={"query": typed})
    assert [item["code"] for item in answer.json()["items"]] == found
    assert "320502194103120028" not in answer.text


async def test_i3_given_an_area_when_searched_then_only_its_own(admin: httpx.AsyncClient, as_role: Login) -> None:
    station = await as_role("station", area="吴中区")
    codes = [item["code"] for item in (await station.get(ELDERS, params={"query": "sg"})).json()["items"]]
    assert codes == ["SZ-2"]


async def test_given_a_limit_and_a_filter_when_searched_then_both_hold(admin: httpx.AsyncClient) -> None:
    first = await admin.get(ELDERS, params={"query": "桂", "limit": 1})
    assert len(first.json()["items"]) == 1
    there = await admin.get(ELDERS, params={"query": "桂", "area": "吴中区"})
    assert [item["code"] for item in there.json()["items"]] == ["SZ-2"]


async def test_given_a_changed_name_when_searched_then_its_new_pinyin(admin: httpx.AsyncClient) -> None:
    (elder,) = (await admin.get(ELDERS, params={"query": "sz-2"})).json()["items"]
    await admin.patch(f"{ELDERS}/{elder['id']}", json={"name": "吕秀"})
    assert [e["code"] for e in (await admin.get(ELDERS, params={"query": "sg"})).json()["items"]] == ["SZ-1"]
    assert [e["code"] for e in (await admin.get(ELDERS, params={"query": "lx"})).json()["items"]] == ["SZ-2"]
    assert [e["code"] for e in (await admin.get(ELDERS, params={"query": "lvxiu"})).json()["items"]] == ["SZ-2"]


async def test_b4_given_a_stranger_when_registered_at_the_desk_then_there_with_the_number(as_role: Login) -> None:
    operator = await as_role("operator")
    body = {"name": "周福根", "phone": "138 0000 9999", "family_phone": "13900008888", "address": "七都镇"}
    made = await operator.post(f"{ELDERS}/quick", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["phones"] == ["13800009999"]
    assert [contact["name"] for contact in made.json()["contacts"]] == ["家属"]
    assert (await operator.post(ELDERS, json={"name": "x"})).status_code == 403
    assert (await (await as_role("qa")).post(f"{ELDERS}/quick", json=body)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{"name": "甲", "phone": "+8613800001001"}, {"name": "单桂英", "birth_date": "1941-03-12"}],
)
async def test_given_somebody_alike_when_registered_then_warned_and_made_when_forced(
    admin: httpx.AsyncClient, as_role: Login, body: dict[str, Any]
) -> None:
    operator = await as_role("operator")
    warned = await operator.post(f"{ELDERS}/quick", json=body)
    assert (warned.status_code, warned.json()["code"]) == (409, "duplicate_elder")
    assert [one["code"] for one in warned.json()["candidates"]] == ["SZ-1"]
    assert (await operator.post(f"{ELDERS}/quick", json={**body, "force": True})).status_code == 201


async def test_i3_given_an_area_when_somebody_alike_lives_elsewhere_then_not_disclosed(
    admin: httpx.AsyncClient, as_role: Login
) -> None:
    station = await as_role("station", area="吴中区")
    made = await station.post(f"{ELDERS}/quick", json={"name": "乙", "phone": "13800001001"})
    assert (made.status_code, made.json()["area"]) == (201, "吴中区")


async def test_b4_given_an_elder_registered_in_the_call_when_matched_at_once_then_it_is_hers(
    services: Services, as_role: Login
) -> None:
    """The directory in memory may not have taken her up yet."""
    live = with_controller(services, MemoryJournal())
    assert live.controller is not None
    live.controller.arrivals.open(
        line="emergency", did="1", raw_caller="13812345678", channel_id="1", invited_at=services.clock.now()
    )
    (call,) = live.controller.calls.known()
    from callcenter.api.app import create_app

    token = services.tokens.issue(Principal("op1", Role.OPERATOR))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(live)),
        base_url="http://test/api/v1",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        elder = (await client.post("/elders/quick", json={"name": "周福根", "phone": "13812345678"})).json()
        matched = await client.post(f"/calls/{call.id}/elder", json={"elder_id": elder["id"]})
        assert (matched.status_code, matched.json()["elder_name"]) == (200, "周福根")
        assert (await client.post(f"/calls/{call.id}/elder", json={"elder_id": "none"})).status_code == 404
    async with services.database.transaction() as session:
        (row,) = await session.scalars(elders_query())
        assert row.sounds.startswith("|zhoufugen|zfg|")


async def codes(client: httpx.AsyncClient, query: str) -> list[str]:
    return [item["code"] for item in (await client.get(ELDERS, params={"query": query})).json()["items"]]


async def test_b4_given_changes_of_all_kinds_when_searched_then_by_what_holds_now(admin: httpx.AsyncClient) -> None:
    """Phones, contacts, devices and addresses come and go; an elder who was taken off is not found."""
    first, _, third, _ = [f"{ELDERS}/{one['id']}" for one in (await admin.get(ELDERS)).json()["items"]]
    assert await codes(admin, "13911112222") == ["SZ-1"]
    changes = {"contacts": [], "phones": ["13822223333"], "address": "十全街 5 号", "code": "SZ-9", "id_number": None}
    assert (await admin.patch(first, json=changes)).status_code == 200
    for gone in ("13911112222", "13800001001", "平江路", "SZ-1", "0028"):
        assert await codes(admin, gone) == [], gone
    for there in ("3333", "1382222", "十全街5", "sz-9"):
        assert await codes(admin, there) == ["SZ-9"], there
    device = {"kind": "pendant", "serial": "P-1", "number": "1440000000123", "elder_id": first.rpartition("/")[2]}
    made = (await admin.post("/api/v1/devices", json=device)).json()
    assert await codes(admin, "0123") == ["SZ-9"]
    await admin.patch(f"/api/v1/devices/{made['id']}", json={"elder_id": third.rpartition("/")[2]})
    assert await codes(admin, "0123") == ["E_3"]
    await admin.delete(f"/api/v1/devices/{made['id']}")
    assert await codes(admin, "0123") == []
    assert (await admin.delete(first)).status_code == 204
    assert await codes(admin, "单桂英") == []


@pytest.mark.parametrize("query", ["单桂英", "sgy", "1001", "平江路 单", "0028", "陈 观前街 0512"])
async def test_b4_given_a_search_when_explained_then_only_who_fits_is_read(services: Services, query: str) -> None:
    """30 000 elders must not be walked through while a caller waits."""
    async with services.database.transaction() as session:
        if session.get_bind().dialect.name != "sqlite":
            await session.execute(text("SET LOCAL enable_seqscan = off"))  # on a few rows it would be right to scan
        statement = (await ranked(session, Principal("a", Role.ADMIN), query)).with_only_columns(ElderRow.id).limit(50)
        asked = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        how = "EXPLAIN QUERY PLAN " if session.get_bind().dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row) for row in await (await session.connection()).exec_driver_sql(how + asked))
    assert "ix_elder_words_word" in plan
    for scan in ("SCAN elders", "SCAN elder_words", "Seq Scan"):
        assert scan not in plan
