"""2026-02-16, New Year's Eve: a menu for the holidays goes live while somebody is in the old one (B1)."""

from pathlib import Path
from typing import Any

from tests.stories.steps import ready, said
from tests.support.audio import tone, write_wav
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

GREETING = 1300.0
MENU: dict[str, Any] = {
    "name": "春节菜单",
    "root": "main",
    "nodes": {
        "main": {
            "prompts": ["custom-spring"],
            "again": ["menu"],
            "choices": {
                "1": {"do": "node", "to": "services"},
                "6": {"do": "voicemail"},
                "9": {"do": "emergency"},
                "0": {"do": "queue"},
            },
            "otherwise": {"do": "queue"},
            "timeout_seconds": 2,
        },
        "services": {
            "prompts": ["hotline-welcome"],
            "choices": {"2": {"do": "queue", "to": "service"}, "9": {"do": "emergency"}},
            "otherwise": {"do": "node", "to": "main"},
            "timeout_seconds": 2,
            "tries": 1,
        },
    },
}


async def queue_of(api: Api, code: str) -> Any:
    return (await api.get(f"/queues/{code}/callers"))["items"]


async def listening(caller: Caller) -> Caller:
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 3, "the menu")
    return caller


async def test_a_menu_is_uploaded_checked_published_and_interpreted(center: Instance, tmp_path: Path) -> None:
    """B1: a recorded prompt of one's own, two levels, a queue by skill; who is in the old menu ends in the old one."""
    admin, api = await center.sign_in("admin"), await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, 1)
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "除夕"})
    await admin.post("/queues", {"code": "service", "name": "服务"})
    greeting = write_wav(tmp_path / "spring.wav", tone(GREETING, 6))
    made = await admin.call(
        "POST",
        "/prompts",
        data={"name": "custom-spring", "text": "新春快乐"},
        files={"file": ("spring.wav", greeting.read_bytes(), "audio/wav")},
    )
    assert made["seconds"] == 6

    old = await listening(await center.dial("12349", "051288880001", seconds=90))
    draft = await admin.post("/menus", {**MENU, "nodes": {"main": MENU["nodes"]["main"]}})
    problems = (await admin.post(f"/menus/{draft['id']}/check"))["problems"]
    assert {problem["code"] for problem in problems} == {"unknown_node"}
    await admin.post(f"/menus/{draft['id']}/publish", status=409)
    await admin.call("PUT", f"/menus/{draft['id']}", json=MENU)
    await admin.post(f"/menus/{draft['id']}/publish")
    assert (await api.get("/menus/live"))["id"] == draft["id"]

    async def taken_up() -> bool:
        kept = center.settings.data / "menus.json"
        return kept.exists() and draft["id"] in kept.read_text("utf-8")

    await center.until(taken_up, 10, "the controller to know the new menu")
    new = await listening(await center.dial("12349", "051288880002", seconds=90))
    await until(lambda: bool(new.media.hears(GREETING)), 5, "the greeting of our own")
    assert not old.media.hears(GREETING)
    old.media.key("3")
    (first,) = await center.until(lambda: queue_of(api, "general"), 10, "the old menu's choice 3")
    new.media.key("1")
    await said(center, "hotline-welcome", 2)
    new.media.key("2")
    (second,) = await center.until(lambda: queue_of(api, "service"), 10, "the new menu's service queue")
    assert second["call_id"] != first["call_id"]

    await api.call("PUT", "/seats/me/state", json={"state": "ready"})
    desk = await (await op1.call(seconds=10)).answer()
    old.media.play(1900.0)
    await until(lambda: bool(desk.hears(1900.0)), 5, "the first caller to be heard")


async def test_who_presses_nothing_reaches_a_human_and_a_dead_controller_is_the_duty_desk(center: Instance) -> None:
    """B1, A10, R1: silence is asked about once, then an operator; a step without an answer is the fallback."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    await ready(center, api, 1)
    caller = await listening(await center.dial("12349", "051288880003", seconds=120))
    desk = await (await op1.call(seconds=25)).answer()
    assert center.asterisk is not None
    assert center.asterisk.log().count("Playing 'no-input") == 1
    caller.hangup()
    desk.hangup()
    lost = await listening(await center.dial("12349", "051288880004", seconds=60))
    center.kill()
    lost.media.key("1")
    fallback = await (await op1.call(seconds=10)).answer()
    lost.media.play(1900.0)
    await until(lambda: bool(fallback.hears(1900.0)), 5, "the duty desk to hear the caller")
