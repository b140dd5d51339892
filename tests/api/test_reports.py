"""The report of an incident over REST, and the codes (A6, A7)."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select

from callcenter.accounts.model import AccountRow
from callcenter.api.deps import Services
from callcenter.audit.model import AuditRow
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.emergency.tables import EmergencyRow
from callcenter.notifications.tables import MessageRow
from callcenter.recordings.model import RecordingRow
from callcenter.timeline.model import FactRow
from callcenter.worker_link import WorkerLink
from tests.api.conftest import START, Login
from tests.support.incidents import incident_values
from tests.support.pdf import text_of

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
async def incident(database: Database, as_role: Login) -> str:
    """A closed incident of an elder in 姑苏区, with a recording, a message and two facts."""
    admin = await as_role("admin")
    elder = {"name": "王秀英", "area": "姑苏区", "address": "平江路58号", "door_code": "9876#"}
    elder_id = (await admin.post("/api/v1/elders", json=elder)).json()["id"]
    values = incident_values(
        START, elder_id=elder_id, elder_name="王秀英", area="姑苏区", calls=["c1"], human_answer_ms=2_300,
        system_answer_ms=15, answered_by="op1", outcome="hospital", closed_at=START + timedelta(minutes=9),
    )  # fmt: skip
    key: str = values["id"]
    async with database.transaction() as session:
        await session.execute(insert(EmergencyRow.__table__), [values])  # type: ignore[arg-type]
        session.add(
            FactRow(id="f1", at=START, kind="leg.answered", version=1, actor="pbx", call_id="c1", incident_id=key,
                    data={"leg_id": "l", "role": "elder"})
        )  # fmt: skip
        session.add(
            FactRow(id="f2", at=START, kind="emergency.closed", version=1, actor="op1", call_id=None,
                    incident_id=key, data={"outcome": "hospital"})
        )  # fmt: skip
        session.add(
            RecordingRow(
                id="r1", call_id="c1", incident_id=None, leg_id=None, kind="mix", composed=False, path="x",
                format="wav", started_at=START, ended_at=None, expected_seconds=None, seconds=61.5, bytes=1,
                sha256=SHA, status="verified", problem="", verified_at=None, retention_until=None, outlived=None,
            )
        )  # fmt: skip
        session.add(
            MessageRow(
                id="m1", to="13700000001", text="门锁密码9876#", purpose="alert", actor="system", name="女儿王芳",
                role="family", incident_id=key, call_id=None, request_id=None, voice=[], template="", params={},
                state="delivered", why="", requested_at=START, given_up_at=None,
            )
        )  # fmt: skip
    return key


async def test_given_an_incident_when_its_report_is_asked_for_then_a_pdf_comes_and_the_trail_knows(
    as_role: Login, database: Database, incident: str
) -> None:
    """A7, C10: the record is whole, and who made a report of it is on record."""
    answer = await (await as_role("operator")).get(f"/api/v1/emergencies/{incident}/report.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    text = "".join(text_of(answer.content))
    words = ("紧急事件处置报告", "王秀英", "姑苏区", "平江路58号", "2.3 秒", "达标", "已核验", "61.5 秒")
    for word in (*words, "女儿王芳", "已送达", "送医", "事件关闭", "operator1"):
        assert word in text, word
    assert SHA in text
    # A door code and what a message said are for whom they were sent to.
    assert "9876" not in text
    async with database.transaction() as session:
        entry = (await session.scalars(select(AuditRow).where(AuditRow.action == "report"))).one()
        assert (await session.scalars(select(AccountRow))).all() == []
    assert (entry.actor, entry.subject, entry.subject_id) == ("operator1", "emergencies", incident)
    assert answer.headers["x-content-digest"].removeprefix("sha256=") in entry.changes


async def test_given_an_incident_of_another_area_when_asked_for_then_it_is_not_there(
    as_role: Login, incident: str
) -> None:
    """I3. The directory in memory is empty here, so nobody who serves one area sees the elder."""
    station = await as_role("station", area="吴中区")
    assert (await station.get(f"/api/v1/emergencies/{incident}/report.pdf")).status_code == 404
    admin = await as_role("admin")
    assert (await admin.get("/api/v1/emergencies/none/report.pdf")).status_code == 404


async def test_given_the_codes_when_asked_for_then_outcomes_and_causes_come_with_their_names(as_role: Login) -> None:
    answer = (await (await as_role("operator")).get("/api/v1/codes/emergencies")).json()
    assert {"code": "hospital", "zh": "送医", "en": "Taken to hospital"} in answer["outcomes"]
    assert "fall" in {code["code"] for code in answer["causes"]}


async def test_given_an_emergency_that_only_the_controller_knows_when_its_report_is_asked_for_then_try_again(
    app: FastAPI, as_role: Login, services: Services
) -> None:
    """A10: the database lags behind the calls; an incident that is there must not seem not to be."""
    emergencies = SimpleNamespace(find=lambda key: object() if key == "fresh" else None)
    controller = cast(Controller, SimpleNamespace(emergencies=emergencies))
    admin = await as_role("admin")
    app.state.services = replace(services, controller=controller)
    assert (await admin.get("/api/v1/emergencies/fresh/report.pdf")).status_code == 503
    assert (await admin.get("/api/v1/emergencies/none/report.pdf")).status_code == 404


async def test_given_a_close_that_is_not_in_the_database_yet_when_its_report_is_asked_for_then_it_is_waited_for(
    app: FastAPI, as_role: Login, services: Services, incident: str
) -> None:
    """A7: whoever closes and prints at once must not sign a sheet that says that it is still open."""
    lags = iter((5, 2, 0))
    asked: list[int] = []

    class Relay:
        problem = None

        @property
        def lag_facts(self) -> int:
            asked.append(next(lags))
            return asked[-1]

    admin = await as_role("admin")
    app.state.services = replace(services, record=cast(WorkerLink, Relay()))
    assert (await admin.get(f"/api/v1/emergencies/{incident}/report.pdf")).status_code == 200
    assert asked == [5, 2, 0]
