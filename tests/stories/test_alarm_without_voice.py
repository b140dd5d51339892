"""2026-03-05, 02:10: a terminal reports a fall, and nobody calls. She is called back, a human is with her (A5, R19)."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcenter.alarms.sources import signature
from tests.support.instance import Instance
from tests.support.sipp import until

ELDER, OPERATOR = 440.0, 640.0


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Instance]:
    """A centre that waits two seconds for a terminal's own call."""
    async with Instance(tmp_path, wrap_up_seconds=1, alarm_voice_seconds=2) as instance:
        yield instance


async def test_r19_an_alarm_whose_voice_does_not_come_is_called_back_and_reaches_a_human(quick: Instance) -> None:
    elder = quick.elders[0]
    op1 = await quick.seat("op1")
    trunk = await quick.trunk(auto={elder["pendant"]: "answer"})
    api, admin = await quick.sign_in("op1"), await quick.sign_in("admin")
    source = await admin.post("/alarm-sources", {"name": "monitors", "auth": "hmac"})

    async def alarm(kind: str, reference: str) -> Any:
        body = json.dumps(
            {
                "reference": reference,
                "kind": kind,
                "device": elder["pendant"],
                "battery": 55,
                "position": {"latitude": 31.3177, "longitude": 120.6353, "accuracy_m": 9},
            }
        ).encode()
        now = str(int(datetime.now(UTC).timestamp()))
        return await quick.client.post(
            "/api/v1/alarms",
            content=body,
            headers={"X-Timestamp": now, "X-Signature": signature(source["secret"], now, body)},
        )

    async def tested() -> Any:
        answer = await alarm("test", "t-1")
        return answer.json() if answer.is_success else None

    # The installer's test goes all the way, and no phone rings.
    assert (await quick.until(tested, what="the new source to be known"))["acknowledged"]
    assert (await api.get("/emergencies"))["items"] == []

    # She falls; the terminal sends it three times.
    answers = [await alarm("fall", "f-1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    incident_id = answers[0].json()["incident_id"]
    path = f"/emergencies/{incident_id}"
    assert not trunk.calls

    # No call comes: her pendant is called, the desk rings, they speak.
    call_back = await trunk.call(elder["pendant"], seconds=8)
    await call_back.until("answered")
    desk = await (await op1.call(seconds=8)).answer()
    call_back.play(ELDER)
    desk.play(OPERATOR)
    await until(lambda: desk.hears(ELDER), 5, "the operator to hear her")
    await until(lambda: call_back.hears(OPERATOR), 5, "her to hear the operator")
    incident = await api.get(path)
    assert (incident["origin"], incident["kind"], incident["elder_id"]) == ("alarm", "fall", elder["id"])
    assert len((await api.get("/emergencies"))["items"]) == 1

    # Where she is, on the operator's screen.
    where = await api.get(f"/elders/{elder['id']}/location")
    assert where["fix"]["accuracy_m"] == 9
    assert where["fix"]["distance_m"] < 100

    await api.post(f"{path}/close", {"outcome": "hospital"})
    kinds = await quick.until(lambda: _timeline(api, path), what="the alarm in the timeline")
    assert kinds.index("emergency.opened") < kinds.index("alarm.received") < kinds.index("emergency.closed")
    items = await quick.until(lambda: _items(api, incident_id), what="the alarm on record")
    assert [(item["reference"], item["source"], item["battery"]) for item in items] == [("f-1", "monitors", 55)]


async def _timeline(api: Any, path: str) -> list[str]:
    facts = (await api.get(f"{path}/timeline?limit=500"))["items"]
    kinds = [fact["kind"] for fact in facts]
    return kinds if "emergency.closed" in kinds else []


async def _items(api: Any, incident_id: str) -> Any:
    return (await api.get(f"/alarms?incident_id={incident_id}"))["items"]
