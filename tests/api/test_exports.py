"""Lists as files: what the asker may see, nothing that runs, an entry in the audit trail for each (H2, I1)."""

import csv
import io

import openpyxl
import pytest
from sqlalchemy import select

from callcenter.api import exports, files
from callcenter.api.deps import Services
from callcenter.audit.model import AuditRow
from callcenter.calls import facts as cf
from callcenter.calls.tables import CallProjector
from callcenter.db import Database
from callcenter.facts import record
from callcenter.reports.tables import FiguresProjector
from callcenter.routing import facts as rf
from tests.api.conftest import START, Login

API = "/api/v1"


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


async def test_given_elders_when_exported_then_masked_as_in_the_list_and_audited(
    as_role: Login, services: Services
) -> None:
    admin, station = await as_role("admin"), await as_role("station", area="姑苏区")
    for name, area in (("=陈桂英", "姑苏区"), ("王秀英", "吴中区")):
        body = {"name": name, "area": area, "phones": ["13800001001"], "id_number": "320502194503120025"}
        assert (await admin.post(f"{API}/elders", json={**body, "door_code": "1234"})).status_code == 201
    whole = rows_of((await admin.get(f"{API}/elders.csv")).content)
    assert [row[1] for row in whole[1:]] == ["王秀英", "'=陈桂英"]
    assert whole[1][3] == "320502194503120025"
    mine = rows_of((await station.get(f"{API}/elders.csv")).content)
    assert [(row[1], row[3], row[8]) for row in mine[1:]] == [("'=陈桂英", "320***********0025", "1234")]
    answer = await admin.get(f"{API}/elders.xlsx", params={"area": "姑苏区"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet[2]][1] == ("=陈桂英", "s")
    async with services.database.transaction() as session:
        noted = (
            await session.scalars(select(AuditRow).where(AuditRow.action == "export").order_by(AuditRow.seq))
        ).all()
    assert [(row.actor, row.subject) for row in noted] == [
        ("admin1", "elders"),
        ("station1", "elders"),
        ("admin1", "elders"),
    ]
    assert '"rows":[null,2]' in noted[0].changes


async def test_given_calls_and_orders_when_exported_then_all_of_them_are_there(
    as_role: Login, services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PIECE", 2)
    facts = []
    for number in range(5):
        opened = cf.CallOpened(
            line="hotline", caller=f"1380000000{number}", did="", room="", recording="", invited_at=START
        )
        bodies = (opened, rf.HotlineQueued(queue="vip"), cf.CallEnded(answered=False, seconds=9))
        facts += [record(body, START, "x", call_id=f"call-{number}") for body in bodies]
    async with database.transaction() as session:
        await CallProjector().apply(session, facts)
        await FiguresProjector(5).apply(session, facts)
    supervisor = await as_role("supervisor")
    rows = rows_of((await supervisor.get(f"{API}/calls.csv")).content)
    assert [row[2][-1] for row in rows[1:]] == ["4", "3", "2", "1", "0"]
    assert rows[1][4] == "2026-03-02 09:00:00"
    assert rows[1][8] == "vip"
    assert len(rows_of((await supervisor.get(f"{API}/calls.csv", params={"line": "emergency"})).content)) == 1
    for summary in ("打扫", "=买菜"):
        assert (await supervisor.post(f"{API}/work-orders", json={"summary": summary})).status_code == 201
    orders = rows_of((await supervisor.get(f"{API}/work-orders.csv")).content)
    assert [row[5] for row in orders[1:]] == ["'=买菜", "打扫"]
    assert len(rows_of((await supervisor.get(f"{API}/follow-ups.csv")).content)) == 1
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    answer = await supervisor.get(f"{API}/calls.csv")
    assert (answer.status_code, "narrow" in answer.text) == (422, True)


async def test_given_an_operator_when_exporting_then_403(as_role: Login) -> None:
    operator = await as_role("operator")
    for name in ("calls", "work-orders", "follow-ups", "elders"):
        assert (await operator.get(f"{API}/{name}.csv")).status_code == 403
