"""The generic gateway against a real HTTP server that takes, refuses, fails and falls silent (A3)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from callcenter.clock import SystemClock
from callcenter.notifications import http as notifications_http
from callcenter.notifications.channel import NotSent, Order, Receipt
from callcenter.notifications.gateway import Config, Gateway
from tests.support.providers import Answer, Provider, provider

ORDER = Order("0190b7c2-0000-7000-8000-000000000001", "13700000001", "王秀英跌倒", (), "alert", {"elder": "王秀英"})


@pytest.fixture
async def server() -> AsyncIterator[Provider]:
    async with provider() as running:
        yield running


def gateway(url: str, **changes: Any) -> Gateway:
    document = {
        "url": f"{url}/send?to={{to}}",
        "headers": {"X-Time": "{timestamp}"},
        "json": {"text": "{text}", "code": "{template}", "args": ["{params.elder}"]},
        "templates": {"alert": "T1"},
        "accepted": {"status": [200], "pointer": "/code", "equals": ["OK"], "again": ["BUSY"]},
        "provider_id": "/id",
    }
    return Gateway(Config.model_validate(document | changes), SystemClock())


async def test_given_a_text_when_sent_then_the_provider_gets_what_the_file_says(server: Provider) -> None:
    server.otherwise = lambda request: Answer(200, b'{"code": "OK", "id": "p-1"}')
    channel = gateway(server.url)
    assert await channel.send(ORDER) == Receipt("p-1")
    await channel.close()
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("POST", "/send?to=13700000001")
    assert sent.headers["x-time"].isdecimal()
    assert sent.headers["content-type"].startswith("application/json")
    assert json.loads(sent.body) == {"text": "王秀英跌倒", "code": "T1", "args": ["王秀英"]}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, b'{"code": "isv.MOBILE_NUMBER_ILLEGAL"}'), ("refused_isv.MOBILE_NUMBER_ILLEGAL", False, False)),
        (Answer(200, b'{"code": "BUSY"}'), ("refused_BUSY", True, False)),
        (Answer(200, b"\xff\xfe"), ("garbage", False, True)),
        (Answer(403), ("http_403", False, False)),
        (Answer(502), ("http_502", True, False)),
        (Answer(cut=True), ("cut_off", False, True)),
        (Answer(200, after=30), ("timeout", False, True)),
    ],
)
async def test_given_a_provider_in_trouble_when_asked_then_it_is_known_whether_it_may_be_asked_again(
    server: Provider, monkeypatch: pytest.MonkeyPatch, answer: Answer, outcome: tuple[str, bool, bool]
) -> None:
    if outcome[0] == "timeout":
        monkeypatch.setattr(notifications_http, "SECONDS", 0.3)
    server.answers.append(answer)
    channel = gateway(server.url)
    with pytest.raises(NotSent) as refusal:
        await channel.send(ORDER)
    await channel.close()
    assert (refusal.value.why, refusal.value.again, refusal.value.unknown) == outcome


async def test_given_a_header_that_cannot_be_sent_then_this_message_fails_and_no_other(server: Provider) -> None:
    channel = gateway(server.url, headers={"X-Raw": "ключ"})
    with pytest.raises(NotSent):
        await channel.send(ORDER)
    assert server.requests == []
    await channel.close()
