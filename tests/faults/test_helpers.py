"""Whom we call does not come: a dead or busy trunk to 120, a silent ambulance, a voicemail (R10, R15)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from tests.faults.center import Center
from tests.faults.table import Tally
from tests.support.ports import free_port
from tests.support.providers import Answer, Provider, Request, provider
from tests.support.sipp import Answerer, until

AMBULANCE_TEXTS = "13900001200"


def took(request: Request) -> Answer:
    return Answer(200, b'{"code": 0}')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sms() -> AsyncIterator[Provider]:
    async with provider() as running:
        running.otherwise = took
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, sms: Provider) -> AsyncIterator[Center]:
    folder = tmp_path_factory.mktemp("center")
    gateway = folder / "gateway.json"
    described: dict[str, Any] = {"url": f"{sms.url}/send", "json": {"to": "{to}", "text": "{text}"}}
    gateway.write_text(json.dumps(described | {"accepted": {"pointer": "/code", "equals": [0]}}), "utf-8")
    async with Center(
        folder,
        trunk2_uri=f"sip:127.0.0.1:{free_port()}",
        message_channels=("gateway",),
        message_gateway=str(gateway),
        ambulance_sms_number=AMBULANCE_TEXTS,
    ) as center:
        yield center


async def second_trunk(center: Center, auto: dict[str, str]) -> Answerer:
    """The far end of the second trunk; closed with the center's other phones."""
    return await center.trunk(auto, uri=center.settings.trunk2_uri)


async def with_an_operator(center: Center, tally: Tally) -> tuple[str, Any]:
    """An elder who talks with op1; her incident."""
    (op1,) = await center.seats("op1")
    press = await center.press(tally, 0, 440)
    await center.talk(tally, press, op1, 440)
    return (await center.of(0))["id"], press


@pytest.mark.fault("R10")
@pytest.mark.parametrize("first", [pytest.param("dead", marks=pytest.mark.long), "busy", "unavailable"])
async def test_the_trunk_to_120_is_no_use_then_the_second_one_is_tried_at_once_and_120_has_one_line(
    center: Center, tally: Tally, sms: Provider, first: str
) -> None:
    """A2, R10: the operator is told at once; the text route goes beside it."""
    incident, press = await with_an_operator(center, tally)
    trunk = None if first == "dead" else await center.trunk(auto={"*": first})
    other = await second_trunk(center, {"120": "answer"})
    texts = len(sms.requests)
    begun = time.monotonic()
    tally.tried += 1
    key = {"Idempotency-Key": f"{first}-120"}
    api = await center.api()
    for _ in range(2):
        await api.post(f"/emergencies/{incident}/legs", {"role": "120"}, headers=key)
    ambulance = await other.call("120", seconds=40)
    tally.note(f"first trunk {first}: the second one rang 120 after {time.monotonic() - begun:.1f} s")
    await ambulance.until("answered", 10)
    (failed,) = [leg for leg in (await center.of(0))["legs"] if leg["role"] == "120" and leg["state"] == "ended"]
    assert failed["reason"] in ("busy", "failed", "unreachable", "no_answer"), (
        "the operator sees that it failed, and why"
    )
    ambulance.play(1240)
    await until(lambda: press.media.hears(1240), 10, "her to hear 120")
    tally.answered += 1
    tally.took(time.monotonic() - begun)
    await until(lambda: _texted(sms, texts), 10, "the text to 120")
    assert [call.number for call in other.calls] == ["120"]
    assert [call.number for call in trunk.calls] == ["120"] if trunk else True
    await center.audit(tally)


def _texted(sms: Provider, since: int) -> bool:
    return any(json.loads(request.body)["to"] == AMBULANCE_TEXTS for request in sms.requests[since:])


@pytest.mark.fault("R10")
@pytest.mark.long
async def test_120_answers_and_is_silent_then_the_operator_is_told_and_the_other_trunk_tried(
    center: Center, tally: Tally
) -> None:
    """R10: fifteen seconds without a sound."""
    incident, press = await with_an_operator(center, tally)
    trunk = await center.trunk(auto={"120": "answer"})
    other = await second_trunk(center, {"120": "answer"})
    begun = time.monotonic()
    tally.tried += 1
    await (await center.api()).post(f"/emergencies/{incident}/legs", {"role": "120"})
    silent = await trunk.call("120")
    await silent.until("answered")
    ambulance = await other.call("120", seconds=30)
    await ambulance.until("answered", 10)
    ambulance.play(1240)
    await until(lambda: press.media.hears(1240), 10, "her to hear 120")
    tally.answered += 1
    tally.took(time.monotonic() - begun)
    await until(lambda: bool(center.witness.bodies(ef.HelpSilent, incident)), 5, "it to be on record")
    await silent.until("ended", 10)
    await center.audit(tally)


@pytest.mark.fault("R15")
@pytest.mark.long
async def test_voicemail_answers_for_the_first_of_the_family_then_it_is_not_accepted_and_the_next_is_called(
    center: Center, tally: Tally, full: bool
) -> None:
    """R15: a machine talks and presses no key."""
    incident, press = await with_an_operator(center, tally)
    trunk = await center.trunk()
    begun = time.monotonic()
    tally.tried += 1
    await (await center.api()).post(f"/emergencies/{incident}/legs", {"role": "family"})
    await until(lambda: bool(trunk.calls), 5, "the first of the family")
    voicemail = await trunk.calls[0].answer()
    voicemail.play(1500)
    await until(lambda: len(trunk.calls) > 1, 40, "the next of the family")
    tally.note(f"the next was called {time.monotonic() - begun:.1f} s after the voicemail began")
    daughter = await trunk.calls[1].accept()
    daughter.play(1240)
    assert daughter.number != voicemail.number
    again = asyncio.create_task(_keep_pressing(daughter))
    await until(lambda: press.media.hears(1240), 20, "her to hear her family")
    again.cancel()
    tally.answered += 1
    tally.took(time.monotonic() - begun)
    assert not press.media.hears(1500)
    if full:
        await until(lambda: _ended(center, incident) == ["not_accepted"], 40, "the voicemail to be given up")
        tally.note(f"the voicemail was given up {time.monotonic() - begun:.1f} s after it began")
        assert press.media.hears(1240)
    await center.audit(tally)


def _ended(center: Center, incident: str) -> list[str]:
    return [body.reason for body in center.witness.bodies(cf.LegEnded, incident) if body.role == "family"]


async def _keep_pressing(call: Any) -> None:
    """Somebody who presses 1 until it helps."""
    while True:
        call.key("1")
        await asyncio.sleep(1.5)
