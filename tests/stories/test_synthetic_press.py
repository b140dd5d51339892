"""2026-03-07, 02:00: nobody calls, and the watchdog presses by itself, to know that the line would answer (A1, R27)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.asterisk_config import synthetic_account
from tests.support.instance import Api, Instance
from tests.support.sipp import until

ON_CALL = "13900000009"


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Instance]:
    async with Instance(tmp_path, alert_numbers=(ON_CALL,)) as instance:
        yield instance


async def findings(api: Api) -> dict[str, str]:
    found = (await api.get("/watchdog"))["findings"]
    return {one["check"]: one["severity"] for one in found}


async def items(api: Api, path: str) -> Any:
    return (await api.get(path))["items"]


async def test_a_press_goes_through_the_whole_chain_is_measured_and_leaves_nothing_for_people_to_do(
    center: Instance,
) -> None:
    op1 = await center.seat("op1")
    api = await center.sign_in("admin")

    first = await api.post("/watchdog/press")
    assert first["result"] == "done", (first, center.log()[-3000:])
    assert 0 <= first["system_ms"] < 1000
    assert 0 <= first["human_ms"] < 5000
    # Its voice, four keys as sounds, went into the room, to the test seat and back.
    assert first["human_ms"] < first["heard_ms"] < 10_000
    assert first["recorded"] is True
    second = await api.post("/watchdog/press")
    assert second["result"] == "done"
    watchdog = await api.get("/watchdog")
    assert watchdog["last_press"] == second
    assert "press_failed" not in await findings(api)

    assert op1.calls == []
    assert await items(api, "/emergencies") == []
    assert await items(api, "/calls") == []
    for path in ("/recordings", "/work-orders", "/follow-ups"):
        assert await items(api, path) == [], path
    ours = await center.until(lambda: items(api, "/emergencies?origin=synthetic"), what="the presses in the record")
    assert [(one["state"], one["outcome"], one["elder_id"]) for one in ours] == [("closed", "synthetic", None)] * 2
    assert {leg["role"] for one in ours for leg in one["legs"]} == {"elder", "seat"}
    assert list(center.settings.recordings_dir.rglob("*.wav")) == []
    metrics = (await center.client.get("/metrics")).text
    assert 'callcenter_synthetic_presses_total{result="done"} 2.0' in metrics
    assert 'callcenter_synthetic_press_seconds_count{stage="heard"} 2.0' in metrics
    assert "callcenter_human_answer_seconds_count 0.0" in metrics
    assert center.asterisk is not None
    assert "0 active channels" in center.asterisk.cli("core show channels count")


async def test_given_an_asterisk_that_cannot_reach_the_controller_then_the_press_fails_and_nobody_is_woken_by_it(
    center: Instance,
) -> None:
    """R2, R27: nothing else would notice before an elder does."""
    op1 = await center.seat("op1")
    api = await center.sign_in("admin")
    assert center.asterisk is not None
    working = f"agi://127.0.0.1:{center.settings.agi_port}"
    center.asterisk.cli("dialplan set global CC_AGI agi://127.0.0.1:1")

    failed = await api.post("/watchdog/press")
    assert failed["result"] == "failed"
    assert failed["stage"] == "answered"  # by Asterisk alone
    await center.until(lambda: _has(api, "press_failed"), what="the finding")
    assert (await findings(api))["press_failed"] == "critical"
    assert (await api.get("/watchdog"))["healthy"] is False
    ready = (await center.client.get("/readyz")).json()
    assert "press_failed" in ready["parts"]["watchdog"]["findings"]
    assert ready["status"] == "ready"
    messages = await center.until(lambda: items(api, "/messages"), what="the message to the on-call mobile")
    assert [message["to"] for message in messages] == [ON_CALL]
    assert op1.calls == []
    assert list(center.settings.spool_dir.glob("*.json")) == []

    center.asterisk.cli(f"dialplan set global CC_AGI {working}")
    assert (await api.post("/watchdog/press"))["result"] == "done"

    async def cleared() -> bool:
        return "press_failed" not in await findings(api)

    await center.until(cleared, what="the finding to be cleared")


async def test_given_a_caller_who_calls_himself_synthetic_then_it_is_a_press_like_any_other(center: Instance) -> None:
    """A8: no name that a caller can give makes a machine answer him."""
    op1 = await center.seat("op1")
    api = await center.sign_in("admin")
    for name in ("synthetic", "watchdog", "press-0123456789abcdef"):
        caller = await center.dial("95120", "x", from_header=f"<sip:{name}@127.0.0.1>", seconds=60)
        await caller.answered(2)
        desk = await (await op1.call(seconds=10)).answer()
        caller.media.play(700)
        await until(lambda: desk.hears(700), 3, f"{name} to be heard")  # noqa: B023 - done before the next turn
        emergency = (await items(api, "/emergencies"))[0]
        assert emergency["origin"] == "press"
        await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "false_alarm"})
        await desk.until("ended")
    # Who knew even the watchdog's secret name would need its password: he is refused, and is no emergency.
    thief = await center.dial("95120", "x", from_header=f"<sip:{synthetic_account(center.settings)[0]}@127.0.0.1>")
    assert await thief.ended() != 0
    assert "answered" not in thief.events
    assert len(await items(api, "/emergencies")) == 3
    assert await items(api, "/emergencies?origin=synthetic") == []


async def test_given_somebody_who_waits_then_the_watchdog_does_not_press(center: Instance) -> None:
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=60)
    await press.answered(2)
    api = await center.sign_in("sup1")
    assert await api.post("/watchdog/press") == await api.post("/watchdog/press")
    assert (await api.post("/watchdog/press"))["why"] == "emergency"
    assert (await findings(api)).get("press_failed") is None
    operator = await center.sign_in("op1")
    await operator.call("POST", "/watchdog/press", status=403)


async def _has(api: Api, check: str) -> bool:
    return check in await findings(api)
