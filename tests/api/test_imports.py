"""Imports over REST, on both databases: nothing is written before it is applied, then all of it, once (R22, I1)."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import event, func, select

from callcenter.accounts.model import AccountRow
from callcenter.accounts.passwords import Passwords
from callcenter.api.deps import Services
from callcenter.api.edge import MAX_BODY, UPLOADS
from callcenter.audit.model import AuditRow
from callcenter.clock import ManualClock
from callcenter.devices.model import DeviceRow
from callcenter.errors import InvalidInput
from callcenter.imports import service
from callcenter.imports.desk import ImportDesk
from callcenter.imports.model import ImportRow
from callcenter.imports.work import Order, work
from callcenter.people.keeper import CHANGED
from callcenter.people.model import ElderRow
from callcenter.sheets.office import Office
from callcenter.sheets.reading import Rows, Unreadable, read
from callcenter.sheets.writing import write
from tests.api.conftest import START, Login

PATH = "/api/v1/imports"
IDENTITY = "11010519491231002X"
ELDERS = f"""编号,姓名,电话,身份证号,区域,人群
E1,陈桂英,138 0000 1001；051287654321,{IDENTITY},姑苏区,独居；高龄
E2,王秀英,13800001002,,吴中区,
"""


class DeskHere(ImportDesk):
    """Works in this process: a process of its own for each of these tests would take minutes."""

    def __init__(self, passwords: Passwords) -> None:
        super().__init__()
        self._passwords = passwords

    async def ran(self, order: Order) -> bytes:
        return msgspec.json.encode(await work(order, self._passwords))


class OfficeHere(Office):
    """The same for reading."""

    async def read(self, content: bytes) -> Rows:
        try:
            return read(content)
        except Unreadable as error:
            raise InvalidInput(str(error)) from error

    async def xlsx(self, title: str, header: Any, rows: Any, notes: Any = ()) -> bytes:
        return write(title, header, rows, notes)


@pytest.fixture
def app(app: FastAPI, services: Services) -> FastAPI:
    app.state.import_desk, app.state.office = DeskHere(services.passwords), OfficeHere()
    return app


async def test_given_the_processes_of_the_product_when_a_file_is_uploaded_and_applied_then_it_is_written(
    app: FastAPI, as_role: Login, services: Services
) -> None:
    app.state.import_desk, app.state.office = ImportDesk(), Office()
    admin = await as_role("admin")
    draft = (await upload(admin, "elders", ELDERS)).json()
    assert (await admin.post(f"{PATH}/{draft['id']}/apply")).json()["result"] == {"new": 2, "changed": 0}
    assert await count(services, ElderRow) == 2
    assert (await admin.post(f"{PATH}/{services.clock.now():%Y}/apply")).status_code == 404


async def upload(client: httpx.AsyncClient, kind: str, content: bytes | str, name: str = "名单.csv") -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    return await client.post(PATH, data={"kind": kind}, files={"file": (name, data)})


async def count(services: Services, table: Any) -> int:
    async with services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_given_a_good_file_when_uploaded_and_applied_then_written_once_and_calls_know_at_once(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    answer = await upload(admin, "elders", ELDERS.encode("gb18030"))
    assert answer.status_code == 201, answer.text
    draft = answer.json()
    assert (draft["rows"], draft["ok"], draft["new"], draft["problems"]) == (2, 2, 2, [])
    assert draft["header"][:2] == ["编号", "姓名"]
    assert draft["preview"][0]["cells"][3] == IDENTITY
    assert await count(services, ElderRow) == 0, "nothing is written but the draft"
    assert services.bus is not None
    async with services.bus.subscribe([CHANGED]) as hints:
        hint = asyncio.ensure_future(anext(hints))
        applied = (await admin.post(f"{PATH}/{draft['id']}/apply", json={})).json()
        await asyncio.wait_for(hint, 5)
    assert (applied["state"], applied["result"]) == ("applied", {"new": 2, "changed": 0})
    await services.directory.refresh()
    caller = services.directory.directory.find_caller("+8613800001001")
    assert caller is not None
    assert caller.elder is not None
    assert (caller.elder.name, caller.elder.birth_date, caller.elder.groups) == (
        "陈桂英",
        "1949-12-31",
        ("独居", "高龄"),
    )
    again = (await admin.post(f"{PATH}/{draft['id']}/apply", json={})).json()
    assert (again["result"], await count(services, ElderRow)) == (applied["result"], 2)
    async with services.database.transaction() as session:
        rows = (await session.scalars(select(AuditRow).order_by(AuditRow.seq))).all()
        kept = await session.scalar(select(ImportRow.content))
    assert [row.subject for row in rows if row.action == "create"].count("elders") == 2
    assert {row.actor for row in rows} == {"admin1"}
    assert not any(IDENTITY in row.changes for row in rows if row.subject == "imports")
    assert kept == [], "what was read is forgotten"


async def test_given_rows_with_problems_when_applied_then_refused_until_they_are_left_out(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    draft = (await upload(admin, "elders", ELDERS + "E3,,138,,,\n")).json()
    assert [(one["row"], one["column"]) for one in draft["problems"]] == [(4, "电话"), (4, "姓名")]
    path = f"{PATH}/{draft['id']}/apply"
    assert (await admin.post(path, json={})).status_code == 409
    assert await count(services, ElderRow) == 0
    assert (await admin.post(path, json={"skip_errors": True})).json()["result"] == {"new": 2, "changed": 0}


async def test_given_the_register_changed_meanwhile_when_applied_then_409_and_nothing_is_written(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    draft = (await upload(admin, "elders", ELDERS)).json()
    made = await admin.post("/api/v1/elders", json={"name": "别人", "code": "E2"})
    assert made.status_code == 201
    answer = await admin.post(f"{PATH}/{draft['id']}/apply", json={})
    assert (answer.status_code, "changed" in answer.text) == (409, True)
    assert await count(services, ElderRow) == 1
    assert (await admin.get(f"{PATH}/{draft['id']}")).json()["state"] == "draft"
    draft = (await upload(admin, "elders", ELDERS)).json()
    assert (draft["new"], draft["changed"]) == (1, 1)
    await admin.patch(f"/api/v1/elders/{made.json()['id']}", json={"address": "平江路"})
    assert (await admin.post(f"{PATH}/{draft['id']}/apply", json={})).status_code == 409
    draft = (await upload(admin, "elders", ELDERS)).json()
    assert (await admin.post(f"{PATH}/{draft['id']}/apply", json={})).json()["result"] == {"new": 1, "changed": 1}
    elder = (await admin.get(f"/api/v1/elders/{made.json()['id']}")).json()
    assert (elder["name"], elder["address"], elder["phones"]) == ("王秀英", "平江路", ["13800001002"])


async def test_given_contacts_devices_and_accounts_when_applied_then_each_is_there(
    as_role: Login, services: Services
) -> None:
    admin = await as_role("admin")
    draft = (await upload(admin, "elders", ELDERS)).json()
    await admin.post(f"{PATH}/{draft['id']}/apply", json={})
    contacts = (
        "老人编号,关系,姓名,电话\nE1,家属,女儿,13700000001\nE1,医生,张,13700000002\nE2,guardian,侄子,13700000003\n"
    )
    devices = "序列号,类型,号码,老人编号,心跳(秒)\nPD-1,呼叫器,13800001011,E1,3600\nPD-2,烟感,,,\n"
    accounts = "用户名,姓名,角色,坐席\nop8,甲,话务员,是\nqa8,乙,质检员,否\n"
    results = {}
    for kind, content in (("contacts", contacts), ("devices", devices), ("accounts", accounts)):
        draft = (await upload(admin, kind, content)).json()
        assert draft["problems"] == []
        results[kind] = (await admin.post(f"{PATH}/{draft['id']}/apply")).json()
        assert results[kind]["result"]["new"] == draft["rows"]
        if kind == "contacts":
            again = (await upload(admin, kind, contacts)).json()
            assert len(again["warnings"]) == 3, "already contacts"
            assert (await admin.post(f"{PATH}/{again['id']}/apply")).json()["result"] == {"new": 0, "changed": 0}
    elders = (await admin.get("/api/v1/elders", params={"q": "E1"})).json()["items"]
    assert [one["role"] for one in elders[0]["contacts"]] == ["family", "doctor"]
    assert elders[0]["pendant"] == "13800001011"
    assert await count(services, DeviceRow) == 2
    secrets = {one["user"]: one for one in results["accounts"]["secrets"]}
    assert secrets["op8"]["sip_password"]
    assert secrets["qa8"]["sip_password"] is None
    async with services.database.transaction() as session:
        rows = {row.user: row for row in await session.scalars(select(AccountRow))}
    assert rows["op8"].sip_ha1
    assert await services.passwords.verify(rows["qa8"].password_hash, secrets["qa8"]["password"])


async def test_given_roles_when_importing_then_only_what_they_may_write_and_masked(as_role: Login) -> None:
    station, admin = await as_role("station", area="姑苏区"), await as_role("admin")
    assert (await upload(station, "accounts", "用户名\nx\n")).status_code == 403
    assert (await upload(await as_role("operator"), "elders", ELDERS)).status_code == 403
    draft = (await upload(station, "elders", ELDERS)).json()
    assert [(one["row"], one["column"]) for one in draft["problems"]] == [(3, "区域")]
    assert draft["preview"][0]["cells"][3] == "110***********002X"
    other = (await upload(admin, "accounts", "用户名,姓名,角色\nop8,甲,话务员\n")).json()
    assert [one["id"] for one in (await station.get(PATH)).json()["items"]] == [draft["id"]]
    assert (await station.get(f"{PATH}/{other['id']}")).status_code == 404
    assert (await station.post(f"{PATH}/{other['id']}/apply")).status_code == 404
    applied = await station.post(f"{PATH}/{draft['id']}/apply", json={"skip_errors": True})
    assert applied.json()["result"] == {"new": 1, "changed": 0}


async def test_given_drafts_when_discarded_or_old_then_nothing_is_left_of_the_file(
    as_role: Login, services: Services, clock: ManualClock
) -> None:
    admin = await as_role("admin")
    first, second = [(await upload(admin, "elders", ELDERS)).json()["id"] for _ in range(2)]
    assert (await admin.delete(f"{PATH}/{first}")).status_code == 204
    assert (await admin.post(f"{PATH}/{first}/apply")).status_code == 409
    async with services.database.transaction() as session:
        await service.expire(session, START + timedelta(hours=25))
    clock.move_to(START + timedelta(minutes=1))
    answer = (await admin.get(f"{PATH}/{second}")).json()
    assert (answer["state"], answer["preview"]) == ("discarded", [])


async def test_given_many_drafts_when_listed_then_what_is_in_their_files_is_not_read(
    as_role: Login, services: Services
) -> None:
    """R22, A1: decoding megabytes for a list would hold up the calls of the same process."""
    supervisor = await as_role("supervisor")
    made = await supervisor.post(PATH, data={"kind": "elders"}, files={"file": ("a.csv", ELDERS.encode())})
    assert made.status_code == 201, made.text
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(str(given[2]))

    event.listen(services.database.engine.sync_engine, "before_cursor_execute", note)
    items = (await supervisor.get(PATH)).json()["items"]
    assert [one["id"] for one in items] == [made.json()["id"]]
    assert any("FROM imports" in one for one in asked)
    assert not any("imports.content" in one for one in asked)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"PK\x03\x04 no zip at all", 422),
        (b"\xd0\xcf\x11\xe0old", 422),
        (b"x" * (MAX_BODY + 100), 422),
        (b"x" * (UPLOADS[PATH] + 1), 413),
    ],
)
async def test_given_a_file_of_no_use_when_uploaded_then_it_is_said_and_nothing_kept(
    as_role: Login, services: Services, content: bytes, status: int
) -> None:
    answer = await upload(await as_role("admin"), "elders", content)
    assert answer.status_code == status, answer.text
    assert await count(services, ImportRow) == 0


async def test_given_a_template_when_filled_in_and_uploaded_then_it_is_understood(as_role: Login) -> None:
    admin = await as_role("admin")
    for kind in ("elders", "contacts", "devices", "accounts"):
        template = await admin.get(f"{PATH}/templates/{kind}.xlsx")
        book = openpyxl.load_workbook(io.BytesIO(template.content))
        assert len(book.worksheets) == 2
        draft = (await upload(admin, kind, template.content, "t.xlsx")).json()
        assert (draft["rows"], draft["problems"], draft["warnings"]) == (0, [], []), json.dumps(
            draft, ensure_ascii=False
        )
        assert (await admin.post(f"{PATH}/{draft['id']}/apply")).status_code == 409


async def test_given_nobody_who_is_signed_in_when_a_whole_file_comes_then_it_is_not_read(
    client: httpx.AsyncClient, as_role: Login
) -> None:
    """R22: a form is read, and lies in a file, before anybody asks who sends it."""
    big = {"file": ("a.csv", b"x" * (MAX_BODY + 1))}
    assert (await client.post(PATH, data={"kind": "elders"}, files=big)).status_code == 413
    wrong = {"Authorization": "Bearer x"}
    assert (await client.post(PATH, data={"kind": "elders"}, files=big, headers=wrong)).status_code == 413
    supervisor = await as_role("supervisor")
    assert (await supervisor.post(PATH, data={"kind": "elders"}, files=big)).status_code != 413
