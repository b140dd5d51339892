"""2026-03-02, 02:10: no seat is there; the on-call mobile is texted, once over our death; it is followed (A3, A4)."""

import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.instance import Api, Instance
from tests.support.providers import Answer, Provider, Request, provider
from tests.support.sipp import until

DUTY = "13911110001"
SECRET = "a secret of sixteen letters"


def took(request: Request) -> Answer:
    return Answer(200, json.dumps({"code": 0, "sid": json.loads(request.body)["session"][:8]}).encode())


@pytest.fixture
async def sms() -> AsyncIterator[Provider]:
    async with provider() as running:
        running.otherwise = took
        yield running


@pytest.fixture
async def center(tmp_path: Path, sms: Provider) -> AsyncIterator[Instance]:
    described = {
        "url": f"{sms.url}/send",
        "json": {"to": "{to}", "text": "{text}", "session": "{id}"},
        "accepted": {"pointer": "/code", "equals": [0]},
        "provider_id": "/sid",
        "report": {"secret": SECRET, "id": "/session", "status": "/status", "delivered": ["DELIVRD"]},
    }
    path = tmp_path / "gateway.json"
    path.write_text(json.dumps(described), "utf-8")
    async with Instance(
        tmp_path, duty_numbers=(DUTY,), message_channels=("gateway",), message_gateway=str(path)
    ) as instance:
        yield instance


def texts(sms: Provider) -> list[dict[str, str]]:
    return [json.loads(request.body) for request in sms.requests]


async def only_message(api: Api, **query: str) -> Any:
    items = (await api.get("/messages", params=query))["items"]
    return items[0] if len(items) == 1 else None


async def reports(center: Instance, session: str, secret: str = SECRET) -> int:
    body = json.dumps({"session": session, "status": "DELIVRD"}).encode()
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    answer = await center.client.post(
        "/api/v1/messages/gateway/report", content=body, headers={"X-Signature": signature}
    )
    return answer.status_code


async def test_the_on_call_mobile_is_texted_once_over_our_death_and_its_delivery_is_known(
    center: Instance, sms: Provider
) -> None:
    trunk = await center.trunk()
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await press.answered(2)
    await until(lambda: any(text["to"] == DUTY for text in texts(sms)), 8, "a text to the on-call mobile")
    await trunk.call(DUTY, 3)
    (text,) = [text for text in texts(sms) if text["to"] == DUTY]
    assert center.elders[0]["name"] in text["text"]
    api = await center.sign_in("op1")

    async def sent() -> Any:
        message = await only_message(api, to=DUTY)
        return message if message and message["state"] == "sent" else None

    before = await center.until(sent, 3, "the provider's answer to be on record")
    assert before["purpose"] == "alert"
    assert before["attempts"][0]["provider_id"] == text["session"][:8]

    center.kill()
    await center.serve()
    assert await reports(center, text["session"], "another secret of letters") == 403
    assert await reports(center, text["session"]) == 200

    async def delivered() -> Any:
        message = await only_message(api, to=DUTY)
        return message if message and message["state"] == "delivered" else None

    after = await center.until(delivered, 3, "the delivery to be known")
    assert after["id"] == before["id"]
    # The ladder is at work again, and the mobile is rung again; it is not texted again.
    await trunk.call(DUTY, 30)
    assert len([again for again in texts(sms) if again["to"] == DUTY]) == 1

    async def timeline() -> bool:
        facts = (await api.get(f"/emergencies/{after['incident_id']}/timeline"))["items"]
        told = [fact["kind"] for fact in facts if fact["data"].get("message_id") == after["id"]]
        return told == ["message.requested", "message.attempted", "message.sent", "message.delivered"]

    await center.until(timeline, 10, "all of it to be in the timeline")


async def test_on_one_click_the_briefing_goes_to_the_family_past_a_provider_that_stumbles(
    center: Instance, sms: Provider
) -> None:
    elder = center.elders[0]
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    press = await center.dial("95120", elder["pendant"], seconds=120)
    await press.answered(2)
    await (await op1.call(seconds=5)).answer()
    (emergency,) = (await api.get("/emergencies"))["items"]
    path = f"/emergencies/{emergency['id']}/briefings"
    sms.answers += [Answer(503), Answer(503)]
    asked = await api.post(path, {"role": "family"}, headers={"Idempotency-Key": "k1"})
    family = {message["to"] for message in asked["items"]}
    assert family >= {contact["phone"] for contact in elder["contacts"] if contact["role"] == "family"}

    async def sent() -> Any:
        found = [await api.get(f"/messages/{message['id']}") for message in asked["items"]]
        return found if all(message["state"] == "sent" for message in found) else None

    found = await center.until(sent, 10, "the briefing to be sent")
    tries = sorted([attempt["why"] for attempt in message["attempts"]] for message in found)
    assert tries[-2:] == [["http_503", ""], ["http_503", ""]]
    again = await api.post(path, {"role": "family"}, headers={"Idempotency-Key": "k1"})
    assert {message["id"] for message in again["items"]} == {message["id"] for message in asked["items"]}
    taken = [text for text in texts(sms) if text["to"] in family]
    assert len(taken) == len(family) + 2
    assert all(elder["name"] in text["text"] for text in taken)
